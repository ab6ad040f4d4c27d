"""What the page of an edition under way shows, beside the edition itself."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.orm import Session

from app.delivery.models import DeliveryState
from app.delivery.retry import OUR_FAULTS
from app.delivery.route import stopped_senders
from app.delivery.senders import SenderState
from app.editions.counting import Clicks, read_clicks
from app.editions.counts import read_progress
from app.editions.events import events_of
from app.editions.models import Edition, EditionStatus
from app.editions.outcomes import Outcomes, Standing, read_outcomes
from app.editions.progress import Progress
from app.editions.records import EditionAct, EditionEvent
from app.editions.retry import is_too_old
from app.mail.pacing import PauseReason
from app.web.admin.charts import PaceChart, Part, draw_paces, draw_standing


@dataclass(frozen=True)
class Run:
    """How a run goes, what stops it, and what was done with it. `reason` is why it paused by itself.

    `may_retry`: it is young enough for copies to be tried once more.
    """

    progress: Progress
    stopped: Sequence[SenderState]
    reason: PauseReason | None
    events: Sequence[EditionEvent]
    may_retry: bool
    clicks: Clicks
    outcomes: Outcomes

    @property
    def pace_chart(self) -> PaceChart:
        """The picture of how fast it goes, or went."""
        return draw_paces(self.outcomes.paces)

    @property
    def shares(self) -> Sequence[tuple[Standing, Sequence[Part]]]:
        """How copies stand by provider, each with its picture."""
        return [(standing, draw_standing(standing)) for standing in self.outcomes.standings]

    @property
    def has_uncertain(self) -> bool:
        """Whether some copies may have arrived or not."""
        return self.progress.counts.get(DeliveryState.UNCERTAIN, 0) > 0

    @property
    def has_our_faults(self) -> bool:
        """Whether some copies were refused for what we may mend."""
        causes = (cause for cause in self.progress.causes if cause.state is DeliveryState.REJECTED)
        return any(cause.meaning is not None and cause.meaning.fault in OUR_FAULTS for cause in causes)


def read_run(session: Session, *, edition: Edition, now: datetime) -> Run:
    """Read all that is shown of a run."""
    events = events_of(session, edition.id)
    is_paused = edition.status is EditionStatus.PAUSED
    outcomes = read_outcomes(session, edition=edition, now=now)
    return Run(
        progress=read_progress(session, edition=edition, outcomes=outcomes, now=now),
        stopped=stopped_senders(session, now=now),
        reason=_pause_reason(events) if is_paused else None,
        events=events,
        may_retry=not is_too_old(edition, now),
        clicks=read_clicks(session, edition.id),
        outcomes=outcomes,
    )


def _pause_reason(events: Sequence[EditionEvent]) -> PauseReason | None:
    """Return why an edition that is paused paused by itself: nothing is done with one but to resume or end it."""
    return next((event.reason for event in events if event.act is EditionAct.PAUSED), None)
