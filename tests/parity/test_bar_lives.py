"""Each shipped strategy on bars: compiled backtest = plain backtest = session on the same bars = replay of its journal."""

from functools import cache

import pytest

import b25
from b25.engine.bar_backtest import BarEngine, BarTrack
from b25.model.event import LAST_OF_MESSAGE
from b25.model.world import FEES
from b25.promote.bar_lives import LivedOnBars as Lived
from b25.research.bar_backtest import machine_code, plan_of
from b25.session.replay import replay
from b25.store.journal import EVENTS, Reading
from b25.venue.models import Fees
from tests.conftest import ROOT
from tests.engine.bar_dice import Dice, market
from tests.engine.bar_runs import PERP
from tests.parity.test_four_lives import strategy_of
from tests.research.walks import walk_bars

FILES = sorted(path.stem for path in (ROOT / "strategies").glob("*.py") if "def on_bar(" in path.read_text(encoding="utf-8"))
SHORT = {
    "breakout": {"lookback": 12},
    "moving_average_cross": {"fast": 4, "slow": 12},
    "rebalance": {"lookback": 12, "period": 6},
    "skfolio_weights": {"lookback": 20, "period": 20},
}
SEVERAL = ("rebalance", "skfolio_weights")
NEVER_COMPILED = ("skfolio_weights",)
CHARGED = Fees(0.0002, 0.0005)
WARM_UP = 30


@cache
def data_of(name):
    """Three walks for who holds several instruments, of which one misses bars; one with a larger timeframe for the others."""
    seeds = (1, 2, 3) if name in SEVERAL else (5,)
    found = [walk_bars(300, seed=seed, momentum=0.4, symbol=f"{'ABC'[k]}/USDT:USDT") for k, seed in enumerate(seeds)]
    if name in SEVERAL:
        return tuple(found)
    return tuple(one.with_larger("4h") for one in found)


def setup_of(name, cls, data):
    return plan_of(
        cls,
        list(data),
        fees=CHARGED,
        limits=b25.Limits(position_max=1e6),
        start=int(data[0].rows["open_ns"][WARM_UP]),
        warmup=WARM_UP,
    ).setup()


def backtested(cls, params, data, setup, compiled):
    code, _ = machine_code(cls, compiled)
    return BarEngine(cls, params, [BarTrack(one) for one in data], setup, code).execute()


def same_lives(name, cls, params, data, setup, path, compiled):
    outcomes = [backtested(cls, params, data, setup, way) for way in ((False,) if name in NEVER_COMPILED else (True, False))]
    lived = Lived(path, cls, params, list(data), setup, False if name in NEVER_COMPILED else compiled)
    for outcome in outcomes:
        assert outcome.effects.tobytes() == lived.effects
        assert outcome.strategy.tobytes() == lived.session.machine.record.tobytes()
        assert outcome.world.positions.tobytes() == lived.session.machine.world.positions.tobytes()
        assert outcome.world.bar_marks["seen"].tolist() == lived.session.machine.world.bar_marks["seen"].tolist()
    return outcomes[0], lived


LIVES = [(name, compiled) for name in FILES for compiled in (True, False) if not (compiled and name in NEVER_COMPILED)]


@pytest.mark.parametrize(("name", "compiled"), LIVES, ids=[f"{name}-{'compiled' if way else 'plain'}" for name, way in LIVES])
def test_four_lives_on_bars_leave_the_same_effects(name, compiled, tmp_path):
    cls, params, data = strategy_of(name), SHORT[name], data_of(name)
    path = tmp_path / f"{name}.journal"
    outcome, _ = same_lives(name, cls, params, data, setup_of(name, cls, data), path, compiled)
    assert outcome.effects.size > 10
    assert outcome.fills.size > 5
    for life in (False,) if name in NEVER_COMPILED else (True, False):
        report = replay(path, cls, compiled=life)
        assert report.agrees, report.divergence
        assert report.ended
        assert report.changed == []
        assert report.effects >= outcome.effects.size


