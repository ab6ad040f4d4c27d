"""The child that sets letters from a newsroom's own template, each in a fork with limits on time and memory."""

import json
import sys
from bisect import bisect_right
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from types import CodeType
from typing import Any

from jinja2 import Template, TemplateError, UndefinedError
from jinja2.exceptions import SecurityError
from markupsafe import Markup

from app.apart.forks import serve
from app.errors import InputRefused, TemplateRefused
from app.mjml import check_source, to_html
from app.sandbox.checking import TAGS, Reading, Source, check_brought
from app.sandbox.faults import Fault, refuse
from app.sandbox.grammar import FILENAME, Sandbox, compile_template, read_lines

MAX_MEMORY_BYTES = 512_000_000
#: What may come out, as MJML and as HTML; a letter that leaves is far smaller.
MAX_OUTPUT_BYTES = 1_000_000


def main() -> int:
    """Answer requests on standard input until there are no more."""
    to_html("<mjml><mj-body></mj-body></mjml>")
    compile_template("{{ a }}", frozenset({"a"}))
    return serve({"set": _set, "try": _try}, max_memory_bytes=MAX_MEMORY_BYTES)


def _set(body: bytes, hosts: Sequence[str]) -> Mapping[str, Any]:
    order = json.loads(body)
    return _told(set_letter, order["source"], order["variables"], frozenset(hosts))


def _try(body: bytes, hosts: Sequence[str]) -> Mapping[str, Any]:
    order = json.loads(body)
    return _told(try_letter, order["source"], order["variables"], frozenset(hosts))


def set_letter(source: str, variables: dict[str, object], hosts: frozenset[str]) -> str:
    """Return the HTML part of a letter. `hosts`: whose pictures it may show. Raises TemplateRefused."""
    return _converted(_render(_compiled(source, frozenset(variables)), variables), variables, hosts)


def try_letter(source: str, variables: dict[str, object], hosts: frozenset[str]) -> str:
    """Return what `set_letter` does, and find on which line what is wrong. Raises TemplateRefused."""
    code = compile_template(source, frozenset(variables), with_lines=True)
    mjml, lines = read_lines(_render(code, variables))

    def line_of(place: int) -> int:
        return lines[max(bisect_right(lines, (place, sys.maxsize)) - 1, 0)][1]

    Source(hosts, line_of=line_of).read(mjml)
    return _converted(mjml, variables, hosts)


@lru_cache(maxsize=1)
def _compiled(source: str, known: frozenset[str]) -> CodeType:
    """Return the code of the template that this fork is for."""
    return compile_template(source, known)


def _converted(mjml: str, variables: dict[str, object], hosts: frozenset[str]) -> str:
    try:
        check_source(mjml, TAGS)
        html = to_html(mjml)
    except (OSError, ValueError, InputRefused) as error:
        raise refuse(Fault.CONVERTED, str(error)) from None
    _check_length(len(html.encode()))
    reading = Reading(hosts, line_of=lambda _: None)
    reading.read(html)
    check_brought(html, reading, variables)
    return html


def _render(code: CodeType, variables: dict[str, object]) -> str:
    sandbox = Sandbox()
    template = Template.from_code(sandbox, code, sandbox.make_globals(None))
    given = variables | {"introduction": Markup(variables["introduction"])}  # noqa: S704 - the product cleaned it
    pieces, length = [], 0
    try:
        for piece in template.generate(given):
            pieces.append(piece)
            length += len(piece)
            _check_length(length)
    except TemplateRefused:
        raise
    except SecurityError as error:
        raise refuse(Fault.CALL, line=_line(error)) from None
    except RecursionError as error:
        raise refuse(Fault.DEPTH, line=_line(error)) from None
    except UndefinedError as error:
        raise refuse(Fault.VALUE, error.message or "", _line(error)) from None
    except (TemplateError, TypeError, ValueError, ArithmeticError, LookupError, AttributeError) as error:
        raise refuse(Fault.VALUE, str(error), _line(error)) from None
    return "".join(pieces)


def _check_length(length: int) -> None:
    if length > MAX_OUTPUT_BYTES:
        raise refuse(Fault.LENGTH, str(MAX_OUTPUT_BYTES // 1000))


def _line(error: BaseException) -> int | None:
    """Return the line of the template that an error came from; the innermost, where macros call each other."""
    at, line = error.__traceback__, None
    while at is not None:
        if at.tb_frame.f_code.co_filename == FILENAME:
            line = at.tb_lineno
        at = at.tb_next
    return line


def _told(setting: Callable[..., str], *given: object) -> Mapping[str, Any]:
    try:
        return {"html": setting(*given)}
    except TemplateRefused as refusal:
        return {"fault": refusal.fault, "name": refusal.name, "line": refusal.line}


if __name__ == "__main__":
    sys.exit(main())
