"""A session against a backtest, order by order: what the venue did, what a backtest's venue makes of it, and why that differs.

late data    the order or its answer took longer than the others; a backtest's takes as long every time
slippage     filled at another price
unfilled     filled in one, not or less in the other
fee          charged otherwise than the schedule says
reject       refused in one, taken in the other
rounding     a difference of one unit of counting
cadence      sent when no market event came, which a backtest waits for
unexplained  what no market accounts for: a fill of an order that nobody sent, or beyond its limit or quantity
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any, Final

import numpy as np

from b25.kernels.ledger import notional
from b25.model.errors import Halt, Misuse
from b25.model.event import MAKER, ORDER_ACCEPTED, ORDER_FILLED, ORDER_REJECTED
from b25.model.order import AMEND, MARKET, SUBMIT, Reason, State
from b25.promote.scripted import Recording, Scripted
from b25.session.composition import Composition, from_header
from b25.store.journal import read_header
from b25.strategy.strategy import Strategy
from b25.venue.fees import fee_of

LATENCY_NS: Final = 10_000_000  # where no order was ever answered
LATE_TIMES, LATE_NS = 3, 5_000_000  # an order is late when it took so many times the usual, and so much longer
CADENCE_NS: Final = 1_000_000
SHOWN: Final = 8


class Cause(StrEnum):
    """Why a session and a backtest differ."""

    LATE_DATA = "late data"
    SLIPPAGE = "slippage"
    FEE = "fee"
    REJECT = "reject"
    ROUNDING = "rounding"
    CADENCE = "cadence"
    UNFILLED = "unfilled"
    UNEXPLAINED = "unexplained"


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderDifference:
    """One order that came out otherwise.

    Attributes
    ----------
    cost_bps : float
        What the session paid more than the backtest, in basis points of the session's turnover; negative when less.
    """

    order_id: int
    symbol: str
    time_ns: int
    cause: Cause
    text: str
    cost_bps: float

    def facts(self) -> dict[str, Any]:
        """Return it as JSON values."""
        return {
            "order_id": self.order_id, "symbol": self.symbol, "time_ns": self.time_ns, "cause": str(self.cause),
            "text": self.text, "cost_bps": self.cost_bps,
        }  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class MarketDrift:
    """All orders of a session against a backtest.

    Attributes
    ----------
    why_not : str
        Why no backtest was run; empty when one was.
    latency_ns : int
        One way, as the backtest had it: half of the session's median round trip.
    """

    orders: int = 0
    fills: int = 0
    latency_ns: int = 0
    differences: tuple[OrderDifference, ...] = field(default=())
    why_not: str = ""

    def count_of(self, cause: Cause) -> int:
        """How many differences have a cause."""
        return sum(one.cause is cause for one in self.differences)

    def bps_of(self, cause: Cause) -> float:
        """What they come to, whichever way each went, in basis points of the turnover."""
        return sum(abs(one.cost_bps) for one in self.differences if one.cause is cause)

    @property
    def headline(self) -> str:
        """One sentence."""
        told = [f"{self.count_of(one)} {one} ({self.bps_of(one):.2f} bp)" for one in Cause if self.count_of(one)]
        return f"{self.orders} orders against a backtest: {', '.join(told) or 'no difference'}"

    def facts(self) -> dict[str, Any]:
        """Return it as JSON values."""
        return {
            "why_not": self.why_not, "orders": self.orders, "fills": self.fills, "latency_ns": self.latency_ns,
            "causes": {str(one): {"count": self.count_of(one), "bps": self.bps_of(one)} for one in Cause if self.count_of(one)},
            "cost_bps": sum(one.cost_bps for one in self.differences),
            "differences": [one.facts() for one in self.differences[: 10 * SHOWN]],
        }  # fmt: skip

    def lines(self) -> Iterator[str]:
        """Yield it for a person: the sums, and the first of each kind."""
        if self.why_not:
            return
        yield self.headline
        for cause in Cause:
            found = [one for one in self.differences if one.cause is cause]
            yield from (
                f"  {one.cause}: order {one.order_id}: {one.text}" for one in found[: SHOWN if cause is Cause.UNEXPLAINED else 2]
            )


@dataclass(slots=True)
class Seen:
    """What became of one order."""

    fills: list[tuple[int, int]] = field(default_factory=list)  # ticks and lots
    fee: int = 0
    rejected: str = ""

    @property
    def lots(self) -> int:
        """What was filled."""
        return sum(lots for _, lots in self.fills)

    @property
    def ticklots(self) -> int:
        """Sum of price by quantity."""
        return sum(ticks * lots for ticks, lots in self.fills)


def market_drift(path: Path, cls: type[Strategy]) -> MarketDrift:
    """Compare every order of a session with a backtest over the market of its journal.

    Raises
    ------
    Misuse
        When it is no journal, or of another layout.
    """
    composition = from_header(read_header(path), cls)
    recording = Recording(path)
    if recording.why_not:
        return MarketDrift(why_not=recording.why_not)
    if composition.mode == "observe":
        return MarketDrift(why_not="it only watched")
    trips = round_trips(recording)
    usual_ns = int(np.median(list(trips.values()))) if trips else 2 * LATENCY_NS
    latency_ns = int(composition.more.get("latency_ns", usual_ns // 2))
    try:
        engine = Scripted(recording, composition.instruments, composition.fees, latency_ns)
        outcome = engine.send()
    except (Misuse, Halt) as fault:
        return MarketDrift(why_not=fault.what)
    theirs, ours = _simulated(outcome), _lived(recording)
    judge = _Judge(composition, recording, trips, usual_ns, engine.late_ns)
    found = [*judge.strangers(ours), *judge.orders(ours, theirs)]
    fills = sum(len(one.fills) for one in ours.values())
    orders = int((recording.sent["kind"] == SUBMIT).sum())
    return MarketDrift(orders=orders, fills=fills, latency_ns=latency_ns, differences=tuple(found))


def round_trips(recording: Recording) -> dict[int, int]:
    """From each order's decision to what the session first heard of it, ns."""
    begins = {int(row["order_id"]): int(row["time_ns"]) for row in recording.sent if row["kind"] == SUBMIT}
    found: dict[int, int] = {}
    for event in recording.answers:
        order_id = int(event["order_id"])
        if order_id in begins and event["kind"] in (ORDER_ACCEPTED, ORDER_REJECTED, ORDER_FILLED):
            found.setdefault(order_id, int(event["local_ns"]) - begins[order_id])
    return found


