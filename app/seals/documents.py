"""Seals as signed documents: what the digest covers, the files to keep elsewhere, and reading them back."""

import hashlib
import json
import os
from datetime import UTC, datetime
from pathlib import Path

from app.errors import InputRefused
from app.seals.models import ConsentSeal
from app.seals.tally import Window
from app.signing import ALGORITHM, Document, canonical

FORM = "vigie.seal.1"


def document_of(seal: ConsentSeal) -> Document:
    """Return the signed document of a seal."""
    signature = {"algorithm": ALGORITHM, "key_id": seal.key_id, "value": seal.signature}
    said = say(
        Window(seal.since, seal.until),
        chains=seal.chains,
        events=seal.events,
        audit_entries=seal.audit_entries,
        digests=(seal.ends_digest, seal.texts_digest, seal.audit_digest, seal.previous_digest),
    )
    return {**said, "day": seal.day, "digest": seal.digest, "made_at": time_text(seal.made_at), "signature": signature}


def say(
    window: Window, *, chains: int, events: int, audit_entries: int, digests: tuple[str, str, str, str]
) -> Document:
    """Return what a seal's digest covers; `digests` are those of chain ends, texts, audit log and the seal before."""
    ends, texts, audit, previous = digests
    return {
        "form": FORM,
        "day": window.day,
        "since": time_text(window.since) if window.since else None,
        "until": time_text(window.until),
        "chains": chains,
        "events": events,
        "audit_entries": audit_entries,
        "ends_digest": ends,
        "texts_digest": texts,
        "audit_digest": audit,
        "previous_digest": previous,
    }


def digest_of(said: Document) -> str:
    """Return the digest of a seal: the SHA-256, in hex, of the canonical form of what it says."""
    return hashlib.sha256(canonical(said)).hexdigest()


def write_files(seals: list[ConsentSeal], folder: Path) -> None:
    """Write the documents of those seals that have no file in `folder`, each whole or not at all."""
    folder.mkdir(parents=True, exist_ok=True)
    there = {path.name for path in folder.iterdir()}
    for seal in seals:
        if f"{seal.day}.json" not in there:
            part = folder / f".{seal.day}.part"
            part.write_text(json.dumps(document_of(seal), indent=1) + "\n", encoding="utf-8")
            os.replace(part, folder / f"{seal.day}.json")


def read_files(path: Path) -> list[tuple[Document, Window]]:
    """Return the seals in a file, or in all `.json` files of a folder, oldest first. Raises InputRefused."""
    files = sorted(path.glob("*.json")) if path.is_dir() else [path]
    if not files:
        raise InputRefused(f"no seal in {path}")
    return [_read_file(file) for file in files]


def own_files(folder: Path) -> list[tuple[Document, Window]]:
    """Return the seals that this machine has written down, if any, oldest first. Raises InputRefused."""
    return read_files(folder) if any(folder.glob("*.json")) else []


def time_text(value: datetime) -> str:
    """Return a time as documents have it: UTC, to the microsecond."""
    return value.astimezone(UTC).isoformat(timespec="microseconds")


def _read_file(file: Path) -> tuple[Document, Window]:
    try:
        document = json.loads(file.read_text(encoding="utf-8"))
        since, until = document["since"], _midnight(document["until"])
        window = Window(None if since is None else _midnight(since), until)
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise InputRefused(f"{file} is not a seal: {error}") from error
    if document.get("form") != FORM or document.get("day") != window.day:
        raise InputRefused(f"{file} is not a seal")
    return document, window


def _midnight(text: str) -> datetime:
    time = datetime.fromisoformat(text)
    if time != time.replace(hour=0, minute=0, second=0, microsecond=0) or time.tzinfo is None:
        raise ValueError("not a midnight")
    return time.astimezone(UTC)