class Prober(b25.Strategy):
    """Looks at everything that a strategy on bars can see, and asks for every kind of order by it."""

    seen: float = 0.0
    paid: float = 0.0
    turn: int = 0

    def on_bar(self, ctx):
        self.turn += 1
        for i in range(ctx.n):
            bar, larger = ctx.bar(i), ctx.bar(i, 1)
            if ctx.fresh(i):
                self.seen += bar.open + bar.volume + ctx.bars_seen(i)
            if ctx.fresh(i, 1):
                self.seen += larger.high - larger.low
            if self.turn % 5 == i:
                ctx.target(3.0 if bar.close > bar.open else -2.0, i)
            if self.turn % 7 == 3 + i:
                ctx.buy(1.0, ctx.floor_price(bar.close * 0.99), i=i)
                ctx.sell(1.0, ctx.ceil_price(bar.close * 1.01), i=i, post_only=True)
            if self.turn % 11 == 5:
                ctx.sell(1.0, stop_price=ctx.floor_price(ctx.bid(i) * 0.98), i=i)
            if self.turn % 13 == 0:
                ctx.cancel_all(i=i)

    def on_fill(self, ctx):
        fill = ctx.fill()
        self.seen += ctx.bid(int(fill.instrument)) + ctx.equity() + fill.price
        if fill.quantity > 1.0:
            ctx.buy(1.0, ctx.floor_price(fill.price * 0.985), i=int(fill.instrument))

    def on_order(self, ctx):
        order = ctx.order()
        self.seen += order.leaves + order.state + ctx.now_ns % 1_000_003 + ctx.bid(int(order.instrument))

    def on_funding(self, ctx):
        self.paid += ctx.equity()


@pytest.mark.parametrize("cls", [Prober, Dice])
@pytest.mark.parametrize("compiled", [True, False], ids=["compiled", "plain"])
@pytest.mark.parametrize("instruments", [1, 2])
def test_every_kind_of_order_funding_and_gaps_live_the_same(cls, compiled, instruments, tmp_path):
    data = tuple(market(30 + k, 240, PERP, rates=(0.0001, -0.0002)).with_larger("4h") for k in range(instruments))
    assert all(len(one) < 240 for one in data)  # bars are missing
    setup = plan_of(cls, list(data), fees=CHARGED, balance=1e6, account=b25.Account(leverage=20)).setup()
    outcome, lived = same_lives("", cls, {}, data, setup, tmp_path / "diced.journal", compiled)
    assert outcome.fills.size > 30
    assert len(set(outcome.effects["kind"])) > 1
    assert all(outcome.world.positions["funding"] != 0)
    report = replay(lived.path, cls, compiled=not compiled)
    assert report.agrees, report.divergence


@pytest.fixture(scope="module")
def crossed(tmp_path_factory):
    name = "moving_average_cross"
    cls, data = strategy_of(name), data_of(name)
    path = tmp_path_factory.mktemp("journals") / "crossed.journal"
    Lived(path, cls, SHORT[name], list(data), setup_of(name, cls, data), None)
    return cls, data, path


def test_one_fee_changed_is_caught_and_named(crossed):
    cls, data, path = crossed
    dearer = Fees(0.0002, 0.000501).record(data[0].instrument).astype(FEES)
    report = replay(path, cls, fees=dearer)
    assert not report.agrees
    assert "fees" in report.divergence.what
    assert report.divergence.event["kind"] == "order_filled"
    assert "fee taker_e8" in report.changed[0]
    assert replay(path, cls, fees=CHARGED.record(data[0].instrument).astype(FEES)).agrees


def test_one_parameter_changed_is_caught_and_its_bar_is_told_in_prices(crossed):
    cls, data, path = crossed
    report = replay(path, cls, params={"fast": 5})
    assert not report.agrees
    assert report.changed == ["parameter fast: was 4, now it is 5"]
    event = report.divergence.event
    assert event["kind"] == "bar"
    assert {"open", "high", "low", "close", "opened_ns", "closed_ns"} <= set(event)
    frame = (data[0], *data[0].larger)[event["timeframe"]]
    (row,) = frame.view[frame.view["close_ns"] == event["closed_ns"]]
    assert (float(event["open"]), float(event["close"]), float(event["high"])) == (row["open"], row["close"], row["high"])


def test_the_journal_holds_whole_moments(crossed):
    _, data, path = crossed
    bars = [event for record in Reading(path) if record.kind == EVENTS for event in record.events if event["kind"] == 7]
    assert sum(1 for event in bars if event["status"] == 0) == len(data[0])
    assert sum(1 for event in bars if event["status"] == 1) == len(data[0].larger[0])
    assert bars[-1]["flags"] & LAST_OF_MESSAGE
