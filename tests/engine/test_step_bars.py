"""Bars and funding fed one by one through `step` leave the very effects that the loop over bars left."""

from typing import Any

import numpy as np
import pytest

import b25
from b25.engine.records import ON_BAR, ON_FUNDING, ON_ORDER
from b25.engine.step import apply_event, judge_intents, step
from b25.engine.world import make_world
from b25.kernels.address import address_of, code_address
from b25.model.event import BAR, EVENT, FUNDING, LAST_OF_MESSAGE, ORDER_ACCEPTED
from b25.model.order import EFFECT, ORDER, SUBMIT
from b25.model.world import NO_BARS
from b25.strategy.compile import compile_strategy
from b25.strategy.plain import PlainContext
from tests.engine.bar_dice import market
from tests.engine.bar_runs import PERP, START, bars_of, engine_of


class Watcher(b25.Strategy):
    """Sends orders so far away that none is filled, by what it sees of bars of two timeframes."""

    slow: b25.Ema = b25.ema(span=5)
    sent: int = 0
    hours: float = 0.0

    def on_bar(self, ctx):
        for i in range(ctx.n):
            bar, larger = ctx.bar(i), ctx.bar(i, 1)
            if ctx.fresh(i, 1):
                self.hours += larger.high - larger.low + ctx.bars_seen(i, 1)
            if ctx.fresh(i) and bar.close > self.slow.update(bar.close):
                self.sent += 1
                ctx.buy(1.0 + self.sent % 3, bar.low / 20.0, i=i)
            if self.sent % 4 == 3:
                ctx.sell(2.0, stop_price=ctx.bid(i) / 30.0, i=i)
        if self.hours > 50.0:
            ctx.sell(1.0, ctx.bar().high * 20.0, post_only=True)
            self.hours = larger.open / 1e6


def two_frames() -> list[Any]:
    return [market(k, 200, PERP).with_larger("4h") for k in (1, 2)]


def event_of(row: Any, i: int, frame: int) -> np.ndarray:
    """A complete bar as an event; see engine/apply_bar.py."""
    event = np.zeros(1, EVENT)
    event["kind"], event["instrument"], event["status"] = BAR, i, frame
    event["exch_ns"], event["seq"], event["local_ns"] = row["open_ns"], row["close_ns"], row["close_ns"]
    event["price_ticks"] = (int(row["open_ticks"]) << 32) | int(row["close_ticks"])
    event["amount"] = (int(row["high_ticks"]) << 32) | int(row["low_ticks"])
    event["qty_lots"], event["order_id"] = row["volume_lots"], row["buy_lots"]
    return event


def moments(data: list[Any]) -> list[list[np.ndarray]]:
    """The bars that are complete at each close of the smallest timeframe, the last of each moment marked."""
    found: dict[int, list[np.ndarray]] = {}
    closes = np.unique(np.concatenate([bars.rows["close_ns"] for bars in data]))
    for i, bars in enumerate(data):
        for frame, one in enumerate((bars, *bars.larger)):
            for row in one.rows:
                # A larger bar that ends inside a gap is shown with the next close.
                at = int(closes[np.searchsorted(closes, row["close_ns"])])
                event = event_of(row, i, frame)
                event["local_ns"] = at
                found.setdefault(at, []).append(event)
    for events in found.values():
        events[-1]["flags"] = LAST_OF_MESSAGE
    return [found[at] for at in sorted(found)]


def world_for(n: int, engine: Any, frames: int) -> Any:
    """A world that is fed by events, set up as the loop sets up its own."""
    world = make_world([PERP] * n, engine.world.limits.copy(), depth_kept=False, balance=10_000.0, bar_frames=frames)
    world.books["health"] = 0
    world.head["rate_filled_ns"] = world.head["trading_ns"] = engine.begin_ns
    return world


