"""The one place that knows all parts and wires them."""

from collections.abc import Mapping
from pathlib import Path
from typing import Literal

from flask import Flask
from flask_alembic import Alembic
from werkzeug.middleware.proxy_fix import ProxyFix

from app import cli, models
from app.choices import dossier as choices
from app.db import UtcDateTime, make_migration_engine
from app.editions import dossier as editions
from app.editions.records import CLIPPING_INDEX
from app.feedback import dossier as feedback
from app.jobs import fleet
from app.product import Teller, make_product
from app.subscriptions.rights import dossier as subscriptions
from app.templating import FILTERS
from app.topics.models import ARTICLE_INDEX
from app.web import admin, bursts, errors, hooks, public, security
from config import Config

ROOT = Path(__file__).resolve().parent.parent


def make_app(config: Config) -> Flask:
    """Return the Flask app for `config`; touches no database."""
    app = Flask("app", template_folder=str(ROOT / "templates"), static_folder=str(ROOT / "app" / "static"))
    app.jinja_env.filters.update(FILTERS)
    app.extensions["vigie"] = make_product(config, fleet.announce, tellers=tellers(config))
    behind_proxies = ProxyFix(app.wsgi_app, x_for=config.trusted_proxies, x_proto=0)
    app.wsgi_app = security.under_own_scheme(behind_proxies, config)  # type: ignore[assignment, method-assign]
    add_migrations(app, config)
    security.protect(app, config)
    bursts.protect(app, config.bursts)
    errors.register(app)
    public.register(app)
    admin.register(app)
    hooks.register(app, config)
    cli.register(app)
    return app


def tellers(config: Config) -> Mapping[str, Teller]:
    """Return all that gather what is held of a reader, in the order in which a reader is shown it."""
    return {**subscriptions.tellers(config), **choices.tellers(config), **editions.tellers(), **feedback.tellers()}


def add_migrations(app: Flask, config: Config) -> None:
    """Let Alembic find `migrations/` and compare it with the models; `flask db` drives it."""
    app.config["ALEMBIC"] = {"script_location": str(ROOT / "migrations")}
    app.config["ALEMBIC_CONTEXT"] = {
        "render_as_batch": True,
        "compare_type": True,
        "render_item": render_type,
        "include_name": is_ours,
    }
    engine = make_migration_engine(config.database_url)
    Alembic(app, run_mkdir=False, command_name="", metadatas=models.Base.metadata, engines=engine)


def is_ours(name: str | None, kind: str, _: object) -> bool:
    """Return whether a table or index is one of the models': Procrastinate keeps its own beside them, search too."""
    return not (name or "").startswith(("procrastinate_", CLIPPING_INDEX.name, ARTICLE_INDEX.name))


def render_type(kind: str, item: object, _: object) -> str | Literal[False]:
    """Write our time type into a migration as what it is underneath: migrations outlive the code they came from."""
    return "sa.DateTime(timezone=True)" if kind == "type" and isinstance(item, UtcDateTime) else False
