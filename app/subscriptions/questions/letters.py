"""The letters that ask: whether a reader stays, and whether they agree to a new wording."""

from collections.abc import Mapping
from dataclasses import replace

from sqlalchemy.orm import Session

from app.delivery.claims import Copy
from app.delivery.composing import Compose, Composed, one_by_one
from app.delivery.endings import Withheld
from app.i18n import gettext, ngettext
from app.links import Links
from app.newsletters.wordings import cut_statement
from app.subscriptions.kinds import SubscriptionStatus
from app.subscriptions.questions.asking import question_by_public_id
from app.subscriptions.questions.models import Question, QuestionKind, QuestionState
from app.subscriptions.questions.renewal import REMINDER, shown_texts
from app.subscriptions.reader_letters import Reader, ReaderLetters
from config import Config

STAY = QuestionKind.STAY.value
RENEWAL = QuestionKind.RENEWAL.value


def question_letters(config: Config, links: Links) -> Mapping[str, Compose]:
    """Return, by kind of delivery, who composes the letters that ask."""
    letters = QuestionLetters(config, links)
    return {
        STAY: one_by_one(letters.compose_stay),
        RENEWAL: one_by_one(letters.compose_renewal),
        REMINDER: one_by_one(letters.compose_reminder),
    }


class QuestionLetters(ReaderLetters):
    """Composes the letters that ask, for one configuration."""

    def compose_stay(self, session: Session, copy: Copy) -> Composed | Withheld:
        """Ask a reader of whom nothing was heard for years; withheld where there is nothing to ask any more."""
        found = self._question(session, copy)
        if isinstance(found, Withheld):
            return found
        question, reader = found
        return self._composed(
            copy,
            reader,
            template="email/stay",
            subject=gettext(reader.language, "Do you want to stay with %(newsletter)s?", newsletter=reader.face.name),
            preheader=gettext(reader.language, "One press keeps your letters coming. Without an answer they end."),
            reason=self._reason(reader),
            years=ngettext(reader.language, "%(num)s year", "%(num)s years", self._config.retention.inactive_years),
            answer_until=question.answer_until,
            answer_url=self._links.stay(reader.language, question.public_id, asked_at=question.asked_at),
        )

    def compose_renewal(self, session: Session, copy: Copy) -> Composed | Withheld:
        """Show the wording in force to a reader who agreed to an older one."""
        found = self._question(session, copy)
        if isinstance(found, Withheld):
            return found
        question, reader = found
        subject = gettext(reader.language, "Do you still agree to receive %(newsletter)s?", newsletter=reader.face.name)
        return self._compose_renewal(session, copy, question, reader, subject)

    def compose_reminder(self, session: Session, copy: Copy) -> Composed | Withheld:
        """The same once more, shortly before the date."""
        found = self._question(session, copy)
        if isinstance(found, Withheld):
            return found
        question, reader = found
        subject = gettext(
            reader.language, "A reminder: do you still agree to receive %(newsletter)s?", newsletter=reader.face.name
        )
        return self._compose_renewal(session, copy, question, reader, subject)

    def _compose_renewal(
        self, session: Session, copy: Copy, question: Question, reader: Reader, subject: str
    ) -> Composed:
        wording, policy = shown_texts(session, question)
        return self._composed(
            copy,
            reader,
            template="email/renewal",
            subject=subject,
            preheader=gettext(reader.language, "Our wording has changed. One press, and your letters keep coming."),
            reason=self._reason(reader),
            statement=cut_statement(wording.statement),
            policy_url=self._links.privacy_version(reader.language, policy.version),
            answer_until=question.answer_until,
            answer_url=self._links.renew(reader.language, question.public_id, asked_at=question.asked_at),
        )

    def _question(self, session: Session, copy: Copy) -> tuple[Question, Reader] | Withheld:
        """Return the question if it is still open, and its reader if they may be mailed.

        The letter speaks the language of the question, as its page does: its texts have no other, whatever the reader
        chose since.
        """
        reader = self._reader(session, copy, SubscriptionStatus.CONFIRMED)
        if isinstance(reader, Withheld):
            return reader
        if reader.subscription.is_withheld:
            return Withheld("the reader gets no letters at present")
        question = session.scalars(question_by_public_id(copy.reference or "")).one_or_none()
        if question is None or question.state is not QuestionState.OPEN:
            return Withheld("the question was answered, or is no longer asked")
        return question, replace(reader, face=reader.newsletter.in_language(question.language))

    def _reason(self, reader: Reader) -> str:
        return gettext(
            reader.language,
            "You receive this letter because you confirmed your subscription to %(newsletter)s.",
            newsletter=reader.face.name,
        )
