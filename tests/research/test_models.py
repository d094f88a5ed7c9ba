"""Models: what is predicted is what was trained, row by row, and features that are not the model's are refused."""

import pickle

import numpy as np
import polars as pl
import pytest
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor, RandomForestClassifier
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.neighbors import KNeighborsRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from b25.model.errors import Misuse
from b25.research.labels import forward_return, triple_barrier
from b25.research.model_files import as_model
from b25.research.training import expected_label, gather, train
from b25.strategy.feature import feature
from tests.research.walks import walk_bars

FEATURES = {
    "last": feature(pl.col("close").pct_change(1), lookback=2),
    "day": feature(pl.col("close").pct_change(24), lookback=25),
}
BOOSTED = {"max_iter": 4, "random_state": 1}
KINDS = {
    "linear": (make_pipeline(StandardScaler(), Ridge()), "return"),
    "logistic": (make_pipeline(StandardScaler(), LogisticRegression()), "up"),
    "three classes": (LogisticRegression(), "barrier"),
    "forest": (RandomForestClassifier(10, max_depth=4, random_state=1), "up"),
    "boosted": (HistGradientBoostingClassifier(**BOOSTED), "up"),
    "boosted, three classes": (HistGradientBoostingClassifier(**BOOSTED), "barrier"),
    "boosted regression": (HistGradientBoostingRegressor(**BOOSTED), "return"),
}


@pytest.fixture(scope="module")
def samples():
    bars = walk_bars(800, seed=5, momentum=0.3)
    labels = {
        "return": forward_return(bars, 5),
        "up": forward_return(bars, 5, over_bps=0),
        "barrier": triple_barrier(bars, 5, up=0.01, down=0.01),
    }
    return {name: gather(FEATURES, bars, given) for name, given in labels.items()}


@pytest.fixture(scope="module")
def logistic(samples):
    return train(LogisticRegression(), samples["up"])


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("kept", ["onnx", "skops"])
def test_a_row_at_a_time_predicts_what_the_estimator_does(samples, kind, kept):
    estimator, label = KINDS[kind]
    trained = train(estimator, samples[label], folds=2)
    model = as_model(trained, kept)
    x = samples[label].x[::80]
    wanted = expected_label(trained.estimator, x)
    assert model.predict(x) == pytest.approx(wanted, rel=1e-4, abs=1e-6)
    by_row = [model.predict_row(row.tolist()) for row in x]
    assert by_row == pytest.approx(wanted, rel=1e-4, abs=1e-6)
    assert model.manifest["model"]["difference"] <= 1e-4


def test_one_model_has_one_hash(logistic):
    assert as_model(logistic).hash == as_model(logistic).hash
    assert as_model(logistic).manifest == as_model(logistic).manifest


def test_a_strategy_predicts_from_its_own_fields(logistic):
    class Owner:
        day, last = 0.02, -0.01

    model = as_model(logistic)
    assert model.predict_of(Owner()) == model.predict_row([-0.01, 0.02])


def test_what_is_unknown_gives_no_signal(logistic):
    model = as_model(logistic)
    assert np.isnan(model.predict_row([np.nan, 0.1]))
    assert np.isnan(model.predict([[0.1, np.nan], [np.inf, 0.1]])).all()
    assert np.isfinite(model.predict([[0.1, np.nan], [0.1, 0.1]])).tolist() == [False, True]


def test_a_model_travels_to_another_process(logistic):
    model = as_model(logistic)
    back = pickle.loads(pickle.dumps(model))  # noqa: S301 - our own bytes
    assert back.predict_row([0.1, 0.1]) == model.predict_row([0.1, 0.1])
    assert back.content_key == model.content_key


def test_features_that_are_not_the_models_are_refused(logistic):
    model = as_model(logistic)
    model.check(FEATURES)
    with pytest.raises(Misuse, match="features day, last for a model of last, day"):
        model.check({"day": FEATURES["day"], "last": FEATURES["last"]})
    with pytest.raises(Misuse, match=r"feature day is .*, not as trained"):
        model.check(FEATURES | {"day": feature(pl.col("close").pct_change(12), lookback=25)})
    with pytest.raises(Misuse, match="1 features for a model of 2"):
        model.predict_row([0.1])
    with pytest.raises(Misuse, match="3 features for a model of 2"):
        model.predict_row([0.1, 0.1, 0.1])
    with pytest.raises(Misuse, match=r"shape \(2, 3\)"):
        model.predict(np.zeros((2, 3)))


def test_a_conversion_that_predicts_otherwise_is_refused(samples):
    # Scaled thresholds do not survive single precision: some rows of the training change their leaf.
    tree = make_pipeline(StandardScaler(), HistGradientBoostingClassifier(max_iter=30, random_state=1))
    with pytest.raises(Misuse, match=r"HistGradientBoostingClassifier cannot become an ONNX model .*differs by"):
        as_model(train(tree, samples["up"], folds=2))


def test_what_onnx_does_not_know_is_kept_by_skops(samples):
    trained = train(KNeighborsRegressor(5), samples["return"], folds=2)
    assert np.isfinite(as_model(trained, "skops").predict_row([0.0, 0.0]))