def _lived(recording: Recording) -> dict[int, Seen]:
    found: dict[int, Seen] = defaultdict(Seen)
    for event in recording.answers:
        one = found[int(event["order_id"])]
        if event["kind"] == ORDER_FILLED:
            one.fills.append((int(event["price_ticks"]), int(event["qty_lots"])))
            one.fee += int(event["amount"])
        elif event["kind"] == ORDER_REJECTED:
            one.rejected = _reason(event["status"])
    return found


def _simulated(outcome: Any) -> dict[int, Seen]:
    found: dict[int, Seen] = defaultdict(Seen)
    for fill in outcome.fills:
        one = found[int(fill["order_id"])]
        one.fills.append((int(fill["price_ticks"]), int(fill["qty_lots"])))
        one.fee += int(fill["fee_e8"])
    for order in outcome.orders:
        if order["reason"] and not order["filled_lots"] and int(order["state"]) == State.REJECTED:
            found[int(order["order_id"])].rejected = _reason(order["reason"])
    for effect in outcome.effects:
        if effect["reason"] and effect["kind"] == SUBMIT:
            found[int(effect["order_id"])].rejected = _reason(effect["reason"])
    return found


def _reason(code: Any) -> str:
    return Reason(int(code)).name.lower().replace("_", " ") if int(code) in set(Reason) else f"reason {int(code)}"


