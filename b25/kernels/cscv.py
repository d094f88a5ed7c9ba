"""Judge a choice by halves of its history: the best column of one half of the blocks, ranked in the other half."""

import math

from b25.kernels.jit import kernel

_STEADY = 1e-12  # a variance below this share of the mean square is the rounding of its computation


@kernel
def _sharpe_ratios(sums, half, acc, out):
    """Sharpe ratio a step of each column over the blocks of `half`; 0 where it has none."""
    columns = sums.shape[2]
    for k in range(3):
        for i in range(columns):
            acc[k, i] = 0.0
        for b in half:
            for i in range(columns):
                acc[k, i] += sums[b, k, i]
    for i in range(columns):
        count, total, square = acc[0, i], acc[1, i], acc[2, i]
        out[i] = 0.0
        if count >= 2.0:
            spread = (square - total * total / count) / (count - 1.0)
            if spread > _STEADY * square / count:
                out[i] = total / count / math.sqrt(spread)


@kernel
def _judge(chosen, judged, row, winner, inside, outside, rank):
    """Fill one row: the best of `chosen` (the first of equals), its ratio there and in `judged`, and its rank in `judged`."""
    best = 0
    for i in range(chosen.shape[0]):
        if chosen[i] > chosen[best]:
            best = i
    mine, below, equal = judged[best], 0, 0
    for i in range(judged.shape[0]):
        below += judged[i] < mine
        equal += judged[i] == mine
    winner[row], inside[row], outside[row] = best, chosen[best], mine
    # Equals share their ranks: counting itself, a lone winner has below + 1.
    rank[row] = below + (equal + 1) / 2.0


@kernel
def judge_halves(sums, halves, others, acc, ratios, winner, inside, outside, rank):
    """Pick the best column of every half, and see how it ranks in the rest; each pair of halves serves in both directions.

    Parameters
    ----------
    sums : ndarray of float64, shape (blocks, 3, columns)
        Count, sum, and sum of squares of each column's returns in each block.
    halves, others : ndarray of int64, shape (pairs, blocks / 2)
        Blocks of one half, and the remaining blocks.
    acc : ndarray of float64, shape (3, columns)
        Scratch.
    ratios : ndarray of float64, shape (2, columns)
        Scratch.
    winner : ndarray of int64, shape (2 * pairs,)
        Filled: best column in sample; the first one of equals.
    inside, outside, rank : ndarray of float64, shape (2 * pairs,)
        Filled: the winner's Sharpe ratio a step in its own half and in the other, and its rank there, 1 … columns;
        equals share the mean of their ranks. A column without variance in a half has the ratio 0 there.
    """
    for p in range(halves.shape[0]):
        _sharpe_ratios(sums, halves[p], acc, ratios[0])
        _sharpe_ratios(sums, others[p], acc, ratios[1])
        _judge(ratios[0], ratios[1], 2 * p, winner, inside, outside, rank)
        _judge(ratios[1], ratios[0], 2 * p + 1, winner, inside, outside, rank)
