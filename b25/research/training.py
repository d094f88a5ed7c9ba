"""Train a model on features of bars, and say how it does on what it has not seen: purged, embargoed folds and nothing else."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import numpy.typing as npt

from b25.market.bars import Bars
from b25.model.errors import Misuse
from b25.research.features import evaluate
from b25.research.labels import Labels, uniqueness
from b25.research.optional import needed
from b25.research.scores import Score, classification_scores, regression_scores
from b25.research.splits import Splits, purged_kfold
from b25.strategy.feature import Feature

if TYPE_CHECKING:
    import polars as pl

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]
CLASSES_MAX: Final = 20


@dataclass(frozen=True, eq=False)
class Samples:
    """Rows of bars with all features and a label.

    Attributes
    ----------
    features : dict of str to Feature
        In the order of the columns of `x`.
    x : ndarray of float64, shape (m, features)
        Finite.
    y, weights : ndarrays of float64, shape (m,)
        Labels, and how much each counts: by its uniqueness.
    rows, end : ndarrays of int64, shape (m,)
        Row of the bars, and last row that the label looks at.
    label : str
        What the label is.
    bars : Bars
        Where they come from.
    """

    features: Mapping[str, Feature]
    x: FloatArray
    y: FloatArray
    weights: FloatArray
    rows: IntArray
    end: IntArray
    label: str
    bars: Bars

    def __len__(self) -> int:
        return self.y.size

    def purged_kfold(self, k: int = 5, embargo: float = 0.01) -> Splits:
        """Return purged folds of these samples; see `b25.research.splits.purged_kfold`."""
        return purged_kfold(len(self), k, self.end, embargo, label_start=self.rows)


def gather(features: Mapping[str, Feature], bars: Bars, labels: Labels, *, every: int = 1) -> Samples:
    """Bring features and labels together; rows where one of them is unknown are left out.

    Parameters
    ----------
    features : mapping of str to Feature
        As a strategy declares them.
    bars : Bars
        Data.
    labels : Labels
        One a row of the bars.
    every : int
        Take each so-many-th row; labels that overlap less are worth more each.

    Raises
    ------
    Misuse
        When a feature is not declared with `b25.feature`, when labels are of other bars, or when nothing is left.
    """
    for name, given in features.items():
        if not isinstance(given, Feature):
            raise Misuse(f"feature {name} is {given!r}", remedy="declare it with b25.feature(expr, lookback=…)")
    if not features:
        raise Misuse("a model without features", remedy="give at least one")
    if labels.values.shape != (len(bars),):
        raise Misuse(f"{labels.values.size} labels for {len(bars)} bars", remedy="label the same bars")
    table = evaluate(features, bars)
    taken = np.arange(len(bars)) % every == 0
    rows = np.flatnonzero(~np.isnan(table).any(axis=1) & labels.known & taken).astype(np.int64)
    if rows.size < 2:
        raise Misuse(f"{rows.size} rows have all features and a label", remedy="use more bars, or features that need fewer")
    end = labels.end[rows]
    return Samples(dict(features), table[rows], labels.values[rows], uniqueness(rows, end), rows, end, labels.text, bars)


@dataclass(frozen=True, slots=True)
class Fold:
    """One fold: how much was learned from and tested, what was left out, and the scores by name."""

    train: int
    test: int
    purged: int
    embargoed: int
    scores: Mapping[str, Score]


@dataclass(frozen=True, eq=False, repr=False)
class Trained:
    """A model, fitted on all samples, and what its like did on samples that they had not seen.

    Attributes
    ----------
    estimator : scikit-learn estimator
        Fitted on all samples.
    samples : Samples
        What it was fitted on.
    splits : Splits
        How it was tested.
    folds : tuple of Fold
        The tests.
    seen : dict of str to Score
        Scores of the final model on its own training: what not to believe.
    out_of_sample : ndarray of float64, shape (paths, m)
        Expected label of every sample by a model that had not seen it; one row a path of the splits.
    """

    estimator: Any
    samples: Samples
    splits: Splits
    embargo: float
    folds: tuple[Fold, ...]
    seen: Mapping[str, Score]
    out_of_sample: FloatArray

    @cached_property
    def classes(self) -> tuple[float, ...]:
        """Labels that a classifier chooses from; empty for a regression."""
        return tuple(float(c) for c in getattr(self.estimator, "classes_", ()))

    @cached_property
    def scores(self) -> dict[str, float | None]:
        """Mean of the folds' out-of-sample scores, each fold counting by its samples; None where no fold has one."""
        return {name: _mean(self.folds, name, "value") for name in self.seen}

    @cached_property
    def base(self) -> dict[str, float | None]:
        """The same for somebody without skill."""
        return {name: _mean(self.folds, name, "base") for name in self.seen}

    @cached_property
    def table(self) -> pl.DataFrame:
        """One row a score: out of sample, without skill, in sample, and by fold."""
        import polars as pl

        rows = []
        for name in self.seen:
            row: dict[str, Any] = {"score": name, "out_of_sample": self.scores[name], "without_skill": self.base[name]}
            row["in_sample"] = self.seen[name].value
            row |= {f"fold_{k}": fold.scores[name].value for k, fold in enumerate(self.folds)}
            rows.append(row)
        return pl.DataFrame(rows, schema_overrides={c: pl.Float64 for c in rows[0] if c != "score"})

    def __repr__(self) -> str:
        name = type(final_step(self.estimator)).__name__
        lines = [
            f"{name} of {', '.join(self.samples.features)}: {len(self.samples):,} samples, label {self.samples.label}",
            f"{len(self.folds)} purged folds, embargo {self.embargo:g}; purged {sum(f.purged for f in self.folds):,}, "
            f"embargoed {sum(f.embargoed for f in self.folds):,}",
            f"{'':18}{'out of sample':>14}{'without skill':>14}{'in sample':>14}   by fold",
        ]
        for score in self.seen:
            cells = "".join(f"{_cell(v):>14}" for v in (self.scores[score], self.base[score], self.seen[score].value))
            lines.append(f"{score:18}{cells}   {' '.join(_cell(f.scores[score].value) for f in self.folds)}")
        return "\n".join(lines)


