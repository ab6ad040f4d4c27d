"""The product's parts, wired once per process and handed down; knows no Flask."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

from sqlalchemy.orm import Session

from app.db import Database
from app.links import Links
from app.signing import ProofKeys
from app.tokens import Tokens
from config import Config

#: Gathers what one part of the house keeps of a reader, named by id, as rows of plain values: for people and programs.
Teller = Callable[[Session, int], Sequence[Mapping[str, object]]]


@dataclass(frozen=True)
class Product:
    """What entry points work with. `link_tokens` sign what stands in letters, `form_tokens` what stands in pages,
    `proof_keys` receipts and seals.

    `announce` wakes the senders for chunks that were queued, in the transaction that queued them. `tellers`, by the
    names of what they keep, gather all that is held of a reader.
    """

    config: Config
    database: Database
    link_tokens: Tokens
    form_tokens: Tokens
    proof_keys: ProofKeys
    links: Links
    announce: Callable[[Session, Sequence[int]], None]
    tellers: Mapping[str, Teller]


def make_product(
    config: Config,
    announce: Callable[[Session, Sequence[int]], None],
    tellers: Mapping[str, Teller] = MappingProxyType({}),
) -> Product:
    """Return the wired parts for `config`; opens no connection yet."""
    link_tokens = Tokens(config.link_keys)
    return Product(
        config=config,
        database=Database(config.database_url),
        link_tokens=link_tokens,
        form_tokens=Tokens(config.secret_keys),
        proof_keys=ProofKeys(config.proof_keys),
        links=Links(config.public_url, link_tokens),
        announce=announce,
        tellers=tellers,
    )
