"""Where mail providers report what became of copies: an address each, whose authority is a signature or password."""

import logging
from collections.abc import Mapping

from flask import Blueprint, Flask, Response, abort, current_app, request

from app.clock import now
from app.errors import HookRefused
from app.feedback.aside import Aside
from app.feedback.hooks import fetch_small, hear, make_providers
from app.feedback.ingest import ingest
from app.feedback.providers.hook import Hook, Provider
from app.web import product
from config import Config

log = logging.getLogger(__name__)

#: Providers send up to some thousand events at once.
MAX_BODY_BYTES = 1_000_000

bp = Blueprint("hooks", __name__, url_prefix="/hooks")


def register(app: Flask, config: Config) -> None:
    """Listen to the providers that `config` names; any other is not found."""
    app.extensions["providers"] = make_providers(config, fetch=Aside(fetch_small))
    app.register_blueprint(bp)


@bp.post("/<name>", provide_automatic_options=False)
def receive(name: str) -> Response:
    """Take in what a provider reports; what it says stands in no log."""
    provider = _providers().get(name) or abort(404)
    request.max_content_length = MAX_BODY_BYTES
    headers = {key.lower(): value for key, value in request.headers.items()}
    hook = Hook(headers, request.get_data(cache=False), request.remote_addr or "")
    try:
        notices = hear(provider, hook, now=now())
    except HookRefused as error:
        log.warning("a report of %s is refused: %s", name, error)
        raise
    if notices:
        with product().database.transaction() as session:
            ingest(session, notices, now=now())
    return Response(status=200)


def _providers() -> Mapping[str, Provider]:
    providers: Mapping[str, Provider] = current_app.extensions["providers"]
    return providers
