"""Between a feed and a session on bars: the warm-up, what is missed and filled, holds while it catches up, checks, going on."""

import asyncio

import numpy as np
import pytest

from b25.market.feed.news import Kind, News
from b25.market.timeframe import timeframe
from b25.model.bar import BAR
from b25.model.errors import Retry
from b25.model.event import BAR as BAR_EVENT
from b25.model.event import COMMAND, ROW, TRADE
from b25.runner.bar_feeding import BarFeeding
from b25.session.bar_events import BarFrames
from b25.session.commands import Command
from tests.engine.bar_runs import PERP

S_NS = 10**9
START = 1_600_000_000 * S_NS
MINUTE = BarFrames(timeframe("1s"), (timeframe("5s"),))


class Loop:
    """Takes events, and has a clock that a test sets."""

    def __init__(self):
        self.now_ns, self.told, self.stopped = START + S_NS // 2, [], []

    def clock_ns(self):
        return self.now_ns

    def take(self, events):
        for event in events:
            if event["kind"] == COMMAND:
                self.told.append(Command(int(event["status"])).name)
                self.start = event.copy()
            elif event["kind"] == BAR_EVENT and event["status"] == 0:
                self.told.append(int(event["exch_ns"] - START) // S_NS)
                self.known_ns = int(event["local_ns"])
            elif event["kind"] == BAR_EVENT:
                self.told.append(f"larger {int(event['exch_ns'] - START) // S_NS}")

    def command(self, code, *, instrument=0):
        self.told.append(code.name)

    def stop(self, why):
        self.stopped.append(why)


class Past:
    """A venue whose bars are a function of their time; it is deaf as often as it is told to be."""

    def __init__(self, deaf=0, checks=False):
        self.deaf, self.checks, self.asked, self.closed = deaf, checks, [], False

    def has(self, frame):
        return self.checks

    async def bars(self, i, frame, since_ns, until_ns):
        if self.deaf:
            self.deaf -= 1
            raise Retry("the venue is deaf", remedy="wait")
        self.asked.append(((since_ns - START) // S_NS, (until_ns - START) // S_NS))
        rows = np.zeros((until_ns - since_ns) // S_NS, BAR)
        rows["open_ns"] = since_ns + np.arange(len(rows)) * S_NS
        rows["close_ns"] = rows["open_ns"] + S_NS
        for name in ("open_ticks", "high_ticks", "low_ticks", "close_ticks"):
            rows[name] = 100
        rows["volume_lots"], rows["buy_lots"] = 5, -1
        return rows

    async def close(self):
        self.closed = True


def trades(*listed):
    """ROW rows of (trade id, time in ms since START)."""
    rows = np.zeros(len(listed), ROW)
    for row, (number, at_ms) in zip(rows, listed, strict=True):
        row["last_id"] = row["first_id"] = number
        row["exch_ns"] = row["recv_ns"] = START + at_ms * 10**6
        row["kind"], row["price_ticks"], row["qty_lots"], row["side"] = TRADE, 100, 5, 1
    return rows


async def turns(holds, longest_s=30.0):
    async with asyncio.timeout(longest_s):
        while True:
            if holds():
                return
            await asyncio.sleep(0.005)


def feeding(history, said, warm_up=0, **how):
    return BarFeeding([PERP], MINUTE, history, said.append, warm_up=warm_up, grace_s=0.0, **how)


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    monkeypatch.setattr("b25.runner.bar_feeding.AGAIN_S", 0.001)
    monkeypatch.setattr("b25.runner.bar_feeding.STEP_S", 0.001)


def test_it_is_warmed_up_from_where_the_larger_bar_begins_and_trades_from_now():
    async def work():
        loop, said, past = Loop(), [], Past(deaf=1)
        one = feeding(past, said, warm_up=7)
        await one.prepare(loop)
        one.begin()
        assert past.asked == [(-10, 0)]  # seven back, and then to the border of 5 s
        assert loop.told == ["START", *range(-10, -5), "larger -10", *range(-5, 0), "larger -5"]
        assert loop.start["local_ns"] == START - 10 * S_NS
        assert loop.start["amount"] == START + S_NS // 2
        assert loop.known_ns == START  # as it closed, not as it was read
        await one.close()
        assert past.closed
        assert said[0].startswith("bars: warmed up by 10 of 1s")

    asyncio.run(work())


def test_a_venue_that_stays_deaf_lets_nothing_begin():
    with pytest.raises(Retry, match="deaf"):
        asyncio.run(feeding(Past(deaf=9), [], warm_up=7).prepare(Loop()))


def test_the_bar_of_the_start_and_every_loss_are_filled_and_no_risk_is_added_while_it_catches_up():
    async def work():
        loop, said, past = Loop(), [], Past()
        one = feeding(past, said, warm_up=5)
        await one.prepare(loop)
        one.begin()
        loop.told.clear()
        one.rows(0, trades((1, 600), (2, 1_100)))
        loop.now_ns = START + 2 * S_NS + 1
        await turns(lambda: 1 in loop.told)
        assert loop.told == ["HOLD", 0, "RELEASE", 1]
        loop.told.clear()
        assert past.asked[1:] == [(0, 1)]
        past.deaf = 1
        one.news(News(Kind.LOST, loop.now_ns, "socket"))
        one.news(News(Kind.HOLD, loop.now_ns, "held", 0))
        one.rows(0, trades((7, 5_500)))
        one.news(News(Kind.LIVE, loop.now_ns, "live", 0))
        loop.now_ns = START + 6 * S_NS + 1
        await turns(lambda: 5 in loop.told)
        assert loop.told == ["HOLD", 2, 3, 4, "larger 0", "RELEASE", 5]
        assert past.asked[-1] == (2, 6)
        # The trades' own numbers tell of a loss that no socket told of.
        one.rows(0, trades((8, 6_100), (9, 6_900)))
        one.rows(0, trades((14, 7_100)))
        loop.now_ns = START + 8 * S_NS + 1
        await turns(lambda: 7 in loop.told)
        assert loop.told[-4:] == ["HOLD", 6, "RELEASE", 7]
        assert any("the venue is deaf" in text for text in said)
        assert sum("may be missing" in text for text in said) == 2
        assert sum("are the venue's own" in text for text in said) == 2
        await one.close()
        assert loop.stopped == []

    asyncio.run(work())


def test_without_a_history_the_missed_bars_stay_missing():
    async def work():
        loop, said = Loop(), []
        one = feeding(None, said)
        await one.prepare(loop)
        one.begin()
        one.rows(0, trades((1, 600), (2, 1_100), (3, 2_100)))
        one.news(News(Kind.LOST, loop.now_ns, "socket"))
        one.rows(0, trades((4, 4_100), (5, 5_100), (6, 6_100)))
        loop.now_ns = START + 7 * S_NS + 1
        await turns(lambda: 6 in loop.told)
        assert [told for told in loop.told if isinstance(told, int)] == [1, 5, 6]
        assert any("the bars are missing" in text for text in said)
        await one.close()

    asyncio.run(work())


def test_a_bar_that_differs_from_the_venues_is_an_alarm():
    async def work():
        loop, said, past = Loop(), [], Past(checks=True)
        one = feeding(past, said, warm_up=1)
        await one.prepare(loop)
        one.begin()
        odd = trades((1, 600), (2, 1_100), (3, 2_100), (4, 3_100), (5, 4_000))
        odd["price_ticks"][2] = 103
        one.rows(0, odd)
        loop.now_ns = START + 30 * S_NS
        await turns(lambda: one.checked >= 3)
        assert one.differing == 1
        (alarm,) = [text for text in said if "ALARM" in text]
        assert "open_ticks is 103 here, 100 there" in alarm
        await one.close()

    asyncio.run(work())


def test_a_session_that_goes_on_is_told_what_it_missed_and_its_larger_bars_are_whole():
    async def work():
        loop, said, past = Loop(), [], Past()
        loop.now_ns = START + 9 * S_NS
        one = feeding(past, said, warm_up=50)
        await one.prepare(loop, [START + 3 * S_NS])
        one.begin(resumes=True)
        assert past.asked == [(0, 3)]
        assert loop.told == []
        one.rows(0, trades((1, 9_100), (2, 10_100)))
        loop.now_ns = START + 11 * S_NS + 1
        await turns(lambda: 10 in loop.told)
        assert loop.told == ["HOLD", *range(3, 5), "larger 0", *range(5, 10), "larger 5", "RELEASE", 10]
        await one.close()

    asyncio.run(work())


def test_a_fault_in_it_ends_the_session():
    async def work():
        loop, said, past = Loop(), [], Past()
        one = feeding(past, said)
        await one.prepare(loop)
        one.begin()
        past.bars = None
        one.rows(0, trades((1, 600), (2, 1_100)))
        await turns(lambda: loop.stopped)
        assert any("TypeError" in text for text in said)
        await one.close()

    asyncio.run(work())