def accept(world: Any, effects: np.ndarray, feed: Any) -> None:
    """Answer what was sent: the venue takes every order at once."""
    for effect in effects[(effects["reason"] == 0) & (effects["kind"] == SUBMIT)]:
        answer = np.zeros(1, EVENT)
        answer["kind"], answer["seq"], answer["order_id"] = ORDER_ACCEPTED, effect["request_id"], effect["order_id"]
        answer["instrument"], answer["exch_ns"], answer["local_ns"] = effect["instrument"], *[effect["time_ns"]] * 2
        feed(answer)


@pytest.mark.parametrize("compiled", [True, False], ids=["compiled", "plain"])
def test_bars_step_by_step_leave_the_effects_of_the_loop(compiled):
    data = two_frames()
    engine = engine_of(Watcher, data, compiled=compiled)
    outcome = engine.execute()
    assert outcome.fills.size == 0
    assert outcome.effects.size > 60
    world = world_for(2, engine, 2)
    record, finished = Watcher.record(), np.zeros(1, ORDER)
    world.context["strategy"] = record.ctypes.data
    context, ended = np.uintp(world.context.ctypes.data), np.uintp(finished.ctypes.data)
    plain, door = Watcher(), PlainContext(world)
    plain._lay_over(record)
    call = compile_strategy(Watcher).call if compiled else None
    one, first, last = step.code(), apply_event.code(), judge_intents.code()

    def feed(event):
        at = np.uintp(event.ctypes.data)
        if compiled:
            assert one(context, at, ended, address_of(apply_event), code_address(call), ON_BAR | ON_ORDER) in (0, None)
        elif first(context, at, ended) & ON_BAR:
            plain.on_bar(door)
            last(context)
        return world.outbox[: int(world.head[0]["outbox"])].copy()

    effects = []
    for events in moments(data):
        left = [feed(event) for event in events]
        assert all(rows.size == 0 for rows in left[:-1])
        effects.append(left[-1])
        accept(world, left[-1], feed)
    assert np.concatenate(effects).astype(EFFECT).tobytes() == outcome.effects.tobytes()
    assert record.tobytes() == outcome.strategy.tobytes()
    for name in ("orders", "positions", "lives", "bar_marks"):
        assert getattr(world, name).tobytes() == getattr(outcome.world, name).tobytes(), name
    for name in ("best_bid_ticks", "best_ask_ticks", "local_ns"):
        assert world.books[name].tolist() == outcome.world.books[name].tolist()


def test_funding_is_booked_on_what_is_held():
    engine = engine_of(Watcher, bars_of([(30_000,) * 4] * 3).with_larger("3m"), compiled=False)
    world, finished = world_for(1, engine, 1), np.zeros(1, ORDER)
    context, ended = np.uintp(world.context.ctypes.data), np.uintp(finished.ctypes.data)
    first = apply_event.code()
    event = np.zeros(1, EVENT)
    event["kind"], event["amount"], event["local_ns"] = FUNDING, 10**8, START
    assert first(context, np.uintp(event.ctypes.data), ended) == 0
    for lots, mark, paid in ((2, 30_000, -6), (-2, 0, 6)):
        world.positions["funding"] = 0
        world.positions["position_lots"] = lots
        world.books["best_bid_ticks"] = world.books["best_ask_ticks"] = 30_000
        event["price_ticks"] = mark
        assert first(context, np.uintp(event.ctypes.data), ended) == ON_FUNDING
        assert world.positions[0]["funding"] == paid


def test_a_bar_of_an_unknown_timeframe_halts():
    bars = bars_of([(100, 101, 99, 100)] * 3)
    world, finished = world_for(1, engine_of(Watcher, bars, compiled=False), 1), np.zeros(1, ORDER)
    event = event_of(bars.rows[0], 0, 1)
    apply_event.code()(np.uintp(world.context.ctypes.data), np.uintp(event.ctypes.data), np.uintp(finished.ctypes.data))
    assert world.head[0]["status"] == NO_BARS
    assert np.isnan(PlainContext(world).bar().close)
