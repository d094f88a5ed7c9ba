"""Events fed one by one through `step` leave the very effects that the backtest's loop left."""

from pathlib import Path

import numpy as np
import pytest

import b25
from b25.engine.backtest import Backtest, Track
from b25.engine.records import ON_BOOK, ON_START, ON_TIMER, ON_TRADE
from b25.engine.step import apply_event, judge_intents, step
from b25.engine.world import make_world
from b25.kernels.address import address_of, code_address
from b25.market.tape import Tape
from b25.model.event import EVENT, TIMER
from b25.model.order import EFFECT, ORDER
from b25.model.world import FEES, LIMITS
from b25.risk.limits import Limits
from b25.strategy.compile import compile_strategy
from b25.strategy.plain import PlainContext
from b25.venue.models import ConstantLatency, Fees, Models

PERIOD_NS = 500_000_000
LATE_NS = 10 * 60 * 10**9  # no answer comes before the data end, so that events are market data and timers only


class Restless(b25.Strategy):
    """Something of everything that needs no answer."""

    lean: float = 0.0
    slow: b25.Ema = b25.ema(span=50)
    prints: int = 0

    def on_start(self, ctx):
        ctx.every(500_000_000)

    def on_book(self, ctx):
        if ctx.ready():
            self.lean = ctx.imbalance(5)
            self.slow.update(ctx.microprice())

    def on_trade(self, ctx):
        self.prints += 1
        if self.prints % 200 == 0:
            ctx.buy(0.001, ctx.last_trade(), tif=b25.IOC)

    def on_timer(self, ctx):
        if ctx.ready() and self.lean > 0.2:
            ctx.sell(0.002, ctx.bid() + ctx.depth(b25.BUY, 3) * ctx.tick())
        ctx.cancel(3)


@pytest.fixture(scope="module")
def tape(tmp_path_factory: pytest.TempPathFactory) -> Tape:
    return b25.sample(minutes=2, catalog=Path(tmp_path_factory.mktemp("catalog"))).tape


def looped(tape: Tape) -> Backtest:
    models = Models(latency=ConstantLatency(LATE_NS))
    engine = Backtest(
        Restless,
        {},
        [Track(tape.instrument, tape.venue, tape.messages, tape.levels, tape.base_ticks, tape.size_ticks)],
        models=[models],
        limits=Limits().record(tape.instrument).astype(LIMITS),
        fees=Fees().record(tape.instrument).astype(FEES),
        balance=1_000.0,
        sample_ns=10**9,
        call=compile_strategy(Restless).call,
    )
    engine.outcome = engine.execute()  # type: ignore[attr-defined]
    return engine


def events_of(tape: Tape, start_ns: int, end_ns: int) -> np.ndarray:
    """The trader's rows as events, each with its message's times, and the timers between them."""
    rows = np.zeros(tape.levels.size, EVENT)
    for name in ("price_ticks", "qty_lots", "kind", "side", "flags"):
        rows[name] = tape.levels[name]
    of = np.searchsorted(tape.messages["row_end"], np.arange(rows.size), side="right")
    for name in ("exch_ns", "local_ns"):
        rows[name] = tape.messages[name][of]
    rows["amount"] = tape.messages["update_id"][of]
    timers = np.zeros((end_ns - start_ns) // PERIOD_NS, EVENT)
    timers["local_ns"] = start_ns + PERIOD_NS * np.arange(1, timers.size + 1)
    timers["kind"] = TIMER
    whole = np.concatenate([rows, timers])
    return whole[np.argsort(whole["local_ns"], kind="stable")]  # timers last at their time


@pytest.mark.parametrize("compiled", [True, False], ids=["compiled", "plain"])
def test_step_by_step_equals_the_loop(tape: Tape, compiled: bool) -> None:
    engine = looped(tape)
    world = make_world([tape.instrument], engine.world.limits.copy(), depth_kept=True, balance=1_000.0)
    record = Restless.record()
    world.context["strategy"] = record.ctypes.data
    world.head["now_ns"] = world.context["now_ns"] = engine.start_ns
    finished = np.zeros(1, ORDER)
    context, ended = np.uintp(world.context.ctypes.data), np.uintp(finished.ctypes.data)
    call = compile_strategy(Restless).call
    call(ON_START, np.uintp(record.ctypes.data), context)
    plain = Restless()
    plain._lay_over(record)
    door = PlainContext(world)
    names = {ON_BOOK: plain.on_book, ON_TRADE: plain.on_trade, ON_TIMER: plain.on_timer}
    one, first, last = step.code(), apply_event.code(), judge_intents.code()
    effects = []
    last_ns = int(tape.messages["local_ns"][-1])
    for event in events_of(tape, engine.start_ns, last_ns).reshape(-1, 1):
        at = np.uintp(event.ctypes.data)
        if compiled:
            assert one(context, at, ended, address_of(apply_event), code_address(call), ON_BOOK | ON_TRADE | ON_TIMER) == 0
        else:
            bits = first(context, at, ended)
            for bit, callback in names.items():
                if bits & bit:
                    callback(door)
                    last(context)
        effects.append(world.outbox[: int(world.head[0]["outbox"])].copy())
    outcome = engine.outcome  # type: ignore[attr-defined]
    theirs = outcome.effects[outcome.effects["time_ns"] <= last_ns]
    assert len(theirs) > 50
    assert np.concatenate(effects).astype(EFFECT).tobytes() == theirs.tobytes()
    assert record.tobytes() == outcome.strategy.tobytes()
    for name in ("best_bid_ticks", "best_ask_ticks", "best_bid_lots", "best_ask_lots", "bid_levels", "ask_levels"):
        assert world.books[0][name] == outcome.world.books[0][name]
