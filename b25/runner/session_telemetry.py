"""Tells the bus how a live session stands, without the session waiting for anything.

On the way of an event a copy of a few rows is noted, and nothing else. A few times a second the state is read, in the session's
own thread, between two events; what was noted becomes messages in the bus's thread (`b25.runner.session_notes`).
"""

from __future__ import annotations

import asyncio
import contextlib
import math
import os
import time
from collections.abc import Callable, Iterator, Mapping
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from b25.bus import bodies
from b25.bus.address import URL, bus_address
from b25.bus.command_desk import CommandDesk
from b25.bus.delivery import Delivery
from b25.bus.message import Message
from b25.bus.publisher import Publisher
from b25.bus.subjects import SymbolTokens
from b25.bus.subscriber import Subscriber
from b25.bus.thread import BusThread
from b25.kernels.book_reads import top
from b25.model.book import LEVEL
from b25.model.errors import Misuse
from b25.model.event import NO_ASK_TICKS, NO_BID_TICKS
from b25.model.risk import ACTIVE
from b25.observe.redaction import hide
from b25.runner.session_notes import Notes
from b25.session.standing import position_facts, text
from b25.store.order_log import text_of
from b25.store.outbox import Outbox

if TYPE_CHECKING:
    from b25.runner.live import LiveLoop
    from b25.runner.live_session import LivePlan
    from b25.runner.session_config import Answer

LEVELS: Final = 10
SAMPLE_S: Final = 0.25
ACCOUNT_EVERY: Final = 4  # samples: what is not the market is told once a second
NO_BUS: Final = "none"
Say = Callable[[str], None]
Handle = Callable[[dict[str, Any]], dict[str, Any]]


