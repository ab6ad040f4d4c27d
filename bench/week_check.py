"""What the letters of the week carried, read from the letters themselves, held against what their readers follow."""

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from email import message_from_bytes, policy
from email.message import EmailMessage
from html import unescape

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.articles.models import Article
from app.editions.compile import ITEMS_MAX
from app.editions.models import Edition, EditionKind
from app.topics.classify import Rank
from app.topics.models import ArticleTopic
from bench.week_readers import Reader
from bench.week_replay import Sent

_HEADING = re.compile(r"<h[23][^>]*><a href=\"([^\"]+)\"")


@dataclass(frozen=True)
class Known:
    """An article as the database has it in the end: its link, story, source and language, when it came."""

    link: str
    story: int
    source: int | None
    language: str
    came_at: datetime
    topics: frozenset[str]
    mainly: frozenset[str]


@dataclass(frozen=True)
class Read:
    """One letter of an edition as its reader got it."""

    at: datetime
    kind: EditionKind
    subject: str
    message: EmailMessage
    links: tuple[str, ...]


@dataclass
class Account:
    """What one reader got: letters, the stories of each; what came twice, never, or found no room."""

    reader: Reader
    letters: Sequence[Read]
    stories: list[set[int]] = field(default_factory=list)
    topics: list[set[str]] = field(default_factory=list)
    repeated: list[int] = field(default_factory=list)
    missed: list[int] = field(default_factory=list)
    without_room: list[int] = field(default_factory=list)


def known_articles(session: Session) -> list[Known]:
    """Return all articles of the week."""
    topics: dict[int, list[tuple[str, Rank]]] = defaultdict(list)
    for article_id, topic, rank in session.execute(
        select(ArticleTopic.article_id, ArticleTopic.topic, ArticleTopic.rank)
    ):
        topics[article_id].append((topic, rank))
    return [
        Known(
            each.link or "", each.story_id or -each.id, each.source_id, each.language, each.added_at,
            frozenset(key for key, _ in topics[each.id]),
            frozenset(key for key, rank in topics[each.id] if rank is Rank.PRIMARY),
        )
        for each in session.scalars(select(Article).where(Article.flood_id.is_(None)))
    ]  # fmt: skip


def read_letters(session: Session, reader: Reader, sent: Iterable[Sent]) -> list[Read]:
    """Return the letters of editions that a reader got, taken apart."""
    kinds = dict(session.execute(select(Edition.public_id, Edition.kind)).all())
    letters = []
    for each in sent:
        message = message_from_bytes(each.data, policy=policy.default)
        assert isinstance(message, EmailMessage)
        kind = kinds.get(str(message["Feedback-ID"]).partition(":")[0])
        if each.recipient == reader.address and kind is not None:
            links = tuple(map(unescape, _HEADING.findall(body_of(message, "html"))))
            letters.append(Read(each.at, kind, str(message["Subject"]), message, links))
    return letters


def body_of(message: EmailMessage, kind: str) -> str:
    """Return the text of one part, "html" or "plain"."""
    part = message.get_body((kind,))
    assert part is not None
    content = part.get_content()
    assert isinstance(content, str)
    return content


def account_of(reader: Reader, letters: Sequence[Read], articles: Sequence[Known]) -> Account:
    """Return what became of one reader's week."""
    account, by_link = Account(reader, letters), {article.link: article for article in articles}
    times: Counter[int] = Counter()
    for letter in letters:
        carried = [by_link[link] for link in letter.links]
        account.stories.append({article.story for article in carried})
        account.topics.append({key for article in carried for key in article.topics})
        if letter.kind is not EditionKind.ERRATUM:
            times.update(article.story for article in carried)
    account.repeated = [story for story, number in times.items() if number > 1]
    for story in sorted(_wanted(reader, account, articles) - set(times)):
        of_story = [article for article in articles if article.story == story and article.language in reader.languages]
        (account.without_room if _has_no_room(letters, of_story) else account.missed).append(story)
    return account


def _wanted(reader: Reader, account: Account, articles: Sequence[Known]) -> set[int]:
    """Return the stories that the reader's last digest closed over and that are to their wishes."""
    last = max((letter.at for letter in account.letters if letter.kind is EditionKind.NUMBER), default=None)
    stories: dict[int, list[Known]] = defaultdict(list)
    for article in articles:
        stories[article.story].append(article)
    return {
        story
        for story, members in stories.items()
        if any(each.language in reader.languages and last and each.came_at <= last for each in members)
        and not any(each.mainly & reader.interests.muted for each in members)
        and (not reader.interests.followed or any(each.topics & reader.interests.followed for each in members))
    }


def _has_no_room(letters: Iterable[Read], of_story: Sequence[Known]) -> bool:
    """Tell whether the digest that was to bring a story, the first after it came, was full."""
    came_at = min(article.came_at for article in of_story)
    digests = (letter for letter in letters if letter.kind is EditionKind.NUMBER and letter.at >= came_at)
    return len(next(digests).links) >= ITEMS_MAX
