"""Training: what is told is what was not seen, and nothing of the test is known in training."""

import numpy as np
import polars as pl
import pytest
from sklearn.cluster import KMeans
from sklearn.ensemble import RandomForestClassifier, RandomForestRegressor
from sklearn.linear_model import LinearRegression, LogisticRegression, Ridge
from sklearn.model_selection import KFold, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import LinearSVC

from b25.model.errors import Misuse
from b25.research.labels import Labels, forward_return, triple_barrier, uniqueness
from b25.research.splits import combinatorial_purged
from b25.research.training import gather, train
from b25.strategy.feature import feature
from tests.research.walks import walk_bars

CLOSE = pl.col("close")
FEATURES = {
    "last": feature(CLOSE.pct_change(1), lookback=2),
    "day": feature(CLOSE.pct_change(24), lookback=25),
    "swing": feature(CLOSE.pct_change(1).rolling_std(12), lookback=13),
}


@pytest.fixture(scope="module")
def leaning():
    return walk_bars(1500, seed=3, momentum=0.3)


def test_samples_are_the_rows_where_everything_is_known(leaning):
    samples = gather(FEATURES, leaning, forward_return(leaning, 10))
    assert samples.rows.tolist() == list(range(24, 1490))
    assert samples.x.shape == (1466, 3)
    assert np.isfinite(samples.x).all()
    assert samples.end.tolist() == list(range(34, 1500))
    assert samples.weights == pytest.approx(uniqueness(samples.rows, samples.end))
    assert len(gather(FEATURES, leaning, forward_return(leaning, 10), every=10)) == 146


def test_scores_are_those_of_models_that_had_not_seen_the_fold(leaning):
    samples = gather(FEATURES, leaning, forward_return(leaning, 1))
    trained = train(Ridge(), samples, folds=4, embargo=5)
    for fold, part in zip(trained.folds, samples.purged_kfold(4, 5), strict=True):
        model = Ridge().fit(samples.x[part.train], samples.y[part.train], sample_weight=samples.weights[part.train])
        predicted, y = model.predict(samples.x[part.test]), samples.y[part.test]
        mean = samples.y[part.train].mean()
        assert fold.scores["r2"].value == pytest.approx(1 - ((y - predicted) ** 2).sum() / ((y - mean) ** 2).sum())
        assert (fold.train, fold.test, fold.purged) == (part.train.size, part.test.size, part.purged.size)
        assert trained.out_of_sample[0, part.test] == pytest.approx(predicted)
    assert trained.scores["rank_correlation"] > 0.15
    assert 0 < trained.scores["r2"] < trained.seen["r2"].value + 0.01


def test_nothing_is_found_in_a_walk_without_memory_but_much_on_what_was_seen():
    # A purged test that leaked would find "skill" here, for a forest remembers labels that overlap.
    bars = walk_bars(1200, seed=11)
    slow = {f"over_{n}": feature(CLOSE.pct_change(n), lookback=n + 1) for n in (60, 120, 180)}
    samples = gather(slow, bars, forward_return(bars, 24))
    forest = RandomForestRegressor(15, min_samples_leaf=3, random_state=1)
    trained = train(forest, samples, embargo=24)
    assert trained.seen["r2"].value > 0.5
    assert trained.scores["r2"] < 0.05
    naive = cross_val_score(forest, samples.x, samples.y, cv=KFold(5, shuffle=True, random_state=1))
    assert naive.mean() > 0.3


def test_a_classifier_predicts_the_expected_label(leaning):
    labels = triple_barrier(leaning, 6, up=0.015, down=0.015)
    samples = gather(FEATURES, leaning, labels)
    trained = train(make_pipeline(StandardScaler(), LogisticRegression()), samples)
    assert trained.classes == (-1.0, 0.0, 1.0)
    odds = trained.estimator.predict_proba(samples.x)
    assert np.all(np.abs(trained.out_of_sample) <= 1.0)
    assert set(trained.scores) == {"accuracy", "auc", "log_loss"}
    assert trained.scores["auc"] is None
    assert "two classes" in trained.seen["auc"].reason
    assert odds.shape == (len(samples), 3)


def test_combinatorial_splits_give_a_prediction_a_path(leaning):
    samples = gather(FEATURES, leaning, forward_return(leaning, 5, over_bps=0))
    splits = combinatorial_purged(len(samples), 5, 2, samples.end, 0.01, label_start=samples.rows)
    trained = train(LogisticRegression(), samples, splits=splits)
    assert trained.out_of_sample.shape == (4, len(samples))
    assert np.isfinite(trained.out_of_sample).all()


def test_the_report_says_what_to_believe_first(leaning):
    samples = gather(FEATURES, leaning, forward_return(leaning, 5, over_bps=0))
    trained = train(LogisticRegression(), samples)
    assert "LogisticRegression of last, day, swing: 1,471 samples, label close[t + 5] / close[t] - 1 > 0 bps" in repr(trained)
    assert "5 purged folds, embargo 0.01; purged" in repr(trained)
    assert trained.table.columns[:4] == ["score", "out_of_sample", "without_skill", "in_sample"]
    assert trained.table["out_of_sample"].to_list() == list(trained.scores.values())


def test_two_trainings_are_equal(leaning):
    samples = gather(FEATURES, leaning, forward_return(leaning, 5, over_bps=0))
    forest = RandomForestClassifier(20, random_state=3, max_depth=4)
    first, again = (train(forest, samples) for _ in range(2))
    assert np.array_equal(first.out_of_sample, again.out_of_sample)
    assert first.scores == again.scores


@pytest.mark.parametrize(
    ("call", "says"),
    [
        (lambda b: gather({"x": CLOSE}, b, forward_return(b, 1)), "feature x is"),
        (lambda b: gather({}, b, forward_return(b, 1)), "without features"),
        (lambda b: gather(FEATURES, b, Labels(np.zeros(9), np.arange(9), "")), "9 labels for 1500 bars"),
        (lambda b: gather(FEATURES, b, forward_return(b, 1480)), "0 rows have all features"),
        (lambda b: train(LogisticRegression(), gather(FEATURES, b, forward_return(b, 1))), "has 1475 values"),
        (lambda b: train(KMeans(), gather(FEATURES, b, forward_return(b, 1))), "neither classifies nor regresses"),
        (lambda b: train(LinearSVC(), gather(FEATURES, b, forward_return(b, 1, over_bps=0))), "gives no probabilities"),
        (
            lambda b: train(LinearRegression(), gather(FEATURES, b, forward_return(b, 1)), splits=combinatorial_purged(99)),
            "splits of 99 samples for 1475",
        ),
    ],
)
def test_what_cannot_be_trained_is_refused(leaning, call, says):
    with pytest.raises(Misuse, match=says):
        call(leaning)
