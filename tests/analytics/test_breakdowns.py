"""Sums of trades by what they have in common; each closed trade is in exactly one row."""

import polars as pl
import pytest

from b25.analytics.breakdowns import KEYS, breakdown, breakdowns, left_open
from b25.analytics.trades import trades_from_fills
from b25.model.errors import Misuse
from tests.analytics.curves import fills

ROWS = [
    (0, 1, 100, 1),
    (10, -1, 110, 1),
    (20, -1, 100, 1),
    (30, 1, 105, 1),
    (4_000, 1, 90, 2),
    (4_001, -1, 93, 2),
    (9_000, 1, 95, 1),
]


@pytest.fixture(scope="module")
def trades() -> pl.DataFrame:
    return trades_from_fills(fills(ROWS), instrument="X", mark=90.0).with_columns(
        entry_reason=pl.Series(["cross", "cross", "dip", None]), exit_reason=pl.Series(["target", "stop", "target", None])
    )


def test_by_reason_and_by_pair_of_reasons(trades: pl.DataFrame):
    table = breakdown(trades, by="exit_reason")
    assert table["exit_reason"].to_list() == ["stop", "target"]
    assert table["net"].to_list() == [-5, 16]
    assert table["drawdown"].to_list() == [5, 0]
    assert table["profit_factor"].to_list() == [0, None]
    assert breakdown(trades, by="reasons")["reasons"].to_list() == ["cross → stop", "cross → target", "dip → target"]
    assert breakdown(trades, by="entry_reason")["win_rate"].to_list() == [0.5, 1.0]


def test_every_breakdown_covers_every_closed_trade_once(trades: pl.DataFrame):
    tables = breakdowns(trades)
    assert set(tables) == set(KEYS) - {"strategy"}
    for by, table in tables.items():
        assert int(table["trades"].sum()) == 3, by
        assert float(table["net"].sum()) == 11, by
    assert tables["hour"]["hour"].to_list() == [12, 13]


def test_trades_left_open_stand_apart(trades: pl.DataFrame):
    assert left_open(trades).select("entry_price", "net").rows() == [(95.0, -5.0)]


def test_what_the_table_does_not_know_is_named(trades: pl.DataFrame):
    with pytest.raises(Misuse, match="no strategy"):
        breakdown(trades, by="strategy")
    with pytest.raises(Misuse, match="choose one of instrument"):
        breakdown(trades, by="colour")  # type: ignore[arg-type]
