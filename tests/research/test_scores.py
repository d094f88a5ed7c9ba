"""Scores equal scikit-learn's, and say why where there are none."""

import numpy as np
import pytest
from scipy.stats import spearmanr
from sklearn import metrics

from b25.research.scores import classification_scores, ranks, regression_scores

RNG = np.random.default_rng(8)


def test_regression_scores_equal_an_independent_library():
    y = RNG.normal(size=200).round(1)
    p = (0.3 * y + RNG.normal(size=200)).round(1)
    found = regression_scores(y, p, y)
    assert found["r2"].value == pytest.approx(metrics.r2_score(y, p))
    assert found["rank_correlation"].value == pytest.approx(spearmanr(y, p).statistic)


def test_r2_is_measured_against_what_was_known_in_training():
    y = np.array([1.0, 1.2, 0.8])
    assert regression_scores(y, np.zeros(3), np.array([0.0, 0.0]))["r2"].value == 0.0


def test_classification_scores_equal_an_independent_library():
    y = RNG.integers(0, 2, 300).astype(float)
    up = (0.2 * y + RNG.uniform(0.1, 0.7, 300)).round(2)
    both = np.column_stack([1 - up, up])
    found = classification_scores(y, both, np.array([0.0, 1.0]), y)
    assert found["accuracy"].value == pytest.approx(metrics.accuracy_score(y, up > 0.5))
    assert found["auc"].value == pytest.approx(metrics.roc_auc_score(y, up))
    assert found["log_loss"].value == pytest.approx(metrics.log_loss(y, both))
    assert found["accuracy"].base == pytest.approx(max(y.mean(), 1 - y.mean()))
    shares = np.tile([1 - y.mean(), y.mean()], (300, 1))
    assert found["log_loss"].base == pytest.approx(metrics.log_loss(y, shares))


def test_equal_values_share_their_ranks():
    assert ranks(np.array([3.0, 1.0, 3.0, 2.0])).tolist() == [3.5, 1.0, 3.5, 2.0]


def test_what_cannot_be_scored_says_why():
    flat = regression_scores(np.ones(5), np.ones(5), np.ones(5))
    assert flat["r2"].value is None
    assert flat["r2"].reason == "all labels are the training's mean"
    assert "the same" in flat["rank_correlation"].reason
    three = np.full((4, 3), 1 / 3)
    assert "two classes" in classification_scores(np.ones(4), three, np.array([-1.0, 0, 1]), np.ones(4))["auc"].reason
    two = np.full((4, 2), 0.5)
    assert "all tested labels" in classification_scores(np.ones(4), two, np.array([0.0, 1]), np.ones(4))["auc"].reason
    certain_and_wrong = classification_scores(np.ones(2), np.array([[1.0, 0], [1, 0]]), np.array([0.0, 1]), np.ones(2))
    assert np.isfinite(certain_and_wrong["log_loss"].value)
