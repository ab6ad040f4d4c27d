"""Ids on the command line: one that no database has room for is refused in words, by every command that takes one."""

from collections.abc import Iterator

import click
from flask import Flask

from tests.conftest import ON_SQLITE

pytestmark = ON_SQLITE
BIG = str(2**63)


def id_takers(group: click.Group, path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """Every command with a parameter that is called an id, and what to say to it."""
    for name, command in group.commands.items():
        if isinstance(command, click.Group):
            yield from id_takers(command, (*path, name))
            continue
        for parameter in command.params:
            if parameter.name and (
                parameter.name.endswith("_id") or parameter.name in {"ids", "after", "before", "resume"}
            ):
                yield (*path, name, *([] if isinstance(parameter, click.Argument) else [parameter.opts[0]]), BIG)


def test_an_id_that_is_too_large_is_refused_in_words(app: Flask) -> None:
    run, said = app.test_cli_runner(), 0
    for words in id_takers(app.cli):
        done = run.invoke(args=words)
        said += f"{BIG} is not in the range" in done.output
        assert (done.exit_code, done.exception.__class__) == (2, SystemExit), (words, done.output)
    assert said > 20
