"""The live loop: it owns the clock. A feed's rows, a gateway's answers, timers and commands become events of one session.

Time is stamped once, when something enters; the session and everything below it read it from the events.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Coroutine
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from b25.market.feed.news import Kind, News
from b25.model.errors import Halt
from b25.model.event import EVENT, GAP
from b25.runner.account_watch import AccountWatch
from b25.runner.bar_feeding import BarFeeding
from b25.session.commands import Command
from b25.session.gateway import Gateway, Say
from b25.session.machine import NEVER_NS
from b25.session.manual import Done
from b25.session.rows import events_of
from b25.session.session import Session

if TYPE_CHECKING:
    from b25.runner.session_config import SessionConfig

DRAIN_S: Final = 10.0  # how long the end waits for orders to be cancelled and positions to be closed
DRAIN_STEP_S: Final = 0.1
SYNC_S: Final = 1.0  # between two moments at which the disk has the journal for certain

Feeding = Callable[["LiveLoop", asyncio.Event], Coroutine[Any, Any, None]]


class LiveLoop:
    """One session in time. It is the listener of its feed.

    Parameters
    ----------
    clock_ns : callable
        Time since 1970 that is never set back.
    say : callable
        Told what a person should read.

    Attributes
    ----------
    until : asyncio.Event
        Set it, or call `stop`, to end the session.
    resumes : bool
        The session goes on where a dead one stood: its strategy is not started anew, and no book is trusted before its snapshot.
    bars : BarFeeding or None
        What makes bars of the feed's trades, for a session on bars.
    """

    def __init__(self, clock_ns: Callable[[], int], say: Say) -> None:
        self.clock_ns, self.say = clock_ns, say
        self.until = asyncio.Event()
        self.session: Session
        self.gateway: Gateway
        self.bars: BarFeeding | None = None
        self.account: AccountWatch | None = None  # the books of the account that a live session sends for
        self.why = "stopped"
        self.flattens = False
        self.resumes = False
        self.starts_paused = False
        self.has_begun = False  # what is asked for can be carried out
        self.messages = 0
        self.news_heard: dict[str, int] = {}
        self.tap: Callable[[int, np.ndarray[Any, Any]], None] | None = None  # sees the feed's rows; must not wait or keep them
        self.answered: list[Callable[[np.ndarray[Any, Any]], None]] = []  # told of what the venue answered, once it is taken
        self.at_end: list[Callable[[], None]] = []  # called when nothing more will happen
        self.in_strategy: Callable[[bool], None] = lambda inside: None  # before its first call; after its start
        self.handle: Callable[[dict[str, Any]], dict[str, Any]] | None = None  # does what a command from outside asks for
        self.feed: Any = None  # where rows come from, once it runs; and what tells the bus: for whoever measures them
        self.bus: Any = None
        self.attending: asyncio.Task[None] | None = None  # what watches the session from within; kept from being collected
        self.configuration: SessionConfig | None = None  # what is configured for the session, and how it is taken over
        self._timer: asyncio.TimerHandle | None = None
        self._armed_ns = NEVER_NS

    def wire(self, session: Session, gateway: Gateway) -> None:
        """Put in what the loop drives; each of them needs the loop to be made."""
        self.session, self.gateway = session, gateway

    # What enters.

    def rows(self, book: int, rows: np.ndarray[Any, Any]) -> None:
        """Take rows of the feed: the gateway sees them first, for it may be the venue."""
        if not self.messages:
            self.in_strategy(True)
        self.messages += 1
        if self.tap is not None:
            self.tap(book, rows)
        self.gateway.rows(book, rows)
        if self.bars is not None:
            self.bars.rows(book, rows)
            return
        events = events_of(book, rows, self.session.machine.now_ns)
        if len(events):
            self._take(events)

    def text(self, book: int, recv_ns: int, address: int, size: int, why: str) -> None:
        """A message as it came: the journal keeps what was made of it."""

    def news(self, news: News) -> None:
        """Turn what the feed tells of a book into commands: what is not to be traded on is not."""
        self.news_heard[str(news.kind)] = self.news_heard.get(str(news.kind), 0) + 1
        if self.bars is not None:
            self.bars.news(news)
        if news.book is not None and news.kind in (Kind.HOLD, Kind.LIVE):
            self.command(Command.HOLD if news.kind is Kind.HOLD else Command.RELEASE, instrument=news.book)
        elif news.kind is Kind.HALT:
            self.say(f"feed: {news.what}; the session pauses and its orders are cancelled")
            self.command(Command.PAUSE)
        elif news.kind in (Kind.GAP, Kind.ALARM, Kind.REFUSED, Kind.UNAVAILABLE, Kind.SILENT):
            self.say(f"feed: {news.kind}: {news.what}")

    def deliver(self, events: np.ndarray[Any, Any]) -> None:
        """Take what a gateway learned: it is known now, whenever it happened."""
        events["local_ns"] = max(self.clock_ns(), self.session.machine.now_ns)
        self._take(events if self.bars is None else self.bars.priced(events))
        for tell in self.answered:
            tell(events)

    def take(self, events: np.ndarray[Any, Any]) -> None:
        """Take events that are stamped; what is earlier than the session's time becomes it."""
        np.maximum(events["local_ns"], self.session.machine.now_ns, out=events["local_ns"])
        self._take(events)

    def command(self, code: Command, *, instrument: int = 0, amount: int = 0) -> None:
        """Do what a person or a supervisor asks for."""
        self._guarded(lambda: self.session.command(code, self.clock_ns(), instrument=instrument, amount=amount))

    def enter(self, event: np.ndarray[Any, Any]) -> None:
        """Take an event that a person has made, stamped already."""
        self._guarded(lambda: self.session.take(event))

    def set_parameter(self, name: str, value: Any) -> None:
        """Give a parameter another value. Raises Misuse when it may not have it."""
        self._guarded(lambda: self.session.set_parameter(name, value, self.clock_ns()))

    def ask(self, events: np.ndarray[Any, Any]) -> list[Done]:
        """Take events that a person has made, all or none, and give what each led to; nothing when the session halted at it."""
        done: list[Done] = []
        self._guarded(lambda: done.extend(self.session.ask(events)))
        return done

    def stop(self, why: str, *, flatten: bool = False) -> None:
        """End the session: cancel what works, and close what is held if asked for."""
        if not self.until.is_set():
            self.why, self.flattens = why, self.flattens or flatten
            self.until.set()

    def _take(self, events: np.ndarray[Any, Any]) -> None:
        def act() -> None:
            self.session.timers_until(int(events["local_ns"][0]))
            self.session.take(events)

        self._guarded(act)

    def _guarded(self, act: Callable[[], None]) -> None:
        """Do something to the session; a halt ends it, and nobody who tells it something is to suffer from that."""
        try:
            act()
        except Halt as fault:
            self.say(f"halted: {fault.what}")
            self.stop("halted")
        self._arm()

    def _arm(self) -> None:
        """Have the loop wake when the strategy's timer is due."""
        due_ns = self.session.machine.timer_due_ns
        if due_ns == self._armed_ns:
            return
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        self._armed_ns = due_ns
        if due_ns < NEVER_NS and self.session.fault is None:
            wait_s = max(0.0, (due_ns - self.clock_ns()) / 1e9)
            self._timer = asyncio.get_running_loop().call_later(wait_s, self._on_timer)

    def _on_timer(self) -> None:
        self._armed_ns, self._timer = NEVER_NS, None
        self._guarded(lambda: self.session.timers_until(self.clock_ns() + 1))

    # From beginning to end.

    async def run(self, feeding: Feeding) -> dict[str, Any]:
        """Run until `until` is set; returns what the journal ends with, and what is not certain to be cancelled."""
        try:
            await self.gateway.start()
            if self.bars is not None:
                await self.bars.prepare(self, self.session.machine.bars_told_ns if self.resumes else ())
        except BaseException:
            await self.gateway.close()
            if self.bars is not None:
                await self.bars.close()
            self.session.close("it did not start")
            raise
        syncing = asyncio.get_running_loop().create_task(self._sync_on())
        feed_ends = asyncio.Event()
        unsure: list[str] = []
        feed: asyncio.Task[None] | None = None
        try:
            if self.starts_paused:
                self.command(Command.PAUSE)
            if self.bars is not None:
                self.bars.begin(resumes=self.resumes)
            elif self.resumes:
                self.deliver(gaps(len(self.session.machine.instruments)))
            else:
                self.in_strategy(True)
                self.command(Command.START)
                self.in_strategy(False)
            self.has_begun = True
            feed = asyncio.get_running_loop().create_task(feeding(self, feed_ends))
            ended = asyncio.get_running_loop().create_task(self.until.wait())
            await asyncio.wait({feed, ended}, return_when=asyncio.FIRST_COMPLETED)
            ended.cancel()
            if feed.done() and not self.until.is_set():
                self.stop(f"the feed ended: {feed.exception() or 'no more data'}")
            await self._drain()
        finally:
            unsure = await self._end(feed, feed_ends, syncing)
        facts = self.session.close(self.why)
        for act in self.at_end:
            act()
        return {**facts, "not_certainly_cancelled": unsure, "live_orders": self.session.machine.live_orders}

    async def _drain(self) -> None:
        """Say good-bye to the strategy, then cancel and, if asked for, close, until nothing is left or time is up."""
        if self.session.fault is not None:
            return
        self.command(Command.STOP)
        code = Command.FLATTEN if self.flattens else Command.DRAIN
        until_s = time.monotonic() + DRAIN_S
        while time.monotonic() < until_s and self.session.fault is None:
            self.command(code)
            if self.is_clear():
                return
            await asyncio.sleep(DRAIN_STEP_S)
        self.say(f"after {DRAIN_S:g} s {self.session.machine.live_orders} orders are not known to be over")

    def is_clear(self) -> bool:
        """Whether nothing works any more, and nothing is held if it was to be closed."""
        machine = self.session.machine
        held = bool(np.any(machine.world.positions["position_lots"]))
        return machine.live_orders == 0 and not (self.flattens and held)

    async def _end(self, feed: asyncio.Task[None] | None, feed_ends: asyncio.Event, syncing: asyncio.Task[None]) -> list[str]:
        unsure: list[str] = []
        try:
            unsure = await self.gateway.pull_all()
        except Exception as fault:
            unsure = [one.symbol for one in self.session.machine.instruments]
            self.say(f"cancelling everything failed: {type(fault).__name__}: {fault}")
        if unsure:
            self.say(f"it is not certain that nothing rests in {', '.join(unsure)}: look at the venue")
        if self._timer is not None:
            self._timer.cancel()
        feed_ends.set()
        if self.bars is not None:
            await self.bars.close()
        syncing.cancel()
        await asyncio.gather(*([feed] if feed is not None else []), syncing, return_exceptions=True)
        await self.gateway.close()
        return unsure

    async def _sync_on(self) -> None:
        """Have the journal on the disk once a second, in a thread: a machine that dies loses no more than that."""
        while True:
            await asyncio.sleep(SYNC_S)
            await asyncio.to_thread(self.session.journal.sync)


def gaps(count: int) -> np.ndarray[Any, Any]:
    """Return events that make every book suspect until its next snapshot: nobody knows what was missed."""
    events = np.zeros(count, EVENT)
    events["kind"], events["instrument"] = GAP, np.arange(count)
    return events
