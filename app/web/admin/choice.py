"""Which newsletter the desk looks at: what the address or a form names, else the choice before, else the first one.

Where there is one newsletter nothing of this is shown.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from flask import Response, g, request
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.errors import NotFound
from app.newsletters.models import Newsletter
from app.web.admin import bp
from app.web.admin.cookies import keep_newsletter, kept_newsletter

#: The word by which addresses and forms of the desk name a newsletter.
FIELD = "newsletter"


@dataclass(frozen=True)
class Choice:
    """The newsletter that was chosen, and all that there are, the oldest first."""

    newsletter: Newsletter
    newsletters: Sequence[Newsletter]

    @property
    def named(self) -> str | None:
        """What an address says that means this newsletter and no other: nothing where there is no other."""
        return self.newsletter.slug if len(self.newsletters) > 1 else None

    def names(self, language: str) -> dict[int, str]:
        """Return what newsletters are called, by id; nothing where there is only one."""
        return {each.id: each.in_language(language).name for each in self.newsletters} if self.named else {}


def read_choice(session: Session) -> Choice:
    """Return the newsletter that is asked for. Raises NotFound where there is none of that name."""
    newsletters = session.scalars(select(Newsletter).order_by(Newsletter.id)).all()
    return choose(newsletters)


def choose(newsletters: Sequence[Newsletter]) -> Choice:
    """Return the one of `newsletters` that is asked for. Raises NotFound where there is none of that name."""
    by_slug = {each.slug: each for each in newsletters}
    named = request.form.get(FIELD) or request.args.get(FIELD)
    found = by_slug.get(named) if named else by_slug.get(kept_newsletter(), next(iter(newsletters), None))
    if found is None:
        raise NotFound("there is no such newsletter")
    if request.method == "GET" and named:
        g.chosen_newsletter = found.slug
    return Choice(found, newsletters)


@bp.after_request
def keep_choice(response: Response) -> Response:
    """Let the browser keep what an address chose, for the pages that come after it."""
    if "chosen_newsletter" in g:
        keep_newsletter(response, g.chosen_newsletter)
    return response
