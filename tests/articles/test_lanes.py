"""Many hosts at once, each once at a time."""

import threading
import time

from app.articles.lanes import WORKERS, in_lanes


def test_items_of_one_lane_go_one_at_a_time_in_their_order_and_lanes_at_once() -> None:
    at_work, most, together = dict.fromkeys("ab", 0), dict.fromkeys("ab", 0), threading.Barrier(2, timeout=5)

    def work(item: str, before: str | None) -> str:
        at_work[item[0]] += 1
        most[item[0]] = max(most[item[0]], at_work[item[0]])
        if item[1] == "0":
            together.wait()
        time.sleep(0.01)
        at_work[item[0]] -= 1
        return f"{before or ''}{item[1]}"

    items = ["a0", "b0", "a1", "b1", "a2"]
    done = dict(in_lanes(items, lane_of=lambda item: item[0], work=work))
    assert done == {"a0": "0", "a1": "01", "a2": "012", "b0": "0", "b1": "01"}
    assert most == {"a": 1, "b": 1}


def test_items_without_a_lane_all_go_at_once() -> None:
    together = threading.Barrier(WORKERS, timeout=5)
    done = list(in_lanes(range(WORKERS), lane_of=lambda _: None, work=lambda item, _: together.wait() and item))
    assert len(done) == WORKERS


def test_nothing_to_do_is_done() -> None:
    assert list(in_lanes([], lane_of=str, work=lambda item, _: item)) == []


def test_work_that_breaks_does_not_keep_the_caller_waiting_for_ever() -> None:
    def work(item: str, before: str | None) -> str:
        return {"a": "fine"}[item]

    found: list[object] = []

    def ask() -> None:
        try:
            found.extend(in_lanes(["a", "b"], lane_of=str, work=work))
        except KeyError as error:
            found.append(error.args)

    asking = threading.Thread(target=ask, daemon=True)
    asking.start()
    asking.join(5)
    assert not asking.is_alive()
    assert found[-1] == ("b",)
