"""Small bars written by hand, runs of a strategy over them, and a strategy that does what a table says."""

import hashlib
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

import b25
from b25.engine.backtest import Outcome
from b25.engine.bar_backtest import BarEngine, BarSetup, BarTrack
from b25.market.bars import Bars
from b25.model.bar import BAR, FUNDING_RATE
from b25.model.instrument import Instrument
from b25.model.order import Reason, State
from b25.model.world import FEES, LIMITS
from b25.strategy.compile import compile_strategy
from b25.venue.bar_models import Account, BarFills
from b25.venue.models import Fees

MINUTE = 60 * 10**9
START = 1_600_000_020 * 10**9  # on a whole minute
PERP = Instrument(venue="sim", symbol="ONE/USD:USD", tick=1, lot=1)  # type: ignore[arg-type]
SPOT = Instrument(venue="sim", symbol="ONE/USD", tick=1, lot=1)  # type: ignore[arg-type]
COIN = Instrument(venue="sim", symbol="BTC/USD:BTC", tick="0.1", lot="1", contract_size="100", inverse=True)  # type: ignore[arg-type]
NO_FEES = Fees(0.0, 0.0)

# Open, high, low, close in ticks, and the volume in lots.
Row = tuple[int, int, int, int] | tuple[int, int, int, int, int]


def bars_of(
    rows: Iterable[Row],
    instrument: Instrument = PERP,
    *,
    missing: Iterable[int] = (),
    funding: Iterable[tuple[int, float]] = (),
    frame_ns: int = MINUTE,
    start_ns: int = START,
    timeframe: str = "1m",
) -> Bars:
    """Return bars one after the other, without those at the places in `missing`; funding is (place, rate), at its open."""
    listed = list(rows)
    out = np.zeros(len(listed), BAR)
    for k, row in enumerate(listed):
        out[k]["open_ns"], out[k]["close_ns"] = start_ns + k * frame_ns, start_ns + (k + 1) * frame_ns
        for name, value in zip(("open_ticks", "high_ticks", "low_ticks", "close_ticks", "volume_lots"), row, strict=False):
            out[k][name] = value
        if len(row) == 4:
            out[k]["volume_lots"] = 1_000
        out[k]["buy_lots"] = -1
    payments = [(start_ns + k * frame_ns, round(rate * 10**12), 0) for k, rate in funding]
    gone = set(missing)
    out = out[[k for k in range(out.size) if k not in gone]]
    return Bars(
        instrument=instrument,
        timeframe=timeframe,
        frame_ns=frame_ns,
        rows=out,
        volume=out["volume_lots"] * float(instrument.lot),
        source="made",
        funding=np.array(payments, FUNDING_RATE),
    )


def engine_of(
    cls: type[b25.Strategy],
    bars: Bars | Sequence[Bars],
    params: dict[str, Any] | None = None,
    *,
    fills: BarFills | None = None,
    account: Account | None = None,
    fees: Fees = NO_FEES,
    limits: b25.Limits | None = None,
    balance: float = 10_000.0,
    compiled: bool = True,
    compact: bool = False,
    features: Sequence[Any] | None = None,
    **span: Any,
) -> BarEngine:
    """Lay out a run of a strategy class over bars."""
    listed = [bars] if isinstance(bars, Bars) else list(bars)
    kept = limits or b25.Limits()
    setup = BarSetup(
        fills=fills or BarFills(),
        account=account or Account(),
        limits=np.concatenate([kept.record(b.instrument) for b in listed]).astype(LIMITS),
        fees=np.concatenate([fees.record(b.instrument) for b in listed]).astype(FEES),
        balance=balance,
        **span,
    )
    tracks = [BarTrack(b, None if features is None else features[i]) for i, b in enumerate(listed)]
    return BarEngine(cls, params or {}, tracks, setup, compile_strategy(cls) if compiled else None, compact=compact)


def run_bars(cls: type[b25.Strategy], bars: Bars | Sequence[Bars], params: dict[str, Any] | None = None, **how: Any) -> Outcome:
    """Run a strategy class over bars."""
    return engine_of(cls, bars, params, **how).execute()


def digest(outcome: Outcome) -> str:
    """Say in one word everything that a run left behind."""
    logs = (outcome.fills, outcome.orders, outcome.effects, outcome.marks, outcome.notes, outcome.strategy)
    return hashlib.sha256(b"".join(log.tobytes() for log in logs) + outcome.world.snapshot()).hexdigest()


