"""A feature is a fact: it compares, hashes and pickles by what it computes, not by its text."""

import pickle
import subprocess
import sys

import polars as pl
import pytest

from b25.model.errors import Misuse
from b25.strategy.feature import Feature, feature

MOMENTUM = pl.col("close").pct_change(20)


def test_a_feature_keeps_its_expression_and_lookback():
    made = feature(MOMENTUM, lookback=21)
    assert isinstance(made, Feature)
    assert made.lookback == 21
    assert made.expr.meta.eq(MOMENTUM)
    assert repr(made) == f"feature({MOMENTUM}, lookback=21)"


def test_features_are_equal_when_they_compute_the_same():
    assert feature(MOMENTUM, lookback=21) == feature(pl.col("close").pct_change(20), lookback=21)
    assert hash(feature(MOMENTUM, lookback=21)) == hash(feature(pl.col("close").pct_change(20), lookback=21))
    assert feature(MOMENTUM, lookback=21) != feature(MOMENTUM, lookback=22)
    # The text of these two is the same.
    short, long = (feature(pl.col("close").rolling_mean(n), lookback=n) for n in (5, 6))
    assert short.text == long.text
    assert short.key != long.key


def test_a_feature_travels_to_another_process():
    made = feature(MOMENTUM, lookback=21)
    back = pickle.loads(pickle.dumps(made))  # noqa: S301 - our own bytes
    assert back == made
    assert back.expr.meta.eq(MOMENTUM)


def test_its_key_is_the_same_in_another_process(root):
    code = (
        "import polars as pl; from b25.strategy.feature import feature; "
        "print(feature(pl.col('close').pct_change(20), lookback=21).key)"
    )
    out = subprocess.run([sys.executable, "-c", code], cwd=root, capture_output=True, text=True, check=True)
    assert out.stdout.strip() == feature(MOMENTUM, lookback=21).key


def test_declaring_features_costs_nobody_else_polars(root):
    code = "import sys, b25.strategy.feature; print('polars' in sys.modules)"
    out = subprocess.run([sys.executable, "-c", code], cwd=root, capture_output=True, text=True, check=True)
    assert out.stdout.strip() == "False"


@pytest.mark.parametrize(
    ("expr", "lookback", "says"),
    [
        ("close", 5, "a feature made of 'close'"),
        (MOMENTUM, 0, "lookback=0"),
        (MOMENTUM, True, "lookback=True"),
        (MOMENTUM, 2.5, "lookback=2.5"),
        (pl.col("open", "close"), 1, "several columns"),
    ],
)
def test_what_is_no_feature_is_refused(expr, lookback, says):
    with pytest.raises(Misuse, match=says):
        feature(expr, lookback=lookback)
