"""Fill-level figures: signs, weights, what is not known, and that the attribution adds up to the profit."""

import numpy as np
import pytest

from b25.analytics.fill_metrics import fill_metrics, markout, spread_capture
from b25.analytics.holdings import exposure, market_change, position_metrics
from b25.analytics.metric import NS_PER_SECOND
from b25.analytics.metrics import all_metrics, reasons, summary
from b25.analytics.order_metrics import OrderCounts, order_metrics
from b25.analytics.series import InstrumentTrace, TimeSeries
from tests.analytics.curves import NOON, SECOND, fills, minutes_of_trading

MIDS = TimeSeries(NOON + np.arange(20) * SECOND, 100.0 + np.arange(20))


def test_a_buy_is_good_when_the_mid_rises_and_a_sell_when_it_falls():
    made = fills([(0, 1, 99, 2), (1, -1, 103, 1)])
    assert markout(made, MIDS, NS_PER_SECOND).tolist() == [4, 1]
    assert spread_capture(made, MIDS).tolist() == [2, 2]


def test_a_mark_out_beyond_the_data_is_unknown_and_left_out():
    made = fills([(0, 1, 100, 1), (15, 1, 110, 1)])
    assert np.isnan(markout(made, MIDS, 10 * NS_PER_SECOND)).tolist() == [False, True]
    found = fill_metrics([InstrumentTrace(name="X", fills=made, mids=MIDS)])
    assert found["markout_10s"].value == pytest.approx(10 / 100 * 1e4)
    assert found["markout_10s"].note == "1 of 2 fills"
    assert found["markout_60s"].reason == "no mid price 60 s after any fill"


def test_an_unknown_mid_is_not_a_spread_of_zero():
    made = fills([(0, 1, 100, 1), (1, 1, 100, 1)], mid=np.array([100.5, np.nan]))
    found = fill_metrics([InstrumentTrace(name="X", fills=made)])
    assert found["spread_capture"].reason == "the mid is unknown at 1 of 2 fills"
    assert found["spread_capture_bps"].value == pytest.approx(50)


def test_spread_inventory_and_fees_add_up_to_the_profit():
    curve, trace = minutes_of_trading()
    found = summary(all_metrics(curve, traces=[trace]))
    assert found["maker_share"] == 1
    assert found["spread_capture"] == pytest.approx(60 * 0.5 * 0.1)
    assert found["spread_capture"] + found["inventory_profit"] - found["fees"] == pytest.approx(curve.net_profit)
    assert found["profit_fill"] == pytest.approx(curve.net_profit / 60)


def test_five_minutes_have_honest_figures_and_no_annualised_ones():
    curve, trace = minutes_of_trading()
    found = all_metrics(
        curve, traces=[trace], orders=OrderCounts(submits=100, cancels=40, placed_quantity=50, filled_quantity=30)
    )
    for name in (
        "net_profit",
        "max_drawdown",
        "profit_minute",
        "profit_volatility_minute",
        "profit_low",
        "turnover",
        "markout_1s",
    ):
        assert found[name].value is not None, name
    assert found["profit_low"].value < curve.net_profit < found["profit_high"].value
    for name in ("sharpe", "sortino", "cagr", "calmar", "volatility", "turnover_year", "psr"):
        assert found[name].value is None, name
        assert found[name].reason
    assert found["fill_ratio"].value == 0.6
    assert set(reasons(found)) == {name for name, metric in found.items() if metric.value is None}


def test_no_fill_at_all_gives_reasons():
    curve, _ = minutes_of_trading()
    found = all_metrics(curve, traces=[InstrumentTrace(name="X", fills=fills([]), mids=MIDS)])
    assert found["maker_share"].reason == found["fees_bps"].reason == "no fill"
    assert found["fills"].value == found["volume"].value == 0
    assert found["exposure_gross"].value == 0
    assert all_metrics(curve)["market_change"].reason == "fills and mid prices were not given"


def test_positions_are_weighted_by_time():
    held = InstrumentTrace(name="X", fills=fills([(2, 1, 100, 1), (4, -1, 100, 3), (8, 1, 100, 2)])).held(
        NOON, NOON + 10 * SECOND
    )
    found = {name: metric.value for name, metric in position_metrics(held).items()}
    assert found["position_mean"] == pytest.approx((2 * 1 - 4 * 2) / 10)
    assert found["position_abs_mean"] == pytest.approx(1.0)
    assert (found["position_max"], found["position_min"], found["position_end"]) == (1, -2, 0)
    assert (found["time_flat"], found["inventory_turns"]) == (0.4, 1)


def test_exposure_of_a_position_whose_price_is_unknown_leaves_that_time_out():
    time_ns, equity = np.array([0, 10, 20, 40]), np.full(4, 100.0)
    value = np.array([np.nan, 50.0, -50.0, 0.0])
    found = exposure(time_ns, equity, value, np.abs(value))
    assert found["exposure_gross"].value == pytest.approx(0.5)
    assert found["exposure_net"].value == pytest.approx((50 * 10 - 50 * 20) / 30 / 100)


def test_the_market_is_bought_and_held_from_its_first_known_price():
    curve, trace = minutes_of_trading()
    mids = trace.mids
    assert mids is not None
    late = InstrumentTrace(
        name="Y",
        fills=trace.fills,
        mids=TimeSeries(mids.time_ns, np.where(np.arange(mids.time_ns.size) < 9, np.nan, mids.values)),
    )
    assert market_change([trace], curve).value == pytest.approx(mids.values[-1] / mids.values[0] - 1)
    assert market_change([late], curve).value == pytest.approx(mids.values[-1] / mids.values[9] - 1)


def test_orders_without_a_fill_or_a_placement_have_no_ratio():
    found = order_metrics(OrderCounts(refused={"price collar": 3, "rate limit": 2}), fills=0)
    assert (found["refused"].value, found["fill_ratio"].reason, found["order_to_fill"].reason) == (
        5,
        "nothing was placed",
        "no fill",
    )


def test_what_was_not_recorded_is_not_zero():
    counts = order_metrics(OrderCounts(submits=4, refused={"price collar": 3}, timeouts_entry=2), fills=0)
    assert (counts["signals"].value, counts["timeouts_entry"].value) == (7, 2)
    assert counts["timeouts_exit"].reason == counts["replaced_entries"].reason == "not recorded by this session"
