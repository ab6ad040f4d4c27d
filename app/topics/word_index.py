"""Finding rows by the words of a text: SQLite's FTS5, PostgreSQL's GIN over a tsvector.

Words are folded by `words_of`, in texts and in what is asked for alike, and both databases compare them as they are: so
both find the same, in French and English. The databases keep the index themselves, beside the models' tables.
"""

from collections.abc import Sequence
from typing import TypeVarTuple

import sqlalchemy as sa
from sqlalchemy import Select
from sqlalchemy.dialects.postgresql import TSQUERY, TSVECTOR
from sqlalchemy.orm import InstrumentedAttribute, Session

from app.topics.words import words_of

Columns = TypeVarTuple("Columns")
#: More words, or longer ones, are not looked at.
WORDS_MAX, WORD_LENGTH_MAX, TEXT_MAX = 8, 40, 200
#: A word of fewer letters is looked for as it is; a longer one is also the beginning of others.
BEGINNING_MIN = 4


class WordIndex:
    """The index called `name` of the column `words` of a table, whose rows have a growing `number`.

    It is made with the table; a migration that makes the table, or makes it anew, makes the index too (`statements`).
    """

    def __init__(self, name: str, number: InstrumentedAttribute[int]) -> None:
        self.name = name
        self._number = number
        self._table: sa.Table = number.class_.__table__
        self._index = sa.table(name, sa.column("rowid", sa.Integer()), sa.column(name, sa.Text()))
        self._lexemes = sa.literal_column(
            f"array_to_tsvector(string_to_array({self._table.name}.words, ' '))", TSVECTOR
        )
        sa.event.listen(self._table, "after_create", self._make)

    def newest_with(
        self, session: Session, query: Select[*Columns], *, words: tuple[str, ...], before: int | None
    ) -> Select[*Columns]:
        """Return `query`, of the table, for rows with all `words` (`asked_words`), newest first, from below `before`.

        SQLite is made to walk its index from the newest word down, and stops when a page is full.
        """
        number: sa.ColumnElement[int]
        if session.get_bind().dialect.name == "sqlite":
            asked = _query(words, all_of=" AND ", any_of=" OR ", exact='"{}"', beginning='"{}"*')
            number = self._index.c.rowid
            # The sign keeps it from looking into the index once for each row.
            joined = self._number == sa.literal_column(f"+{self.name}.rowid", sa.Integer())
            query = query.join(self._index, joined).where(self._index.c[self.name].match(asked))
        else:
            asked = _query(words, all_of=" & ", any_of=" | ", exact="'{}'", beginning="'{}':*")
            number = self._number.expression
            query = query.where(self._lexemes.bool_op("@@")(sa.cast(sa.literal(asked, sa.Text), TSQUERY)))
        return query.order_by(number.desc()) if before is None else query.where(number < before).order_by(number.desc())

    def statements(self, dialect: str) -> Sequence[str]:
        """Return what makes the index in a database of this dialect."""
        name, table, number = self.name, self._table.name, self._number.key
        if dialect == "postgresql":
            return (f"CREATE INDEX {name} ON {table} USING gin (array_to_tsvector(string_to_array(words, ' ')))",)
        forget = f"INSERT INTO {name} ({name}, rowid, words) VALUES ('delete', old.{number}, old.words);"  # noqa: S608 - our own names
        learn = f"INSERT INTO {name} (rowid, words) VALUES (new.{number}, new.words);"  # noqa: S608 - our own names
        return (
            f"CREATE VIRTUAL TABLE {name} USING fts5"
            f" (words, content='{table}', content_rowid='{number}', prefix='4 5')",
            f"CREATE TRIGGER {name}_added AFTER INSERT ON {table} BEGIN {learn} END",
            f"CREATE TRIGGER {name}_deleted AFTER DELETE ON {table} BEGIN {forget} END",
            f"CREATE TRIGGER {name}_changed AFTER UPDATE OF words ON {table} BEGIN {forget} {learn} END",
        )

    def _make(self, _: sa.Table, connection: sa.Connection, **__: object) -> None:
        for statement in self.statements(connection.dialect.name):
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


def _without_ending(word: str) -> str:
    return word[:-1] if len(word) > BEGINNING_MIN and word[-1] in "sx" else word


def _query(words: tuple[str, ...], *, all_of: str, any_of: str, exact: str, beginning: str) -> str:
    """Return what is asked of a database's index, in its own signs."""
    return all_of.join(
        f"({any_of.join((beginning if len(form) >= BEGINNING_MIN else exact).format(form) for form in _forms(word))})"
        for word in words
    )


def _forms(word: str) -> tuple[str, ...]:
    """Return the beginnings that a word has in the singular and in the plural, where another letter tells them apart:
    agency and agencies, journal and journaux."""
    for one, many in (("y", "ie"), ("al", "au")):
        for ending, other in ((one, many), (many, one)):
            if len(word) >= BEGINNING_MIN and word.endswith(ending):
                return (word, word.removesuffix(ending) + other)
    return (word,)
