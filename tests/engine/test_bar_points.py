"""The figures that a compact run gathers are those of the same run with its full record."""

from itertools import pairwise

import numpy as np
import pytest

import b25
from b25.research.bar_backtest import BarPlan, plan_of, run_plan
from b25.research.bar_result import BarBacktest
from b25.research.point_table import figures
from b25.venue.bar_models import Account, BarFills
from b25.venue.models import Fees
from tests.engine.bar_dice import Dice, market
from tests.engine.bar_runs import COIN, PERP, SPOT

HOURS = 4
SAME = (
    "net_profit", "total_return", "max_drawdown", "volatility", "sharpe", "sortino", "cagr", "calmar", "trades", "win_rate",
    "profit_factor", "expectancy", "fills", "volume", "fees", "funding", "refused",
)  # fmt: skip


class Hold(b25.Strategy):
    """Buys once and keeps it: no trade ever ends."""

    def on_bar(self, ctx):
        if ctx.bars_seen() == 3:
            for i in range(ctx.n):
                ctx.buy(1.0, i=i)


class Idle(b25.Strategy):
    """Sees bars and does nothing."""

    seen: int = 0

    def on_bar(self, ctx):
        self.seen += 1


def case(cls: type[b25.Strategy], instruments, *, account=None, fills=None, rates=(), start=None) -> BarPlan:
    """A plan over sixty days of four-hour bars."""
    bars = [market(7 + k, 360, instrument, hours=HOURS, rates=rates) for k, instrument in enumerate(instruments)]
    return plan_of(
        cls, bars, account=account or Account(leverage=3), bar_fills=fills or BarFills(slippage_bps=2),
        fees=Fees(-0.0001, 0.0005), balance=20_000.0 if not instruments[0].inverse else 5.0, start=start,
    )  # fmt: skip


CASES = {
    "one": case(Dice, [PERP]),
    "two": case(Dice, [PERP, PERP]),
    "funding": case(Dice, [PERP], rates=[0.001, -0.002, 0.0005]),
    "funding of two": case(Dice, [PERP, PERP], rates=[0.001, -0.002]),
    "liquidated": case(Dice, [PERP], account=Account(leverage=40, margin="isolated")),
    "liquidated across": case(Dice, [PERP, PERP], account=Account(leverage=60)),
    "spot, borrowed": case(Dice, [SPOT, SPOT], account=Account(leverage=2, short=True, borrow_per_day=0.001)),
    "spot": case(Dice, [SPOT], account=Account()),
    "coin": case(Dice, [COIN]),
    "close": case(Dice, [PERP], fills=BarFills(price="close", participation=0.05)),
    "late start": case(Dice, [PERP], start=0.4),
    "hold": case(Hold, [PERP]),
    "hold two": case(Hold, [PERP, PERP]),
    "idle": case(Idle, [PERP]),
}


def point_of(plan: BarPlan, compiled: bool) -> np.ndarray:
    """The figures of a compact run."""
    from b25.engine.bar_backtest import BarEngine
    from b25.strategy.compile import compile_strategy

    code = compile_strategy(plan.cls) if compiled else None
    engine = BarEngine(plan.cls, {}, plan.tracks(), plan.setup(), code, compact=True)
    engine.execute()
    return engine.point


def agree(point: np.ndarray, full: BarBacktest) -> None:
    """Every figure that both have is the same."""
    short, wanted = figures(point), full.summary
    for name in SAME:
        ours, theirs = float(short[name][0]), wanted[name]
        if theirs is None:
            assert np.isnan(ours) or name == "expectancy", name
        elif name != "volatility" or theirs != 0.0:
            assert ours == pytest.approx(theirs, rel=1e-9, abs=1e-9), name
    assert point["drawdown_money"][0] == pytest.approx(wanted["max_drawdown_amount"], rel=1e-9, abs=1e-9)
    net = full.trades.filter(~full.trades["is_open"])["net"].to_numpy() if full.trades.height else np.zeros(0)
    assert (point["wins"][0], point["losses"][0]) == (np.sum(net > 0), np.sum(net < 0))
    assert point["win_money"][0] == pytest.approx(net[net > 0].sum(), rel=1e-9, abs=1e-9)
    assert point["loss_money"][0] == pytest.approx(-net[net < 0].sum(), rel=1e-9, abs=1e-9)
    returns = full.curve.daily().returns
    assert point["days"][0] == returns.size
    for k in range(4):
        assert point["day_sums"][0, k] == pytest.approx(np.sum(returns ** (k + 1)), rel=1e-9, abs=1e-12, nan_ok=True)


def at_closes(full: BarBacktest) -> np.ndarray:
    """What the account was worth at the close of each bar that was traded on, and at the start."""
    made = full.made
    closes = made.clock_ns[made.steps[1] : made.steps[2]]
    marks = full.outcome.marks[:: len(full.instruments)]["time_ns"]
    # What is marked at the time of a close comes after it.
    before = np.searchsorted(marks, closes, side="left")
    places = np.arange(closes.size) + before + 1
    return np.concatenate(([made.balance], full.curve.equity[places]))


def in_blocks(full: BarBacktest) -> np.ndarray:
    """Count, sum and sum of squares of the returns of bars in sixteen even blocks."""
    equity = at_closes(full)
    change = np.where(equity[:-1] > 0, equity[1:] / equity[:-1] - 1.0, np.nan)
    edges = [k * change.size // 16 for k in range(17)]
    parts = [change[a:b] for a, b in pairwise(edges)]
    return np.array([(p.size, p.sum(), (p * p).sum()) for p in parts])


@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize("compiled", [True, False], ids=["compiled", "plain"])
def test_a_compact_run_has_the_figures_of_the_full_one(name, compiled):
    full = run_plan(CASES[name], {}, compiled=compiled)
    point = point_of(CASES[name], compiled)
    agree(point, full)
    assert np.allclose(point["blocks"][0], in_blocks(full), rtol=1e-9, atol=1e-12, equal_nan=True)
    assert point["equity"][0] == pytest.approx(full.summary["final_balance"], rel=1e-12)


def test_the_cases_do_what_their_names_say():
    found = {name: run_plan(plan, {}, compiled=True) for name, plan in CASES.items()}
    for name, full in found.items():
        held = full.outcome.world.positions
        assert (held["funding"] != 0).any() == name.startswith("funding"), name
        assert (full.outcome.fills["order_id"] == 0).any() == name.startswith("liquidated"), name
        assert (held["borrow"] != 0).any() == ("borrowed" in name), name
    assert found["one"].summary["trades"] > 20
    assert found["one"].outcome.fills["maker"].any()
    assert found["hold"].summary["trades"] == 0
    assert found["idle"].summary["fills"] == 0
