"""The strategy that is timed does what it says: its fills are those of whole numbers added up afresh at every bar."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import polars as pl
import pytest

import b25
from b25.market.bars import Bars
from benchmarks.bar_data import BEGIN_NS, MINUTE_NS, TICK, columns, made_bars
from benchmarks.bar_strategies import MaCross

BALANCE, FEE = 1e6, 0.001
COUNT = 1_500  # the window turns around twice


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> str:
    folder: Path = tmp_path_factory.mktemp("bars")
    return str(made_bars(folder, COUNT))


@pytest.fixture(scope="module")
def bars(made: str) -> Bars:
    kept = columns(made)
    dated = pl.Series("date", kept.pop("open_ns")).cast(pl.Datetime("ns")).dt.replace_time_zone("UTC")
    frame = pl.DataFrame({"date": dated, **kept})
    return b25.bars("1m", source=frame, venue="sim", symbol="MA/USD", tick=str(TICK), lot="1")


def naive_signals(closes: list[int], fast: int, slow: int) -> Iterator[tuple[int, int]]:
    """(bar, +1 or -1) of every crossing that changes a position that is long or flat."""
    was, held = 0, 0
    for k in range(slow, len(closes) + 1):
        apart = sum(closes[k - fast : k]) * slow - sum(closes[k - slow : k]) * fast
        side = (apart > 0) - (apart < 0)
        if side != 0 and was == -side and (side > 0) != (held > 0):
            held += side
            yield k - 1, side
        was = side or was


@pytest.mark.parametrize("price", ["close", "open"])
@pytest.mark.parametrize("compiled", [True, False])
@pytest.mark.parametrize(("fast", "slow"), [(5, 60), (1, 2), (20, 511)])
def test_its_fills_are_the_naive_ones(made: str, bars: Bars, price: str, compiled: bool, fast: int, slow: int) -> None:
    run = b25.backtest(
        MaCross,
        bars,
        fast=fast,
        slow=slow,
        bar_fills=b25.BarFills(price=price),
        fees=b25.Fees(FEE, FEE),
        balance=BALANCE,
        compiled=compiled,
    )
    with np.load(made) as kept:
        closes, opens = kept["close"].tolist(), kept["open"].tolist()
    at_close = price == "close"
    expected = [
        (BEGIN_NS + MINUTE_NS * (bar + 1), side, TICK * (closes[bar] if at_close else opens[bar + 1]))
        for bar, side in naive_signals(closes, fast, slow)
        if at_close or bar + 1 < COUNT
    ]
    fills = run.fills
    found = list(zip(fills["time"].dt.epoch("ns").to_list(), fills["side"].to_list(), fills["price"].to_list(), strict=True))
    words = {"buy": 1, "sell": -1}
    assert [(at, words.get(side, side), paid) for at, side, paid in found] == expected
    assert len(expected) > (300 if slow == 2 else 2)
    cash = sum(-side * paid - paid * FEE for _, side, paid in expected)
    held = sum(side for _, side, _ in expected)
    assert run.curve.equity[-1] == pytest.approx(BALANCE + cash + held * closes[-1] * TICK, rel=1e-12)
