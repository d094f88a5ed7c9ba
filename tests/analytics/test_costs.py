"""What trading cost: the parts add up to the whole, the orders to the sum, and gross less costs to the net profit."""

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from b25.analytics.capacity import daily_volatility
from b25.analytics.costs import cost_report
from b25.analytics.curve import EquityCurve
from b25.analytics.metric import NS_PER_DAY, NS_PER_MINUTE
from b25.analytics.series import FillSeries, InstrumentTrace, TimeSeries
from b25.analytics.slippage import OrderSeries, Touch, Traded
from b25.model.errors import Misuse
from tests.analytics.curves import NOON, SECOND, fills, minutes_of_trading

MIDS = TimeSeries(NOON + np.arange(100) * SECOND, 100.0 + np.arange(100))


def orders(rows: list[tuple[int, int, int, float, float]], **more: object) -> OrderSeries:
    """Orders of (second sent, second ended, side, quantity, filled); their ids count from 1."""
    sent, ended, side, quantity, filled = (np.array(column) for column in zip(*rows, strict=True))
    at = [NOON + second.astype(np.int64) * SECOND for second in (sent, ended)]
    return OrderSeries(
        order_id=np.arange(1, sent.size + 1), sent_ns=at[0], ended_ns=at[1], side=side.astype(np.int8),
        quantity=quantity.astype(float), filled=filled.astype(float), **more,
    )  # fmt: skip


def one(made: FillSeries, asked: OrderSeries, mids: TimeSeries = MIDS, **more: object) -> Traded:
    return Traded(trace=InstrumentTrace(name="X", fills=made, mids=mids), orders=asked, **more)


def test_a_taker_pays_the_way_to_the_venue_the_spread_and_what_lies_beyond_the_touch():
    # Decided at 100; the touch is 101 to 103 when it arrives, and the book is walked to 105.
    touch = Touch(np.array([NOON, NOON + 2 * SECOND - 1]), np.array([99.0, 101.0]), np.array([101.0, 103.0]))
    made = fills([(2, 1, 105.0, 2.0)], order_id=np.array([1]), maker=np.array([False]))
    asked = orders([(0, 2, 1, 2.0, 2.0)], reached_ns=np.array([NOON + 2 * SECOND]))
    found = cost_report([one(made, asked, touch=touch)]).summary
    assert [found[f"slippage_{part}"] for part in ("delay", "latency", "spread", "impact")] == [4, 4, 2, 4]
    assert found["slippage"] == 10
    assert found["slippage_bps"] == pytest.approx(10 / 200 * 1e4)


def test_a_maker_earns_half_the_spread_and_pays_for_waiting():
    touch = Touch(np.array([NOON, NOON + 4 * SECOND]), np.array([99.5, 97.5]), np.array([100.5, 98.5]))
    made = fills([(5, 1, 97.5, 1.0)], order_id=np.array([1]), maker=np.array([True]), fee=-0.0001)
    found = cost_report([one(made, orders([(0, 5, 1, 1.0, 1.0)]), touch=touch)]).summary
    assert (found["slippage_delay"], found["slippage_spread"], found["slippage_impact"]) == (-2, -0.5, 0)
    assert found["fees_maker"] == pytest.approx(-0.00975)
    assert (found["fees_taker"], found["maker_share"]) == (0, 1)


def test_what_was_not_filled_missed_what_the_mid_did_until_the_order_ended():
    made = fills([(0, 1, 100.0, 1.0)], order_id=np.array([1]))
    report = cost_report([one(made, orders([(0, 10, 1, 3.0, 1.0), (20, 25, -1, 2.0, 0.0)]))])
    assert report.orders["opportunity"].to_list() == [20.0, -10.0]
    assert report.metrics["shortfall"].value == 10.0
    assert report.orders["average_price"].to_list() == [100.0, None]
    assert report.orders["sent"].dtype == pl.Datetime("ns", "UTC")


