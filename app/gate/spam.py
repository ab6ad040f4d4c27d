"""What a spam filter of the house says of a letter: SpamAssassin's daemon, or rspamd. Talks on the network."""

import json
import re
import socket
from collections.abc import Iterator

import requests

from app.gate.findings import Finding, What
from app.settings.gate import GateSettings

#: A filter of the house answers at once; its look-ups in DNS take some seconds.
TIMEOUT_S = 30.0
ANSWER_MAX_BYTES = 200_000
#: Rules that are named.
NAMED = 8


def check_spam(raw: bytes, settings: GateSettings) -> tuple[Finding, ...]:
    """Return what the filters that are set say of a message."""
    found: list[Finding] = []
    for name, address, ask in (
        ("SpamAssassin", settings.spamd, _ask_spamd),
        ("rspamd", settings.rspamd_url, _ask_rspamd),
    ):
        if address:
            try:
                found += _judge(name, *ask(raw, address))
            except (OSError, ValueError, KeyError, requests.RequestException) as error:
                found.append(Finding(What.SPAM_SILENT, f"{name}: {error}"))
    return tuple(found)


def _judge(name: str, score: float, limit: float, rules: tuple[str, ...]) -> Iterator[Finding]:
    shown = f"{score:.1f} / {limit:.1f}"
    if score >= limit:
        yield Finding(What.SPAM_HIGH, name, shown, rules[:NAMED])
    elif score >= limit / 2:
        yield Finding(What.SPAM_RAISED, name, shown, rules[:NAMED])


def _ask_spamd(raw: bytes, address: str) -> tuple[float, float, tuple[str, ...]]:
    """Return score, limit and rules, by the protocol of spamc (1.2)."""
    host, _, port = address.rpartition(":")
    with socket.create_connection((host.strip("[]"), int(port)), timeout=TIMEOUT_S) as connection:
        connection.sendall(b"SYMBOLS SPAMC/1.2\r\nContent-length: %d\r\n\r\n" % len(raw) + raw)
        connection.shutdown(socket.SHUT_WR)
        answer = b""
        while len(answer) < ANSWER_MAX_BYTES and (piece := connection.recv(65_536)):
            answer += piece
    head, _, body = answer.decode("utf-8", "replace").partition("\r\n\r\n")
    found = re.search(r"^Spam:\s*\S+\s*;\s*(-?[\d.]+)\s*/\s*(-?[\d.]+)", head, re.MULTILINE)
    if found is None:
        raise ValueError("its answer is none of spamd's")
    return float(found[1]), float(found[2]), tuple(filter(None, re.split(r"[,\s]+", body)))


def _ask_rspamd(raw: bytes, url: str) -> tuple[float, float, tuple[str, ...]]:
    """Return score, limit and rules, the heaviest first."""
    with requests.Session() as session:
        session.trust_env = False
        answer = session.post(f"{url.rstrip('/')}/checkv2", data=raw, timeout=TIMEOUT_S)
    answer.raise_for_status()
    told = json.loads(answer.content[:ANSWER_MAX_BYTES])
    symbols = {name: float(symbol.get("score", 0)) for name, symbol in told.get("symbols", {}).items()}
    rules = sorted((name for name in symbols if symbols[name] > 0), key=lambda name: -symbols[name])
    return float(told["score"]), float(told["required_score"]), tuple(rules)
