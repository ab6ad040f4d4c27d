"""Judging answers: what in one shows that a payload did something, held against answers to harmless values."""

import re
from collections import defaultdict
from collections.abc import Iterable, Sequence
from functools import lru_cache
from itertools import product

from werkzeug.test import TestResponse

from tests.security.payloads import EVALUATED
from tests.security.shapes import Shape, Tag, is_own
from tests.security.walk import Place, Walker

#: What fills one field, where nobody attacks, or all; of several kinds, so that all branches of a page are seen.
HARMLESS_ALONE = (
    "some words",
    "7",
    "",
    "two, words",
    "A *word*, a **strong** one, `code`\n\n- an item\n\n1. the first\n\n> said\n\n## Head\n\n---\n\n<https://a.example/>",
    "a" * 40_000,
)
#: What fills all fields at once.
HARMLESS = (
    *HARMLESS_ALONE,
    "word",
    "x@reader.example",
    "x@gmial.com",
    " ",
    "/admin/articles",
    "//word",
    "https://a.example/",
    "http://7.7.7.256/",
    "é" * 400,
)
#: What answers may carry; a header of another name could only have been brought by a payload.
HEADERS = frozenset(
    {
        "accept-ranges",
        "allow",
        "cache-control",
        "content-disposition",
        "content-length",
        "content-range",
        "content-security-policy",
        "content-type",
        "cross-origin-opener-policy",
        "date",
        "etag",
        "expires",
        "hx-redirect",
        "last-modified",
        "location",
        "permissions-policy",
        "referrer-policy",
        "retry-after",
        "set-cookie",
        "vary",
        "x-accel-buffering",
        "x-content-type-options",
        "x-robots-tag",
    }
)
HOST = "localhost"
COOKIES = ("vigie-desk=", "vigie-browser=", "vigie-newsletter=")
#: What commands and files answer that payloads ask for.
LEAKED = re.compile(rf"{EVALUATED}|uid=\d+\(|root:.?:0:0:|<Config |jinja2\.|Traceback \(most recent")
#: What a visitor's program says of itself in every request.
SOFT_HEADERS = (
    "Accept",
    "Accept-Language",
    "Forwarded",
    "HX-Current-URL",
    "If-Modified-Since",
    "If-None-Match",
    "Referer",
    "User-Agent",
    "X-Forwarded-Host",
    "X-Forwarded-Port",
    "X-Forwarded-Prefix",
    "X-Forwarded-Proto",
    "X-Original-URL",
)
#: Pages that show what a reader has done on others, or list as many words as they are sent.
SHOWING_STATE = frozenset(
    {"public.data", "public.preferences", "public.pause_submit", "public.choices_submit", "public.subscribe_submit"}
)
#: Where ways to articles lead.
ARTICLES = "https://strait.example/"


class Judge:
    """Attacks places and keeps what went wrong; knows what each place looks like when nobody attacks.

    Where what payloads leave behind shows on other pages (`is_storing`), a page may have more of its tags, none new.
    """

    def __init__(self, walker: Walker, places: Iterable[Place], *, is_storing: bool = False) -> None:
        self.walker = walker
        self.places = list(places)
        self.found: list[str] = []
        self._is_storing = is_storing
        # Tags one by one are soon known; pages as wholes want every value.
        self._alone = HARMLESS_ALONE[::2] if is_storing else HARMLESS_ALONE
        self._known: defaultdict[Place, set[object]] = defaultdict(set)
        pages = [place for place in self.places if place.method == "GET"]
        acts = [place for place in self.places if place.method != "GET"]
        self._learn(pages, HARMLESS[:1])  # as they are while nothing was done
        self._learn([*acts, *pages], HARMLESS[:8] if is_storing else HARMLESS)
        self._learn(acts, HARMLESS_ALONE[:3])  # as they are once everything was done

    def attack(self, payloads: Sequence[str], *, every: int = 1) -> None:
        """Send each place every `every`th payload."""
        for start, place in enumerate(self.places):
            for turn, payload in enumerate(payloads[start % every :: every]):
                for answer in self._answers(place, payload, turn=turn):
                    self._judge(answer, place, payload)

    def _learn(self, places: Iterable[Place], values: Iterable[str]) -> None:
        for place, value in product(places, values):
            for answer in self._answers(place, value, turn=None):
                self._known[place] |= self._looks(place, answer)

    def _judge(self, answer: TestResponse, place: Place, payload: str) -> None:
        wrong = list(problems(answer))
        if not self._looks(place, answer) <= self._known[place]:
            wrong.append("tags that no harmless value brings")
        self.found += [f"{place} {payload[:200]!r}: {answer.status_code} {problem}" for problem in wrong]

    def _looks(self, place: Place, answer: TestResponse) -> set[object]:
        """The tags of an answer: as one whole where nothing that is stored shows, else one by one."""
        tags, _ = _read(answer.text, is_letter=False) if answer.mimetype == "text/html" else ((), ())
        return set(tags) if self._is_storing or place.rule.endpoint in SHOWING_STATE else {tags}

    def _answers(self, place: Place, value: str, *, turn: int | None) -> Iterable[TestResponse]:
        """Ask with `value` everywhere, and in fields alone: in each where it may be, or every third payload in one."""
        # The proxy in front adds its own word, which counts.
        headers = {**dict.fromkeys(SOFT_HEADERS, value), "X-Forwarded-For": f"{value}, {self.walker.next_network()}"}
        names = sorted(self.walker.names[place])
        texts = dict.fromkeys(place.texts, value or "x")
        yield self.walker.ask(place, texts=texts, fields=dict.fromkeys(names, value), headers=headers)
        for number, name in enumerate(names):
            if value in self._alone if turn is None else turn % (3 * len(names)) == 3 * number:
                yield self.walker.ask(place, fields={name: value})


@lru_cache(maxsize=2_000)
def _read(html: str, *, is_letter: bool) -> tuple[tuple[Tag, ...], tuple[str, ...]]:
    """The tags of a page and what is active in it; most payloads are answered with the same few pages."""
    shape = Shape(html, is_letter=is_letter)
    return tuple(shape.tags), tuple(shape.active)


def problems(answer: TestResponse) -> Iterable[str]:
    if answer.status_code >= 500:
        yield "a fault"
    target = answer.headers.get("Location", "/")
    if not is_own(re.sub(rf"https?://{HOST}(?=/)", "", target)) and not target.startswith(ARTICLES):
        yield f"leads to {target!r}"
    for name, value in answer.headers:
        if name.lower() not in HEADERS or not value.isprintable() or not value.isascii():
            yield f"the header {name}: {value!r}"
        if name == "Set-Cookie" and not value.startswith(COOKIES):
            yield f"the cookie {value!r}"
    if leaked := LEAKED.search(answer.data.decode(errors="replace")):
        yield f"shows {leaked[0]!r}"
    if answer.mimetype == "text/html":
        policy = answer.headers["Content-Security-Policy"]
        assert "script-src 'self'" in policy or "sandbox" in policy or "default-src 'none'" in policy
        yield from _read(answer.text, is_letter="'unsafe-inline'" in policy)[1]
