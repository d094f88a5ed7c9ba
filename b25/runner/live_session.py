"""Put a live session together for one of the modes, and run it in the foreground until somebody ends it."""

import asyncio
import contextlib
import random
import re
import signal
import ssl
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import numpy as np

from b25.market.feed.binance_streams import Address, Stream, address_of
from b25.market.feed.ccxt_feed import CcxtFeed
from b25.market.feed.compiled import compile_feed
from b25.market.feed.feed import Feed, Wanted
from b25.market.feed.live_io import LiveIo, SteadyClock, run, run_loop
from b25.market.feed.settings import FeedSettings
from b25.market.record_instruments import FAST_VENUES
from b25.market.venue_names import market_of, raw_symbol
from b25.model.errors import Misuse
from b25.model.instrument import Instrument
from b25.model.world import FEES, LIMITS
from b25.risk.limit_set import LimitSet
from b25.risk.limits import Limits
from b25.runner.bar_plan import bars_of, check_bars
from b25.runner.join import join
from b25.runner.live import Feeding, LiveLoop
from b25.runner.size_factor import scaled_records
from b25.session.account.policy_file import AccountPolicies
from b25.session.bar_events import BarFrames
from b25.session.composition import Composition
from b25.session.gateway import Gateway, Say, Watching
from b25.session.orders.desk_plan import FOREIGN, DeskPlan
from b25.session.orders.submitting import Pace
from b25.session.paper import Paper
from b25.session.session import Session
from b25.strategy.strategy import Strategy
from b25.venue.models import Fees
from b25.venue.port.port import VenuePort

MODES: Final = ("observe", "paper", "live")
STREAMS: Final[tuple[Stream, ...]] = ("depth", "trades")
NAME: Final = re.compile(r"[a-z0-9-]{1,20}")
LATENCY_NS: Final = 10_000_000
NEVER_BEGAN: Final[dict[str, Any]] = {"halt": None, "events": 0, "effects": 0, "live_orders": 0, "not_certainly_cancelled": []}


