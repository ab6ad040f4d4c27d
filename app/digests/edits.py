"""What editors made of a digest that holds for its variants too: what they took out is in none, what leads leads."""

from collections.abc import Iterable
from dataclasses import dataclass, replace

from sqlalchemy.orm import Session

from app.digests.selecting import Offer
from app.editions.history import ends_of
from app.editions.models import Edition
from app.editions.records import DraftAct
from app.editions.states import read_layout, state_of, taken_out


@dataclass(frozen=True)
class Edits:
    """Ids of articles: those taken `out`, those that the digest carries in order, and those that it was `compiled` of.

    `compiled` is None where that is no longer known.
    """

    out: frozenset[int] = frozenset()
    carried: tuple[int, ...] = ()
    compiled: tuple[int, ...] | None = ()

    def applied_to(self, offers: Iterable[Offer]) -> list[Offer]:
        """Return what variants may carry of `offers`, with what stands for each story of the digest, and what leads.

        A story of which an article was taken out, and none was left, is in none.
        """
        edited = [self._with_chosen(offer) for offer in offers]
        lead = self._lead(edited)
        return [
            replace(offer, leads=True) if offer is lead else offer
            for offer in edited
            if offer.chosen is not None or not self.out & offer.article_ids
        ]

    def _with_chosen(self, offer: Offer) -> Offer:
        pieces = {piece.article_id: piece for piece in offer.pieces}
        chosen = next((pieces[article_id] for article_id in self.carried if article_id in pieces), None)
        return replace(offer, chosen=chosen) if chosen else offer

    def _lead(self, offers: Iterable[Offer]) -> Offer | None:
        """Return the story that editors put first, if they did.

        What came first when the digest was compiled, or follows what was taken out from before it, is nobody's choice.
        """
        of_article = {article_id: offer for offer in offers for article_id in offer.article_ids}
        first = of_article.get(self.carried[0]) if self.carried else None
        if first is None or self.compiled is None:
            return first
        stories = (of_article.get(article_id) for article_id in self.compiled)
        left = next((offer for offer in stories if offer is not None and offer.chosen is not None), None)
        return None if left is first else first


def read_edits(session: Session, edition: Edition) -> Edits:
    """Return what editors made of a digest; nothing where none has touched it."""
    ends = ends_of(session, edition.id) if edition.revision else ()
    if not ends:
        return Edits()
    first, last = ends[0], ends[-1]
    places = read_layout(first.state["layout"]) if first.act is DraftAct.COMPILED else None
    return Edits(
        out=frozenset(taken_out(state_of(edition, before=last.state))),
        carried=tuple(item.article_id for item in edition.items),
        compiled=None if places is None else tuple(place.article_id for place in places),
    )
