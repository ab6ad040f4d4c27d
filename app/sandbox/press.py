"""Setting letters from a newsroom's own template: what the rest of the house calls."""

import atexit
import hashlib
import json
from functools import cache

from app.apart.children import Children
from app.sandbox.faults import Fault, refuse

#: For one letter, of processor time and by the clock.
MAX_S = 2.0
#: A longer template is none that somebody wrote.
MAX_SOURCE_BYTES = 60_000


def set_own(source: str, variables: dict[str, object], hosts: frozenset[str]) -> str:
    """Return the HTML part of a letter set from the template `source`, which is given `variables` and nothing else.

    `hosts`: whose pictures it may show. Raises TemplateRefused.
    """
    return _ask("set", source, variables, hosts)


def try_own(source: str, variables: dict[str, object], hosts: frozenset[str]) -> str:
    """Return what `set_own` does; what it raises names the line of the template, where it is one's."""
    return _ask("try", source, variables, hosts)


def _ask(kind: str, source: str, variables: dict[str, object], hosts: frozenset[str]) -> str:
    if len(source.encode()) > MAX_SOURCE_BYTES:
        raise refuse(Fault.LENGTH, str(MAX_SOURCE_BYTES // 1000))
    body = json.dumps({"source": source, "variables": variables}).encode()
    template = hashlib.sha256(source.encode()).hexdigest()
    answer = _children().ask(kind, body, {"of": template, "hosts": sorted(hosts)}, max_s=MAX_S)
    if "stopped" in answer:
        raise refuse(Fault.TIME, f"{MAX_S:g}") if answer["stopped"] == "time" else refuse(Fault.MEMORY)
    if "fault" in answer:
        line = answer["line"]
        raise refuse(Fault(str(answer["fault"])), str(answer["name"]), line if isinstance(line, int) else None)
    return str(answer["html"])


@cache
def _children() -> Children:
    """Return this process's children; they end with it."""
    children = Children("app.sandbox.typesetter")
    atexit.register(children.end)
    return children