@dataclass(frozen=True, slots=True, kw_only=True)
class LivePlan:
    """A live session.

    Attributes
    ----------
    name : str
        Id of the session: small letters, digits, hyphens, 20 at most. It begins every order's id at the venue.
    mode : {"observe", "paper", "live"}
    cls : type of Strategy
    instruments : sequence of Instrument
        All of one venue.
    folder : Path
        Where the journal goes.
    port : callable, optional
        Makes the venue port; live only.
    address : Address, optional
        Of a venue like Binance elsewhere.
    fees : Fees
        Charged on paper; live, the venue tells the fee of every fill, and these bound the size of an order only.
    latency_ns : int
        Of orders on paper, each way.
    seconds : float
        Stop after so many; 0 runs until it is interrupted.
    flatten : bool
        Close what is held at the end.
    frames : BarFrames, optional
        The bars that a class with `on_bar` runs on.
    warm_up : int
        Bars before the start that it sees.
    may_send : callable
        Asked before every new order; False holds it back.
    refusal : callable
        Likewise; says why, or nothing.
    store : str
        URL of the database of orders; by default a file beside the folder.
    account : str
        Name of the account there. One session at a time sends for it.
    strategy : str
        Under which name positions and cash go on from session to session; by default the class's.
    foreign : {"ignore", "alarm", "cancel"}
        What happens to what is in the account and not ours.
    epoch_min : int
        Of a supervisor's seat: orders' ids are above it.
    lasting : bool
        The venue outlives the session, so that a session which died can be gone on with.
    pace : Pace
        How often the account is compared.
    limit_set : LimitSet, optional
        Limits by scope; in place of `limits`.
    policies : AccountPolicies
        What the account as a whole must hold to.
    size_factor : float
        By which the limits are scaled: of a canary, below 1.
    more : dict
        Further facts for the journal's header.
    """

    name: str
    mode: str
    cls: type[Strategy]
    instruments: Sequence[Instrument]
    folder: Path
    params: dict[str, Any] = field(default_factory=dict)
    limits: Limits = field(default_factory=Limits)
    fees: Fees = field(default_factory=Fees)
    balance: float = 10_000.0
    compiled: bool | None = None
    port: Callable[[], VenuePort] | None = None
    address: Address | None = None
    tls: ssl.SSLContext | None = None
    feed: FeedSettings = field(default_factory=FeedSettings)
    latency_ns: int = LATENCY_NS
    seconds: float = 0.0
    flatten: bool = False
    frames: BarFrames | None = None
    warm_up: int = 0
    may_send: Callable[[], bool] = lambda: True
    refusal: Callable[[], str] = lambda: ""
    store: str = ""
    account: str = "main"
    strategy: str = ""
    foreign: str = "alarm"
    epoch_min: int = 0
    lasting: bool = True
    pace: Pace = field(default_factory=Pace)
    limit_set: LimitSet | None = None
    policies: AccountPolicies = field(default_factory=AccountPolicies)
    size_factor: float = 1.0
    more: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.mode not in MODES:
            raise Misuse(f"there is no mode {self.mode!r}", remedy=f"use one of {', '.join(MODES)}")
        if not NAME.fullmatch(self.name):
            raise Misuse(f"{self.name!r} is no name of a session", remedy="use small letters, digits and hyphens, 20 at most")
        if len({one.venue for one in self.instruments}) != 1:
            raise Misuse("a session trades at one venue", remedy="give instruments of one venue, at least one")
        if self.mode == "live" and self.port is None:
            raise Misuse("a live session without an account", remedy="give the key of the account, or use --mode paper")
        if self.foreign not in FOREIGN:
            raise Misuse(f"--foreign {self.foreign}", remedy=f"use one of {', '.join(FOREIGN)}")
        if self.mode == "live":
            self.policies.check(self.instruments)
        check_bars(self.cls, self.frames, self.instruments)

    @property
    def journal(self) -> Path:
        """Where the journal is."""
        return self.folder / f"{self.name}.journal"

    def desk(self) -> DeskPlan:
        """Where and as whom orders are kept."""
        return DeskPlan(
            store=self.store or f"sqlite:///{self.folder.parent / 'b25.db'}",
            folder=self.folder / f"emergency-{re.sub(r'[^A-Za-z0-9_-]', '-', self.account)}",
            session=self.name,
            strategy=self.strategy or self.cls.__name__,
            account=self.account,
            mode=self.mode,
            foreign=self.foreign,
            epoch_min=self.epoch_min,
            pace=self.pace,
        )

    def why_not(self) -> str:
        """Why nothing may be sent now; empty when it may."""
        return self.refusal() or ("" if self.may_send() else "nothing may be sent: the kill switch is latched, or we are fenced")

    def limit_rows(self) -> np.ndarray[Any, Any]:
        """Limits of each instrument, as the world has them."""
        if self.limit_set is not None or self.size_factor < 1.0:
            return scaled_records(self.limit_set or LimitSet(account=self.limits), self)
        return np.concatenate([self.limits.record(one) for one in self.instruments]).astype(LIMITS)

    def composition(self) -> Composition:
        """What the journal begins with."""
        return Composition(
            name=self.name,
            mode=self.mode,
            venue=self.instruments[0].venue,
            cls=self.cls,
            params=self.params,
            instruments=self.instruments,
            limits=self.limit_rows(),
            fees=np.concatenate([self.fees.record(one) for one in self.instruments]).astype(FEES),
            balance=self.balance,
            compiled=self.compiled,
            bar_frames=0 if self.frames is None else self.frames.count,
            more=self._more(),
        )

    def _more(self) -> dict[str, Any]:
        more = self.more | ({"latency_ns": self.latency_ns} if self.mode == "paper" else {})
        if self.frames is not None:
            more |= {"timeframes": list(self.frames.names), "warm_up": self.warm_up}
        return more


