"""Many hosts at once, and each of them only once at a time."""

from collections.abc import Callable, Hashable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from queue import SimpleQueue
from typing import TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")

#: Hosts asked at once. They wait for answers, not for a processor.
WORKERS = 24


def in_lanes(
    items: Sequence[Item],
    *,
    lane_of: Callable[[Item], Hashable | None],
    work: Callable[[Item, Result | None], Result],
) -> Iterator[tuple[Item, Result]]:
    """Yield each item with what `work` returned for it, as they come.

    Items of one lane are worked on in their order, one at a time, each with the result of the one before; those
    without a lane are alone in theirs. `work` is to raise nothing; what it raises all the same ends the whole.
    """
    lanes: dict[Hashable, list[Item]] = {}
    for item in items:
        lanes.setdefault(lane_of(item) or object(), []).append(item)
    done: SimpleQueue[tuple[Item, Result] | Future[None]] = SimpleQueue()

    def run(lane: Sequence[Item]) -> None:
        result: Result | None = None
        for item in lane:
            result = work(item, result)
            done.put((item, result))

    with ThreadPoolExecutor(max_workers=WORKERS, thread_name_prefix="fetch") as pool:
        for lane in sorted(lanes.values(), key=len, reverse=True):  # the longest takes the longest
            pool.submit(run, lane).add_done_callback(done.put)
        ended = 0
        while ended < len(lanes):
            found = done.get()
            if isinstance(found, Future):
                found.result()
                ended += 1
            else:
                yield found
