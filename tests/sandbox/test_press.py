"""What a template of one's own can do to whoever sets it: nothing."""

import os
import time
from pathlib import Path

import pytest

from app.errors import TemplateRefused
from app.sandbox.press import MAX_S, _children, set_own, try_own
from tests.sandbox import HOSTS, PRODUCTS, frame, story, variables

#: What reaches for more than values.
REACHING = [
    "{{ ''.__class__.__mro__ }}", "{{ [].__class__ }}", "{{ language['__class__'] }}", "{{ words.items() }}",
    "{{ language|attr('__class__') }}", "{{ ['a']|map(attribute='__class__')|list }}", "{{ language.format }}",
    "{{ '{0.__class__}'.format(language) }}", "{{ '{0.__class__}'|format(language) }}", "{{ config }}", "{{ self }}",
    "{{ request }}", "{{ cycler('a') }}", "{{ lipsum() }}", "{{ range(3) }}", "{{ namespace() }}", "{{ joiner() }}",
    "{{ introduction.unescape() }}", "{{ introduction|safe }}", "{{ sections.append(1) }}", "{{ loop.__class__ }}",
    "{% for a in sections %}{{ loop._iterator }}{% endfor %}", "{% macro m() %}{% endmacro %}{{ m.__globals__ }}",
    "{% macro m() %}{{ caller.__class__ }}{% endmacro %}{{ m() }}", "{{ [words]|join(attribute='__class__') }}",
    "{% import 'email/_parts.mjml' as p %}", "{% include 'email/digest.txt' %}", "{% extends 'email/_layout.mjml' %}",
    "{% from 'email/_parts.mjml' import note %}", "{% autoescape false %}{{ subject }}{% endautoescape %}",
    "{% for a in sections recursive %}{{ loop(a) }}{% endfor %}", "{% if false %}{{ os }}{% endif %}",
]  # fmt: skip
#: What costs more than a letter may.
COSTLY = [
    "{% for i in range(10**9) %}x{% endfor %}", "{{ 'x'*10**9 }}", "{{ 'x' * 1000000000 }}", "{{ 'x' * 10000000 }}",
    "{{ '%1000000000d' % 1 }}", "{{ ['x' * 100000000] * 100 }}", "{{ 9 * '9'|int * ('9' * 4000)|int }}",
    "{% macro m(n) %}{{ m(n) }}{% endmacro %}{{ m(1) }}", "{{ " + "(" * 5_000 + "1" + ")" * 5_000 + " }}",
    "<div>" * 50_000 + "</div>" * 50_000, "{{ 'a'|replace('a', 'a' * 100000)|replace('a', 'a' * 100000) }}",
    "{% set s = 'x' * 3000 %}{% for a in s %}{% for b in s %}{% for c in s %}{% endfor %}{% endfor %}{% endfor %}",
    "{% set s = 'x' * 3000 %}{% for a in s %}{% for b in s %}{{ b }}{% endfor %}{% endfor %}",
]  # fmt: skip


@pytest.mark.parametrize("reaching", REACHING)
def test_a_template_reaches_nothing_but_what_it_is_given(reaching: str) -> None:
    with pytest.raises(TemplateRefused) as refused:
        try_own(frame(f"a\n{reaching}"), variables(), HOSTS)
    assert refused.value.fault in {"variable", "value", "filter", "statement", "call", "syntax"}


@pytest.mark.parametrize("costly", COSTLY, ids=lambda costly: costly[:40])
def test_a_template_takes_no_more_than_a_letter_may(costly: str) -> None:
    started = time.monotonic()
    with pytest.raises(TemplateRefused):
        set_own(frame(costly), variables(), HOSTS)
    assert time.monotonic() - started < MAX_S + 10
    assert set_own(PRODUCTS, variables(), HOSTS)


def test_what_breaks_the_fork_is_told_by_its_reason() -> None:
    for body, fault in [(COSTLY[-2], "time"), ("{{ 'x' * 1000000000 }}", "memory"), ("{{ 'x' * 10000000 }}", "length")]:
        with pytest.raises(TemplateRefused) as refused:
            try_own(frame(body), variables(), HOSTS)
        assert refused.value.fault == fault


def test_values_are_escaped_once_and_never_become_template_or_tags() -> None:
    hard = "{{7*7}} {% raw %} <b>x</b> &amp; </td><mj-raw>"
    html = set_own(PRODUCTS, variables(sections=[{"heading": "", "stories": [story(hard)]}]), HOSTS)
    assert "{{7*7}} {% raw %} &lt;b&gt;x&lt;/b&gt; &amp;amp; &lt;/td&gt;&lt;mj-raw&gt;" in html
    assert "<p>Bonjour&nbsp;!</p>" in html


def child_processes(parent: int) -> list[int]:
    children = Path(f"/proc/{parent}/task/{parent}/children").read_text(encoding="ascii")
    return [int(child) for child in children.split()]


def setters() -> list[int]:
    return [
        child
        for child in child_processes(os.getpid())
        if b"app.sandbox.typesetter" in Path(f"/proc/{child}/cmdline").read_bytes()
    ]


def test_letters_of_one_template_are_set_in_one_fork_and_those_of_another_in_another() -> None:
    _children().end()  # those of earlier tests: two where letters were set at the same time
    forks = []
    for source in (PRODUCTS, PRODUCTS, PRODUCTS + "<!-- another -->"):
        set_own(source, variables(), HOSTS)
        [child] = setters()
        forks.append(child_processes(child))
        assert len(forks[-1]) == 1
        assert b"SECRET_KEY" not in Path(f"/proc/{child}/environ").read_bytes()
    assert forks[0] == forks[1] != forks[2]


def test_a_template_beyond_all_measure_is_refused() -> None:
    with pytest.raises(TemplateRefused, match="60 kB"):
        set_own(PRODUCTS + " " * 60_000, variables(), HOSTS)