class _Judge:
    """Gives each difference its cause."""

    def __init__(
        self, composition: Composition, recording: Recording, trips: dict[int, int], usual_ns: int, late_ns: dict[int, int]
    ) -> None:
        self.composition, self.recording, self.trips, self.usual_ns, self.late_ns = (
            composition,
            recording,
            trips,
            usual_ns,
            late_ns,
        )
        self.records = np.concatenate([one.record() for one in composition.instruments])
        fills = recording.answers[recording.answers["kind"] == ORDER_FILLED]
        self.turnover = sum(self._value(row["instrument"], row["price_ticks"], row["qty_lots"]) for row in fills) or 1

    def strangers(self, ours: dict[int, Seen]) -> Iterator[OrderDifference]:
        """Yield fills of orders that the session never sent."""
        sent = {int(row["order_id"]) for row in self.recording.sent}
        for event in self.recording.answers:
            if event["kind"] == ORDER_FILLED and int(event["order_id"]) not in sent:
                text = f"{event['qty_lots']} lots were filled, and it was never sent"
                yield self._made(event, int(event["order_id"]), Cause.UNEXPLAINED, text, self._value_of(event))

    def orders(self, ours: dict[int, Seen], theirs: dict[int, Seen]) -> Iterator[OrderDifference]:
        """Yield the differences of each order that was sent."""
        bounds = self._bounds()
        for row in self.recording.sent:
            if row["kind"] == SUBMIT:
                order_id = int(row["order_id"])
                one, other = ours.get(order_id, Seen()), theirs.get(order_id, Seen())
                yield from self._impossible(row, one, *bounds[order_id])
                yield from self._outcome(row, one, other)
        yield from self._fees()

    def _bounds(self) -> dict[int, tuple[list[int], int]]:
        """Of each order the limits that it ever had, and the most lots."""
        found: dict[int, tuple[list[int], int]] = {}
        for row in self.recording.sent:
            order_id = int(row["order_id"])
            if row["kind"] in (SUBMIT, AMEND):
                prices, lots = found.get(order_id, ([], 0))
                found[order_id] = ([*prices, int(row["price_ticks"])], max(lots, int(row["qty_lots"])))
        return found

    def _impossible(self, row: Any, one: Seen, prices: list[int], lots: int) -> Iterator[OrderDifference]:
        order_id, i, side = int(row["order_id"]), int(row["instrument"]), int(row["side"])
        if one.lots > lots:
            text = f"{one.lots} lots were filled, and {lots} were asked for"
            yield self._made(row, order_id, Cause.UNEXPLAINED, text, self._value(i, one.fills[-1][0], one.lots - lots))
        if int(row["flags"]) & MARKET:
            return
        worst = max(prices) if side > 0 else min(prices)
        for ticks, filled in one.fills:
            if (ticks - worst) * side > 0:
                price, limit = (self.composition.instruments[i].price(value) for value in (ticks, worst))
                cost = abs(self._value(i, ticks, filled) - self._value(i, worst, filled))
                yield self._made(row, order_id, Cause.UNEXPLAINED, f"filled at {price}, beyond its limit {limit}", cost)

    def _outcome(self, row: Any, one: Seen, other: Seen) -> Iterator[OrderDifference]:
        order_id, i, side = int(row["order_id"]), int(row["instrument"]), int(row["side"])
        instrument = self.composition.instruments[i]
        if bool(one.rejected) != bool(other.rejected):
            who, why = ("venue", one.rejected) if one.rejected else ("backtest", other.rejected)
            yield self._made(row, order_id, Cause.REJECT, f"the {who} refused it: {why}", self._missed(i, one, other, side))
            return
        if one.lots != other.lots:
            was, would = instrument.quantity(one.lots), instrument.quantity(other.lots)
            text = f"{was} filled, {would} in the backtest"
            yield self._made(row, order_id, self._timed(order_id) or Cause.UNFILLED, text, self._missed(i, one, other, side))
            return
        if one.ticklots != other.ticklots:
            cost = side * (sum(self._value(i, *fill) for fill in one.fills) - sum(self._value(i, *fill) for fill in other.fills))
            tick = float(instrument.tick)
            paid, told = (seen.ticklots / seen.lots * tick for seen in (one, other))
            cause = Cause.ROUNDING if abs(one.ticklots - other.ticklots) <= 1 else self._timed(order_id) or Cause.SLIPPAGE
            yield self._made(row, order_id, cause, f"filled at {paid:g}, at {told:g} in the backtest", cost)

    def _timed(self, order_id: int) -> Cause | None:
        """Whether the time at which an order was there accounts for it."""
        if self.late_ns.get(order_id, 0) >= CADENCE_NS:
            return Cause.CADENCE
        trip_ns = self.trips.get(order_id, self.usual_ns)
        return Cause.LATE_DATA if trip_ns > max(LATE_TIMES * self.usual_ns, self.usual_ns + LATE_NS) else None

    def _fees(self) -> Iterator[OrderDifference]:
        """Yield the fills whose fee is not that of the session's schedule."""
        volume: dict[int, int] = defaultdict(int)
        for event in self.recording.answers:
            if event["kind"] != ORDER_FILLED:
                continue
            i, lots = int(event["instrument"]), int(event["qty_lots"])
            value = self._value(i, event["price_ticks"], lots)
            schedule = self.composition.fees[i]
            due = int(fee_of(schedule, value, lots, bool(event["flags"] & MAKER), volume[i]))
            volume[i] += value
            more = int(event["amount"]) - due
            if more:
                unit = float(self.composition.instruments[i].money_unit) / 1e8
                text = f"{int(event['amount']) * unit:g} was charged, {due * unit:g} by the schedule"
                yield self._made(event, int(event["order_id"]), Cause.ROUNDING if abs(more) <= 1 else Cause.FEE, text, more / 1e8)

    def _missed(self, i: int, one: Seen, other: Seen, side: int) -> float:
        """What the lots that only one side filled cost, against the price that the other side's had."""
        both = [fill for seen in (one, other) for fill in seen.fills]
        if not both or not one.lots or not other.lots:
            return 0.0  # nobody can say at what price it would have been filled
        return side * (one.ticklots / one.lots - other.ticklots / other.lots) * min(one.lots, other.lots)

    def _value(self, i: Any, ticks: Any, lots: Any) -> int:
        return int(notional(self.records[int(i)], int(ticks), int(lots)))

    def _value_of(self, event: Any) -> int:
        return self._value(event["instrument"], event["price_ticks"], event["qty_lots"])

    def _made(self, row: Any, order_id: int, cause: Cause, text: str, cost: float) -> OrderDifference:
        time_ns = int(row["time_ns"] if "time_ns" in row.dtype.names else row["local_ns"])
        symbol = self.composition.instruments[int(row["instrument"])].symbol
        return OrderDifference(
            order_id=order_id, symbol=symbol, time_ns=time_ns, cause=cause, text=text, cost_bps=float(cost) / self.turnover * 1e4
        )
