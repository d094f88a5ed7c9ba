"""A model inside a strategy: what it predicts in `on_bar` is what it predicts on the whole table, on rows it has not seen."""

import math

import numpy as np
import polars as pl
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import b25
from b25.research import ml
from tests.research.walks import walk_bars

CLOSE = pl.col("close")
FEATURES = {
    "last": b25.feature(CLOSE.pct_change(1), lookback=2),
    "day": b25.feature(CLOSE.pct_change(24), lookback=25),
}
FREE = b25.Fees(maker=0.0, taker=0.0)


@pytest.fixture(scope="module")
def bars():
    return walk_bars(900, seed=3, momentum=0.4)


@pytest.fixture(scope="module")
def trained(bars):
    past = bars.between(end=bars.at(0.6))
    estimator = make_pipeline(StandardScaler(), LogisticRegression())
    return ml.train(estimator, ml.gather(FEATURES, past, ml.forward_return(past, 1, over_bps=0)))


@pytest.fixture(scope="module")
def follower(tmp_path_factory, trained):
    path = tmp_path_factory.mktemp("models") / "up.onnx"
    ml.save_model(trained, path)

    class Follower(b25.Strategy):
        model = ml.load_model(path, features=FEATURES)
        quantity: float = b25.param(1.0, gt=0, unit="base")
        last: float = FEATURES["last"]
        day: float = FEATURES["day"]

        def on_bar(self, ctx):
            chance = self.model.predict_of(self)
            ctx.log(1, chance)
            if math.isfinite(chance):
                ctx.target(self.quantity if chance > 0.5 else 0.0)

    return Follower


@pytest.fixture(scope="module")
def result(follower, bars):
    return b25.backtest(follower, bars, start=bars.at(0.6), fees=FREE)


def test_it_runs_as_plain_python_by_itself_and_says_why(result):
    assert not result.made.compiled
    assert result.made.why_plain


def test_every_prediction_is_that_of_the_whole_table(follower, bars, result):
    table = ml.evaluate(follower.features, bars)
    wanted = follower.model.predict(table)
    chances = result.notes.filter(pl.col("code") == 1)["value"].to_numpy()
    assert np.array_equal(chances, wanted[-chances.size :], equal_nan=True)
    assert np.isfinite(chances[-300:]).all()


def test_it_holds_what_the_model_said_at_the_close_before(follower, bars, result):
    wanted = follower.model.predict(ml.evaluate(follower.features, bars)) > 0.5
    position = result.traces[0].position
    assert 0.3 < wanted[600:].mean() < 0.7
    # Decided at the close of each row, filled at the next open: held before the next close.
    held = position.at(bars.rows["close_ns"][600:890] + 1)
    assert held.tolist() == wanted[600:890].tolist()


def test_two_runs_are_equal(follower, bars, result):
    assert b25.backtest(follower, bars, start=bars.at(0.6), fees=FREE).hash == result.hash


def test_a_compiled_strategy_may_use_a_linear_models_numbers(trained, bars, result):
    weights = ml.linear_weights(trained)

    class Line(b25.Strategy):
        quantity: float = b25.param(1.0, gt=0, unit="base")
        last: float = FEATURES["last"]
        day: float = FEATURES["day"]

        def on_bar(self, ctx):
            odds = weights[0] + weights[1] * self.last + weights[2] * self.day
            if math.isfinite(odds):
                ctx.target(self.quantity if odds > 0.0 else 0.0)

    compiled = b25.backtest(Line, bars, start=bars.at(0.6), fees=FREE, compiled=True)
    assert compiled.made.compiled
    assert compiled.outcome.fills.tobytes() == result.outcome.fills.tobytes()
