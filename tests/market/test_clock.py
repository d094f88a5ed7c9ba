"""Receive times come onto the venue's clock by one shift, or by a shift that follows a drifting clock."""

import numpy as np
import pytest

from b25.market.clock import clock_quality, corrected_local, parity_offset_ns
from b25.model.event import ROW

SECOND = 1_000_000_000


def rows_at(exch, recv):
    rows = np.zeros(len(exch), ROW)
    rows["exch_ns"], rows["recv_ns"] = exch, recv
    return rows


def test_one_shift_makes_the_smallest_latency_exactly_zero():
    rows = rows_at([100, 200, 300], [50, 130, 260])
    assert parity_offset_ns(rows) == 70
    assert corrected_local(rows).tolist() == [120, 200, 330]


def test_a_clock_that_is_never_early_is_not_shifted():
    rows = rows_at([100, 200], [150, 230])
    assert corrected_local(rows).tolist() == [150, 230]
    assert parity_offset_ns(rows[:0]) == 0


def test_a_drifting_clock_is_followed_and_time_never_goes_back():
    exch = np.arange(0, 600 * SECOND, SECOND)
    recv = exch + 5_000_000 - exch // 10_000  # falls behind by 100 ppm
    local = corrected_local(rows_at(exch, recv), "rolling", window_ns=30 * SECOND, floor_ns=1_000_000)
    latency = local - exch
    assert np.all(np.diff(local) >= 0)
    assert np.all(latency[100:] >= 1_000_000)
    assert np.all(latency[100:] < 6_000_000)
    assert (corrected_local(rows_at(exch, recv)) - exch)[0] > 50_000_000  # one shift for all is wrong by the whole drift


def test_drift_and_jumps_are_reported():
    exch = np.arange(0, 600 * SECOND, SECOND)
    quality = clock_quality(rows_at(exch, exch - exch // 10_000), 0)
    assert quality["clock_drift_ppm"] == pytest.approx(-100, rel=0.02)
    assert quality["clock_jumps"] == 0
    jumped = np.where(exch > 300 * SECOND, exch - SECOND, exch)
    assert clock_quality(rows_at(exch, jumped), 0)["clock_jumps"] == 1


def test_real_usdm_rows_have_the_reference_first_local_time(shared, tmp_path):
    import json

    from b25.market.catalog import Catalog
    from b25.market.import_capture import import_capture

    path = shared / "data" / "binance_raw" / "usdm_ethusdt_20240808.gz"
    import_capture(path, venue="binanceusdm", symbol="ETH/USDT:USDT", catalog=tmp_path)
    rows = Catalog(tmp_path).load("binanceusdm", "ETH/USDT:USDT").rows
    theirs = json.loads((shared / "reference" / "ethusdt_usdm_20240808.json").read_text())
    assert corrected_local(rows).min() == theirs["first_local_ns"]
    assert rows["exch_ns"].min() == theirs["first_exch_ns"]