async def assemble(plan: LivePlan, loop: LiveLoop, say: Say) -> None:
    """Put the session and its gateway together; the one place where the modes differ."""
    gateway: Gateway
    if plan.frames is not None:
        loop.bars = bars_of(plan.instruments, plan.frames, say, warm_up=plan.warm_up, address=plan.address, tls=plan.tls)
    if plan.mode == "live":
        await join(plan, loop, say)
        return
    if plan.mode == "observe":
        gateway = Watching(loop.deliver, asyncio.get_running_loop().call_soon)
    else:
        gateway = Paper(
            plan.name, plan.instruments, loop.deliver, say, now_ms=lambda: loop.clock_ns() // 1_000_000, fees=plan.fees,
            balance=plan.balance, latency_ns=plan.latency_ns,
        )  # fmt: skip
    loop.wire(Session(plan.composition(), plan.journal, gateway.act), gateway)


def feeding_of(plan: LivePlan) -> Feeding:
    """What keeps the plan's market data coming: the fast path for Binance and what is like it, ccxt.pro for all others."""
    venue = plan.instruments[0].venue
    chance = random.SystemRandom().random

    async def fast(loop: LiveLoop, until: asyncio.Event) -> None:
        compile_feed(plan.instruments[0])
        market = market_of(venue)
        address = plan.address or address_of(market)
        io = LiveIo(address.snapshot_url, plan.feed.snapshot_levels, clock_ns=loop.clock_ns, tls=plan.tls)
        wanted = [Wanted(one, market, raw_symbol(venue, one.symbol), STREAMS) for one in plan.instruments]
        loop.feed = Feed(wanted, address, plan.feed, io, loop, chance)
        await run(loop.feed, io, until)

    async def other(loop: LiveLoop, until: asyncio.Event) -> None:
        pairs = [(one, one.symbol) for one in plan.instruments]
        loop.feed = CcxtFeed(venue, pairs, STREAMS, plan.feed, loop, chance, clock_ns=loop.clock_ns)
        await loop.feed.run(until)

    return fast if venue in FAST_VENUES else other


def run_session(plan: LivePlan, say: Say, watch: Callable[[LiveLoop], None] | None = None) -> dict[str, Any]:
    """Run a session in this thread; returns how it ended.

    Parameters
    ----------
    plan : LivePlan
    say : callable
        Told what a person should read.
    watch : callable, optional
        Handed the loop once it is put together.
    """
    facts: dict[str, Any] = run_loop(live(plan, say, watch))
    return facts


async def live(plan: LivePlan, say: Say, watch: Callable[[LiveLoop], None] | None = None) -> dict[str, Any]:
    """Run a session in the running loop. SIGINT and SIGTERM end it cleanly; a second one does not hurry it."""
    loop = LiveLoop(SteadyClock(), say)
    running = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        with contextlib.suppress(NotImplementedError, ValueError, RuntimeError):
            running.add_signal_handler(number, loop.stop, signal.Signals(number).name)
    told = {"session": plan.name, "mode": plan.mode, "journal": str(plan.journal)}
    if not await _unless_stopped(assemble(plan, loop, say), loop):
        return {**told, "messages": 0, **NEVER_BEGAN, "why": loop.why}
    if plan.seconds:
        running.call_later(plan.seconds, loop.stop, f"{plan.seconds:g} s are over")
    if watch is not None:
        watch(loop)
    loop.flattens = plan.flatten
    facts = await loop.run(feeding_of(plan))
    return {**told, "messages": loop.messages, **facts}


async def _unless_stopped(beginning: Coroutine[Any, Any, None], loop: LiveLoop) -> bool:
    """Do what takes its time at the start; False when a signal came first."""
    task = asyncio.get_running_loop().create_task(beginning)
    ended = asyncio.get_running_loop().create_task(loop.until.wait())
    await asyncio.wait({task, ended}, return_when=asyncio.FIRST_COMPLETED)
    ended.cancel()
    if not task.done():
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        return False
    task.result()
    return True
