"""Engine records become statistics' arrays without losing a tick."""

from decimal import Decimal

import numpy as np
import pytest

from b25.analytics.series import FillSeries, InstrumentTrace, TimeSeries
from b25.model.errors import Misuse
from b25.model.fill import FILL
from b25.model.instrument import Instrument
from tests.analytics.curves import NOON, SECOND, fills

ETH = Instrument(venue="binanceusdm", symbol="ETH/USDT:USDT", tick=Decimal("0.01"), lot=Decimal("0.001"))
COIN = Instrument(
    venue="binancecoinm", symbol="ETH/USD:ETH", tick=Decimal("0.01"), lot=Decimal(1), contract_size=Decimal(10), inverse=True
)


def records() -> np.ndarray:
    rows = np.zeros(2, FILL)
    rows["venue_ns"], rows["local_ns"] = [NOON + 5, NOON + 1], [NOON + 6, NOON + 9]
    rows["price_ticks"], rows["qty_lots"], rows["side"] = [268_138, 268_000], [3, 7], [-1, 1]
    rows["fee_e8"], rows["mid2_ticks"], rows["maker"], rows["order_id"] = [123_456_789, -5], [536_281, 0], [1, 0], [4, 2]
    return rows


def test_records_become_fills_in_time_order():
    made = FillSeries.from_records(records(), ETH)
    assert made.time_ns.tolist() == [NOON + 1, NOON + 5]
    assert made.price.tolist() == [2680.0, 2681.38]
    assert made.quantity.tolist() == [0.007, 0.003]
    assert made.position.tolist() == [0.007, 0.004]
    assert made.fee.tolist() == pytest.approx([-5e-13, 1.23456789e-5])
    assert made.maker is not None
    assert made.maker.tolist() == [False, True]
    assert made.mid is None


def test_the_records_mid_belongs_to_the_local_clock():
    made = FillSeries.from_records(records(), ETH, clock="local")
    assert made.time_ns.tolist() == [NOON + 6, NOON + 9]
    assert made.mid is not None
    assert made.mid[0] == pytest.approx(2681.405)
    assert np.isnan(made.mid[1])


def test_inverse_records_count_in_the_coin():
    made = FillSeries.from_records(records(), COIN)
    assert made.notional.tolist() == pytest.approx([7 * 10 / 2680.0, 3 * 10 / 2681.38])
    assert made.fee.tolist() == pytest.approx([-5e-20, 1.23456789e-12])


def test_a_series_is_unknown_before_it_begins_and_after_it_ends():
    series = TimeSeries(np.array([10, 20]), np.array([1.0, 2.0]))
    assert series.at(np.array([9, 10, 19, 20, 21])).tolist()[1:4] == [1, 1, 2]
    assert np.isnan(series.at(np.array([9, 21]))).all()
    assert np.isnan(TimeSeries(np.zeros(0), np.zeros(0)).at(np.array([1]))).all()


def test_what_is_held_begins_with_what_was_held_before():
    held = InstrumentTrace(name="X", fills=fills([(1, 1, 100, 2), (5, -1, 100, 1)])).held(NOON + 3 * SECOND, NOON + 9 * SECOND)
    assert ((held.time_ns - NOON) // SECOND).tolist() == [3, 5, 9]
    assert held.values.tolist() == [2, 1, 1]


def test_a_series_that_runs_backwards_is_refused():
    with pytest.raises(Misuse, match="backwards at row 1"):
        TimeSeries(np.array([2, 1]), np.zeros(2))
