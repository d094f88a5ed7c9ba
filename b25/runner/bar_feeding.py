"""Bars of a session in time: its warm-up, its clock's borders, the venue's own bars where trades were missed, and the checks."""

import asyncio
import contextlib
from collections.abc import Coroutine, Sequence
from typing import Any, Final, Protocol

import numpy as np

from b25.market.bar_history import History
from b25.market.feed.news import Kind, News
from b25.market.timerange import time_text
from b25.model.errors import Retry
from b25.model.event import ORDER_FILLED, TRADE
from b25.model.instrument import Instrument
from b25.session.bar_events import NOTHING_NS, BarFrames, LiveBars, Moment, priced
from b25.session.commands import Command, command_event
from b25.session.gateway import Say

GRACE_S: Final = 1.0  # after a border in which its trades may still come
STEP_S: Final = 0.05  # between two looks at the clock
AGAIN_S: Final = 1.0  # after the venue did not tell its bars, doubled up to
AGAIN_S_MAX: Final = 30.0
TRIES: Final = 3  # for the warm-up
CHECK_AFTER_NS: Final = 3_000_000_000  # the venue's own bar is final by then
TOLD_MAX: Final = 5  # differences that are told one by one
OHLCV: Final = ("open_ticks", "high_ticks", "low_ticks", "close_ticks", "volume_lots")


class Taker(Protocol):
    """What the bars need of the live loop."""

    def clock_ns(self) -> int:
        """Time since 1970 that is never set back."""

    def take(self, events: np.ndarray[Any, Any]) -> None:
        """Take events that are stamped; what is earlier than the session's time becomes it."""

    def command(self, code: Command, *, instrument: int = 0) -> None:
        """Do what is asked for."""

    def stop(self, why: str) -> None:
        """End the session."""


