"""A newsroom's own template, tried before it is saved: on letters of every kind, in each language of its newsletter.

Each of them passes the template's own rules and the gate's checks of a letter.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy.orm import Session

from app.articles.models import Article, Source
from app.editions.models import AlsoIn, Edition, EditionItem, EditionKind
from app.editions.typeset import typeset_trial
from app.gate.findings import Finding, Level, What
from app.gate.letter import check_parts
from app.links import Links
from app.newsletters.models import LetterTemplate, Newsletter
from app.newsletters.templates import add_version
from app.sandbox.faults import Fault, refuse
from config import Config

#: As many stories as a letter must always have room for, with summaries as long as they come.
MANY, LONG = 30, 900
#: What a template cannot help.
_NOT_ITS = frozenset({What.LINK_TRIAL})


@dataclass(frozen=True)
class _Texts:
    """What the specimen says in one language."""

    subject: str
    preheader: str
    introduction: str
    section: str
    titles: tuple[str, ...]
    summary: str


_TEXTS = {
    "fr": _Texts(
        "Ports\N{NO-BREAK SPACE}: trois semaines de brouillard, et ce qu’il a caché",
        "Aussi\N{NO-BREAK SPACE}: un câble réparé, une loi relue et un phare rallumé",
        "*Bonjour,*\n\nla semaine fut longue\N{NO-BREAK SPACE}; [le dossier](https://desk.example/dossier) la résume."
        "\n\n- un port\n- un câble",
        "En mer",
        (
            "Le port rouvre après trois semaines de brouillard",
            "Câbles & satellites\N{NO-BREAK SPACE}: qui répare quoi, et «\N{NO-BREAK SPACE}quand\N{NO-BREAK SPACE}»",
            "Une loi de douze lignes, relue mot à mot",
        ),
        "Personne n’avait vu la côte depuis le début du mois\N{NO-BREAK SPACE}; les pilotes comptaient les cloches. ",
    ),
    "en": _Texts(
        "Ports: three weeks of fog, and what it hid",
        "Also: a cable mended, a law read again and a lighthouse lit",
        "*Good morning,*\n\nit was a long week; [the file](https://desk.example/file) sums it up.\n\n- a port\n"
        "- a cable",
        "At sea",
        (
            "The port reopens after three weeks of fog",
            "Cables & satellites: who mends what, and “when”",
            "A law of twelve lines, read word by word",
        ),
        "Nobody had seen the coast since the month began; the pilots had been counting bells. ",
    ),
}  # fmt: skip


@dataclass(frozen=True)
class Trial:
    """A template that sets every letter, and what the gate finds in them."""

    source: str
    findings: tuple[Finding, ...]

    @property
    def failures(self) -> tuple[Finding, ...]:
        """What would keep each edition back."""
        return tuple(finding for finding in self.findings if finding.level is Level.FAILURE)


def try_template(source: str, *, newsletter: Newsletter, config: Config, links: Links, now: datetime) -> Trial:
    """Set every kind of letter from a template, and look at each as the gate does.

    Raises TemplateRefused for what is no letter, with the line where it is one's; InputRefused where the stories that
    a letter must have room for do not fit.
    """
    source = source.replace("\r\n", "\n").strip() + "\n"
    found: dict[Finding, None] = {}
    for edition in trial_editions(newsletter, now):
        parts = typeset_trial(edition, source, newsletter=newsletter, config=config, links=links, at=now)
        found |= dict.fromkeys(check_parts(parts.html, parts.text, config))
    return Trial(source, tuple(finding for finding in found if finding.what not in _NOT_ITS))


def save_trial(
    session: Session, trial: Trial, *, newsletter_id: int, note: str, author: str, now: datetime
) -> LetterTemplate:
    """Add a template that was tried as a new version; it is not yet in force.

    Raises TemplateRefused where the gate would keep its letters back, and as `add_version` does.
    """
    if trial.failures:
        raise refuse(Fault.CHECK, ", ".join(sorted({finding.what.value for finding in trial.failures})))
    return add_version(session, newsletter_id=newsletter_id, source=trial.source, note=note, author=author, now=now)


def trial_editions(newsletter: Newsletter, now: datetime) -> Iterator[Edition]:
    """Yield specimens of all that a template has to set: full, bare, extras, and as long as they come."""
    for face in newsletter.languages:
        yield trial_edition(newsletter, face.language, now)
        for kind in (EditionKind.FLASH, EditionKind.ERRATUM):
            yield _edition(newsletter, face.language, now, kind, _items(face.language, now)[:1])
        bare = _edition(newsletter, face.language, now, EditionKind.NUMBER, _items(face.language, now)[2:3])
        bare.introduction = bare.preheader = ""
        yield bare
    language = newsletter.languages[0].language
    yield _edition(newsletter, language, now, EditionKind.NUMBER, _items(language, now, MANY, LONG))


def trial_edition(newsletter: Newsletter, language: str, now: datetime) -> Edition:
    """Return a specimen of a digest with all that one may hold; it is no row."""
    items = _items(language, now, 12)
    for item in items[3:]:
        item.section = _texts(language).section
    return _edition(newsletter, language, now, EditionKind.NUMBER, items)


def _edition(
    newsletter: Newsletter, language: str, now: datetime, kind: EditionKind, items: Sequence[EditionItem]
) -> Edition:
    texts = _texts(language)
    return Edition(
        public_id="specimen",
        newsletter_id=newsletter.id,
        language=language,
        kind=kind,
        subject=texts.subject,
        preheader=texts.preheader,
        introduction=texts.introduction,
        since=now - timedelta(days=2),
        until=now,
        items=list(items),
    )


def _items(language: str, now: datetime, number: int = 3, length: int = 200) -> list[EditionItem]:
    """Return stories: every third has no link, every fifth is in another language and named beside others."""
    items = []
    for place in range(number):
        item = EditionItem(article=_article(language, place, now, length), position=place + 1)
        if place % 5 == 1:
            other = _article(language, number + place, now, length)
            item.also = [AlsoIn(article=other, position=1)]
        items.append(item)
    return items


def _article(language: str, place: int, now: datetime, length: int) -> Article:
    spoken = next(code for code in _TEXTS if code != language) if place % 5 == 1 else language
    texts = _texts(spoken)
    title = texts.titles[place % len(texts.titles)]
    return Article(
        source=Source(name="Le Détroit" if spoken == "fr" else "The Strait"),
        title=title if place < len(texts.titles) else f"{title} ({place + 1})",
        summary=(texts.summary * (length // len(texts.summary))).strip(),
        link=None if place % 3 == 2 else f"https://desk.example/{place}?a=1&b=2",
        language=spoken,
        published_at=now - timedelta(hours=place + 1),
        reading_minutes=4 if place % 2 else None,
    )


def _texts(language: str) -> _Texts:
    return _TEXTS.get(language, _TEXTS["en"])