def test_without_a_touch_the_whole_distance_to_the_mid_is_spread_and_says_so():
    made = fills([(1, 1, 103.0, 1.0)], order_id=np.array([1]))
    report = cost_report([one(made, orders([(0, 1, 1, 1.0, 1.0)]))])
    assert (report.metrics["slippage_delay"].value, report.metrics["slippage_spread"].value) == (1, 2)
    assert "touch" in report.metrics["slippage_impact"].reason
    assert "first trade" in report.metrics["slippage_latency"].reason
    assert report.metrics["maker_share"].reason == "it is not known which fills were maker"


def test_a_fill_that_no_order_asked_for_is_measured_from_when_it_happened():
    made = fills([(1, 1, 101.5, 1.0), (3, -1, 90.0, 1.0)], order_id=np.array([1, 77]))
    report = cost_report([one(made, orders([(1, 1, 1, 1.0, 1.0)]))])
    assert report.orders["order_id"].to_list() == [1, -1]
    assert report.orders["slippage"].to_list() == [0.5, 13.0]
    assert report.metrics["slippage"].value == 13.5


def test_an_unknown_arrival_is_not_a_slippage_of_zero():
    made = fills([(1, 1, 101.0, 1.0)], order_id=np.array([1]))
    report = cost_report([one(made, orders([(-5, 1, 1, 1.0, 1.0)]))])
    for name in ("slippage", "slippage_bps", "shortfall", "profit_arrival", "unexplained"):
        assert report.metrics[name].value is None, name
    assert report.orders["slippage"].to_list() == [None]


def test_no_fill_and_no_order_give_reasons():
    report = cost_report([])
    assert report.metrics["slippage"].reason == "no fill"
    assert report.metrics["shortfall"].reason == "no order"
    assert "Costs of 0 orders" in repr(report)


def test_fills_without_order_ids_are_refused():
    with pytest.raises(Misuse, match="order_id"):
        cost_report([one(fills([(1, 1, 101.0, 1.0)]), orders([(0, 1, 1, 1.0, 1.0)]))])


def test_bars_count_mark_outs_in_bars_and_have_none_in_seconds():
    mids = TimeSeries(NOON + np.arange(30) * NS_PER_MINUTE, 100.0 + np.arange(30))
    made = fills([(60, 1, 101.0, 1.0)], order_id=np.array([1]))
    trace = InstrumentTrace(name="X", fills=made, mids=mids, resolution_ns=NS_PER_MINUTE)
    asked = orders([(60, 60, 1, 1.0, 1.0)])
    found = cost_report([Traded(trace=trace, orders=asked, bar_ns=NS_PER_MINUTE)]).metrics
    assert found["markout_5bar"].value == pytest.approx(5 / 101 * 1e4)
    assert found["markout_10s"].reason == "prices are known every 1 min 00 s only"
    assert found["markout_60s"].value == pytest.approx(1 / 101 * 1e4)


def test_capacity_is_where_the_square_root_law_eats_the_profit():
    rng = np.random.default_rng(25)
    mids = TimeSeries(np.arange(201) * NS_PER_DAY, 100 * np.exp(np.cumsum(rng.normal(0, 0.03, 201))))
    sigma, how = daily_volatility(mids)
    assert sigma == pytest.approx(0.03, rel=0.1)
    assert how == "200 returns of 1 d"
    made = FillSeries(
        time_ns=[NS_PER_DAY], side=[1], price=[mids.values[1]], quantity=[4.0], fee=[0.0], order_id=[1], maker=[False]
    )
    asked = OrderSeries(
        order_id=np.array([1]), sent_ns=np.array([NS_PER_DAY]), ended_ns=np.array([NS_PER_DAY]), side=np.array([1]),
        quantity=np.array([4.0]), filled=np.array([4.0]),
    )  # fmt: skip
    curve = EquityCurve(mids.time_ns[[0, -1]], np.array([1000.0, 1010.0]))
    found = cost_report([one(made, asked, mids, volume_day=400.0)], curve=curve).summary
    impact = 4 * mids.values[1] * sigma * 0.1
    assert found["impact_estimate"] == pytest.approx(impact)
    assert found["capacity"] == pytest.approx(1000 * (10 / impact) ** 2)
    scale = found["capacity_best"] / 1000
    assert 10 * scale - impact * scale**1.5 > max(10 * k - impact * k**1.5 for k in (scale * 0.9, scale * 1.1))
    assert found["participation"] == pytest.approx(4 / 400 / 200)
    assert cost_report([one(made, asked, mids)], curve=curve).metrics["capacity"].reason == "the traded volume of X is not known"


