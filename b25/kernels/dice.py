"""Chance that lives in the state: a small generator whose four words are fields of the caller's own record.

Equal state gives equal draws, so a copy of the record is a copy of the future. Nothing here goes beyond whole numbers,
``+ - * /`` and ``sqrt``, which IEEE 754 fixes to the last bit; ``exp``, ``log`` and ``pow`` differ between maths
libraries, and with them the same seed would give another market on another machine.

Any record with the integer fields ``dice_0 … dice_3`` will do. The generator is xoshiro128++ (Blackman and Vigna); its
words have 32 bits and stand in int64 under a mask, so that plain Python and machine code agree.
"""

import math
from typing import Final

import numpy as np

from b25.kernels.jit import kernel

WORD: Final = 0xFFFFFFFF
DICE_FIELDS: Final = [("dice_0", "i8"), ("dice_1", "i8"), ("dice_2", "i8"), ("dice_3", "i8")]
_UNIT: Final = 1.0 / 2.0**32
_HALVES_MEAN: Final = 2.0 * 65535.0  # of the sum of four 16-bit numbers
_HALVES_DEVIATION: Final = math.sqrt(4.0 * (2.0**32 - 1.0) / 12.0)


def seed_dice(record: np.void, seed: int) -> None:
    """Fill the four words from one number of any size, by splitmix64.

    Parameters
    ----------
    record : np.void
        A record with the fields of `DICE_FIELDS`; changed in place.
    seed : int
        Any integer; only its low 64 bits count.
    """
    wide = 2**64 - 1
    words = []
    for _ in range(2):
        seed = (seed + 0x9E3779B97F4A7C15) & wide
        mixed = ((seed ^ (seed >> 30)) * 0xBF58476D1CE4E5B9) & wide
        mixed = ((mixed ^ (mixed >> 27)) * 0x94D049BB133111EB) & wide
        mixed ^= mixed >> 31
        words += [mixed & WORD, mixed >> 32]
    for i, word in enumerate(words):
        record[f"dice_{i}"] = word


@kernel
def draw(state):
    """A whole number in [0, 2**32), every one as likely."""
    a, b, c, d = state["dice_0"], state["dice_1"], state["dice_2"], state["dice_3"]
    total = (a + d) & WORD
    drawn = ((((total << 7) & WORD) | (total >> 25)) + a) & WORD
    shifted = (b << 9) & WORD
    c ^= a
    d ^= b
    state["dice_1"] = b ^ c
    state["dice_0"] = a ^ d
    state["dice_2"] = c ^ shifted
    state["dice_3"] = ((d << 11) & WORD) | (d >> 21)
    return drawn


@kernel
def uniform(state):
    """A number strictly between 0 and 1."""
    return (draw(state) + 0.5) * _UNIT


@kernel
def coin(state):
    """+1 or -1."""
    return 1 if draw(state) & 1 else -1


@kernel
def bell(state):
    """Mean 0, deviation 1, nearly normal, never beyond 3.47: the sum of four 16-bit numbers."""
    first, second = draw(state), draw(state)
    total = (first & 0xFFFF) + (first >> 16) + (second & 0xFFFF) + (second >> 16)
    return (total - _HALVES_MEAN) / _HALVES_DEVIATION


@kernel
def grown(exponent):
    """Growth by `exponent` compounded 1,024 times: exp by squaring; 0.8 % short of it at 4."""
    value = 1.0 + exponent / 1024.0
    for _ in range(10):
        value *= value
    return value


@kernel
def skewed(state, median, spread):
    """A positive size around `median`: lognormal, with `spread` the deviation of its logarithm."""
    return median * grown(spread * bell(state))


@kernel
def heavy(state, least, most):
    """A size of at least `least` with P(size > x) = (least / x)**(4/3), cut at `most`."""
    root = math.sqrt(uniform(state))
    return min(most, least / (root * math.sqrt(root)))
