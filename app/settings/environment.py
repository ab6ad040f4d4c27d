"""Reading settings from the environment by name: text, numbers, flags, words, keys.

Each NAME may instead come from a file whose path is in NAME_FILE, as container secrets do. What is wrong is gathered,
not raised, so that one start shows all of it. Which settings there are, only `config` knows. What was read is noted, as
it may be shown: a secret is never kept there.
"""

import copy
import os
import re
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from enum import StrEnum
from ipaddress import ip_address
from pathlib import Path
from urllib.parse import urlsplit

from cronsim import CronSim, CronSimError

KEY_MIN_LENGTH = 32
#: What is called so is a secret, however it is read.
_SECRET = re.compile(r"(?:KEY|PASSWORD|SECRET|TOKEN)S?$")
#: Labels with points between; a network of containers has names with underscores.
_HOST = re.compile(r"[A-Za-z0-9_](?:[A-Za-z0-9_-]*[A-Za-z0-9_])?(?:\.[A-Za-z0-9_](?:[A-Za-z0-9_-]*[A-Za-z0-9_])?)*")
SAMPLE_KEYS = ("changeme", "change-me", "secret", "dev", "example")


class Origin(StrEnum):
    """Where the value of a setting comes from; `KEPT` is a file of the data directory, made at the first start."""

    DEFAULT = "default"
    ENVIRONMENT = "environment"
    FILE = "file"
    KEPT = "kept"


@dataclass(frozen=True)
class Setting:
    """A setting that was read, as it may be shown: of a secret, only whether there is one."""

    name: str
    subject: str
    origin: Origin
    is_secret: bool
    is_set: bool
    value: str = ""
    default: str = ""

    @property
    def is_unusual(self) -> bool:
        """Whether it holds another value than a fresh set-up has."""
        return not self.is_secret and self.value != self.default


class Environment:
    """Reads names one by one; `problems` gathers a sentence for each that is wrong, and its default stands in.

    `settings` are those that were read so far, by name: what is shown of them cannot forget one.
    """

    def __init__(self, environ: Mapping[str, str]) -> None:
        self._environ = environ
        self._subject = "house"
        self.problems: list[str] = []
        self.settings: dict[str, Setting] = {}

    def about(self, subject: str) -> "Environment":
        """Return this environment for reading the settings of a subject."""
        other = copy.copy(self)
        other._subject = subject
        return other

    def text(self, name: str, default: str) -> str:
        """Return a text, without the blanks around it; one that is empty counts as not set."""
        value = self._text(name, default)
        given = (each for each, key in self._places(name) if self._environ.get(key, "").strip())
        origin = next(given, Origin.DEFAULT)
        self._note(name, value, default, origin)
        return value

    def _text(self, name: str, default: str) -> str:
        file = self._environ.get(f"{name}_FILE", "").strip()
        if not file:
            return self._environ.get(name, "").strip() or default
        try:
            text = Path(file).read_text(encoding="utf-8").strip()
        except (OSError, UnicodeError) as error:
            self.problems.append(f"{name}_FILE cannot be read: {error}")
            return default
        if not text:  # a secret that did not get there: with another one in its place all links would die
            self.problems.append(f"{name}_FILE names a file that holds nothing: {file}")
        return text or default

    def checked(self, name: str, default: str, is_valid: Callable[[str], bool], complaint: str) -> str:
        """Return a text that `is_valid` takes; `complaint` says what it is otherwise."""
        value = self.text(name, default)
        if is_valid(value):
            return value
        self.problems.append(f"{name} {complaint}: {value!r}")
        return default

    def whole(self, name: str, default: int, low: int, high: int) -> int:
        """Return a whole number from `low` to `high`."""
        value = self.text(name, str(default))
        if value.isascii() and value.isdigit() and low <= int(value) <= high:
            self._show(name, str(int(value)))
            return int(value)
        self.problems.append(f"{name} must be a whole number from {low} to {high}, not {value!r}")
        return default

    def flag(self, name: str, default: bool) -> bool:
        """Return whether something is on."""
        value = self.text(name, "true" if default else "false").lower()
        is_on = value in {"1", "true", "yes", "on"}
        self._show(name, "true" if is_on else "false")
        if is_on:
            return True
        if value not in {"0", "false", "no", "off"}:
            self.problems.append(f"{name} must be true or false, not {value!r}")
        return False

    def words(self, name: str) -> frozenset[str]:
        """Return words, in lower case, that blanks or commas part."""
        return frozenset(re.split(r"[\s,]+", self.text(name, "").lower())) - {""}

    def checked_words(self, name: str, is_valid: Callable[[str], bool], complaint: str) -> frozenset[str]:
        """Return words that `is_valid` takes; `complaint` says what another one is."""
        words = self.words(name)
        wrong = sorted(word for word in words if not is_valid(word))
        self.problems += [f"{name} {complaint}: {word!r}" for word in wrong]
        return words - set(wrong)

    def host(self, name: str, default: str) -> str:
        """Return the name or address of a host, or an empty text where that is the default."""
        return self.checked(name, default, lambda text: text == default or is_host(text), "is not the name of a host")

    def file(self, name: str) -> str:
        """Return the path of a file that is there, or an empty text where none is set."""
        return self.checked(name, "", lambda text: not text or Path(text).is_file(), "is not a file that is there")

    def numbers(self, name: str, low: int, high: int) -> tuple[tuple[str, int], ...]:
        """Return pairs like `orange.fr=120`, which blanks or commas part; each number is from `low` to `high`."""
        pairs = []
        for word in sorted(self.words(name)):
            key, _, value = word.partition("=")
            if key and value.isascii() and value.isdigit() and low <= int(value) <= high:
                pairs.append((key, int(value)))
            else:
                self.problems.append(
                    f"{name} must hold pairs like orange.fr={high}, from {low} to {high}, not {word!r}"
                )
        return tuple(pairs)

    def keys(self, name: str, data_dir: Path, may_generate: bool) -> tuple[str, ...]:
        """Return secret keys, oldest first and at least one, from the setting or else from the data directory.

        Where neither has any and `may_generate`, one is made there, readable by the owner only.
        """
        text = self.text(name, "")
        given = tuple(re.split(r"[\s,]+", text)) if text else ()
        if not given:
            given = self._stored_keys(name, data_dir, may_generate)
            self._note(name, " ".join(given), "", Origin.KEPT, is_secret=True)
        if any(map(_is_weak, given)):
            self.problems.append(f"{name} must hold random keys of at least {KEY_MIN_LENGTH} characters")
        return given or ("",)

    def secret(self, name: str) -> str:
        """Return a random password, or an empty text where none is set."""
        value = self.text(name, "")
        self.settings[name] = replace(self.settings[name], is_secret=True, value="", default="")
        if value and _is_weak(value):
            self.problems.append(f"{name} must be random and have at least {KEY_MIN_LENGTH} characters")
        return value

    @staticmethod
    def _places(name: str) -> tuple[tuple[Origin, str], ...]:
        return (Origin.FILE, f"{name}_FILE"), (Origin.ENVIRONMENT, name)

    def _note(self, name: str, value: str, default: str, origin: Origin, *, is_secret: bool = False) -> None:
        is_secret = is_secret or _SECRET.search(name) is not None
        shown = ("", "") if is_secret else (_without_password(value), _without_password(default))
        self.settings[name] = Setting(name, self._subject, origin, is_secret, bool(value), *shown)

    def _show(self, name: str, value: str) -> None:
        """Show the value of a setting as it was understood."""
        self.settings[name] = replace(self.settings[name], value=value)

    def _stored_keys(self, name: str, data_dir: Path, may_generate: bool) -> tuple[str, ...]:
        path = data_dir / "keys" / name.lower()
        try:
            if not path.exists():
                if not may_generate:
                    self.problems.append(f"{name} must be set: several machines must share it")
                    return ()
                _write_key(path)
            return tuple(path.read_text(encoding="ascii").split())
        except (OSError, UnicodeError) as error:
            self.problems.append(f"{name} cannot be kept in {path}: {error}")
            return ()


