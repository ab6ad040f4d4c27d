"""A newsletter's own letter template: numbered versions that are added to and never changed, one of them in force."""

from datetime import datetime

from sqlalchemy import Select, select
from sqlalchemy.orm import Session, defer

from app.errors import FieldsRefused, NotFound
from app.newsletters.models import LetterTemplate, Newsletter
from app.templating import TEMPLATES

MAX_NOTE = 200


def add_version(
    session: Session, *, newsletter_id: int, source: str, note: str, author: str, now: datetime
) -> LetterTemplate:
    """Add a version of a newsletter's template, which is not yet in force; whoever calls has checked `source`.

    Raises FieldsRefused where it is the newest one over again, or the note is too long.
    """
    note = " ".join(note.split())
    if len(note) > MAX_NOTE:
        raise FieldsRefused({"note": "long"})
    hold_newsletter(session, newsletter_id)
    newest = session.scalars(versions_of(newsletter_id).limit(1)).one_or_none()
    if newest is not None and newest.source == source:
        raise FieldsRefused({"mjml": "unchanged"})
    version = newest.version + 1 if newest else 1
    added = LetterTemplate(
        newsletter_id=newsletter_id, version=version, source=source, note=note, author=author, created_at=now
    )
    session.add(added)
    session.flush()
    return added


def put_in_force(session: Session, *, newsletter_id: int, version: int | None) -> None:
    """Set what leaves from now on from `version` of a newsletter's template, or from the product's for None.

    Raises NotFound.
    """
    newsletter = hold_newsletter(session, newsletter_id)
    if version is not None:
        read_version(session, newsletter_id=newsletter_id, version=version)
    newsletter.template_version = version
    session.flush()
    session.expire(newsletter, ["template"])


def read_template(newsletter: Newsletter) -> str | None:
    """Return the template in force of a newsletter's own; None where it is set from the product's."""
    if newsletter.template_version is None:
        return None
    assert newsletter.template is not None
    return newsletter.template.source


def product_template() -> str:
    """Return the product's template, which a template of one's own begins as a copy of."""
    return (TEMPLATES / "email/edition.mjml").read_text(encoding="utf-8")


def read_version(session: Session, *, newsletter_id: int, version: int) -> LetterTemplate:
    """Return one version of a newsletter's template. Raises NotFound."""
    query = versions_of(newsletter_id).where(LetterTemplate.version == version)
    found = session.scalars(query).one_or_none()
    if found is None:
        raise NotFound(f"this newsletter has no version {version} of its template")
    return found


def versions_of(newsletter_id: int) -> Select[LetterTemplate]:
    """Select the versions of a newsletter's template, newest first."""
    query = select(LetterTemplate).where(LetterTemplate.newsletter_id == newsletter_id)
    return query.order_by(LetterTemplate.version.desc())


def without_source(versions: Select[LetterTemplate]) -> Select[LetterTemplate]:
    """Select versions for a list of them."""
    return versions.options(defer(LetterTemplate.source, raiseload=True))


def hold_newsletter(session: Session, newsletter_id: int) -> Newsletter:
    """Return a newsletter, locked until this transaction ends: versions are numbered one after another.

    Raises NotFound.
    """
    query = select(Newsletter).where(Newsletter.id == newsletter_id).with_for_update(key_share=True, of=Newsletter)
    newsletter = session.scalars(query).one_or_none()
    if newsletter is None:
        raise NotFound(f"no newsletter {newsletter_id}")
    return newsletter
