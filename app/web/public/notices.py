"""The privacy policy, in every version that was ever shown, and the legal notice."""

from flask import abort, render_template

from app.newsletters.wordings import policy_versions
from app.web import product
from app.web.public import LANGUAGE, bp


@bp.get(f"/{LANGUAGE}/privacy", provide_automatic_options=False)
def privacy(language: str) -> str:
    """Show the privacy policy in force."""
    return _policy_page(language, None)


@bp.get(f"/{LANGUAGE}/privacy/<int:version>", provide_automatic_options=False)
def privacy_version(language: str, version: int) -> str:
    """Show an earlier privacy policy, as it was."""
    return _policy_page(language, version)


@bp.get(f"/{LANGUAGE}/legal", provide_automatic_options=False)
def legal(language: str) -> str:
    """Show who publishes and who hosts (LCEN art. 1-1)."""
    return render_template("public/legal.html")


def _policy_page(language: str, version: int | None) -> str:
    with product().database.reading() as session:
        versions = policy_versions(session, language=language)
    policy = next((each for each in versions if version in {None, each.version}), None)
    if policy is None:
        abort(404)
    return render_template("public/privacy.html", policy=policy, versions=versions)
