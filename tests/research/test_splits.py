"""Splits of a time series: nothing that is tested was known in training, and paths cover every sample once."""

from itertools import combinations
from math import ceil, comb

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from b25.model.errors import Misuse
from b25.research.splits import combinatorial_purged, purged_kfold


def split_naive(n, groups, chosen, end, embargo):
    """Train, purged and embargoed samples of one split, sample by sample; rows 0 … n − 1, labels from their own row on."""
    size = [len(range(g * n // groups, (g + 1) * n // groups)) for g in range(groups)]
    group_of = [g for g in range(groups) for _ in range(size[g])]
    tested = [i for i in range(n) if group_of[i] in chosen]
    runs = []
    for i in tested:
        if runs and runs[-1][-1] == i - 1:
            runs[-1].append(i)
        else:
            runs.append([i])
    train, purged, embargoed = [], [], []
    for i in range(n):
        if i in tested:
            continue
        hulls = [(run[0], max(end[j] for j in run)) for run in runs]
        if any(set(range(i, end[i] + 1)) & set(range(low, high + 1)) for low, high in hulls):
            purged.append(i)
        elif any(high < i <= high + embargo for _, high in hulls):
            embargoed.append(i)
        else:
            train.append(i)
    return train, tested, purged, embargoed


@st.composite
def labelled(draw):
    n = draw(st.integers(4, 40))
    lengths = draw(st.lists(st.integers(0, 6), min_size=n, max_size=n))
    return n, np.minimum(np.arange(n) + lengths, n - 1)


@given(labelled(), st.integers(2, 6), st.integers(1, 3), st.integers(0, 3))
def test_splits_equal_their_naive_twin(data, groups, k, embargo):
    n, end = data
    assume(k < groups <= n)
    wanted = [split_naive(n, groups, chosen, end, embargo) for chosen in combinations(range(groups), k)]
    if any(not train for train, *_ in wanted):
        with pytest.raises(Misuse, match="nothing is left to learn from"):
            combinatorial_purged(n, groups, k, end, embargo)
        return
    made = combinatorial_purged(n, groups, k, end, embargo)
    found = [tuple(a.tolist() for a in (s.train, s.test, s.purged, s.embargoed)) for s in made]
    assert found == wanted
    assert all(a.dtype == np.int64 for s in made for a in (s.train, s.test, s.purged, s.embargoed))


@given(labelled(), st.integers(2, 7), st.integers(1, 4), st.integers(0, 2))
def test_nothing_leaks_and_every_path_covers_every_sample_once(data, groups, k, embargo):
    n, end = data
    assume(k < groups <= n)
    try:
        made = combinatorial_purged(n, groups, k, end, embargo)
    except Misuse:
        return
    start = np.arange(n)
    for part in made:
        every = np.sort(np.concatenate([part.train, part.test, part.purged, part.embargoed]))
        assert every.tolist() == list(range(n))
        overlap = (start[part.train][:, None] <= end[part.test]) & (end[part.train][:, None] >= start[part.test])
        assert not overlap.any()
    assert len(made) == comb(groups, k)
    assert made.paths.shape == (comb(groups, k) * k // groups, groups)
    for g in range(groups):
        serving = [number for number, part in enumerate(made) if g in part.groups]
        assert len(serving) == comb(groups - 1, k - 1)
        assert sorted(made.paths[:, g].tolist()) == serving
    # Each split writes its own number: every sample of a path must come from a split that tested it.
    laid = made.assemble([np.full(part.test.size, number) for number, part in enumerate(made)])
    assert not np.isnan(laid).any()
    assert all(i in made[int(laid[p, i])].test for p in range(laid.shape[0]) for i in range(n))


def test_the_standard_choice_makes_fifteen_splits_and_five_paths():
    made = combinatorial_purged(60)
    assert len(made) == 15
    assert made.paths.shape == (5, 6)
    assert [part.groups for part in made][:3] == [(0, 1), (0, 2), (0, 3)]
    # López de Prado's figure 12.1: the first path takes group 1 from split 1, … and group 6 from split 5.
    assert made.paths[0].tolist() == [0, 0, 1, 2, 3, 4]


def test_purged_folds_test_every_sample_once_in_order():
    made = purged_kfold(11, 3)
    assert [part.test.tolist() for part in made] == [[0, 1, 2], [3, 4, 5, 6], [7, 8, 9, 10]]
    assert made.paths.tolist() == [[0, 1, 2]]


def test_labels_that_reach_into_the_test_are_purged_and_the_embargo_begins_where_its_labels_end():
    # Labels look two rows ahead; rows 4 to 7 are tested and look as far as row 9.
    part = purged_kfold(12, 3, np.minimum(np.arange(12) + 2, 11), embargo=1)[1]
    assert part.test.tolist() == [4, 5, 6, 7]
    assert part.purged.tolist() == [2, 3, 8, 9]
    assert part.embargoed.tolist() == [10]
    assert part.train.tolist() == [0, 1, 11]


@pytest.mark.parametrize(("share", "n"), [(0.01, 300), (0.05, 99), (0.0, 50), (0.1, 70)])
def test_an_embargo_may_be_a_share_of_the_samples(share, n):
    samples = purged_kfold(n, 5, embargo=share)[1].embargoed.size
    assert samples == ceil(round(share * n, 9))


def test_spans_may_be_times_of_a_selection_of_rows():
    hour = 3_600_000_000_000
    start = np.array([0, 5, 6, 20, 21, 40, 41, 60]) * hour
    end = start + 4 * hour
    part = purged_kfold(8, 4, end, embargo=1, label_start=start)[1]
    assert part.test.tolist() == [2, 3]
    # 5 h to 9 h overlaps 6 h to 24 h; so does 21 h; the first sample after 24 h is embargoed.
    assert part.purged.tolist() == [1, 4]
    assert part.embargoed.tolist() == [5]


def test_a_split_stands_where_scikit_learn_takes_cv():
    from sklearn import linear_model as linear
    from sklearn import model_selection as selection

    rng = np.random.default_rng(1)
    x = rng.normal(size=(200, 3))
    y = x @ [1.0, 0.5, 0.0] + rng.normal(size=200)
    cv = purged_kfold(200, 4, np.minimum(np.arange(200) + 5, 199), embargo=0.02)
    scores = selection.cross_val_score(linear.LinearRegression(), x, y, cv=cv)
    assert scores.shape == (4,)
    assert cv.get_n_splits(x) == 4
    by_hand = [linear.LinearRegression().fit(x[s.train], y[s.train]).score(x[s.test], y[s.test]) for s in cv]
    assert scores == pytest.approx(by_hand)
    search = selection.GridSearchCV(linear.Ridge(), {"alpha": [0.1, 10.0]}, cv=cv).fit(x, y)
    assert search.n_splits_ == 4


@pytest.mark.parametrize(
    ("call", "says"),
    [
        (lambda: purged_kfold(1), "1 samples cannot be split"),
        (lambda: purged_kfold(10, 1), "groups=1"),
        (lambda: purged_kfold(10, 11), "groups=11"),
        (lambda: combinatorial_purged(10, 4, 4), "test_groups=4"),
        (lambda: combinatorial_purged(1000, 40, 20), "use fewer groups"),
        (lambda: purged_kfold(10, 2, np.arange(9)), r"shape \(9,\)"),
        (lambda: purged_kfold(10, 2, np.arange(10.0)), "float64"),
        (lambda: purged_kfold(3, 2, np.array([0, 0, 2])), r"label_end\[1\] = 0"),
        (lambda: purged_kfold(3, 2, np.arange(3), label_start=np.array([0, 2, 1])), r"label_start\[2\] = 1"),
        (lambda: purged_kfold(3, 2, label_start=np.arange(3)), "without label_end"),
        (lambda: purged_kfold(10, 2, embargo=10), "embargo=10"),
        (lambda: purged_kfold(10, 2, embargo=1.5), "embargo=1.5"),
        (lambda: purged_kfold(10, 2, embargo=-1), "embargo=-1"),
        (lambda: purged_kfold(10, 2, np.full(10, 9)), "nothing is left to learn from when group 0 is tested"),
        (lambda: list(purged_kfold(10, 2).split(np.zeros((9, 1)))), "9 samples for splits of 10"),
        (lambda: purged_kfold(10, 2).assemble([np.zeros(5)]), "values of 1 splits"),
        (lambda: purged_kfold(10, 2).assemble([np.zeros(5), np.zeros(4)]), "split 1"),
    ],
)
def test_what_cannot_be_split_is_refused_with_its_place(call, says):
    with pytest.raises(Misuse, match=says):
        call()
