"""The columns of a list, by what its header calls them in French or English: a guess, for a person to correct."""

import re
import unicodedata
from collections.abc import Mapping, Sequence
from enum import StrEnum
from types import MappingProxyType

from app.errors import InputRefused


class Column(StrEnum):
    """What a column of a list may tell."""

    EMAIL = "email"
    LANGUAGE = "language"
    SOURCE = "source"
    CONSENTED_ON = "consented_on"
    STATUS = "status"


#: Where in a row each column stands, counted from 0.
Places = Mapping[Column, int]
#: What each may be called, folded.
NAMES: Mapping[Column, frozenset[str]] = MappingProxyType(
    {
        Column.EMAIL: frozenset(
            {"email", "e mail", "mail", "address", "email address", "e mail address", "subscriber email", "adresse",
             "courriel", "adresse email", "adresse e mail", "adresse mail", "adresse courriel",
             "adresse electronique"}
        ),
        Column.LANGUAGE: frozenset({"language", "lang", "locale", "langue"}),
        Column.SOURCE: frozenset(
            {"source", "origin", "origine", "provenance", "consent source", "signup source", "sign up source",
             "source du consentement", "source d inscription", "formulaire"}
        ),
        Column.CONSENTED_ON: frozenset(
            {"date", "consented on", "consent date", "consented at", "opt in date", "optin date", "optin time",
             "confirm time", "confirmed on", "confirmed at", "subscribed on", "subscribed at", "signup date",
             "date du consentement", "date de consentement", "date d inscription", "date d abonnement",
             "date de confirmation", "inscrit le", "abonne le", "confirme le"}
        ),
        Column.STATUS: frozenset({"status", "state", "statut", "etat", "member status", "subscriber status"}),
    }
)  # fmt: skip


def guess_places(header: Sequence[str]) -> dict[Column, int]:
    """Return where the columns stand that a header names, by our own word first; one that two could be is left out."""
    found: dict[Column, int] = {}
    words = [fold(name) for name in header]
    for column in Column:
        own = [place for place, word in enumerate(words) if word == fold(column.value)]
        places = own or [place for place, word in enumerate(words) if word in NAMES[column]]
        if len(places) == 1:
            found[column] = places[0]
    return found


def places_named(header: Sequence[str], names: Mapping[str, str]) -> dict[Column, int]:
    """Return the guess corrected by `names`: of a column, the header's own word for it, or nothing to leave it out.

    Raises InputRefused for a column there is not, for a word that the header has not, and for two columns in one place.
    """
    places = guess_places(header)
    for column_name, word in names.items():
        if column_name not in set(Column):
            raise InputRefused(f"there is no column {column_name!r}: the columns are {', '.join(Column)}")
        places.pop(Column(column_name), None)
        if word:
            if word not in header:
                raise InputRefused(f"the header has no {word!r}")
            places[Column(column_name)] = header.index(word)
    check_places(places, len(header))
    return places


def check_places(places: Places, width: int) -> None:
    """Refuse places from which no address can be read. Raises InputRefused."""
    if Column.EMAIL not in places:
        raise InputRefused("the first line must name the columns, one of them email")
    if len(set(places.values())) < len(places) or not set(places.values()) <= set(range(width)):
        raise InputRefused("each column has a place of its own")


def fold(name: str) -> str:
    """Return a header's word in lower case, without accents, with a blank for all that is no letter or digit."""
    parted = unicodedata.normalize("NFKD", name.replace("\N{RIGHT SINGLE QUOTATION MARK}", " "))
    return " ".join(re.findall(r"[a-z0-9]+", parted.encode("ascii", "ignore").decode().lower()))
