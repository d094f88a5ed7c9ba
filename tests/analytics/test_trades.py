"""Trades are excursions from flat to flat, whatever the fills; one test walks them the dull way."""

from itertools import pairwise

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from b25.analytics.series import FillSeries, TimeSeries
from b25.analytics.trades import trades_from_fills
from b25.model.errors import Misuse
from tests.analytics.curves import NOON, SECOND, fills

ROWS = st.lists(st.tuples(st.integers(0, 3), st.sampled_from([-1, 1]), st.integers(90, 110), st.integers(1, 5)), max_size=25)


def columns(table: pl.DataFrame, *names: str) -> list[tuple[object, ...]]:
    return table.select(names).rows()


def test_a_scaled_trade_is_one_trade_with_weighted_prices():
    table = trades_from_fills(
        fills([(0, 1, 100, 1), (5, 1, 110, 3), (9, -1, 120, 2), (20, -1, 130, 2)], fee=0.001), instrument="X"
    )
    assert table.height == 1
    row = table.row(0, named=True)
    assert (row["instrument"], row["side"], row["max_quantity"], row["entry_price"], row["exit_price"]) == (
        "X",
        "long",
        4,
        107.5,
        125,
    )
    assert (row["gross"], row["fills"], row["holding_ns"], row["is_open"]) == (70, 4, 20 * SECOND, False)
    assert row["fees"] == pytest.approx(0.93)
    assert row["net"] == pytest.approx(69.07)
    assert row["return_ratio"] == pytest.approx(69.07 / 430)


@pytest.mark.golden("T04")
@pytest.mark.golden("L07")
def test_the_average_of_partial_fills_is_weighted_by_quantity():
    table = trades_from_fills(fills([(0, 1, 10, 100), (1, 1, 20, 300), (2, -1, 20, 400)]))
    assert table["entry_price"].to_list() == [17.5]


def test_a_reversal_ends_a_trade_and_begins_one_and_shares_its_fee():
    table = trades_from_fills(fills([(0, 1, 100, 1), (1, -1, 110, 3), (2, 1, 100, 2)], fee=0.01))
    assert columns(table, "side", "max_quantity", "gross") == [("long", 1, 10), ("short", 2, 20)]
    assert table["fees"].to_list() == pytest.approx([1 + 1.1, 2.2 + 2.0])


def test_an_open_trade_is_valued_at_the_last_mid_and_has_no_exit():
    made = fills([(0, 1, 100, 2), (1, -1, 105, 1)])
    assert trades_from_fills(made)["net"].to_list() == [None]
    mids = TimeSeries(NOON + np.arange(4) * SECOND, np.array([100, 104, 90, np.nan]))
    row = trades_from_fills(made, mids=mids).row(0, named=True)
    assert (row["is_open"], row["exit_time"], row["exit_price"], row["gross"]) == (True, None, 105, -5)
    assert trades_from_fills(made, mark=120.0)["gross"].to_list() == [25]


def test_excursions_see_the_mids_between_the_fills():
    mids = TimeSeries(NOON + np.arange(6) * SECOND, np.array([100, 93, 112, 101, 1, 999], float))
    table = trades_from_fills(fills([(0, 1, 100, 1), (3, -1, 101, 1), (5, 1, 999, 1), (6, -1, 998, 1)]), mids=mids)
    assert columns(table, "mae", "mfe") == [(-7, 12), (-1, 0)]


def test_an_inverse_contract_earns_in_the_base_currency():
    made = FillSeries(
        time_ns=np.array([0, 1]), side=np.array([1, -1]), price=np.array([50_000.0, 55_000.0]), quantity=np.array([10.0, 10.0]),
        fee=np.zeros(2), contract_size=100.0, inverse=True,
    )  # fmt: skip
    row = trades_from_fills(made).row(0, named=True)
    assert row["gross"] == pytest.approx(0.00181818181818)
    assert (row["entry_price"], row["exit_price"]) == (pytest.approx(50_000), pytest.approx(55_000))
    assert row["entry_value"] == pytest.approx(0.02)


def test_tenths_come_back_to_flat():
    made = fills([(i, 1, 100, 0.1) for i in range(3)] + [(3, -1, 100, 0.3)])
    assert trades_from_fills(made)["is_open"].to_list() == [False]


def test_no_fill_gives_an_empty_table_of_the_same_columns():
    empty, one = trades_from_fills(fills([])), trades_from_fills(fills([(0, 1, 100, 1)]))
    assert empty.schema == one.schema


