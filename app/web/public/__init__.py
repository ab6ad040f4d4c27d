"""What readers see: the form, the confirm, leave and preference pages, the archive, the notices."""

from collections.abc import Collection
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from flask import Blueprint, Flask, abort, current_app, redirect, request, url_for

from app import i18n, templating
from app.clock import now
from app.newsletters.models import Newsletter
from app.web import product

LANGUAGE = "<any(fr, en):language>"
#: What addresses of a newsletter begin with; those of the first one, which was alone once, with LANGUAGE.
SECOND = f"/{LANGUAGE}/newsletters/<slug>"

bp = Blueprint("public", __name__)


def register(app: Flask) -> None:
    """Put the public pages on `app`."""
    # The views attach to `bp` as they are imported, and import it from here.
    from app.web.public import (  # noqa: F401,PLC0415
        address,
        answers,
        archive,
        confirm,
        counting,
        crawling,
        feeds,
        leaving,
        my_data,
        notices,
        preferences,
        proof,
        rights,
        search,
        signup,
        topics,
    )

    app.register_blueprint(bp)
    app.context_processor(page_words)


def page_words() -> dict[str, object]:
    """Give every template its words in the language of the address, and what the frame of a page shows."""
    config = product().config
    language = page_language()
    return {
        **templating.words(language),
        "identity": config.identity,
        **about_newsletter(None, language),
        "today": now().astimezone(ZoneInfo(config.timezone)).date(),
        "other_languages": ways(i18n.LANGUAGES),
    }


def about_newsletter(newsletter: Newsletter | None, language: str) -> dict[str, object]:
    """Return what a page in `language` says of the newsletter that it is about: its words, and where its own pages are.

    These are in `newsletter_language`, which is another one where it does not have the page's.
    """
    if newsletter is None:
        return {"newsletter": None, "slug": None, "newsletter_language": language}
    face = newsletter.in_language(language)
    return {"newsletter": face, "slug": newsletter.address_slug, "newsletter_language": face.language}


def own_page(newsletter: Newsletter, language: str) -> dict[str, object]:
    """Return what one of a newsletter's own pages says of it, and the ways to the same page in its other languages."""
    return {**about_newsletter(newsletter, language), "other_languages": ways(newsletter.language_codes)}


def check_language(newsletter: Newsletter, language: str) -> None:
    """Lead to the same page in a language that the newsletter has, if it has none of its own in `language`."""
    if language in newsletter.language_codes:
        return
    page = same_page(newsletter.in_language(language).language)
    if request.method == "POST":
        abort(redirect(page, code=303))
    abort(redirect(f"{page}?{urlencode([*request.args.items(multi=True)])}" if request.args else page))


def page_language() -> str:
    """Return the language that the address asked for names, or the default one where it names none."""
    named = (request.view_args or {}).get("language") or request.path.lstrip("/").partition("/")[0]
    return named if named in i18n.LANGUAGES else i18n.DEFAULT_LANGUAGE


def same_page(language: str) -> str:
    """Return the path of the page asked for in another language; of the form, or the front page, where it has none."""
    endpoint = (request.endpoint or "").removesuffix("_submit")
    arguments = dict(request.view_args or {})
    if "language" not in arguments:
        return f"/{language}/"
    if endpoint not in current_app.view_functions:
        form = "public.embed" if "embedded" in request.args else "public.home"
        return url_for(form, language=language, slug=arguments.get("slug"))
    return url_for(endpoint, **{**arguments, "language": language})


def ways(languages: Collection[str]) -> list[tuple[str, str, str]]:
    """Return the code, the name and the path of the page asked for in those of `languages` that it is not in."""
    present = page_language()
    return [
        (code, name, same_page(code)) for code, name in i18n.LANGUAGES.items() if code in languages and code != present
    ]