def train(estimator: Any, samples: Samples, *, splits: Splits | None = None, folds: int = 5, embargo: float = 0.01) -> Trained:
    """Test an estimator on folds that it has not seen, then fit it on all samples.

    Parameters
    ----------
    estimator : scikit-learn classifier or regressor
        Not changed: copies are fitted. A classifier must give probabilities. Give it a `random_state` where it has one.
    samples : Samples
        See `gather`.
    splits : Splits, optional
        E.g. of `combinatorial_purged`. Default: `folds` purged folds with this embargo.
    folds : int
        Number of folds.
    embargo : int or float
        Samples left out after each tested block, or their share.

    Returns
    -------
    Trained
        With scores out of sample first.

    Raises
    ------
    Misuse
        For an estimator that neither classifies with probabilities nor regresses, a label with too many values for a
        classifier, or a fold whose training has one class only.

    Notes
    -----
    A classifier's prediction is the expected label, the sum of probability times class: P(up) for labels 0 and 1,
    P(up) − P(down) for −1, 0 and 1.
    """
    base = needed("sklearn.base", extra="ml")
    classifies = _classifies(estimator, samples, base)
    chosen = samples.purged_kfold(folds, embargo) if splits is None else splits
    if chosen.n != len(samples):
        raise Misuse(f"splits of {chosen.n} samples for {len(samples)}", remedy="make them for these samples")
    # With several threads sums are added in another order each time; equal trainings shall be equal to the last bit.
    with needed("threadpoolctl", extra="ml").threadpool_limits(1):
        return _train(estimator, samples, chosen, embargo, base.clone, classifies=classifies)


