"""The figures of a sweep point: a stretch of quiet bars taken at once is what its bars taken one by one are, bit for bit."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from b25.engine.bar_marks import DAY_NS, note_bar, note_flat_span, note_held_span, note_value
from b25.kernels.ledger import equity_change
from b25.kernels.units import money_of
from b25.model.bar import BAR
from b25.model.bar_run import BAR_TAPE, BLOCKS, POINT
from b25.model.instrument import Instrument
from b25.model.position import POSITION

BALANCE = 1_000.0
LINEAR = Instrument(venue="sim", symbol="A/USD", tick="0.25", lot="0.1")
INVERSE = Instrument(venue="sim", symbol="A/USD:A", tick="0.5", lot="1", contract_size="10", inverse=True)


def fresh(bars):
    point = np.zeros(1, POINT)
    for name in ("start_equity", "equity", "bar_equity", "peak", "day_equity"):
        point[name] = BALANCE
    point["midnight_ns"], point["block_end"] = DAY_NS, bars // BLOCKS
    point["day_best"], point["day_worst"] = -np.inf, np.inf
    return point


def rows_of_closes(closes, minutes):
    rows = np.zeros(len(closes), BAR)
    rows["close_ticks"] = closes
    rows["close_ns"] = (np.arange(len(closes)) + 1) * minutes * 60 * 10**9
    return rows


def tape_of(rows):
    """Lay out a tape over rows that the caller keeps."""
    tape = np.zeros(1, BAR_TAPE)
    tape["rows"], tape["count"] = rows.ctypes.data, rows.size
    return tape[0]


def one_by_one(point, position, instrument, rows, first, last, bars):
    for k in range(first, last):
        value = equity_change(position, instrument, 2 * int(rows[k]["close_ticks"]))
        equity = BALANCE + money_of(instrument, value)
        note_value(point, rows[k]["close_ns"], equity)
        note_bar(point, equity, position["position_lots"] != 0, bars)


spans = st.tuples(
    st.lists(st.integers(1, 4_000), min_size=1, max_size=120),
    st.sampled_from([1, 60, 700, 3_000]),  # minutes of a bar: many bars a day, or many days a bar
    st.integers(0, 119),
    st.integers(0, 200),  # bars after the last one
)
holdings = st.tuples(st.integers(-50, 50).filter(bool), st.integers(-9_000, 9_000), st.integers(0, 99_999_999), st.booleans())


@given(spans, holdings)
def test_a_held_stretch_is_its_bars_one_by_one(span, holding):
    closes, minutes, cut, more = span
    lots, money, fees_e8, inverse = holding
    instrument = (INVERSE if inverse else LINEAR).record()[0]
    position = np.zeros(1, POSITION)[0]
    position["position_lots"], position["cost"], position["realised"] = lots, lots * 1_000, money
    position["fees"], position["fees_e8"], position["funding"] = abs(money) // 7, fees_e8, money // 3
    rows, bars = rows_of_closes(closes, minutes), len(closes) + more
    cut = min(cut, len(closes))
    whole, single = fresh(bars), fresh(bars)
    for first, last in ((0, cut), (cut, len(closes))):
        note_held_span(whole[0], position, instrument, BALANCE, tape_of(rows), first, last, bars)
        one_by_one(single[0], position, instrument, rows, first, last, bars)
    assert whole.tobytes() == single.tobytes()


@given(spans)
def test_a_flat_stretch_is_its_bars_one_by_one(span):
    closes, minutes, _, more = span
    instrument, position = LINEAR.record()[0], np.zeros(1, POSITION)[0]
    rows, bars = rows_of_closes(closes, minutes), len(closes) + more
    whole, single = fresh(bars), fresh(bars)
    note_flat_span(whole[0], tape_of(rows), 0, len(closes), bars)
    one_by_one(single[0], position, instrument, rows, 0, len(closes), bars)
    assert whole.tobytes() == single.tobytes()