class Telemetry:
    """The bus's side of one session.

    Parameters
    ----------
    plan : LivePlan
    publisher : Publisher
        Of component `session`.

    Attributes
    ----------
    handle : callable or None
        Does a command that came over the bus, in the session's thread: `Control.handle`. Without one commands are refused.
    """

    def __init__(self, plan: LivePlan, publisher: Publisher) -> None:
        self.plan, self.publisher = plan, publisher
        self.strategy = plan.cls.__name__
        self.instruments = list(plan.instruments)
        self.handle: Handle | None = None
        self.loop: LiveLoop | None = None
        self.thread: BusThread | None = None
        self.notes = Notes(plan.name, self.strategy, self.instruments, publisher)
        tokens = SymbolTokens(one.symbol for one in self.instruments)
        of_market = "market_data.{symbol}."
        self._books = [publisher.channel(of_market + "orderbook", symbol=tokens.token(one.symbol)) for one in self.instruments]
        self._tickers = [publisher.channel(of_market + "ticker", symbol=tokens.token(one.symbol)) for one in self.instruments]
        self._balance, self._position = publisher.channel("account.balance"), publisher.channel("account.position")
        self._pnl, self._metrics = publisher.channel("account.pnl"), publisher.channel("risk.metrics")
        self._health = publisher.channel("health.{component}", component=f"session-{plan.name}")
        self._config = publisher.channel("config.parameters.{session}", session=plan.name)
        self._acks = publisher.channel("config.acks.{session}", session=plan.name)
        self._warning = publisher.channel("alerts.{severity}", severity="warning")
        self._critical = publisher.channel("alerts.{severity}", severity="critical")
        self._alert, self._emergency = publisher.channel("risk.alert"), publisher.channel("risk.emergency")
        self._levels = np.zeros(LEVELS, LEVEL)
        self._params: dict[str, str] = {}
        self._samples = 0
        self._is_held = False
        self._running: asyncio.AbstractEventLoop | None = None

    # In the session's thread.

    def watch(self, loop: LiveLoop) -> None:
        """Attach to a loop that was just put together, in its thread."""
        self.loop, self._running = loop, asyncio.get_running_loop()
        loop.bus = self.thread
        loop.tap = self.notes.rows
        loop.session.watch = self.notes.effects
        self.handle = loop.handle or self.handle
        before = loop.say

        def say(text: str) -> None:
            before(text)
            self.told(text)

        loop.say = say
        if loop.configuration is not None:
            loop.configuration.told.append(self.answered)
        self._params = self._parameters()
        for once in (self._market, self._account):  # compiles what it reads, before anything is under way
            once()
        self._running.call_later(SAMPLE_S, self._sample)

    def answered(self, one: Answer) -> None:
        """Pass on what the session says to what is configured."""
        body = bodies.ConfigAck(
            session=self.plan.name, key=one.key, type=one.kind, version=one.version, checksum=one.checksum, outcome=one.outcome,
            detail=one.detail,
        )  # fmt: skip
        self._acks.offer(body, time.time_ns())

    def told(self, text: str) -> None:
        """Pass on what a person should read."""
        channel = self._critical if text.startswith("halted") else self._warning
        channel.offer(bodies.Alert(session=self.plan.name, text=text), time.time_ns())

    def _sample(self) -> None:
        assert self.loop is not None
        if self.loop.until.is_set():
            return
        try:
            self._market()
            self._samples += 1
            if self._samples % ACCOUNT_EVERY == 0:
                self._account()
        finally:
            asyncio.get_running_loop().call_later(SAMPLE_S, self._sample)

    def _market(self) -> None:
        assert self.loop is not None
        machine = self.loop.session.machine
        world, now_ns = machine.world, machine.now_ns
        for i, one in enumerate(self.instruments):
            head = world.books[i]
            sides = []
            for side in (0, 1):
                count = top(head, world.lots[i], world.bits[i], world.far[i], side, self._levels)
                sides.append(
                    tuple(
                        (str(one.price(int(row["price_ticks"]))), str(one.quantity(int(row["qty_lots"]))))
                        for row in self._levels[:count]
                    )
                )
            healthy = int(head["health"]) == 0
            book = bodies.OrderBook(symbol=one.symbol, bids=sides[0], asks=sides[1], is_healthy=healthy)
            self._books[i].offer(book, now_ns)
            bid, ask = int(head["best_bid_ticks"]), int(head["best_ask_ticks"])
            ticker = bodies.Ticker(
                symbol=one.symbol, bid=str(one.price(bid)) if bid != NO_BID_TICKS else None,
                ask=str(one.price(ask)) if ask != NO_ASK_TICKS else None, last=self.notes.last[i],
            )  # fmt: skip
            self._tickers[i].offer(ticker, now_ns)

    def _account(self) -> None:
        assert self.loop is not None
        machine, door, name = self.loop.session.machine, self.loop.session.machine.door, self.plan.name
        now_ns = machine.now_ns
        each = range(len(self.instruments))
        held = [float(door.position(i)) for i in range(len(self.instruments))]
        values = [lots * self._worth(i) if lots else 0.0 for i, lots in enumerate(held)]
        asset = self.instruments[0].settle
        equity = float(door.equity())
        self._balance.offer(bodies.Balance(session=name, asset=asset, equity=_money(equity)), now_ns)
        holdings = tuple(
            bodies.Holding(
                symbol=one.symbol, quantity=text(one.quantity) or "0", entry_price=text(one.entry), mark=text(one.mark),
                notional=text(one.worth), unrealised=text(one.unrealised), realised=text(one.realised) or "0",
                fees=text(one.fees) or "0",
            )
            for one in (position_facts(machine, i) for i in each)
        )  # fmt: skip
        self._position.offer(bodies.Holdings(session=name, positions=holdings), now_ns)
        realised, fees = sum(float(door.realized(i)) for i in each), sum(float(door.fees(i)) for i in each)
        pnl = bodies.ProfitAndLoss(
            session=name, asset=asset, realised=_money(realised) or "0", fees=_money(fees) or "0",
            unrealised=_money(sum(float(door.unrealized(i)) for i in each)),
        )  # fmt: skip
        self._pnl.offer(pnl, now_ns)
        gross = sum(abs(value) for value in values)
        metrics = bodies.RiskMetrics(
            session=name, equity=_money(equity), gross=_money(gross), net=_money(sum(values)),
            leverage=gross / equity if equity > 0 and math.isfinite(gross) else None, live_orders=machine.live_orders,
            **{word: int(machine.head[word]) for word in ("submits", "cancels", "amends", "refused")},
        )  # fmt: skip
        self._metrics.offer(metrics, now_ns)
        self._changes(now_ns)
        self.health()

    def _worth(self, i: int) -> float:
        """Value of one unit held, in the settlement currency; NaN without a mid."""
        mid = float(self.loop.session.machine.door.mid(i)) if self.loop is not None else math.nan
        size = float(self.instruments[i].contract_size)
        return size / mid if self.instruments[i].inverse else mid * size

    def _parameters(self) -> dict[str, str]:
        assert self.loop is not None
        record = self.loop.session.machine.record[0]
        return {name: str(record[name]) for name in self.plan.cls.params}

    def _changes(self, now_ns: int) -> None:
        """Tell of a parameter that has another value, and of a session that lets nothing new through."""
        assert self.loop is not None
        now = self._parameters()
        for name, value in now.items():
            if value != self._params.get(name):
                change = bodies.ParameterChange(session=self.plan.name, name=name, old=self._params.get(name, ""), new=value)
                self._config.offer(change, now_ns)
        self._params = now
        held = int(self.loop.session.machine.world.risk["state"][0]) != ACTIVE
        if held and not self._is_held:
            self._alert.offer(bodies.RiskAlert(session=self.plan.name, text="the session lets no new order through"), now_ns)
        self._is_held = held

    def health(self, ended: str = "") -> None:
        """Tell how the session is."""
        if self.loop is None:
            return
        session = self.loop.session
        state = "halted" if session.fault else "ended" if ended else "held" if self._is_held else "running"
        told = bodies.Health(
            component=self.publisher.source, state=state, mode=self.plan.mode, strategy=self.strategy,
            symbols=tuple(one.symbol for one in self.instruments), events=session.events_taken, messages=self.loop.messages,
            live_orders=session.machine.live_orders, fault=session.fault.what if session.fault else None,
            bus_waiting=self.publisher.waiting, bus_overtaken=self.publisher.counts.overtaken,
            bus_refused=self.publisher.counts.refused,
        )  # fmt: skip
        self._health.offer(told, time.time_ns())

    def end(self) -> None:
        """Say that the session is over, and why if it halted."""
        if self.loop is None:
            return
        fault = self.loop.session.fault
        if fault is not None:
            body = bodies.RiskEmergency(session=self.plan.name, reason=fault.what, by=self.publisher.source)
            self._emergency.offer(body, time.time_ns())
        self.health(ended=self.loop.why)

    # From the bus's thread.

    def read(self, subscriber: Subscriber) -> None:
        """Begin to hear of what is configured; what it is, is read in the store."""
        subscriber.read("config.updates.{type}", self.configured, new_only=True)

    async def configured(self, _: str, message: Message) -> None:
        """Have the session look at once."""
        if message.body.action in ("activated", "deactivated", "deleted") and self.loop is not None and self.loop.configuration:
            self.loop.configuration.wake()

    async def command(self, request: dict[str, Any]) -> dict[str, Any]:
        """Have the session's thread do a command."""
        handle, running = self.handle, self._running
        if handle is None or running is None or running.is_closed():
            raise Misuse(f"{self.plan.name} takes no commands over the bus", remedy="use its control socket: b25 session")

        async def act() -> dict[str, Any]:
            return handle(request)

        return await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(act(), running))


