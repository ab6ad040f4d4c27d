"""What came back of letters to one reader, for them to see."""

from collections.abc import Mapping

from sqlalchemy.orm import Session

from app.feedback.reading import events_of_reader
from app.product import Teller


def tellers() -> Mapping[str, Teller]:
    """Return what gathers what came back of a reader's letters."""
    return {"returns": returns}


def returns(session: Session, subscriber_id: int) -> list[Mapping[str, object]]:
    """Return every bounce, complaint and report of delivery, newest first, with what the server said."""
    return [
        {
            "kind": told.event.kind.value,
            "at": told.event.at,
            "heard_at": told.event.received_at,
            "source": told.event.source,
            "status": told.event.status,
            "said": told.words or None,
        }
        for told in events_of_reader(session, subscriber_id)
    ]
