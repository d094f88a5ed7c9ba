"""Two results are equal when their contents are, whatever order and spelling they come in."""

import math
from decimal import Decimal

from benchmarks.agreement import book_summary, differences, fills_digest, furthest, trade_faults

FILLS = {
    "order_id": [1, 2],
    "side": [1, -1],
    "price_ticks": [100, 101],
    "qty_lots": [5, 5],
    "exch_ns": [7, 7],
    "maker": [True, False],
}


def test_fills_are_a_multiset() -> None:
    backwards = {name: values[::-1] for name, values in FILLS.items()}
    assert fills_digest(**FILLS) == fills_digest(**backwards)


def test_one_tick_in_one_fill_is_another_result() -> None:
    assert fills_digest(**FILLS) != fills_digest(**{**FILLS, "price_ticks": [100, 102]})


def test_a_book_is_equal_however_its_numbers_are_written() -> None:
    one = book_summary([(Decimal("2682.50"), Decimal("1.000"))], [], 9)
    other = book_summary([(Decimal("2682.5"), Decimal("1"))], [], 9)
    assert one == other


def test_a_deep_level_is_seen_though_the_top_is_equal() -> None:
    bids = [(Decimal(100 - i), Decimal(1)) for i in range(30)]
    deep = [*bids[:-1], (Decimal(71), Decimal(2))]
    one, other = book_summary(bids, [], 9), book_summary(deep, [], 9)
    assert one["bids"] == other["bids"]
    assert one["digest"] != other["digest"]


def test_a_difference_is_told_with_both_values() -> None:
    run = {"steps": 3, "submits": 2, "cancels": 1, "digest": "a", "position": 0.1, "balance": -5.0, "fee": 0.01}
    assert differences(run, run) == []
    assert differences({**run, "steps": 4, "fee": 0.02}, run) == ["steps: 4 instead of 3", "fee: 0.02 instead of 0.01"]


def test_returns_are_compared_to_the_last_digit_and_by_number() -> None:
    assert furthest([1.0, -0.5], [1.0, -0.5]) == 0.0
    assert furthest([200.0, 0.02], [100.0, 0.02]) == 1.0
    assert furthest([0.02], [0.01]) == 1.0
    assert furthest([0.5], [0.0]) == 0.5
    assert furthest([1.0], [1.0, 2.0]) == math.inf


def test_a_trade_at_another_bar_price_or_profit_is_another_trade() -> None:
    trades = [[3.0, 9.0, 100.25, 101.0, 0.5]]
    assert trade_faults(trades, trades) == []
    assert trade_faults([[3.0, 9.0, 100.25, 101.0, 0.5 + 1e-12]], trades) == []
    for column, value in ((0, 4.0), (1, 8.0), (2, 100.0), (3, 101.25), (4, 0.6)):
        other = [[*trades[0][:column], value, *trades[0][column + 1 :]]]
        assert len(trade_faults(other, trades)) == 1
    assert trade_faults([], trades) == ["0 trades instead of 1"]