def _money(amount: float) -> str | None:
    """Text of an amount; None for one that is not known."""
    return text_of(Decimal(f"{amount:.8f}")) if math.isfinite(amount) else None


@contextlib.contextmanager
def telling(
    bus: str, run_folder: Path, plan: LivePlan, say: Say, environment: Mapping[str, str] = os.environ
) -> Iterator[Telemetry | None]:
    """Have a session told about while this is open.

    Parameters
    ----------
    bus : str
        Address of the server; ``"none"`` for none; empty for what `B25_NATS_URL` says, which `b25 up` sets.
    run_folder : Path
        Where the server's token is, if it runs on this machine.

    Raises
    ------
    Misuse, Retry
        When a bus is asked for and is not there, or does not let us in.
    """
    if bus == NO_BUS or (not bus and not environment.get(URL)):
        yield None
        return
    # Orders and fills are told by the store that a live session writes to; one on paper has none.
    store, account = plan.desk().store if plan.mode == "live" else "", plan.account
    publisher = Publisher("session", plan.name, account=account)
    telemetry = Telemetry(plan, publisher)
    desk = CommandDesk(plan.name, telemetry.command, publisher)
    delivery = Delivery(Outbox(store, account), publisher.source, say) if store else None
    address = bus_address(bus, run_folder, environment)
    hide(address.token)

    def begin(subscriber: Subscriber) -> None:
        desk.read(subscriber)
        telemetry.read(subscriber)

    thread = telemetry.thread = BusThread(
        address, publisher, say, delivery=delivery, begin=begin, collect=telemetry.notes.collect
    )
    thread.start()
    try:
        yield telemetry
    finally:
        telemetry.end()
        thread.close()
        if delivery is not None:
            delivery.outbox.close()
