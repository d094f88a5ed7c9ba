"""`b25.bars`: one door for declarations, files and recordings."""

import numpy as np
import polars as pl
import pytest

from b25.market.timeframe import Timeframes
from b25.model.errors import Misuse
from b25.model.event import TRADE
from b25.research.bars import bars
from b25.research.dataset import sample


@pytest.fixture(scope="module")
def recording(tmp_path_factory):
    return sample(minutes=3, seed=1, catalog=tmp_path_factory.mktemp("catalog"))


def test_without_a_source_it_is_a_declaration():
    assert bars("1m", "1h") == Timeframes(("1m", "1h"))
    with pytest.raises(Misuse, match="1h does not divide 1m"):
        bars("1h", "1m")
    with pytest.raises(Misuse, match="no timeframe was given"):
        bars()


def test_the_trades_of_a_recording_make_bars_of_whole_frames_only(recording):
    found = bars("10s", "1m", source=recording)
    rows = recording.tape.venue
    begin, end = int(rows["exch_ns"][0]), int(rows["exch_ns"][-1])
    assert begin <= found.start_ns
    assert found.end_ns <= end
    assert found.instrument == recording.instrument
    inside = rows[(rows["kind"] == TRADE) & (rows["exch_ns"] >= found.start_ns) & (rows["exch_ns"] < found.end_ns)]
    assert found.rows["volume_lots"].sum() == inside["qty_lots"].sum()
    assert found.rows["buy_lots"].sum() == inside["qty_lots"][inside["side"] > 0].sum()
    assert [one.timeframe for one in found.larger] == ["1m"]
    assert found.hash == bars("10s", source=recording).hash


def test_the_trades_of_a_recording_make_information_bars(recording):
    found = bars("5 ticks", "1m", source=recording)
    count = int(np.count_nonzero(recording.tape.venue["kind"] == TRADE))
    assert len(found) == count // 5
    assert found.larger[0].rows.tobytes() == bars("1m", source=recording).rows.tobytes()


def test_a_span_is_cut_from_what_was_read():
    minutes = 1_700_000_100_000 + np.arange(60) * 60_000
    frame = pl.DataFrame({"date": minutes, "open": 2.0, "high": 2.5, "low": 1.5, "close": 2.25, "volume": 1.0})
    found = bars("1m", "5m", source=frame, symbol="XRP/ETH", start="2023-11-14 22:20", end="2023-11-14 22:40", tick="0.25", lot=1)
    assert (len(found), len(found.larger[0])) == (20, 4)
    assert str(found.instrument.tick) == "0.25"