def _train(estimator: Any, samples: Samples, chosen: Splits, embargo: float, clone: Any, *, classifies: bool) -> Trained:
    tested, found = [], []
    for number, part in enumerate(chosen):
        if classifies and np.unique(samples.y[part.train]).size < 2:
            raise Misuse(f"fold {number}: its training has one class only", remedy="use more samples, or fewer folds")
        fitted = _fit(clone(estimator), samples, part.train)
        scores = _scores(fitted, samples, part.test, samples.y[part.train], classifies=classifies)
        tested.append(Fold(part.train.size, part.test.size, part.purged.size, part.embargoed.size, scores))
        found.append(expected_label(fitted, samples.x[part.test]))
    every = np.arange(len(samples))
    final = _fit(clone(estimator), samples, every)
    seen = _scores(final, samples, every, samples.y, classifies=classifies)
    return Trained(final, samples, chosen, embargo, tuple(tested), seen, chosen.assemble(found))


def expected_label(estimator: Any, x: FloatArray) -> FloatArray:
    """Return what a fitted estimator expects: a regressor's prediction, a classifier's sum of probability times class."""
    if hasattr(estimator, "predict_proba"):
        expected: FloatArray = np.asarray(estimator.predict_proba(x), np.float64) @ np.asarray(estimator.classes_, np.float64)
        return expected
    return np.asarray(estimator.predict(x), np.float64).reshape(len(x))


def final_step(estimator: Any) -> Any:
    """The estimator itself, or the last step of a pipeline."""
    return estimator.steps[-1][1] if hasattr(estimator, "steps") else estimator


def _classifies(estimator: Any, samples: Samples, base: Any) -> bool:
    name = type(final_step(estimator)).__name__
    if base.is_classifier(estimator):
        kinds = np.unique(samples.y).size
        if kinds > CLASSES_MAX or kinds < 2:
            raise Misuse(
                f"{name} classifies, and the label {samples.label} has {kinds} values",
                remedy="use a regressor, or a label such as forward_return(…, over_bps=0)",
            )
        if not hasattr(estimator, "predict_proba"):
            raise Misuse(f"{name} gives no probabilities", remedy="use one that does, e.g. LogisticRegression")
        return True
    if not base.is_regressor(estimator):
        raise Misuse(f"{name} neither classifies nor regresses", remedy="give a scikit-learn classifier or regressor")
    return False


def _fit(estimator: Any, samples: Samples, rows: IntArray) -> Any:
    validation = needed("sklearn.utils.validation", extra="ml")
    last = final_step(estimator)
    words = {}
    if validation.has_fit_parameter(last, "sample_weight"):
        prefix = f"{estimator.steps[-1][0]}__" if last is not estimator else ""
        words[f"{prefix}sample_weight"] = samples.weights[rows]
    return estimator.fit(samples.x[rows], samples.y[rows], **words)


def _scores(estimator: Any, samples: Samples, rows: IntArray, trained_on: FloatArray, *, classifies: bool) -> dict[str, Score]:
    labels, x = samples.y[rows], samples.x[rows]
    if not classifies:
        return regression_scores(labels, expected_label(estimator, x), trained_on)
    # All classes of the samples, also those that this training did not hold.
    classes = np.unique(samples.y)
    probabilities = np.zeros((rows.size, classes.size))
    probabilities[:, np.searchsorted(classes, estimator.classes_)] = estimator.predict_proba(x)
    return classification_scores(labels, probabilities, classes, trained_on)


def _mean(folds: tuple[Fold, ...], name: str, which: str) -> float | None:
    pairs = [(getattr(fold.scores[name], which), fold.test) for fold in folds]
    known = [(value, tested) for value, tested in pairs if value is not None]
    return sum(value * tested for value, tested in known) / sum(tested for _, tested in known) if known else None


def _cell(value: float | None) -> str:
    return "n/a" if value is None else f"{value:.4f}"
