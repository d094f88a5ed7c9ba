"""The bars of the bench are lawful and the same every time, and what is said of their averages is exact."""

from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from benchmarks.bar_data import MINUTE_NS, TICK, columns, made_bars, narrowest_decision


@pytest.fixture
def made(tmp_path: Path) -> str:
    return str(made_bars(tmp_path, 700))


def test_bars_are_lawful(made: str) -> None:
    bars = columns(made)
    assert (np.diff(bars["open_ns"]) == MINUTE_NS).all()
    assert (bars["low"] <= np.minimum(bars["open"], bars["close"])).all()
    assert (bars["high"] >= np.maximum(bars["open"], bars["close"])).all()
    assert (bars["low"] > 0).all()
    assert (bars["volume"] > 0).all()


def test_bars_are_the_same_every_time(made: str, tmp_path: Path) -> None:
    again = columns(str(made_bars(tmp_path / "again", 700)))
    assert all((again[name] == column).all() for name, column in columns(made).items())


def test_the_narrowest_decision_is_the_exact_one(made: str) -> None:
    with np.load(made) as kept:
        close = [int(ticks) for ticks in kept["close"]]
    apart = []
    for end in range(9, len(close) + 1):
        fast, slow = Fraction(sum(close[end - 4 : end]), 4), Fraction(sum(close[end - 9 : end]), 9)
        apart.append(abs(fast - slow) * Fraction(TICK))
    least, ties = narrowest_decision(made, 4, 9)
    assert least == pytest.approx(float(min(distance for distance in apart if distance)), rel=1e-15)
    assert ties == sum(not distance for distance in apart)


def test_sums_of_closes_are_exact_in_floating_point(made: str) -> None:
    close = columns(made)["close"]
    assert np.cumsum(close)[-1] == sum(Fraction(one) for one in close.tolist())
