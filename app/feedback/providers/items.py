"""JSON that a stranger wrote, asked by name and type: what has another type, or is missing, is empty."""

import hashlib
import json
from datetime import UTC, datetime

from app.errors import HookRefused
from app.mail.replies import legible


class Item:
    """One JSON object."""

    def __init__(self, value: object) -> None:
        self._values: dict[str, object] = value if isinstance(value, dict) else {}

    def raw(self, name: str) -> str:
        """Return a text exactly as it came: for signatures only."""
        value = self._values.get(name)
        return value if isinstance(value, str) else ""

    def text(self, name: str) -> str:
        """Return a text or number as it may be stored, without blanks around it."""
        value = self._values.get(name)
        if isinstance(value, bool) or not isinstance(value, str | int | float):
            return ""
        return legible(str(value))

    def is_true(self, name: str) -> bool:
        """Return whether a value is JSON's `true`."""
        return self._values.get(name) is True

    def item(self, name: str) -> "Item":
        """Return an object."""
        return Item(self._values.get(name))

    def items(self, name: str) -> list["Item"]:
        """Return the objects of a list."""
        return _objects_in(self._values.get(name))

    def texts(self, name: str) -> list[str]:
        """Return the texts of a list, or of all values of an object."""
        value = self._values.get(name)
        values = value if isinstance(value, list) else value.values() if isinstance(value, dict) else ()
        return [legible(each) for each in values if isinstance(each, str)]

    def moment(self, *names: str, now: datetime) -> datetime:
        """Return the first time among `names`, in Unix seconds or milliseconds or ISO 8601: `now` at the latest."""
        for name in names:
            at = _moment(self._values.get(name))
            if at is not None:
                return min(at, now)
        return now

    def digest(self) -> str:
        """Return what is the same for the same object only."""
        return digest_of(json.dumps(self._values, sort_keys=True))


def read_item(data: str | bytes) -> Item:
    """Return the object that `data` is. Raises HookRefused where it is no JSON object."""
    value = _parsed(data)
    if not isinstance(value, dict):
        raise HookRefused("the report is no JSON object")
    return Item(value)


def read_items(data: bytes) -> list[Item]:
    """Return the objects of the list that `data` is, or the one object. Raises HookRefused where it is neither."""
    value = _parsed(data)
    if not isinstance(value, dict | list):
        raise HookRefused("the report is neither a JSON list nor an object")
    return [Item(value)] if isinstance(value, dict) else _objects_in(value)


def digest_of(*parts: str) -> str:
    """Return an event id for what `parts` name together: 64 characters, hexadecimal."""
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()


def _objects_in(value: object) -> list[Item]:
    return [Item(each) for each in value if isinstance(each, dict)] if isinstance(value, list) else []


def _parsed(data: str | bytes) -> object:
    try:
        return json.loads(data)
    except (ValueError, RecursionError) as error:
        raise HookRefused("the report is not JSON") from error


def _moment(value: object) -> datetime | None:
    try:
        if isinstance(value, str) and not value.isdigit():
            at = datetime.fromisoformat(value)
            return at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)
        if isinstance(value, str | int | float) and not isinstance(value, bool):
            seconds = float(value)
            return datetime.fromtimestamp(seconds / 1000 if seconds > 100_000_000_000 else seconds, UTC)
    except (ValueError, OverflowError, OSError):
        return None
    return None
