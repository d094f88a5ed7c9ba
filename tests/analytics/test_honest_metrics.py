"""All honest statistics of a result in one call: complete, n/a with a reason on small samples, repeatable, quick."""

import math
import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from b25.analytics.curve import EquityCurve
from b25.analytics.deflated import TrialSummary
from b25.analytics.honest_formulas import HONEST
from b25.analytics.honest_metrics import honest_metrics
from b25.analytics.metrics import all_metrics, trades_of
from b25.analytics.overfitting import block_sums
from b25.analytics.series import FillSeries, InstrumentTrace, TimeSeries
from tests.analytics.curves import daily_curve, minutes_of_trading

TRIALS = TrialSummary(50, 0.0, 0.001)


def year_of_minutes() -> tuple[EquityCurve, InstrumentTrace]:
    """A year of 1-minute bars with 2,000 trades."""
    rng, n = np.random.default_rng(0), 525_600
    times = 1_704_067_200 * 10**9 + np.arange(n) * 60 * 10**9
    mid = 100 * np.exp(np.cumsum(rng.normal(0, 0.0007, n)))
    rows, side = np.sort(rng.choice(n - 2, 4_000, replace=False)), np.tile([1, -1], 2_000)
    fee = mid[rows] * 10 * 1e-5
    fills = FillSeries(time_ns=times[rows], side=side, price=mid[rows], quantity=np.full(4_000, 10.0), fee=fee, lot=0.001)
    cash, held = np.zeros(n), np.zeros(n)
    np.add.at(cash, rows, -side * mid[rows] * 10 - fee)
    np.add.at(held, rows, side * 10)
    curve = EquityCurve(times, 10_000 + np.cumsum(cash) + np.cumsum(held) * mid)
    return curve, InstrumentTrace(name="X", fills=fills, mids=TimeSeries(times, mid))


def test_a_year_of_minutes_has_them_all_in_less_than_half_a_second():
    curve, trace = year_of_minutes()
    trades = trades_of([trace])
    took = []
    for _ in range(3):
        began = time.process_time()
        found = honest_metrics(curve, trades=trades, traces=[trace], trials=TRIALS)
        took.append(time.process_time() - began)
    assert min(took) < 0.5
    assert list(found) == list(HONEST)
    assert {name for name, metric in found.items() if metric.value is None} <= {
        "pbo", "pbo_loss_probability", "pbo_slope", "min_track_record_days", "best_regime_share", "best_month_share",
    }  # fmt: skip
    again = honest_metrics(curve, trades=trades, traces=[trace], trials=TRIALS)
    assert again == found
    everything = all_metrics(curve, traces=[trace], trades=trades, trials=TRIALS)
    assert {name: everything[name] for name in HONEST} == found


def test_a_few_minutes_say_why_they_cannot_be_judged():
    curve, trace = minutes_of_trading()
    found = honest_metrics(curve, trades=trades_of([trace]), traces=[trace], trials=TRIALS)
    assert found["sharpe_low"].reason == "1 daily return; at least 30 are needed"
    assert found["sharpe_by_luck"].reason.startswith("annualised: needs 30 days")
    assert found["pbo"].reason.startswith("needs a sweep")
    assert found["random_entry_p_value"].value is not None


def test_the_winner_of_a_sweep_is_judged_with_all_its_points():
    returns = np.random.default_rng(3).normal(0, 0.01, (320, 30))
    found = honest_metrics(daily_curve([100, 101]), blocks=block_sums(returns))
    assert 0 <= found["pbo"].value <= 1
    assert found["pbo"].note == "30 points, 12,870 halves of 16 blocks"
    assert found["pbo_slope"].value is not None
    one = honest_metrics(daily_curve([100, 101]), blocks=block_sums(returns[:, :1]))
    assert one["pbo"].reason == "1 point; a choice needs at least 2"


def test_an_account_that_was_lost_has_its_trials_and_no_ratios():
    found = honest_metrics(daily_curve([100.0] * 40 + [-5.0] + [10.0] * 40), trials=TRIALS)
    assert found["trials"].value == 50
    assert found["deflated_sharpe"].reason == found["sharpe_low"].reason == "equity was not positive on 1970-02-10"


@settings(max_examples=30)
@given(st.lists(st.floats(-5, 1e9, allow_subnormal=False), min_size=1, max_size=70))
def test_no_curve_makes_an_exception_or_a_figure_that_is_none(values: list[float]):
    with np.errstate(all="ignore"):
        found = honest_metrics(daily_curve(values), trials=TRIALS)
    for metric in found.values():
        assert metric.value is None or math.isfinite(metric.value)
        assert (metric.value is None) == bool(metric.reason)


@pytest.mark.parametrize("count", [1, 2, 1_000_000])
def test_more_trials_never_make_a_result_better(count: int):
    curve = daily_curve(list(1_000 * np.cumprod(1 + np.random.default_rng(4).normal(0.002, 0.01, 200))))
    fewer, more = (honest_metrics(curve, trials=TrialSummary(n, 0.0, 0.001)) for n in (count, 10 * count))
    assert fewer["deflated_sharpe"].value > more["deflated_sharpe"].value
