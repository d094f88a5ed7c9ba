"""What the analytics process takes from the bus: batches that are stored before they are acknowledged, and what is sampled."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections import deque
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from decimal import Decimal
from typing import Any, Final

from b25.analytics.events.event import DomainEvent
from b25.analytics.events.sampling import Sampler, Told
from b25.bus.batches import BUFFER, Arrived
from b25.bus.message import Message
from b25.model.errors import B25Error
from b25.runner.analytics_events import Mids, event_of, letter, read
from b25.store.analytics_tables import market_analytics, system_metrics
from b25.store.event_log import Added, EventLog, Letter
from b25.store.faults import Cause, StoreFailed
from b25.store.history import Samples
from b25.store.history_tables import position_snapshot, session_snapshot

FRESH_NS: Final = 10 * 10**9
SPREADS_MAX: Final = 100_000
PART: Final = 250  # events of one transaction on SQLite, which has one writer for all processes
PAUSE_S: Final = 0.005


@dataclass(slots=True)
class Intake:
    """Everything that comes in, on its way into the store.

    Attributes
    ----------
    added : Added
        What was stored since the process began.
    lost : int
        Events of which only the newest counts, and for which there was no room while the store was away.
    """

    log: EventLog
    samples: Samples
    mids: Mids = field(default_factory=Mids)
    sampler: Sampler = field(default_factory=Sampler)
    added: Added = field(default_factory=Added)
    lost: int = 0
    waiting: deque[DomainEvent] = field(default_factory=deque)
    _health: dict[str, tuple[int, Message]] = field(default_factory=dict)
    _spreads: dict[tuple[str, str], deque[tuple[int, float]]] = field(default_factory=dict)
    _candles: list[dict[str, Any]] = field(default_factory=list)

    async def take(self, batch: list[Arrived]) -> None:
        """Store a batch of a stream. Raises StoreFailed: it must not be acknowledged."""
        self.added += await asyncio.to_thread(self._reaching, lambda: self._store(batch))

    def _reaching(self, act: Callable[[], Added]) -> Added:
        """Do something with the store; one that has gone is looked for again before the next try."""
        try:
            return act()
        except StoreFailed as fault:
            if fault.cause is Cause.UNAVAILABLE:
                with contextlib.suppress(StoreFailed):
                    self.log.store.reconnect()
            raise

    def _store(self, batch: list[Arrived]) -> Added:
        events: list[DomainEvent] = []
        letters: list[Letter] = []
        for one in batch:
            try:
                events.append(read(one.subject, one.id, one.text, self.mids))
            except B25Error as fault:
                letters.append(letter(one.subject, one.id, one.text, fault))
        return self._add(events, letters)

    def _add(self, events: list[DomainEvent], letters: list[Letter]) -> Added:
        """Store; into SQLite by parts with pauses, for a session that writes its intents there waits 250 ms at most."""
        part = PART if self.log.store.is_sqlite else max(1, len(events))
        added = self.log.add(events[:part], letters)
        for first in range(part, len(events), part):
            time.sleep(PAUSE_S)
            added += self.log.add(events[first : first + part])
        return added

    async def flush(self) -> None:
        """Store what waits of the rest. Raises StoreFailed: it goes on waiting."""
        some = list(self.waiting)
        if some:
            self.added += await asyncio.to_thread(self._reaching, lambda: self._add(some, []))
            for _ in some:
                self.waiting.popleft()

    def _offer(self, event: DomainEvent) -> None:
        if len(self.waiting) >= BUFFER:
            self.lost += 1
            return
        self.waiting.append(event)

    # -- what only the newest counts of -----------------------------------------------------------

    async def signal(self, name: str, message: Message) -> None:
        """Take a wish of a strategy."""
        self._offer(event_of(name, message, "", self.mids))

    async def balance(self, _: str, message: Message) -> None:
        """Take what a session is worth."""
        self._note(message, "balance", {"asset": message.body.asset, "equity": message.body.equity})

    async def pnl(self, _: str, message: Message) -> None:
        """Take what a session made."""
        facts = asdict(message.body)
        facts.pop("session")
        self._note(message, "pnl", facts)

    async def position(self, _: str, message: Message) -> None:
        """Take what a session holds."""
        self._note(message, "position", [asdict(one) for one in message.body.positions])

    def _note(self, message: Message, kind: str, facts: Any) -> None:
        self.sampler.note(message.body.session, kind, Told(message.event_ns, message.account, facts))

    async def health(self, name: str, message: Message) -> None:
        """Take how a component is; a change of its state is an event."""
        before = self._health.get(message.body.component)
        self._health[message.body.component] = (message.event_ns, message)
        if before is None or before[1].body.state != message.body.state:
            self._offer(event_of(name, message, "", self.mids))

    async def ticker(self, _: str, message: Message) -> None:
        """Take a touch."""
        body = message.body
        if body.bid is None or body.ask is None:
            return
        bid, ask = Decimal(body.bid), Decimal(body.ask)
        if bid <= 0 or ask < bid:
            return  # crossed or empty: it is no price
        self.mids.note(message.source, body.symbol, message.event_ns, body.bid, body.ask)
        spread = float((ask - bid) / ((ask + bid) / 2) * 10_000)
        key = (message.source, body.symbol)
        self._spreads.setdefault(key, deque(maxlen=SPREADS_MAX)).append((message.event_ns, spread))

    async def candle(self, _: str, message: Message) -> None:
        """Take a candle; one that is closed is kept, with the spreads that were seen while it lasted."""
        body = message.body
        if not body.is_closed:
            return
        seen = self._spreads.get((message.source, body.symbol), deque())
        inside = [spread for at, spread in seen if body.open_ns <= at < body.close_ns]
        while seen and seen[0][0] < body.close_ns:
            seen.popleft()
        facts = {name: value for name, value in asdict(message.body).items() if name != "is_closed"}
        self._candles.append(
            {
                **facts, "source": message.source, "samples": len(inside),
                "spread_bps_mean": sum(inside) / len(inside) if inside else None, "spread_bps_max": max(inside, default=None),
            }
        )  # fmt: skip

    # -- the clock --------------------------------------------------------------------------------

    async def sample(self, now_ns: int) -> None:
        """Store what is due at this time. Raises StoreFailed: the candles go on waiting, the moment is left out."""
        at_ns = self.sampler.due(now_ns)
        candles = list(self._candles)
        rows: dict[Any, list[dict[str, Any]]] = {market_analytics: candles}
        worth: list[dict[str, Any]] = []
        held: list[dict[str, Any]] = []
        if at_ns is not None:
            worth, held = self.sampler.sample(at_ns)
            rows |= {session_snapshot: worth, position_snapshot: held, system_metrics: self._system(at_ns)}
        if any(rows.values()):
            await asyncio.to_thread(self.samples.save, rows)
            del self._candles[: len(candles)]
        for kind, some in (("balance.updated", worth), ("position.updated", held)):
            for row in some:
                self._offer(_event_of_sample(kind, row))

    def _system(self, at_ns: int) -> list[dict[str, Any]]:
        rows = []
        for component, (told_ns, message) in self._health.items():
            if at_ns - told_ns <= FRESH_NS:
                facts = asdict(message.body)
                facts.pop("symbols")
                rows.append({**facts, "component": component, "ts_ns": at_ns})
        return rows


def _event_of_sample(kind: str, row: dict[str, Any]) -> DomainEvent:
    facts = {name: value for name, value in row.items() if name not in ("session", "account", "ts_ns", "symbol")}
    symbol = str(row.get("symbol", ""))
    return DomainEvent(
        id=f"{kind}/{row['session']}/{symbol}/{row['ts_ns']}", type=kind, time_ns=row["ts_ns"], account=row["account"],
        session=row["session"], symbol=symbol, source="analytics", properties=facts,
    )  # fmt: skip
