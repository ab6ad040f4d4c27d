"""The language of templates: a part of Jinja's. What it has is listed here; all else is refused.

Nothing but the parts of mappings and the places of lists can be reached, and nothing but the template's own macros can
be called: values are plain, so there is nothing behind them.
"""

import re
from collections.abc import Iterator
from types import CodeType
from typing import Any

from jinja2 import StrictUndefined, TemplateSyntaxError, Undefined, nodes
from jinja2.exceptions import SecurityError
from jinja2.runtime import Context, LoopContext, Macro
from jinja2.sandbox import ImmutableSandboxedEnvironment

from app.sandbox.faults import Fault, refuse

#: What a traceback names the template.
FILENAME = "<template of one's own>"
FILTERS = frozenset(
    {"abs", "batch", "capitalize", "default", "e", "escape", "first", "int", "join", "last", "length", "lower",
     "replace", "reverse", "round", "title", "trim", "truncate", "upper"}
)  # fmt: skip
TESTS = frozenset(
    {"defined", "undefined", "none", "even", "odd", "divisibleby", "in", "eq", "ne", "lt", "le", "gt", "ge"}
)
#: What a loop tells of itself.
LOOP = frozenset({"index", "index0", "revindex", "revindex0", "first", "last", "length"})
_NODES = (
    nodes.Template, nodes.Output, nodes.TemplateData, nodes.For, nodes.If, nodes.Macro, nodes.Assign, nodes.AssignBlock,
    nodes.With, nodes.Name, nodes.Const, nodes.Tuple, nodes.List, nodes.Dict, nodes.Pair, nodes.CondExpr, nodes.Filter,
    nodes.Test, nodes.Getattr, nodes.Getitem, nodes.Slice, nodes.Concat, nodes.Compare, nodes.Operand, nodes.Call,
    nodes.Keyword, nodes.And, nodes.Or, nodes.Not, nodes.Neg, nodes.Add, nodes.Sub, nodes.Mul, nodes.Div,
    nodes.FloorDiv, nodes.Mod,
)  # fmt: skip
#: Names that Jinja gives to loops and macros.
_GIVEN = frozenset({"loop"})
#: Stands before each line of the template's own text, where the lines are wanted (private use, Unicode §23.5).
_LINE = re.compile("\ue000(\\d+)\ue001")


class Sandbox(ImmutableSandboxedEnvironment):
    """Jinja without what templates do not need."""

    def __init__(self) -> None:
        super().__init__(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True, cache_size=0)
        self.globals.clear()
        self.filters = {name: self.filters[name] for name in FILTERS}
        self.tests = {name: self.tests[name] for name in TESTS}

    def getattr(self, obj: Any, attribute: str) -> Any:
        """Return a part of a mapping, or what a loop tells of itself."""
        if isinstance(obj, LoopContext) and attribute in LOOP:
            return getattr(obj, attribute)
        return self.getitem(obj, attribute)

    def getitem(self, obj: Any, argument: Any) -> Any:
        """Return a part of a mapping or a place of a list."""
        if isinstance(obj, Undefined):
            return obj[argument]
        if isinstance(obj, dict) and argument in obj:
            return obj[argument]
        if isinstance(obj, (list, tuple, str)) and isinstance(argument, int) and -len(obj) <= argument < len(obj):
            return obj[argument]
        return self.undefined(obj=obj, name=argument)

    def call(self, context: Context, obj: Any, /, *args: Any, **kwargs: Any) -> Any:
        """Call a macro. Raises SecurityError for what is none."""
        if not isinstance(obj, Macro):
            raise SecurityError
        return super().call(context, obj, *args, **kwargs)


def compile_template(source: str, known: frozenset[str], *, with_lines: bool = False) -> CodeType:
    """Return the code of a template that is given the variables `known`.

    `with_lines`: what it sets says of each line where it comes from, for `read_lines`. Raises TemplateRefused.
    """
    sandbox = Sandbox()
    try:
        tree = sandbox.parse(source)
        _check(tree, known)
        if with_lines:
            for text in tree.find_all(nodes.TemplateData):
                text.data = "".join(_numbered(text.data, text.lineno))
        return sandbox.compile(tree, filename=FILENAME)
    except TemplateSyntaxError as error:
        raise refuse(Fault.SYNTAX, error.message or "", error.lineno) from None
    except RecursionError:
        raise refuse(Fault.DEPTH) from None


def read_lines(numbered: str) -> tuple[str, list[tuple[int, int]]]:
    """Return a text without its lines' numbers, and at which of its characters which line of the template begins."""
    pieces, lines, length, end = [], [], 0, 0
    for found in _LINE.finditer(numbered):
        pieces.append(numbered[end : found.start()])
        length += found.start() - end
        lines.append((length, int(found[1])))
        end = found.end()
    return "".join([*pieces, numbered[end:]]), lines


def _check(tree: nodes.Template, known: frozenset[str]) -> None:
    """Raise TemplateRefused for what is not of the language."""
    names = known | _GIVEN | set(_own_names(tree))
    for node in tree.find_all(nodes.Node):
        if not isinstance(node, _NODES) or (isinstance(node, nodes.For) and node.recursive):
            raise refuse(Fault.STATEMENT, type(node).__name__.lower(), node.lineno)
        if isinstance(node, nodes.Filter) and node.name not in FILTERS:
            raise refuse(Fault.FILTER, node.name, node.lineno)
        if isinstance(node, nodes.Test) and node.name not in TESTS:
            raise refuse(Fault.TEST, node.name, node.lineno)
        if isinstance(node, nodes.Name) and node.name not in names:
            raise refuse(Fault.VARIABLE, node.name, node.lineno)


def _own_names(tree: nodes.Template) -> Iterator[str]:
    """Yield what the template itself names: macros, their parameters, loops and what is set."""
    yield from (macro.name for macro in tree.find_all(nodes.Macro))
    yield from (name.name for name in tree.find_all(nodes.Name) if name.ctx in {"store", "param"})


def _numbered(text: str, line: int) -> Iterator[str]:
    yield f"\ue000{line}\ue001"
    for number, part in enumerate(text.splitlines(keepends=True), start=1):
        yield part
        if part.endswith("\n"):
            yield f"\ue000{line + number}\ue001"