def _without_password(value: str) -> str:
    """Return a text whose addresses have lost the password and all that may hold one, as in postgresql://user:pw@host."""
    return " ".join(_bare_address(word) if "://" in word else word for word in value.split(" "))


def _bare_address(address: str) -> str:
    try:
        parts = urlsplit(address)
    except ValueError:
        return "…"
    place = parts.netloc.rpartition("@")
    return f"{parts.scheme}://{'…@' if place[1] else ''}{place[2]}{parts.path}{'?…' if parts.query else ''}"


def _is_weak(key: str) -> bool:
    return len(key) < KEY_MIN_LENGTH or key.lower().startswith(SAMPLE_KEYS)


def _write_key(path: Path) -> None:
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return  # another process of the same first start was quicker; its key is the key
    with os.fdopen(descriptor, "w", encoding="ascii") as file:
        file.write(secrets.token_urlsafe(48) + "\n")


def is_host(text: str) -> bool:
    """Whether a text is a name that DNS can be asked for, or an IP address."""
    if _HOST.fullmatch(text):
        return True
    try:
        return bool(ip_address(text))
    except ValueError:
        return False


def is_host_and_port(text: str) -> bool:
    """Whether a text names a port of a host, as in 127.0.0.1:783 or [::1]:783."""
    host, _, port = text.rpartition(":")
    is_port = port.isascii() and port.isdigit() and 0 < int(port) < 65_536
    return is_port and is_host(host.removeprefix("[").removesuffix("]"))


def is_plain_address(text: str) -> bool:
    """Whether a text is an address that every mail server takes, and nothing beside it."""
    local, _, domain = text.rpartition("@")
    return text.isascii() and re.fullmatch(r"[^@\s<>,;:\"()]+", local) is not None and "." in domain and is_host(domain)


def is_loopback(host: str) -> bool:
    """Whether a host is this machine."""
    if host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


def is_cron(line: str) -> bool:
    """Whether a text is a line of cron with five fields, which names a moment that comes."""
    try:
        next(CronSim(line, datetime(2026, 1, 1, tzinfo=UTC)))
    except (CronSimError, StopIteration):
        return False
    return len(line.split()) == 5
