"""A part of the data can be traded in; the book is built from the beginning all the same."""

from pathlib import Path

import numpy as np
import pytest

import b25
from b25.research.dataset import Dataset


class Mids(b25.Strategy):
    """Note every mid, and buy once."""

    bought: bool = False

    def on_book(self, ctx):
        ctx.log(1, ctx.mid())
        if not self.bought:
            self.bought = True
            ctx.buy(0.001)


@pytest.fixture(scope="module")
def sample(tmp_path_factory: pytest.TempPathFactory) -> Dataset:
    return b25.sample(minutes=1, catalog=Path(tmp_path_factory.mktemp("catalog")))


def test_a_part_sees_what_the_whole_saw_then(sample: Dataset) -> None:
    whole = b25.backtest(Mids, sample)
    part = b25.backtest(Mids, sample, start=0.5, end=0.75)
    start, end = sample.at(0.5), sample.at(0.75)
    seen = whole.outcome.notes
    then = seen[(seen["time_ns"] >= start) & (seen["time_ns"] <= end)]
    assert len(then) > 100
    assert np.array_equal(part.outcome.notes[["time_ns", "value"]], then[["time_ns", "value"]])
    assert part.outcome.start_ns == start
    assert part.fills["venue_ns"].min() > start
    assert int(part.curve.time_ns[-1]) <= end
    first = then["value"][0]
    assert sample.book(int(then["time_ns"][0])).mid == pytest.approx(first)


def test_an_end_before_the_start_is_refused(sample: Dataset) -> None:
    with pytest.raises(b25.Misuse, match="not after the start"):
        b25.backtest(Mids, sample, start=0.6, end=0.4)
    with pytest.raises(b25.Misuse, match="no time"):
        b25.backtest(Mids, sample, start="tomorrow")


def test_a_part_before_the_data_is_refused(sample: Dataset) -> None:
    with pytest.raises(b25.Misuse, match="nothing to replay"):
        b25.backtest(Mids, sample, end=1_000)
