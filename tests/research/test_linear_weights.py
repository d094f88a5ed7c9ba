"""Linear models as plain numbers predict what the estimator does."""

import numpy as np
import polars as pl
import pytest
from sklearn.linear_model import ElasticNet, LinearRegression, LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MinMaxScaler, StandardScaler
from sklearn.tree import DecisionTreeRegressor

from b25.model.errors import Misuse
from b25.research.labels import forward_return, triple_barrier
from b25.research.linear_weights import linear_weights
from b25.research.training import gather, train
from b25.strategy.feature import feature
from tests.research.walks import walk_bars

FEATURES = {
    "last": feature(pl.col("close").pct_change(1), lookback=2),
    "price": feature(pl.col("close"), lookback=1),
}


@pytest.fixture(scope="module")
def bars():
    return walk_bars(300, seed=9, momentum=0.3)


@pytest.mark.parametrize(
    "estimator",
    [
        LinearRegression(),
        ElasticNet(alpha=1e-6),
        make_pipeline(StandardScaler(), LinearRegression()),
        make_pipeline(StandardScaler(with_mean=False), StandardScaler(with_std=False), LinearRegression()),
    ],
)
def test_a_regression_is_its_numbers(bars, estimator):
    trained = train(estimator, gather(FEATURES, bars, forward_return(bars, 2)), folds=2)
    w = linear_weights(trained)
    x = trained.samples.x
    assert w[0] + x @ w[1:] == pytest.approx(trained.estimator.predict(x), abs=1e-12)


def test_a_logistic_regression_gives_log_odds(bars):
    estimator = make_pipeline(StandardScaler(), LogisticRegression())
    trained = train(estimator, gather(FEATURES, bars, forward_return(bars, 2, over_bps=0)), folds=2)
    w = linear_weights(trained)
    odds = w[0] + trained.samples.x @ w[1:]
    assert 1 / (1 + np.exp(-odds)) == pytest.approx(trained.estimator.predict_proba(trained.samples.x)[:, 1])


@pytest.mark.parametrize(
    ("estimator", "says"),
    [
        (make_pipeline(MinMaxScaler(), LinearRegression()), "LinearRegression after MinMaxScaler is no linear model"),
        (DecisionTreeRegressor(max_depth=2), "DecisionTreeRegressor is no linear model"),
    ],
)
def test_what_is_not_linear_is_refused(bars, estimator, says):
    with pytest.raises(Misuse, match=says):
        linear_weights(train(estimator, gather(FEATURES, bars, forward_return(bars, 2)), folds=2))


def test_three_classes_have_no_single_line(bars):
    labels = triple_barrier(bars, 5, up=0.01, down=0.01)
    with pytest.raises(Misuse, match="LogisticRegression is no linear model"):
        linear_weights(train(LogisticRegression(), gather(FEATURES, bars, labels), folds=2))