@given(
    st.lists(
        st.tuples(
            st.integers(0, 90), st.sampled_from([-1, 1]), st.floats(50, 200), st.integers(1, 9), st.booleans(), st.integers(1, 4)
        ),
        min_size=1,
        max_size=12,
    ),
    st.booleans(),
    st.booleans(),
    st.floats(-5, 5),
)
def test_parts_orders_and_profit_add_up(rows, inverse, with_touch, funding):
    rows = sorted(rows, key=lambda row: row[0])
    second, side, price, quantity, maker, order_id = (np.array(column) for column in zip(*rows, strict=True))
    made = FillSeries(
        time_ns=NOON + second * SECOND, side=side, price=price, quantity=quantity.astype(float), fee=price * 1e-4, maker=maker,
        order_id=order_id, inverse=inverse, contract_size=10.0 if inverse else 1.0,
    )  # fmt: skip
    filled = np.bincount(order_id, weights=quantity, minlength=5)[1:]
    asked = orders([(0, 95, 1, 50.0, got) for got in filled])
    touch = Touch(MIDS.time_ns - 1, MIDS.values - 1, MIDS.values + 2) if with_touch else None
    last = made.worth(MIDS.values[-1:])
    net = float(np.sum(made.side * (last - made.worth(made.price)) * made.quantity) - made.fee.sum() + funding)
    curve = EquityCurve(MIDS.time_ns[[0, -1]], np.array([1e4, 1e4 + net]))
    report = cost_report([one(made, asked, touch=touch)], curve=curve, funding=funding)
    found, table = report.summary, report.orders
    parts = found["slippage_delay"] + found["slippage_spread"] + (found["slippage_impact"] or 0.0)
    assert parts == pytest.approx(found["slippage"], abs=1e-9)
    assert table["slippage"].sum() == pytest.approx(found["slippage"], abs=1e-9)
    assert found["unexplained"] == pytest.approx(0.0, abs=1e-9)
    whole = found["profit_arrival"] - found["slippage"] - found["fees"] + funding
    assert whole == pytest.approx(curve.net_profit, abs=1e-8)
    assert found["shortfall"] == pytest.approx(found["slippage"] + found["fees"] + found["opportunity"], abs=1e-9)
    assert table["shortfall"].sum() == pytest.approx(found["shortfall"], abs=1e-9)


def test_the_section_names_the_steps_from_gross_to_net():
    curve, trace = minutes_of_trading()
    made = trace.fills
    ids = np.arange(1, made.size + 1)
    asked = OrderSeries(
        order_id=ids,
        sent_ns=made.time_ns - 10,
        ended_ns=made.time_ns,
        side=made.side,
        quantity=made.quantity,
        filled=made.quantity,
    )
    named = FillSeries(
        time_ns=made.time_ns,
        side=made.side,
        price=made.price,
        quantity=made.quantity,
        fee=made.fee,
        maker=made.maker,
        order_id=ids,
    )
    report = cost_report(
        [Traded(trace=InstrumentTrace(name="<b>", fills=named, mids=trace.mids), orders=asked)], curve=curve, currency="USDT"
    )
    text = report.section()
    for words in ("From gross to net", "Gross P&amp;L at arrival", "Dearest orders", "48 more are not shown"):
        assert words in text
    assert "after 1 bar" not in text
    assert report._repr_html_() == text
    assert "Slippage" in repr(report)
    assert report.metrics["unexplained"].value == pytest.approx(0, abs=1e-8)
