"""Small markets written by hand, and runs of a strategy or of a timed script over them."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

import b25
from b25.engine.backtest import Backtest, Outcome, Track
from b25.market.tape import parity_tape
from b25.model.event import BUY, CLEAR, DEPTH, LAST_OF_MESSAGE, ROW, SELL, TRADE
from b25.model.instrument import Instrument
from b25.model.order import Reason, State
from b25.model.world import FEES, LIMITS
from b25.strategy.compile import compile_strategy
from b25.venue.models import ConstantLatency, Fees, Models, Queue

# (exch_ns, local_ns, kind, side, price_ticks, qty_lots), as the naive twin reads them.
Row = tuple[int, int, int, int, int, int]

ETH = Instrument(venue="sim", symbol="ETH/USDT:USDT", tick="0.01", lot="0.001")  # type: ignore[arg-type]
ONE = Instrument(venue="sim", symbol="ONE/USD", tick=1, lot=1)  # type: ignore[arg-type]
TENTH = Instrument(venue="sim", symbol="TEN/USD", tick=1, lot="0.1")  # type: ignore[arg-type]
NO_FEES = Fees(0.0, 0.0)


def rows_of(rows: Iterable[Row]) -> np.ndarray[Any, Any]:
    """Rows as the catalog keeps them, each a message of its own."""
    out = np.zeros(len(listed := list(rows)), ROW)
    for k, (exch_ns, local_ns, kind, side, ticks, lots) in enumerate(listed):
        row = out[k]
        row["exch_ns"], row["recv_ns"], row["kind"], row["side"] = exch_ns, local_ns, kind, side
        row["price_ticks"], row["qty_lots"], row["flags"] = ticks, lots, LAST_OF_MESSAGE
        row["first_id"] = row["last_id"] = k
    return out


def track_of(rows: Iterable[Row], instrument: Instrument = ETH) -> Track:
    """Lay rows out by the compatibility profile, which shows every row."""
    tape = parity_tape(instrument, rows_of(rows))
    return Track(instrument, tape.venue, tape.messages, tape.levels, tape.base_ticks, tape.size_ticks, crossed_kept=True)


def depth(at_ns: int, side: int, ticks: int, lots: int) -> Row:
    """A level, known everywhere at once."""
    return (at_ns, at_ns, DEPTH, side, ticks, lots)


def trade(at_ns: int, side: int, ticks: int, lots: int) -> Row:
    """A print of aggressor `side`, known everywhere at once."""
    return (at_ns, at_ns, TRADE, side, ticks, lots)


def clear(at_ns: int, side: int, ticks: int) -> Row:
    """A side cleared from the touch up to `ticks`."""
    return (at_ns, at_ns, CLEAR, side, ticks, 0)


def book(at_ns: int, bids: dict[int, int], asks: dict[int, int]) -> list[Row]:
    """Show levels of both sides."""
    shown = [(BUY, bids), (SELL, asks)]
    return [depth(at_ns, side, ticks, lots) for side, levels in shown for ticks, lots in levels.items()]


def limits_of(tracks: Sequence[Track], limits: b25.Limits) -> np.ndarray[Any, Any]:
    return np.concatenate([limits.record(track.instrument) for track in tracks]).astype(LIMITS)


def run(
    cls: type[b25.Strategy],
    tracks: Track | Sequence[Track],
    params: dict[str, Any] | None = None,
    *,
    models: Models | None = None,
    limits: b25.Limits | None = None,
    compiled: bool = True,
    depth: bool | None = None,
    sample_ns: int = 10**12,
    balance: float = 10_000.0,
) -> Outcome:
    """Run a strategy class over tracks that share one set of models."""
    tracks = [tracks] if isinstance(tracks, Track) else list(tracks)
    models = models or Models(fees=NO_FEES, latency=ConstantLatency(0))
    return Backtest(
        cls,
        params or {},
        tracks,
        models=[models] * len(tracks),
        limits=limits_of(tracks, limits or b25.Limits()),
        fees=np.concatenate([models.fees.record(track.instrument) for track in tracks]).astype(FEES),
        balance=balance,
        sample_ns=sample_ns,
        call=compile_strategy(cls).call if compiled else None,
        depth=depth,
    ).execute()


Act = Callable[[Any], Any]
ACTS: dict[int, list[Act]] = {}
HEARD: list[tuple[Any, ...]] = []


class Script(b25.Strategy):
    """Do at each step what the script says, after all that happened until then; remember all that is heard."""

    step_ns: int = b25.param(1, ge=1, unit="ns")

    def on_start(self, ctx):
        ctx.every(self.step_ns)

    def on_timer(self, ctx):
        for act in ACTS.get(ctx.now_ns, ()):
            act(ctx)

    def on_fill(self, ctx):
        fill = ctx.fill()
        HEARD.append((int(ctx.now_ns), "fill", int(fill.order_id), float(fill.price), float(fill.quantity), bool(fill.maker)))

    def on_order(self, ctx):
        order = ctx.order()
        state, reason = State(int(order.state)).name, Reason(int(order.reason)).name
        HEARD.append((int(ctx.now_ns), state, int(order.order_id), float(order.leaves), reason))


@dataclass(frozen=True)
class Played:
    """How a script went."""

    outcome: Outcome
    heard: list[tuple[Any, ...]] = field(default_factory=list)

    def fills(self, order_id: int | None = None) -> list[tuple[int, int]]:
        """(price_ticks, qty_lots) of each fill, in order."""
        rows = self.outcome.fills if order_id is None else self.outcome.fills[self.outcome.fills["order_id"] == order_id]
        return list(zip(rows["price_ticks"].tolist(), rows["qty_lots"].tolist(), strict=True))

    def order(self, order_id: int) -> tuple[str, int, str]:
        """(state, filled lots, reason) of one order."""
        row = self.outcome.orders[self.outcome.orders["order_id"] == order_id][0]
        return State(int(row["state"])).name, int(row["filled_lots"]), Reason(int(row["reason"])).name

    @property
    def refused(self) -> list[str]:
        """Reasons of what the gate refused, in order."""
        return [Reason(int(r)).name for r in self.outcome.effects["reason"] if r]

    @property
    def position(self) -> Any:
        return self.outcome.world.positions[0]


def play(
    rows: Iterable[Row],
    script: dict[int, Act | list[Act]],
    *,
    instrument: Instrument = ONE,
    fills: str = "partial",
    latency: Any = 0,
    fees: Fees = NO_FEES,
    queue: str = "risk_adverse",
    limits: b25.Limits | None = None,
    step_ns: int = 1,
) -> Played:
    """Run a script, {ns: what to do then}, over rows; its times are whole steps after the first row."""
    ACTS.clear()
    HEARD.clear()
    ACTS.update({at: act if isinstance(act, list) else [act] for at, act in script.items()})
    models = Models(
        fees=fees, latency=ConstantLatency(latency) if isinstance(latency, int) else latency, queue=Queue(queue), fills=fills
    )
    outcome = run(Script, track_of(rows, instrument), {"step_ns": step_ns}, models=models, limits=limits, compiled=False)
    return Played(outcome, list(HEARD))


def check_sums(outcome: Outcome) -> None:
    """What holds after any run: fills add up to positions, orders end once, nothing stays reserved for finished orders."""
    world = outcome.world
    for i in range(world.instruments.size):
        mine = outcome.fills[outcome.fills["instrument"] == i]
        position = world.positions[i]
        signed = mine["side"].astype(np.int64) * mine["qty_lots"]
        assert signed.sum() == position["position_lots"]
        live = world.orders[(world.orders["state"] != 0) & (world.orders["instrument"] == i)]
        for side, open_lots in ((BUY, "open_buy_lots"), (SELL, "open_sell_lots")):
            own = live[live["side"] == side]
            wanted = np.where(own["pending"] == 3, np.maximum(own["want_qty_lots"] - own["qty_lots"], 0), 0)
            assert position[open_lots] == own["leaves_lots"].sum() + wanted.sum()
        assert position["cash"] + position["cost"] == position["realised"]
        assert position["fills"] == mine.size
        fees_e8 = int(position["fees"]) * 10**8 + int(position["fees_e8"])
        assert fees_e8 == int(mine["fee_e8"].sum())
    orders = outcome.orders
    assert np.unique(orders["order_id"]).size == orders.size
    for order in orders:
        own = outcome.fills[outcome.fills["order_id"] == order["order_id"]]
        assert own["qty_lots"].sum() == order["filled_lots"] == order["qty_lots"] - order["leaves_lots"]
        assert (own["qty_lots"] * own["price_ticks"]).sum() == order["filled_ticklots"]
