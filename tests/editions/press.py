"""What the tests of editions share: articles worth a digest, and editions in each state."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy.orm import Session

from app.articles.models import Article, Source
from app.editions.audience import start_edition
from app.editions.compile import compile_edition
from app.editions.compose import read_manuscript, set_letter
from app.editions.lines import Compilation
from app.editions.models import Edition, EditionItem, EditionStatus
from app.product import Product
from tests.conftest import NOW
from tests.make import make_article, make_source, newsletter

TITLES = {
    "fr": [
        "Câbles sous-marins : la Baltique organise sa surveillance",
        "Satellites : l’Europe réserve ses fréquences",
        "Qui peut désactiver un câble ? Les juristes répondent",
    ],
    "en": [
        "Undersea cables: Baltic states pool their watch",
        "Europe stakes out its frequencies",
        "Who may switch off a cable? Lawyers answer",
    ],
}
SUMMARIES = {
    "fr": "« Personne n’a cédé », assure un négociateur ; le texte laisse chacun libre de son calendrier.",
    "en": "“Nobody gave in”, a negotiator says; the text leaves everyone to their own calendar.",
}


def make_feed(session: Session, name: str = "Le Détroit", *, language: str = "fr") -> Source:
    """A feed of its own address and name."""
    source = make_source(session, location=f"https://feeds.example/{name.lower().replace(' ', '-')}", language=language)
    source.name = name
    return source


def fill_newsroom(session: Session, *, language: str = "fr", at: datetime = NOW - timedelta(hours=1)) -> None:
    """Two articles of a feed and one of the newsroom's own, without a link; the first is the newest."""
    feed = make_feed(session, {"fr": "Le Détroit", "en": "The Strait"}[language], language=language)
    for place, title in enumerate(TITLES[language]):
        is_own = place == 2
        article = make_article(
            session,
            title=title.replace(" :", "\u00a0:").replace(" ?", "\u00a0?"),
            summary=SUMMARIES[language].replace("« ", "«\u00a0").replace(" »", "\u00a0»").replace(" ;", "\u00a0;"),
            language=language,
            link=None if is_own else f"https://strait.example/{language}/{place}?a=1&b=2",
            source=None if is_own else feed,
            added_at=at,
        )
        article.published_at = at - timedelta(hours=place)


def compile_now(session: Session, *, language: str = "fr", now: datetime = NOW, **options: object) -> Compilation:
    """Compile what has arrived up to `now`."""
    return compile_edition(
        session,
        newsletter=newsletter(session),
        language=language,
        until=now,
        now=now,
        **options,  # type: ignore[arg-type]
    )


def make_draft(session: Session, *, language: str = "fr", now: datetime = NOW) -> Edition:
    """A draft of three articles."""
    fill_newsroom(session, language=language, at=now - timedelta(hours=1))
    return session.get_one(Edition, compile_now(session, language=language, now=now).edition_id)


def start(session: Session, product: Product, edition: Edition, *, now: datetime = NOW) -> int:
    """Start an edition as an admin does."""
    letter = set_letter(
        read_manuscript(session, edition_id=edition.id, now=now), config=product.config, links=product.links, now=now
    )
    return start_edition(session, letter=letter, actor="a@desk.example", now=now, announce=product.announce)


def make_sent(session: Session, articles: Sequence[Article], *, language: str = "fr", at: datetime = NOW) -> Edition:
    """An edition of these articles that was sent."""
    edition = Edition(
        newsletter_id=newsletter(session).id, language=language, status=EditionStatus.SENT, since=at, until=at,
        subject=articles[0].title, preheader="Aussi\u00a0: le reste", created_at=at, started_at=at, finished_at=at,
    )  # fmt: skip
    edition.items = [EditionItem(article=article, position=place) for place, article in enumerate(articles, start=1)]
    session.add(edition)
    session.flush()
    return edition
