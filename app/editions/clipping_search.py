"""The words by which clippings are found: SQLite's FTS5, PostgreSQL's GIN over a tsvector.

Words are folded by `words_of`, in texts and in what is asked for alike, and both databases compare them as they are: so
both find the same, in French and English. The databases keep the index themselves, beside the models' tables.
"""

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import TypeVarTuple

import sqlalchemy as sa
from sqlalchemy import Select
from sqlalchemy.dialects.postgresql import TSQUERY, TSVECTOR
from sqlalchemy.orm import Session

from app.editions.models import Clipping
from app.topics.words import words_of

#: What the names of all parts of the index begin with.
INDEX = "clipping_words"
Columns = TypeVarTuple("Columns")
#: More words, or longer ones, are not looked at.
WORDS_MAX, WORD_LENGTH_MAX, TEXT_MAX = 8, 40, 200
#: A word of fewer letters is looked for as it is; a longer one is also the beginning of others.
BEGINNING_MIN = 4

_FORGET = "INSERT INTO clipping_words (clipping_words, rowid, words) VALUES ('delete', old.id, old.words);"
_LEARN = "INSERT INTO clipping_words (rowid, words) VALUES (new.id, new.words);"
_MAKE: Mapping[str, Sequence[str]] = MappingProxyType(
    {
        "sqlite": (
            "CREATE VIRTUAL TABLE clipping_words USING fts5"
            " (words, content='clippings', content_rowid='id', prefix='4 5')",
            f"CREATE TRIGGER clipping_words_added AFTER INSERT ON clippings BEGIN {_LEARN} END",
            f"CREATE TRIGGER clipping_words_deleted AFTER DELETE ON clippings BEGIN {_FORGET} END",
            f"CREATE TRIGGER clipping_words_changed AFTER UPDATE OF words ON clippings BEGIN {_FORGET} {_LEARN} END",
        ),
        "postgresql": (
            "CREATE INDEX clipping_words ON clippings USING gin (array_to_tsvector(string_to_array(words, ' ')))",
        ),
    }
)

_index = sa.table("clipping_words", sa.column("rowid", sa.Integer()), sa.column("clipping_words", sa.Text()))
_lexemes = sa.literal_column("array_to_tsvector(string_to_array(clippings.words, ' '))", TSVECTOR)


@sa.event.listens_for(Clipping.metadata.tables["clippings"], "after_create")
def make_index(_: sa.Table, connection: sa.Connection, **__: object) -> None:
    """Make the index with the table, as the migration does."""
    for statement in _MAKE[connection.dialect.name]:
        connection.exec_driver_sql(statement)


def filed_words(*texts: str) -> str:
    """Return the words by which a text is found, each once."""
    return " ".join(dict.fromkeys(word[:WORD_LENGTH_MAX] for text in texts for word in words_of(text).folded))


def asked_words(text: str) -> tuple[str, ...]:
    """Return the beginnings of words that somebody looks for; none where `text` has no word.

    A plural's ending is cut, so that it finds the singular too. Single letters, as l'Iran has one, are left out, unless
    there is nothing else.
    """
    words = [word[:WORD_LENGTH_MAX] for word in words_of(text[:TEXT_MAX]).folded]
    long_enough = [word for word in words if len(word) > 1] or words
    return tuple(dict.fromkeys(_without_ending(word) for word in long_enough))[:WORDS_MAX]


def newest_with(
    session: Session, query: Select[*Columns], *, words: tuple[str, ...], before: int | None
) -> Select[*Columns]:
    """Return `query`, of clippings, for those with all `words` (`asked_words`), newest first, from below `before` on.

    SQLite is made to walk its index from the newest word down, and stops when a page is full.
    """
    if session.get_bind().dialect.name == "sqlite":
        asked = " ".join(f'"{word}"{"*" if _is_beginning(word) else ""}' for word in words)
        number: sa.ColumnElement[int] = _index.c.rowid
        # The sign keeps it from looking into the index once for each clipping.
        query = query.join(_index, Clipping.id == sa.literal_column("+clipping_words.rowid", sa.Integer())).where(
            _index.c.clipping_words.match(asked)
        )
    else:
        asked = " & ".join(f"'{word}'{':*' if _is_beginning(word) else ''}" for word in words)
        number = Clipping.id.expression
        query = query.where(_lexemes.bool_op("@@")(sa.cast(sa.literal(asked, sa.Text), TSQUERY)))
    return query.order_by(number.desc()) if before is None else query.where(number < before).order_by(number.desc())


def _without_ending(word: str) -> str:
    return word[:-1] if len(word) > BEGINNING_MIN and word[-1] in "sx" else word


def _is_beginning(word: str) -> bool:
    return len(word) >= BEGINNING_MIN
