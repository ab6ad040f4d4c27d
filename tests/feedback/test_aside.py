"""What is fetched aside: nobody waits for it, and it is there when they come again."""

import time
from threading import Event

import pytest

from app.errors import FetchRefused
from app.feedback.aside import KEPT, Aside

URL = "https://slow.example/certificate.pem"


class Far:
    """A server that answers once it may."""

    def __init__(self) -> None:
        self.may_answer = Event()
        self.asked: list[str] = []

    def fetch(self, url: str) -> bytes:
        self.asked.append(url)
        assert self.may_answer.wait(10)
        if "refused" in url:
            raise FetchRefused("the server answers 404")
        return url.encode()


def come_again(aside: Aside, url: str = URL) -> bytes:
    """Ask until there is an answer, as a sender of reports does."""
    for _ in range(1_000):
        try:
            return aside(url)
        except FetchRefused as error:
            if "being fetched" not in str(error):
                raise
            time.sleep(0.005)
    raise AssertionError("it never came")


def test_nobody_waits_and_the_answer_is_there_later() -> None:
    far = Far()
    aside = Aside(far.fetch)
    began = time.monotonic()
    for _ in range(20):
        with pytest.raises(FetchRefused, match="being fetched"):
            aside(URL)
    assert time.monotonic() - began < 10
    far.may_answer.set()
    assert come_again(aside) == URL.encode()
    assert far.asked == [URL]


def test_one_thing_is_fetched_at_a_time() -> None:
    far = Far()
    aside = Aside(far.fetch)
    for number in range(20):
        with pytest.raises(FetchRefused):
            aside(f"{URL}?{number}")
    assert far.asked == [f"{URL}?0"]
    far.may_answer.set()
    assert come_again(aside, f"{URL}?0")
    assert come_again(aside, f"{URL}?7")


def test_a_refusal_is_told_once_and_then_it_is_tried_anew() -> None:
    far = Far()
    far.may_answer.set()
    aside = Aside(far.fetch)
    for number in (1, 2):
        with pytest.raises(FetchRefused, match="404"):
            come_again(aside, "https://refused.example/")
        assert len(far.asked) == number


def test_answers_that_nobody_asks_for_again_are_forgotten() -> None:
    far = Far()
    aside = Aside(far.fetch)
    urls = [f"{URL}?{number}" for number in range(KEPT + 1)]
    for url in urls:
        far.may_answer.clear()
        while url not in far.asked:
            with pytest.raises(FetchRefused, match="being fetched"):
                aside(url)
            time.sleep(0.005)
        far.may_answer.set()
    assert come_again(aside, urls[-1]) == urls[-1].encode()
    assert come_again(aside, urls[0]) == urls[0].encode()
    assert far.asked == [*urls, urls[0]]
