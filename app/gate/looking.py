"""The gate's look at an edition: every check, one list. What has to ask the network was asked before, in background."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.delivery.expiry import WAITING_COUNTED
from app.editions.compose import Manuscript, SetLetter, manuscript_of, newsletter_of, set_letter
from app.editions.draft import fingerprint
from app.editions.models import UNSENT, Edition
from app.editions.pieces import web_address
from app.errors import InputRefused, TransitionRefused
from app.gate.audience import Last, Place, check_last, read_last, read_places
from app.gate.content import check_content, check_twin
from app.gate.findings import Check, Finding, Level, What, failures, level_of
from app.gate.identity import check_identity, check_own_sender
from app.gate.letter import check_message
from app.gate.links import check_repeats
from app.gate.markup import parse_markup
from app.gate.models import Override
from app.gate.probing import Probed, ProbeKind, edition_subject, read_probes
from app.gate.specimen import write_specimen
from app.gate.styles import rules_of
from app.gate.support import Loss, read_losses
from app.gate.unsettable import finding_of
from app.links import Links
from app.newsletters.models import Newsletter
from config import Config

_HEAVIEST_FIRST = (Level.FAILURE, Level.WARNING, Level.OK)
#: What no reason helps against: there is nothing to send, nobody to send it to, or it may not leave.
_IMPOSSIBLE = frozenset({What.EMPTY, What.NOBODY, What.EMBARGO, What.UNSETTABLE})


@dataclass(frozen=True)
class Look:
    """What the gate saw of an edition. `letter` is None where none can be set; `overrides` are of just this content.

    `places`: how many subscriptions stand where, at `counted_at` where that was not just now.
    `losses`: what some mail programs do not show. `probes`: what was asked of the network, and when.
    """

    edition: Edition
    newsletter: Newsletter
    fingerprint: str
    letter: SetLetter | None
    findings: tuple[Finding, ...]
    places: Mapping[Place, int]
    counted_at: datetime | None
    last: Last | None
    losses: Sequence[Loss]
    probes: Mapping[ProbeKind, Probed]
    overrides: Sequence[Override]
    skipped: frozenset[Check]

    @property
    def readers(self) -> int:
        """How many get it."""
        return self.places.get(Place.GETS, 0)

    @property
    def superseded(self) -> int:
        """How many copies of earlier editions are given up when it starts, as far as they are counted."""
        return self.last.waiting if self.last else 0

    @property
    def superseded_is_more(self) -> bool:
        """Whether there may be more of them."""
        return self.superseded >= WAITING_COUNTED

    @property
    def html_kb(self) -> int:
        """The size of the decoded HTML part."""
        return round(len(self.letter.parts.html.encode()) / 1000) if self.letter else 0

    @property
    def failures(self) -> frozenset[What]:
        """What keeps it back, whether or not somebody lets it pass."""
        return failures(self.findings)

    @property
    def blocking(self) -> frozenset[What]:
        """What keeps it back and nobody has let pass."""
        return self.not_passed(self.failures)

    def not_passed(self, failing: frozenset[What]) -> frozenset[What]:
        """Return what of some failures nobody has let pass."""
        passed = {name for override in self.overrides for name in override.failures.split()}
        return frozenset(what for what in failing if what.value not in passed)

    @property
    def is_impossible(self) -> bool:
        """Whether no reason helps."""
        return bool(self.failures & _IMPOSSIBLE)

    def of(self, check: Check) -> list[Finding]:
        """Return what one check found, the weightiest first."""
        found = [finding for finding in self.findings if finding.check is check]
        return sorted(found, key=lambda finding: _HEAVIEST_FIRST.index(finding.level))

    def level(self, check: Check) -> Level:
        """Return the weightiest level of what one check found."""
        return level_of(self.of(check))

    def checks(self, level: Level) -> list[Check]:
        """Return the checks that came out at `level`."""
        return [check for check in Check if check not in self.skipped and self.level(check) is level]


@dataclass(frozen=True)
class Sight:
    """All that is read of an edition before it is looked at: the database is not needed from then on.

    `manuscript` is None where no letter can be set; `found` is what the rows tell by themselves.
    """

    edition: Edition
    newsletter: Newsletter
    fingerprint: str
    manuscript: Manuscript | None
    found: tuple[Finding, ...]
    places: Mapping[Place, int]
    counted_at: datetime | None
    last: Last | None
    probes: Mapping[ProbeKind, Probed]
    overrides: Sequence[Override]


def read_sight(session: Session, edition: Edition, *, config: Config, now: datetime) -> Sight:
    """Read what is looked at of an edition as it stands. Raises TransitionRefused where it has started."""
    if edition.status not in UNSENT:
        raise TransitionRefused(f"the edition is no draft any more: it is {edition.status.value}")
    seen, newsletter = fingerprint(edition), newsletter_of(session, edition)
    (places, counted_at), last = read_places(session, edition=edition, now=now), read_last(session, edition)
    probes = read_probes(session, (edition_subject(edition.id, seen), config.mail.sender_domain))
    found = list(_of_edition(session, edition, newsletter, last, now=now))
    found += _of_sending(edition, newsletter, last, readers=places.get(Place.GETS, 0), config=config)
    found += _of_probes(probes, config)
    manuscript = None
    try:
        manuscript = None if What.EMBARGO in failures(found) else manuscript_of(edition, newsletter)
    except InputRefused as refusal:
        found.append(finding_of(refusal))
    overrides = read_overrides(session, edition.id, seen)
    return Sight(edition, newsletter, seen, manuscript, tuple(found), places, counted_at, last, probes, overrides)


def look_at(sight: Sight, *, config: Config, links: Links, now: datetime) -> Look:
    """Look at an edition as it was read: set its letter and check it. Asks nobody, and stores nothing."""
    if sight.manuscript is None:
        return look_of(sight, None, config=config, links=links, now=now)
    try:
        letter = set_letter(sight.manuscript, config=config, links=links, now=now)
    except InputRefused as refusal:
        refused = replace(sight, found=(*sight.found, finding_of(refusal)))
        return look_of(refused, None, config=config, links=links, now=now)
    return look_of(sight, letter, config=config, links=links, now=now)


def look_of(sight: Sight, letter: SetLetter | None, *, config: Config, links: Links, now: datetime) -> Look:
    """Return what is seen of an edition whose letter is set, or cannot be."""
    found = list(sight.found)
    if letter is not None:
        raw = write_specimen(sight.edition, sight.newsletter, letter.parts, config=config, links=links, now=now)
        found += check_message(raw, config)
    return Look(
        edition=sight.edition,
        newsletter=sight.newsletter,
        fingerprint=sight.fingerprint,
        letter=letter,
        findings=tuple(dict.fromkeys(found)),
        places=sight.places,
        counted_at=sight.counted_at,
        last=sight.last,
        losses=_losses(letter),
        probes=sight.probes,
        overrides=sight.overrides,
        skipped=skipped_checks(config),
    )


def read_overrides(session: Session, edition_id: int, seen: str) -> Sequence[Override]:
    """Return who let an edition pass as it stands, and why."""
    made = select(Override).where(Override.edition_id == edition_id, Override.fingerprint == seen)
    return session.scalars(made.order_by(Override.id)).all()


def skipped_checks(config: Config) -> frozenset[Check]:
    """Return what is not looked at, since nobody set up whom to ask."""
    return frozenset() if config.gate.spamd or config.gate.rspamd_url else frozenset({Check.SPAM})


def _of_edition(
    session: Session, edition: Edition, newsletter: Newsletter, last: Last | None, *, now: datetime
) -> Iterator[Finding]:
    yield from check_content(session, edition, last.edition if last else None, now=now)
    yield from check_twin(session, edition, newsletter)
    linked = [(item.article.title, web_address(item.article)) for item in edition.items]
    yield from check_repeats([(title, address) for title, address in linked if address])


def _of_sending(
    edition: Edition, newsletter: Newsletter, last: Last | None, *, readers: int, config: Config
) -> Iterator[Finding]:
    if not readers:
        yield Finding(What.NOBODY)
    yield from check_own_sender(newsletter, config)
    if last is not None:
        yield from check_last(edition, last, readers=readers)
        if last.baseline is not None:
            yield from check_identity(last.baseline, newsletter, config)


def _of_probes(probes: Mapping[ProbeKind, Probed], config: Config) -> Iterator[Finding]:
    wanted = {
        ProbeKind.LINKS: (config.gate.checks_links, What.LINKS_PENDING),
        ProbeKind.SENDER: (config.gate.checks_dns, What.SENDER_PENDING),
        ProbeKind.SPAM: (Check.SPAM not in skipped_checks(config), What.SPAM_PENDING),
    }
    for kind, (is_wanted, pending) in wanted.items():
        if kind in probes:
            yield from probes[kind].findings
        elif is_wanted:
            yield Finding(pending)


def _losses(letter: SetLetter | None) -> Sequence[Loss]:
    if letter is None:
        return ()
    page = parse_markup(letter.parts.html)
    return read_losses(page, rules_of(page))