@pytest.mark.parametrize(("row", "what"), [((0, 2, 100, 1), "side"), ((0, 1, -5, 1), "positive"), ((0, 1, 100, 0), "positive")])
def test_fills_that_are_none_are_refused(row: tuple[int, int, float, float], what: str):
    with pytest.raises(Misuse, match=what):
        fills([row])


def naive(made: FillSeries) -> list[dict[str, float]]:
    """One unit at a time, as a person with a pencil would."""
    found: list[dict[str, float]] = []
    held = 0
    for time_ns, side, price, quantity in zip(made.time_ns, made.side, made.price, made.quantity, strict=True):
        for _ in range(int(quantity)):
            if held == 0:
                found.append({"cash": 0, "max": 0, "enter": 0, "entry": int(time_ns), "side": int(side)})
            trade = found[-1]
            trade["enter"] += price if held * side >= 0 else 0
            trade["cash"] -= side * price
            held += int(side)
            trade["max"] = max(trade["max"], abs(held))
            trade["exit"], trade["held"] = int(time_ns), held
    return found


@given(ROWS)
def test_trades_equal_their_naive_twin(rows: list[tuple[int, int, int, int]]):
    seconds = np.cumsum([row[0] for row in rows]).tolist()
    made = fills([(second, *row[1:]) for second, row in zip(seconds, rows, strict=True)])
    table, twin = trades_from_fills(made, mark=100.0), naive(made)
    assert table.height == len(twin)
    for row, trade in zip(table.iter_rows(named=True), twin, strict=True):
        assert row["gross"] == trade["cash"] + trade["held"] * 100
        assert row["max_quantity"] == trade["max"]
        assert row["entry_value"] == trade["enter"]
        assert row["side"] == ("long" if trade["side"] > 0 else "short")
        assert row["is_open"] == (trade["held"] != 0)
        assert row["holding_ns"] == trade["exit"] - trade["entry"]


@given(ROWS)
def test_trades_add_up_to_the_cash_of_the_fills(rows: list[tuple[int, int, int, int]]):
    seconds = np.cumsum([row[0] for row in rows]).tolist()
    made = fills([(second, *row[1:]) for second, row in zip(seconds, rows, strict=True)], fee=0.001)
    table = trades_from_fills(made, mark=100.0)
    held = float(made.position[-1]) if made.size else 0.0
    total = float(np.sum(-made.side * made.price * made.quantity - made.fee)) + held * 100
    assert float(table["net"].sum()) == pytest.approx(total, abs=1e-9)


def test_excursions_equal_a_walk_over_every_mid():
    rng = np.random.default_rng(4)
    mid = 100 + np.cumsum(rng.normal(0, 1, 500))
    mids = TimeSeries(NOON + np.arange(500) * SECOND, mid)
    at = np.sort(rng.choice(480, 40, replace=False))
    made = fills([(int(i), int(rng.choice([-1, 1])), float(mid[i] + 0.3), float(rng.integers(1, 4))) for i in at])
    table = trades_from_fills(made, mids=mids)
    ends = table["exit_time"].dt.epoch("ns").fill_null(int(mids.time_ns[-1]) + 1).to_list()
    assert all(first <= second for first, second in pairwise(ends))
    for row, end in zip(table.iter_rows(named=True), ends, strict=True):
        begin = int(np.datetime64(row["entry_time"].replace(tzinfo=None), "ns").astype(np.int64))
        path = [0.0] if row["is_open"] else [row["gross"]]
        moments = sorted({*mids.time_ns[(mids.time_ns >= begin) & (mids.time_ns < end)].tolist()})
        start = float(made.position[np.searchsorted(made.time_ns, begin) - 1]) if begin > made.time_ns[0] else 0.0
        for moment in moments:
            past = (made.time_ns >= begin) & (made.time_ns <= moment)
            flow = (made.side * made.quantity)[past]
            cash = -float(np.sum(flow * made.price[past]))
            # The first fill may have closed the trade before; only what lies beyond zero belongs to this one.
            cash += -start * float(made.price[np.flatnonzero(past)[0]])
            held = start + float(flow.sum())
            path += [cash + held * float(mid[np.searchsorted(mids.time_ns, moment)])]
            if moment in made.time_ns:
                path.append(cash + held * float(made.price[np.searchsorted(made.time_ns, moment)]))
        assert row["mae"] == pytest.approx(min(path), abs=1e-9)
        assert row["mfe"] == pytest.approx(max(path), abs=1e-9)
