"""Every route of the product and every field that its views read, found by asking: later ones are walked too."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from itertools import count
from pathlib import Path
from typing import Any, ClassVar

from flask import Flask, Request
from werkzeug.datastructures import ImmutableMultiDict
from werkzeug.routing import Rule
from werkzeug.test import TestResponse

from app.clock import now
from app.demo.catcher import Mailbox
from app.editions.models import Edition, EditionStatus
from app.newsletters.models import current_policy, current_wording
from app.product import Product
from app.web import mailbox
from app.web.forms import TRAP
from tests.security.furniture import furnish
from tests.security.payloads import encodable
from tests.web import desk

#: What addresses may hold where they take no text.
FIXED = {
    "language": "fr",
    "which": "uncertain",
    "kind": "place",
    "extra": "flash",
    "session_id": 2**31 - 1,
    "text_kind": "form",
    "text_language": "fr",
}
#: What no server hands on of a header.
NO_LINE_ENDS = str.maketrans("", "", "\r\n\0")
#: How each place welcomed the first walker, and the fields that it reads.
LEARNED: dict[str, tuple[int, frozenset[str]]] = {}
#: A letter in the mail catcher, from a program that knows few rules.
CAUGHT = b"From: x\r\nSubject: <script>alert(1)</script>\r\nContent-Type: text/html\r\n\r\n<p>No date, no address.</p>"


class NotingFields(ImmutableMultiDict[str, Any]):
    """Fields of a request that note the names that views ask for."""

    asked: ClassVar[set[str]] = set()

    def __getitem__(self, key: str) -> Any:
        self.asked.add(key)
        return super().__getitem__(key)

    def __contains__(self, key: object) -> bool:
        self.asked.add(str(key))
        return super().__contains__(key)

    def getlist(self, key: str, type: Any = None) -> list[Any]:
        self.asked.add(key)
        return super().getlist(key, type)


class NotingRequest(Request):
    """A request whose query string and form note what is asked of them."""

    parameter_storage_class = NotingFields


@dataclass(frozen=True, eq=False)
class Place:
    """One method of one route; `texts` are the parts of its address that may be any text."""

    rule: Rule
    method: str
    texts: tuple[str, ...]

    def __str__(self) -> str:
        return f"{self.method} {self.rule.rule}"


class Walker:
    """Walks the product, with a session of the desk unless `is_stranger`; `names` are the fields each place reads."""

    def __init__(self, app: Flask, folder: Path) -> None:
        app.request_class = NotingRequest
        caught = Mailbox(folder)
        caught.put(CAUGHT)
        mailbox.register(app, caught)
        self.product: Product = app.extensions["vigie"]
        self.is_stranger = False
        self._admin, self._stranger = app.test_client(), app.test_client()
        desk.make_admin(self.product, email="first@desk.example")  # whom the walk changes, and not itself
        self._admin_id = desk.make_admin(self.product)
        self._sign_in()
        self._texts = {**furnish(self.product), "name": next(name for name, _ in caught.letters(1)), "slug": "vigie"}
        self._form_token = _form_token(self.product)
        self._drafts, self._networks, self._edition_id = count(), count(), 0
        self._renew_draft()
        self.places = [
            Place(rule, method, tuple(name for name in sorted(rule.arguments) if _takes_text(rule, name)))
            for rule in app.url_map.iter_rules()
            for method in sorted((rule.methods or set()) - {"HEAD", "OPTIONS"})
        ]
        self.names: dict[Place, set[str]] = {place: set() for place in self.places}
        #: How a place answered the first time that somebody came, with all that is good there.
        self.welcomes: dict[Place, int] = {}
        self._learn_names()

    def ask(
        self,
        place: Place,
        *,
        texts: Mapping[str, str] | None = None,
        fields: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> TestResponse:
        """Ask a place with these fields beside good ones, in its query string and, where it takes one, in its form."""
        sent = {name: encodable(value) for name, value in (self._good_fields(place) | dict(fields or {})).items()}
        NotingFields.asked.clear()
        answer = (self._stranger if self.is_stranger else self._admin).open(
            self._path(place, texts or {}),
            method=place.method,
            query_string=sent,
            data=sent if place.method == "POST" else None,
            buffered=True,
            environ_overrides={
                "REMOTE_ADDR": self.next_network(),
                **{_variable(name): _on_the_wire(value) for name, value in (headers or {}).items()},
            },
        )
        self.names[place] |= NotingFields.asked
        if place.method == "POST" and "edition_id" in place.rule.arguments:
            self._renew_draft()
        if not self.is_stranger and self._admin.get_cookie("vigie-desk") is None:
            self._sign_in()
        return answer

    def next_network(self) -> str:
        """An address that nobody has come from: a limit would answer where a payload is to be looked at."""
        high, low = divmod(next(self._networks), 2**16)
        return f"2001:db8:{high:x}:{low:x}::1"

    def _sign_in(self) -> None:
        """Come in by a one-time link: the passwords that payloads were tried as make real ones wait."""
        link = desk.make_link(self.product, self._admin_id)
        assert self._admin.post(f"/admin/sign-in/{link}").status_code == 303

    def _good_fields(self, place: Place) -> dict[str, str]:
        """What a well-meaning visitor sends to a place."""
        good = {
            "email": "bob@reader.example",
            "next": "/admin/articles",
            "token": self._form_token,
            "language": "fr",
            "letters_language": "fr",
            "status": "confirmed",
            "q": "bob",
            "on": "2026-03-20",
            "by": "button",
            "counting": "yes",
            **dict.fromkeys(("suggested", "asked_about", "proof", "waited"), ""),
            "span": "week",
            "followed": "theme:espionage",
            "muted": "place:US",
            "follow_more": "Arménie",
            "mute_more": "Israël",
            "cadence": "weekly",
            "timezone": "Europe/Paris",
            "line": "1-fr",
            "every": "line",
            "time": "07:30",
            "cron": "30 7 * * 2",
            "face": "en",
            "newsletter": "vigie",
            "slug": "north",
            "name-fr": "Cap Nord",
            "description-fr": "L’Arctique.",
            "name-en": "North Cape",
            "description-en": "The Arctic.",
            "sender": "north@newsletter.example",
            "reply_to": "north@desk.example",
            "name": "The Jetty",
            "list_label": "en.jetty",
            "heading": "Restez au fait",
            "statement": "Vous acceptez de recevoir la lettre ; notre [politique] le dit.",
            "button": "S’abonner",
            "body": "<h2>Vos données</h2><p>Nous gardons votre adresse.</p>",
            "subject": "Une lettre de la mer",
            "preheader": "Ce qui se passe au fond de la mer, et qui regarde.",
            "location": "https://feeds.example/feed",
            "mjml": "<mjml><p></mjml>",  # wrong on a line; to try one that holds takes a second
            "answer": "approve",
            "introduction": "Un *mot* de [nous](https://a.example/).",
        }
        kept_back = {"confirmed", "embedded"} | ({TRAP} if place.rule.endpoint.startswith("public.") else set())
        return {name: good.get(name, "1") for name in self.names[place] - kept_back}

    def _path(self, place: Place, texts: Mapping[str, str]) -> str:
        purpose = place.rule.endpoint.rpartition(".")[2].removesuffix("_submit")
        values = {name: FIXED.get(name, 1) for name in place.rule.arguments} | {"edition_id": self._edition_id}
        values |= {name: self._texts.get(purpose, self._texts.get(name, "x")) for name in place.texts}
        values |= {name: encodable(text) for name, text in texts.items()}
        built = place.rule.build(values, append_unknown=False)
        assert built is not None, f"{place} is not reached with {values}"
        return built[1]

    def _renew_draft(self) -> None:
        """Have a draft, whatever became of the last one."""
        with self.product.database.reading() as session:
            edition = session.get(Edition, self._edition_id)
            is_kept = edition is not None and edition.status is EditionStatus.DRAFT and len(edition.items) > 1
        if not is_kept:
            self._edition_id = desk.make_draft(self.product, readers=0, tag=f"walked{next(self._drafts)}")

    def _learn_names(self) -> None:
        """Ask every place until no view asks for a field that was not sent; once, since all walkers find the same."""
        if not LEARNED:
            for _ in range(2):
                for place in self.places:
                    self.welcomes.setdefault(place, self.ask(place).status_code)
            LEARNED.update({str(place): (self.welcomes[place], frozenset(self.names[place])) for place in self.places})
        for place in self.places:
            self.welcomes[place], names = LEARNED[str(place)]
            self.names[place] |= names
        assert {"email", "asked_about", "q", "next", "before", "introduction"} <= set().union(*self.names.values())


def _form_token(product: Product) -> str:
    """The mark of a form that was opened a moment ago."""
    with product.database.reading() as session:
        wording, policy = session.scalars(current_wording(1, "fr")).one(), session.scalars(current_policy("fr")).one()
    return product.form_tokens.sign("form", f"{wording.id}-{policy.id}-0", at=now() - timedelta(seconds=9))


def open_to_strangers(walker: Walker) -> list[Place]:
    """The places that strangers reach, the sign-in pages among them; the walker is a stranger from here on."""
    walker.is_stranger = True
    return [
        place
        for place in walker.places
        if not place.rule.rule.startswith("/admin/") or place.rule.endpoint in desk.OPEN
    ]


def _takes_text(rule: Rule, name: str) -> bool:
    try:
        return rule.build({each: FIXED.get(each, 1) for each in rule.arguments} | {name: "x y"}) is not None
    except ValueError:
        return False


def _variable(header: str) -> str:
    name = header.upper().replace("-", "_")
    return name if name == "CONTENT_TYPE" else f"HTTP_{name}"


def _on_the_wire(text: str) -> str:
    """A header as a server hands it on: octets as Latin-1 (PEP 3333), no line ends, since those end the header."""
    return encodable(text).translate(NO_LINE_ENDS).encode().decode("latin-1")
