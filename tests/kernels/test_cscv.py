"""Halving a history in every way equals its naive twin."""

from itertools import combinations
from statistics import stdev

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from b25.analytics.overfitting import block_sums, halves_of
from b25.kernels.cscv import judge_halves


def naive_ratio(values):
    return sum(values) / len(values) / stdev(values) if len(set(values)) > 1 else 0.0


def naive_judgement(columns, blocks):
    """Winner, its ratios in both halves and its rank, for every half, from the returns themselves."""
    found = {}
    length = len(columns[0]) // blocks
    for half in combinations(range(blocks), blocks // 2):
        inside = [naive_ratio([r for b in half for r in c[b * length : (b + 1) * length]]) for c in columns]
        rest = [b for b in range(blocks) if b not in half]
        outside = [naive_ratio([r for b in rest for r in c[b * length : (b + 1) * length]]) for c in columns]
        best = max(range(len(columns)), key=lambda i: (round(inside[i], 9), -i))
        places = [k + 1 for k, value in enumerate(sorted(round(v, 9) for v in outside)) if value == round(outside[best], 9)]
        found[half] = (best, inside[best], outside[best], sum(places) / len(places))
    return found


def judged(returns, blocks):
    halves, others = halves_of(blocks)
    sums = np.ascontiguousarray(block_sums(returns, blocks=blocks).transpose(1, 2, 0))
    pairs, points = halves.shape[0], returns.shape[1]
    winner, (inside, outside, rank) = np.empty(2 * pairs, np.int64), np.empty((3, 2 * pairs))
    judge_halves(sums, halves, others, np.empty((3, points)), np.empty((2, points)), winner, inside, outside, rank)
    order = [tuple(int(b) for b in half) for pair in zip(halves, others, strict=True) for half in pair]
    return dict(zip(order, zip(winner, inside, outside, rank, strict=True), strict=True))


@given(st.integers(2, 5), st.sampled_from([2, 4, 6]), st.integers(0, 10_000), st.booleans())
def test_every_half_equals_its_naive_twin(points, blocks, seed, coarse):
    rng = np.random.default_rng(seed)
    returns = rng.normal(0, 1, (3 * blocks, points))
    if coarse:  # ties and columns that stand still
        returns = rng.integers(-1, 2, (3 * blocks, points)).astype(float)
        returns[:, 0] = 0.0
    expected = naive_judgement(returns.T.tolist(), blocks)
    found = judged(returns, blocks)
    assert found.keys() == expected.keys()
    for half, (winner, inside, outside, rank) in found.items():
        best, inside_naive, outside_naive, rank_naive = expected[half]
        assert abs(inside - inside_naive) < 1e-9
        assert winner == best
        assert abs(outside - outside_naive) < 1e-9
        assert rank == rank_naive  # sums of whole numbers are exact, and with them equals stay equal
