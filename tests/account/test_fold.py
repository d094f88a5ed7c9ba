"""The bulk kernel against its naive twin, and the booking of adjustments."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from b25.account.fold import LEDGER_ROW, book_value, fold_rows
from b25.kernels.ledger import book_fill
from b25.model.instrument import Instrument
from b25.model.position import POSITION
from tests.account.naive_ledger import NaiveLedger

LINEAR = [
    Instrument(venue="sim", symbol="ETH/USDT:USDT", tick="0.01", lot="0.001"),
    Instrument(venue="sim", symbol="BTC/USDT:USDT", tick="0.1", lot="0.0001"),
]
INVERSE = [Instrument(venue="sim", symbol="BTC/USD:BTC", tick="0.1", lot="1", contract_size="100", inverse=True)]
ROW = st.tuples(
    st.integers(0, 2), st.integers(0, 1), st.integers(-60, 60), st.integers(200_000, 300_000), st.integers(-(10**9), 10**9),
    st.integers(0, 1), st.just(0) | st.integers(200_000, 300_000),
)  # fmt: skip


def table(rows, instruments):
    array = np.zeros(len(rows), LEDGER_ROW)
    for k, (strategy, i, lots, price, fee, maker, mark) in enumerate(rows):
        array[k] = (price, abs(lots), fee, 2 * mark, strategy, i % len(instruments), 1 if lots > 0 else -1, maker)
    return array


def folded(rows, instruments):
    cells, net = np.zeros((3, len(instruments)), POSITION), np.zeros(len(instruments), POSITION)
    records = np.concatenate([one.record() for one in instruments])
    array, equity = table(rows, instruments), np.zeros(len(rows))
    fold_rows(cells, net, records, np.zeros(len(instruments), np.int64), array, equity)
    return cells, net, equity


@settings(deadline=None)
@pytest.mark.parametrize("instruments", [LINEAR, INVERSE])
@given(rows=st.lists(ROW, max_size=25))
def test_many_strategies_fold_as_the_naive_ledger_sums(instruments, rows):
    cells, net, equity = folded(rows, instruments)
    naive = NaiveLedger(instruments)
    for k, (strategy, column, lots, price, fee, _, mark) in enumerate(rows):
        i = column % len(instruments)
        if lots:
            naive.fills.append((strategy, i, lots, price, fee))
        if mark:
            naive.marks[i] = mark
        expected = naive.equity()
        if expected is None:
            assert math.isnan(equity[k])
        else:  # an inverse value is rounded to a money unit at every fill
            assert equity[k] == pytest.approx(float(expected), rel=1e-9, abs=1e-6 if instruments is LINEAR else 1e-10)
    for i in range(len(instruments)):
        for strategy in range(3):
            assert cells[strategy, i]["position_lots"] == naive.lots(strategy, i)
            paid = int(cells[strategy, i]["fees"]) * 10**8 + int(cells[strategy, i]["fees_e8"])
            assert paid == naive.fees(strategy, i) * 10**8
        for name in ("position_lots", "cash", "volume", "fills", "maker_lots", "taker_lots"):
            assert net[i][name] == cells[:, i][name].sum(), name


@settings(deadline=None)
@given(fills=st.lists(st.tuples(st.integers(-50, 50).filter(bool), st.integers(1, 999)), min_size=1, max_size=20))
def test_a_value_on_the_grid_books_like_a_fill(fills):
    record = LINEAR[0].record()[0]
    one, other = np.zeros(1, POSITION), np.zeros(1, POSITION)
    for lots, price in fills:
        book_fill(one[0], record, 1 if lots > 0 else -1, price, abs(lots), 0)
        book_value(other[0], np.int64(lots), np.int64(lots * price), np.int64(0))
    for name in ("position_lots", "cash", "cost", "realised", "entry_cost", "entry_lots"):
        assert one[0][name] == other[0][name], name


def test_a_correction_moves_the_entry_and_no_profit():
    position = np.zeros(1, POSITION)
    book_value(position[0], np.int64(10), np.int64(1_000), np.int64(50))
    assert (position[0]["cost"], position[0]["realised"]) == (1_050, 0)
    book_value(position[0], np.int64(-10), np.int64(-1_000), np.int64(99))
    assert (position[0]["cost"], position[0]["realised"], position[0]["cash"]) == (0, -149, -149)
