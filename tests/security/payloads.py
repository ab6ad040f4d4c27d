"""What attackers type: the lists of the shared corpora, and probes of our own whose effect can be told for sure."""

import json
from dataclasses import dataclass
from typing import Any

from tests.articles.conftest import corpus

LISTS = ("crlf", "csv-formula", "naughty-strings", "open-redirect", "ssrf", "ssrf-ip", "ssti", "xss")
#: What template engines would make of `1337*7331`; no page of ours says it otherwise.
EVALUATED = "9801547"
PROBES = (
    *(
        f"{opening}1337*7331{closing}"
        for opening, closing in [
            ("{{", "}}"),
            ("${", "}"),
            ("#{", "}"),
            ("<%=", "%>"),
            ("{%print(", ")%}"),
            ("@(", ")"),
            ("*{", "}"),
            ("[[${", "}]]"),
        ]
    ),
    "{{ config }}",
    "%(1337*7331)s",
    "%s%n%x",
    "{0.__class__.__init__.__globals__}",
    "a\r\nBcc: victim@reader.example",
    "a\nSubject: other",
    "a\r\n\r\n<script>alert(1)</script>",
    "\u2028Bcc: x",
    "\x00",
    "\x85Bcc: x",
    "\ufeff\u202ea\u2066",
    "\ud800",
    "-1",
    "0",
    "9" * 30,
    "1e309",
    "NaN",
    "true",
    "[]",
    "a" * 20_000,
    "//evil.example",
    "/\\evil.example",
    "\\\\evil.example",
    "https:evil.example",
    "/\t/evil.example",
    "/admin/..//evil.example",
    "/admin//evil.example",
    "javascript:alert(1)//http://a.example/",
    "data:text/html,<script>alert(1)</script>",
    "[a](javascript:alert(1))",
    "[a](data:text/html;base64,PHNjcmlwdD4=)",
    "![a](https://evil.example/track.png)",
    '<https://a.example/"onmouseover=alert(1)>',
    "<javascript:alert(1)>",
    "[a]: javascript:alert(1)\n[a]",
    "```\n<script>\n```",
    "</title><script>alert(1)</script>",
    "--><script>alert(1)</script>",
    "</mj-raw></mj-body><mj-raw><script>",
    "<mj-include path=/etc/passwd>",
    "<![endif]--><script>alert(1)</script>",
    "]]><script>alert(1)</script>",
    '" onfocus=alert(1) autofocus x="',
    "' onfocus=alert(1) '",
    "mark-unsubscribe-x",
    "https://user:secret@evil.example/",
    "http://[::ffff:127.0.0.1]/",
    "mailto:a@b.example?bcc=c@d.example",
)


@dataclass(frozen=True)
class Case:
    """A payload, and what a well-known sanitiser makes of it, by browser."""

    payload: str
    expected: list[str]


def payloads(*names: str) -> list[str]:
    """The payloads of these lists, or of all, each once; the test is skipped where the corpora are missing."""
    found = [payload for name in names or LISTS for payload in read(name)]
    found += [] if names else [case.payload for case in sanitised()]
    return list(dict.fromkeys([*PROBES, *found]))


def sanitised() -> list[Case]:
    """The payloads whose sanitised form is known."""
    cases = read("xss-dompurify-expect")
    return [
        Case(case["payload"], [case["expected"]] if isinstance(case["expected"], str) else case["expected"])
        for case in cases
    ]


def encodable(text: str) -> str:
    """A text as it is once it has come over the wire, where half a character is none."""
    return text.encode("utf-8", "replace").decode()


def read(name: str) -> list[Any]:
    """One list of the corpora."""
    found: list[Any] = json.loads(corpus(f"security-payloads/open/{name}.json").read_text(encoding="utf-8"))
    return found
