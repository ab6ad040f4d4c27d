"""The letters of editions, cast: what all copies of one share, encoded once and kept."""

from collections.abc import Mapping
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session, joinedload

from app.delivery.claims import ClaimedChunk
from app.editions.compose import letterhead_for, make_letter, marked_links, marks_of, newsletter_of
from app.editions.counting import counted_mark, with_own_ways, with_shared_ways
from app.editions.models import Edition
from app.editions.typeset import Parts
from app.errors import NotFound
from app.links import Links
from app.mail.letter import Mold, cast
from app.newsletters.models import Newsletter
from app.settings.publication import Measurement
from config import Config

#: Letters that are kept. More than two editions are seldom under way at once, but one may have many variants.
MOLDS_KEPT = 64
#: An edition's id, and whether its mold is for readers who let us count or for all others.
MoldKey = tuple[int, bool]


class Molds:
    """Casts the letters of frozen editions, which never change, and keeps the newest of them."""

    def __init__(self, config: Config, links: Links) -> None:
        self._config = config
        self._links = links
        self._kept: dict[MoldKey, Mold] = {}

    def get_all(self, session: Session, dates: Mapping[MoldKey, datetime]) -> dict[MoldKey, Mold]:
        """Return the molds of letters with these dates. Raises NotFound for an edition that was never frozen."""
        molds = {key: self._kept[key] for key in dates if key in self._kept}
        lacking = dates.keys() - molds.keys()
        editions = _read_frozen(session, {edition_id for edition_id, _ in lacking})
        newsletters = {edition.newsletter_id: newsletter_of(session, edition) for edition in editions.values()}
        for key in lacking:
            edition_id, is_counted = key
            edition = editions[edition_id]
            molds[key] = self._cast(edition, newsletters[edition.newsletter_id], dates[key], is_counted=is_counted)
            self._keep(key, molds[key])
        return molds

    def _keep(self, key: MoldKey, mold: Mold) -> None:
        if len(self._kept) >= MOLDS_KEPT:
            self._kept.pop(next(iter(self._kept)))
        self._kept[key] = mold

    def _cast(self, edition: Edition, newsletter: Newsletter, date: datetime, *, is_counted: bool) -> Mold:
        if edition.content is None:
            raise NotFound("the edition was never frozen")
        parts = Parts(html=edition.content.html, text=edition.content.text)
        marks: tuple[str, ...] = marks_of(edition)
        if is_counted:
            parts, marks = with_own_ways(parts, edition, self._links), (*marks, counted_mark(edition))
        elif self._config.measurement is not Measurement.OFF:
            parts = with_shared_ways(parts, edition, self._links)
        letter = make_letter(
            edition,
            newsletter=newsletter,
            letterhead=letterhead_for(edition, newsletter, self._config),
            config=self._config,
            links=self._links,
            subject=edition.content.subject,
            parts=parts,
            unsubscribe_url=marked_links(edition, self._links).unsubscribe_url,
            is_automatic=edition.is_automatic,
        )
        return cast(letter, date=date, marks=marks)


def letter_of(chunk: ClaimedChunk) -> int:
    """Return the edition whose letter a chunk's copies are: a variant, or the edition itself."""
    return chunk.variant_id or chunk.edition_id or 0


def _read_frozen(session: Session, edition_ids: set[int]) -> Mapping[int, Edition]:
    if not edition_ids:
        return {}
    frozen = select(Edition).where(Edition.id.in_(edition_ids)).options(joinedload(Edition.content))
    return {edition.id: edition for edition in session.scalars(frozen)}
