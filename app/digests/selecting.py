"""What one reader's digest carries, out of the stories there are. Pure: the same for all who chose and had the same.

A story is offered once something about it has arrived that the reader can read and has not been looked through for
them; whatever they have had of it, in any language or letter, takes it out.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from app.choices.choices import Interests
from app.stories.ranking import Ranked, Standing, by_shares, half_life_over, on_themes_first, rank, with_lead
from app.topics.topic import TopicKind


@dataclass(frozen=True)
class Piece:
    """An article of a story, of which `rank` says how good it is among those in its language, 1 for the best.

    `is_bare`: only its title is known.
    """

    article_id: int
    language: str
    source_id: int | None
    arrived_at: datetime
    rank: int
    is_bare: bool = False


@dataclass(frozen=True)
class Offer:
    """A story that digests may carry: its standing, what it is mainly about, and its pieces in any language.

    `chosen`: the one that editors have stand for it, for whoever gets it. `leads`: they had a letter open with it.
    """

    standing: Standing
    pieces: tuple[Piece, ...]
    mainly: frozenset[str] = frozenset()
    chosen: Piece | None = None
    leads: bool = False

    @property
    def article_ids(self) -> frozenset[int]:
        """The ids of the articles of its pieces."""
        return frozenset(piece.article_id for piece in self.pieces)

    @property
    def is_on_theme(self) -> bool:
        """Whether it is on one of the newsletter's themes."""
        return any(topic.startswith(TopicKind.THEME.prefix) for topic in self.standing.topics)

    def piece_for(self, languages: Sequence[str]) -> Piece | None:
        """Return what a reader of `languages`, the dearest first, gets of it."""
        readable = [piece for piece in self.pieces if piece.language in languages]
        if self.chosen is not None and readable:
            return self.chosen
        return min(readable, key=lambda piece: (languages.index(piece.language), piece.rank), default=None)

    def has_news(self, languages: Sequence[str], since: datetime) -> bool:
        """Whether something of it that can be read arrived after `since`."""
        return any(piece.arrived_at > since and piece.language in languages for piece in self.pieces)


@dataclass(frozen=True)
class Bounds:
    """How much one letter carries: `items` in all, `per_source` of one feed before all others had theirs."""

    items: int
    per_source: int


def select_articles(
    offers: Iterable[Offer],
    *,
    language: str,
    interests: Interests,
    since: datetime,
    had: frozenset[int],
    now: datetime,
    bounds: Bounds,
    half_life: timedelta,
) -> tuple[int, ...]:
    """Return the ids of the articles, in order, of the digest of a reader whose letters are in `language`.

    `had` are the ids of the stories that letters to them carried before. Stories on a theme, or on what the reader
    follows, come before the others. What a feed has beyond its share comes last, in the room that is left; no letter
    opens with a bare title while another story says more, unless editors had it lead. A story counts half after
    `half_life`, or after as much time as the letter looks back on, if that is more.
    """
    languages = (language, *interests.also_reads)
    wanted = [
        offer
        for offer in offers
        if offer.standing.story_id not in had
        and interests.wants(offer.standing.topics, mainly=offer.mainly)
        and offer.has_news(languages, since)
    ]
    found = ((offer.standing.story_id, offer.piece_for(languages)) for offer in wanted)
    pieces = {story_id: piece for story_id, piece in found if piece is not None}
    ranked = rank(
        (offer.standing for offer in wanted), now, followed=interests.followed,
        half_life=half_life_over(since, now, least=half_life),
    )  # fmt: skip
    opened = _in_turn(ranked, wanted, pieces, followed=interests.followed, per_source=bounds.per_source)
    return tuple(pieces[story.story_id].article_id for story in opened[: bounds.items])


def _in_turn(
    ranked: Sequence[Ranked],
    offers: Iterable[Offer],
    pieces: Mapping[int, Piece],
    *,
    followed: frozenset[str],
    per_source: int,
) -> list[Ranked]:
    """Return ranked stories in the order of a letter; `pieces` are what stands for each."""
    fits, leading = set[int](), set[int]()
    for offer in offers:
        story_id = offer.standing.story_id
        fits |= {story_id} if offer.is_on_theme or offer.standing.topics & followed else set()
        leading |= {story_id} if offer.leads else set()
    first = on_themes_first(ranked, fits.__contains__)
    in_turn = by_shares(first, lambda story_id: pieces[story_id].source_id, per_source=per_source)
    opened = with_lead(in_turn, lambda story_id: not pieces[story_id].is_bare, fits.__contains__)
    return sorted(opened, key=lambda story: story.story_id not in leading)