class BarFeeding:
    """What stands between a feed's trades and a session on bars.

    Parameters
    ----------
    instruments : sequence of Instrument
    frames : BarFrames
    history : History or None
        The venue's own bars; without, the session is not warmed up, and bars that are missed stay missing.
    say : callable
        Told what a person should read.
    warm_up : int
        Bars before the start that the strategy sees.
    grace_s : float

    Attributes
    ----------
    bars : LiveBars
    checked, differing : int
        Bars that were compared with the venue's own, and that were not equal.
    """

    def __init__(
        self,
        instruments: Sequence[Instrument],
        frames: BarFrames,
        history: History | None,
        say: Say,
        *,
        warm_up: int,
        grace_s: float = GRACE_S,
    ) -> None:
        self.instruments, self.frames, self.history, self.say, self.warm_up = list(instruments), frames, history, say, warm_up
        self.bars = LiveBars(instruments, frames, grace_ns=round(grace_s * 1e9))
        self.checked = self.differing = 0
        self.loop: Taker
        self._last_id = [-1] * len(self.instruments)
        self._missed = [False] * len(self.instruments)  # trades of a bar that had begun
        self._held = [False] * len(self.instruments)  # by the feed
        self._filling: set[int] = set()
        self._tasks: set[asyncio.Task[None]] = set()

    # Before the feed begins.

    async def prepare(self, loop: Taker, told_ns: Sequence[int] = ()) -> None:
        """Ask for the bars before the start.

        Parameters
        ----------
        loop : Taker
        told_ns : sequence of int
            Of a session that goes on: close of the last bar that it was told of each instrument, 0 where it was told none.

        Raises
        ------
        Retry
            When the venue does not tell them.
        """
        self.loop = loop
        timed = self.frames.timed
        if timed is None or self.history is None:
            return
        for i, at_ns in enumerate(told_ns):
            if at_ns:
                self.bars.recall(i, await self._asked(i, self.frames.since_ns(at_ns, 0), at_ns), at_ns)
        if len(told_ns):
            return
        until_ns = int(timed.open_of(loop.clock_ns() - self.bars.grace_ns))
        since_ns = self.frames.since_ns(until_ns, self.warm_up) if self.warm_up else until_ns
        for i in range(len(self.instruments)):
            rows = await self._asked(i, since_ns, until_ns) if self.warm_up else np.zeros(0)
            self.bars.fill(i, rows, until_ns)

    async def _asked(self, i: int, since_ns: int, until_ns: int) -> np.ndarray[Any, Any]:
        timed, wait_s = self.frames.timed, AGAIN_S
        assert timed is not None
        assert self.history is not None
        for left in reversed(range(TRIES)):
            try:
                return await self.history.bars(i, timed, since_ns, until_ns)
            except Retry:
                if not left:
                    raise
            await asyncio.sleep(wait_s)
            wait_s *= 2
        raise AssertionError("unreachable")

    def begin(self, *, resumes: bool = False) -> None:
        """Start the session with its first bar: it trades from now on, and what it sees of before warms it up.

        Parameters
        ----------
        resumes : bool
            It goes on where a dead one stood: nothing is started anew, and what was missed comes from the venue.
        """
        if not resumes:
            now_ns = self.loop.clock_ns()
            moments = self.bars.moments()
            first_ns = min((int(one.events["exch_ns"].min()) for one in moments), default=now_ns)
            self.loop.take(command_event(Command.START, first_ns, amount=now_ns))
            for one in moments:
                self.loop.take(one.events)
            if moments:
                self.say(f"bars: warmed up by {len(moments)} of {self.frames.base.name} from {time_text(first_ns)}")
        self._start(self._run())
        if self.history is not None and self.frames.timed is not None and self.history.has(self.frames.timed):
            self._start(self._check_on())

    # What the feed tells.

    def rows(self, book: int, rows: np.ndarray[Any, Any]) -> None:
        """Take rows of the feed: of a session on bars they are its trades."""
        trades = rows[rows["kind"] == TRADE]
        if not len(trades):
            return
        ids = trades["last_id"]
        last_id, self._last_id[book] = self._last_id[book], int(ids[-1])
        if last_id > 0 and (int(ids[0]) > last_id + 1 or np.any(np.diff(ids) > 1)):
            self._lose(book)
        self.bars.trades(book, trades)
        self._hand_over()

    def news(self, news: News) -> None:
        """Hear that trades may be missed, or that they come again."""
        books = range(len(self.instruments)) if news.book is None else (news.book,)
        if news.kind in (Kind.HOLD, Kind.LIVE):
            for i in books:
                self._held[i] = news.kind is Kind.HOLD
        if news.kind is Kind.LOST:
            for i in books:
                self._lose(i)
        elif news.kind is Kind.LIVE and self.frames.timed is not None:
            for i in books:
                self.bars.synced(i, self.loop.clock_ns())

    def priced(self, events: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
        """Let a fill of ours tell a price too."""
        return priced(events, ORDER_FILLED)

    def _lose(self, i: int) -> None:
        if self.bars.known_ns[i] == NOTHING_NS:
            return
        if not self._missed[i]:
            self.say(f"bars: trades of {self.instruments[i].symbol} may be missing; {self._what_then()}")
        self._missed[i] = True
        self.bars.lost(i)

    def _what_then(self) -> str:
        if self.frames.timed is None:
            return "the open bar is begun anew"
        return "its bars come from the venue's own until it is whole again" if self.history else "bars will be missing"

    def _hand_over(self) -> None:
        self._tell(self.bars.moments())

    def _tell(self, moments: Sequence[Moment]) -> None:
        now_ns = self.loop.clock_ns()
        for one in moments:
            one.events["local_ns"] = now_ns
            self.loop.take(one.events)

    def _catch_up(self) -> None:
        """Tell bars that come late. No risk is added on any but the newest: the price of the others is gone."""
        moments = self.bars.moments()
        if len(moments) > 1:
            for i in range(len(self.instruments)):
                self.loop.command(Command.HOLD, instrument=i)
            self._tell(moments[:-1])
            for i in range(len(self.instruments)):
                if not self._held[i]:
                    self.loop.command(Command.RELEASE, instrument=i)
        self._tell(moments[-1:])

    # What time brings.

    async def _run(self) -> None:
        while True:
            self.bars.pass_time(self.loop.clock_ns())
            for i, since_ns, until_ns in self.bars.wants():
                if i not in self._filling:
                    self._filling.add(i)
                    self._start(self._fill(i, since_ns, until_ns))
            self._hand_over()
            await asyncio.sleep(STEP_S)

    async def _fill(self, i: int, since_ns: int, until_ns: int) -> None:
        """Have the venue tell the bars that its trades did not tell us; nothing later is shown before that."""
        timed, wait_s = self.frames.timed, AGAIN_S
        assert timed is not None
        symbol, rows = self.instruments[i].symbol, np.zeros(0)
        while self.history is not None:
            try:
                rows = await self.history.bars(i, timed, since_ns, until_ns)
                break
            except Retry as fault:
                self.say(f"bars: {symbol} waits for the venue's own: {fault.what}")
            await asyncio.sleep(wait_s)
            wait_s = min(2 * wait_s, AGAIN_S_MAX)
        self.bars.fill(i, rows, until_ns)
        self._filling.discard(i)
        if self._missed[i]:
            self._missed[i] = False
            span = f"from {time_text(since_ns)} to {time_text(until_ns)}"
            told = f"{len(rows)} bars are the venue's own" if self.history is not None else "the bars are missing"
            self.say(f"bars: {symbol}: {told} {span}")
        self._catch_up()

    async def _check_on(self) -> None:
        """Compare what was built from trades with the venue's own bars."""
        timed = self.frames.timed
        assert timed is not None
        assert self.history is not None
        while True:
            await asyncio.sleep(STEP_S)
            built, due_ns = self.bars.built, self.loop.clock_ns() - self.bars.grace_ns - CHECK_AFTER_NS
            while built and int(built[0][1]["close_ns"]) <= due_ns:
                i, row = built.popleft()
                with contextlib.suppress(Retry):
                    own = await self.history.bars(i, timed, int(row["open_ns"]), int(row["close_ns"]))
                    self.compare(i, row, own)

    def compare(self, i: int, row: Any, own: np.ndarray[Any, Any]) -> None:
        """Compare a bar with the venue's own of the same span; what differs is told."""
        self.checked += 1
        theirs = [one for one in own if one["open_ns"] == row["open_ns"]]
        wrong = [name for name in OHLCV if theirs[0][name] != row[name]] if theirs else ["all of it"]
        if not wrong:
            return
        self.differing += 1
        if self.differing <= TOLD_MAX:
            name = wrong[0]
            figures = f": {name} is {row[name]} here, {theirs[0][name]} there" if theirs else ", which the venue has not"
            self.say(
                f"bars: ALARM: {self.instruments[i].symbol} at {time_text(int(row['open_ns']))} differs from the venue's{figures}"
            )

    async def close(self) -> None:
        """End what was begun."""
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if self.history is not None:
            await self.history.close()

    def _start(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._done)

    def _done(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (fault := task.exception()) is not None:
            self.say(f"bars: {type(fault).__name__}: {fault}")
            self.loop.stop("its bars failed")
