"""What is stored in English, told in the language of whoever reads it.

Stored texts stay as they were written: programs read them, and a hash may stand over them. Here they are recognised by
the sentences they were made from; what is none of these is shown as it is.
"""

import re
from collections.abc import Sequence
from functools import cache

from app import i18n

#: Why a feed or a page could not be read, as `app.articles` says it. Places called `number` are written anew.
FAILURES = (
    "the server answers %(status)s",
    "the server asks us to come back later (%(status)s)",
    "the feed is gone for good, says its server (410)",
    "the server does not answer in time",
    "the server took longer than %(number)s s",
    "the server's certificate is not valid, or it does not speak TLS",
    "the server's answer broke off or is not HTTP",
    "no connection to the server",
    "the host %(host)s is not known",
    "the address points inside this network, where feeds are not fetched",
    "only the standard ports 80 and 443 are fetched from",
    "only http and https addresses of up to %(number)s characters are fetched",
    "the address holds a user name or password",
    "this is not a web address",
    "the server redirects from https to http",
    "the server redirects more than %(number)s times",
    "the server compresses in a way that was not asked for",
    "the answer is not compressed as it says",
    "the answer is larger than %(number)s MB",
    "the answer unpacks to more than %(number)s times its size",
    "the file cannot be read: %(reason)s",
    "the feed is empty",
    "the feed is larger than %(number)s MB",
    "the feed nests elements deeper than %(number)s",
    "the feed declares entities or a document type of its own, which are not accepted",
    "the feed is not valid JSON: %(reason)s",
    "this is JSON, but not a JSON Feed",
    "this is a web page, not a feed",
    "this is not a feed: it holds no XML and no JSON",
    "this is not an RSS, Atom or JSON feed",
    "the feed takes longer than %(number)s s to read",
    "the feed could not be read: its parser ran out of memory or broke",
    "the feed could not be read: an error of ours, see the log",
    "what was fetched could not be stored",
    "the page is larger than %(number)s MB",
    "the page nests elements deeper than %(number)s",
    "the page takes longer than %(number)s s to read",
    "the page could not be read: its parser ran out of memory or broke",
    "the page could not be read: an error of ours, see the log",
    "the page shows another text than the feed announces",
    "what the page says could not be stored",
    "this is no web page",
)

#: Why `flask restore settle` kept an edition from leaving.
RESTORED = "The database was restored: what had left since the dump is not known here."
#: What commands write beside an act as its reason.
NOTES = (RESTORED,)

_PLACE = re.compile(r"%\((\w+)\)s")
_FIGURE = re.compile(r"\d[\d,]*(?:\.\d+)?")


def why_unread(language: str, stored: str) -> str:
    """Return why a feed or a page could not be read, told in `language`."""
    return retell(language, FAILURES, stored)


def why_done(language: str, stored: str) -> str:
    """Return the reason noted beside an act on an edition, told in `language` where a command gave it."""
    return retell(language, NOTES, stored)


def retell(language: str, sentences: Sequence[str], stored: str) -> str:
    """Return what is stored, told in `language` by the first of the `sentences`, message ids, that it was made from."""
    for sentence in sentences:
        found = _form(sentence).fullmatch(stored)
        if found is not None:
            places = {name: _written(language, name, value) for name, value in found.groupdict().items()}
            return i18n.gettext(language, sentence, **places)
    return stored


def _written(language: str, name: str, value: str) -> str:
    is_figure = name == "number" and _FIGURE.fullmatch(value) is not None
    return i18n.number(language, float(value.replace(",", ""))) if is_figure else value


@cache
def _form(sentence: str) -> re.Pattern[str]:
    """Return what recognises a sentence, whatever stands in its places."""
    parts = _PLACE.split(sentence)
    texts = [re.escape(part) for part in parts[::2]]
    places = [f"(?P<{name}>.+)" for name in parts[1::2]]
    return re.compile("".join(text + place for text, place in zip(texts, [*places, ""], strict=True)), re.DOTALL)
