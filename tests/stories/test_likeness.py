"""When two articles tell of the same event."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.stories.keys import keys_of
from app.stories.likeness import Trace, belonging, likeness, likeness_in_words, sameness, vector_of
from app.topics.taxonomy import load
from tests.conftest import NOW

KEYS = st.dictionaries(st.sampled_from("abcdefgh"), st.sampled_from([0.5, 1.0, 2.0]), max_size=6)


def make_trace(title: str, *, source: str = "wire.example", language: str = "en", text: str = "") -> Trace:
    made = keys_of(load(), title=title, summary=text, body="", language=language)
    vector = vector_of(made, counts={"attack": 600, "vulner": 500}, articles=2_000)
    return Trace(article_id=1, source=source, language=language, at=NOW, title=title, vector=vector)


@given(KEYS, KEYS)
def test_likeness_is_symmetric_and_between_nothing_and_one(one: dict[str, float], other: dict[str, float]) -> None:
    first, second = (vector_of(keys, counts={"a": 50}, articles=100) for keys in (one, other))

    assert likeness(first, second) == pytest.approx(likeness(second, first))
    assert 0 <= likeness(first, second) <= 1 + 1e-9
    assert not one or likeness(first, first) == pytest.approx(1)


def test_a_rare_word_tells_more_than_a_common_one() -> None:
    event = make_trace("Fragnesia attack")

    assert sameness(event, make_trace("Fragnesia explained", source="b.example")) > sameness(
        event, make_trace("Another attack", source="b.example")
    )


def test_one_newsroom_needs_more_to_have_told_an_event_twice() -> None:
    one, other = make_trace("Harbour cranes of Varna halted"), make_trace("Varna cranes stand still")

    assert sameness(one, other) < sameness(one, replace(other, source="b.example"))


def test_other_flaws_are_another_event_however_alike_the_words_are() -> None:
    one = make_trace("Gateway flaw CVE-2031-1111 lets attackers run code")
    other = make_trace("Gateway flaw CVE-2031-2222 lets attackers run code", source="b.example")

    assert sameness(one, other) == 0


def test_the_next_number_of_a_series_is_another_event() -> None:
    assert sameness(make_trace("Cast for Monday, May 18th"), make_trace("Cast for Tuesday, May 19th")) == 0


def test_a_story_of_many_is_not_joined_for_one_likeness() -> None:
    article = make_trace("Harbour cranes of Varna halted", source="z.example")
    like, unlike = make_trace("Varna cranes stand still"), make_trace("Wheat prices fall")

    assert belonging(article, [like]) > belonging(article, [like, unlike, unlike, unlike])


def test_what_words_mean_counts_across_languages_and_not_within_one() -> None:
    french = make_trace("Un rançongiciel paralyse les grues de Varna", source="fil.example", language="fr")
    english = make_trace("Ransomware idles cranes at Varna", source="b.example")
    assert sameness(french, english) >= 1
    assert likeness(english.vector, french.vector) > likeness_in_words(english, replace(french, language="en"))
    assert likeness_in_words(english, english) == pytest.approx(1)