def fills_of(outcome: Outcome) -> list[tuple[int, int, int, int]]:
    """(order id, side, price in ticks, lots) of each fill, in order."""
    return [tuple(row) for row in outcome.fills[["order_id", "side", "price_ticks", "qty_lots"]].tolist()]


def order_of(outcome: Outcome, order_id: int) -> tuple[str, int, str]:
    """(state, filled lots, reason) of one order."""
    row = outcome.orders[outcome.orders["order_id"] == order_id][0]
    return State(int(row["state"])).name, int(row["filled_lots"]), Reason(int(row["reason"])).name


def refusals_of(outcome: Outcome) -> list[str]:
    """Reasons of what the gate refused, in order."""
    return [Reason(int(r)).name for r in outcome.effects["reason"] if r]


ORDER, CANCEL, AMEND, TARGET, CLOSE, CANCEL_ALL = 1, 2, 3, 4, 5, 6
POST, REDUCE = 1, 2
COLUMNS, WISHES, BARS, REPLIES = 7, 3, 64, 16


class Table(b25.Strategy):
    """At each bar, and after each fill, wish what a table says; note all that is heard."""

    script: b25.window(COLUMNS * WISHES * (BARS + REPLIES)) = b25.window(COLUMNS * WISHES * (BARS + REPLIES))
    bars: int = 0
    heard: int = 0

    def wish(self, ctx, at):
        kind = int(self.script[at])
        if kind == 0:
            return
        side, lots = int(self.script[at + 1]), self.script[at + 2]
        price, stop, tif, flags = self.script[at + 3], self.script[at + 4], int(self.script[at + 5]), int(self.script[at + 6])
        post, reduces = flags & 1 != 0, flags & 2 != 0
        if kind == 1:
            if price == 0.0 and stop == 0.0:
                ctx.trade(side, lots, reduce_only=reduces)
            elif price == 0.0:
                ctx.trade(side, lots, stop_price=stop, reduce_only=reduces)
            elif stop == 0.0:
                ctx.trade(side, lots, price, tif=tif, post_only=post, reduce_only=reduces)
            else:
                ctx.trade(side, lots, price, tif=tif, post_only=post, reduce_only=reduces, stop_price=stop)
        elif kind == 2:
            ctx.cancel(int(price))
        elif kind == 3:
            ctx.amend(int(stop), price, lots)
        elif kind == 4:
            ctx.target(side * lots)
        elif kind == 5:
            ctx.close()
        else:
            ctx.cancel_all(side)

    def wishes(self, ctx, place):
        for k in range(3):
            self.wish(ctx, (place * 3 + k) * 7)

    def on_bar(self, ctx):
        if self.bars < 64:
            self.wishes(ctx, self.bars)
        self.bars += 1

    def on_fill(self, ctx):
        fill = ctx.fill()
        ctx.log(-1 - fill.order_id, fill.side * fill.quantity)
        if self.heard < 16:
            self.wishes(ctx, 64 + self.heard)
        self.heard += 1

    def on_order(self, ctx):
        order = ctx.order()
        ctx.log(order.order_id * 10_000 + order.state * 100 + order.reason, order.leaves)


# One wish: kind, side, lots, price, stop (or the id of an amend), time in force, flags.
Wish = tuple[int, int, int, int, int, int, int]


def order(side: int, lots: int, price: int = 0, stop: int = 0, tif: int = 0, flags: int = 0) -> Wish:
    """An order: at market without a price."""
    return (ORDER, side, lots, price, stop, tif, flags)


Wishes = dict[int, list[Wish]]


def table_engine(bars: Bars, wishes: Wishes, replies: Wishes | None = None, **how: Any) -> BarEngine:
    """Lay out a run of `Table`; wishes by the number of the bar, replies by the number of the fill."""
    engine = engine_of(Table, bars, **how)
    table = engine.strategy["script"].reshape(BARS + REPLIES, WISHES, COLUMNS)
    everything = [*wishes.items(), *((BARS + place, listed) for place, listed in (replies or {}).items())]
    for place, listed in everything:
        for k, wish in enumerate(listed):
            table[place, k] = wish
    return engine


def play(bars: Bars, wishes: Wishes, replies: Wishes | None = None, **how: Any) -> Outcome:
    """Run `Table`, as machine code and as plain Python; both must leave the same bytes."""
    one, other = (table_engine(bars, wishes, replies, compiled=compiled, **how).execute() for compiled in (True, False))
    assert digest(one) == digest(other)
    return one
