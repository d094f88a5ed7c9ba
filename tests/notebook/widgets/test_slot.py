"""The newest value only, and not too often."""

import asyncio
import threading
from itertools import pairwise

from b25.notebook.widgets.slot import NewestValue


def test_a_thread_that_tells_a_thousand_values_is_heard_a_few_times_and_last_with_the_newest():
    async def heard() -> tuple[list[int], list[float]]:
        loop = asyncio.get_running_loop()
        taken, times = [], []
        slot = NewestValue(lambda value: (taken.append(value), times.append(loop.time())), period_s=0.05)
        thread = threading.Thread(target=lambda: [slot.put(k) for k in range(1_000)])
        thread.start()
        await asyncio.to_thread(thread.join)
        await asyncio.sleep(0.12)
        slot.close()
        return taken, times

    taken, times = asyncio.run(heard())
    assert taken[-1] == 999
    assert len(taken) < 20
    assert all(later - earlier > 0.045 for earlier, later in pairwise(times))


def test_while_the_loop_stands_still_one_value_waits():
    async def heard() -> tuple[list[int], int]:
        taken: list[int] = []
        slot = NewestValue(taken.append, period_s=0.0)
        for k in range(50):  # as in a cell that runs: nothing is awaited
            slot.put(k)
        await asyncio.sleep(0.01)
        return taken, slot.overwritten

    assert asyncio.run(heard()) == ([49], 49)


def test_a_slot_that_was_closed_takes_nothing_and_one_of_a_loop_that_ended_says_nothing():
    async def closed() -> tuple[list[int], NewestValue]:
        taken: list[int] = []
        slot = NewestValue(taken.append)
        slot.put(1)
        slot.close()
        slot.put(2)
        await asyncio.sleep(0.01)
        return taken, NewestValue(taken.append)

    taken, left = asyncio.run(closed())
    left.put(3)
    left.put(4)
    assert taken == []


def test_without_a_loop_a_value_is_taken_at_once():
    taken: list[int] = []
    NewestValue(taken.append).put(7)
    assert taken == [7]
