"""Columns hold what the rows' fields hold."""

import numpy as np

from b25.kernels.columns import LONG, SHORT, split_columns
from b25.model.event import ROW


def test_columns_equal_the_fields_of_the_rows():
    bytes_ = np.random.default_rng(25).integers(0, 256, 40 * ROW.itemsize, np.uint8)
    rows = bytes_.view(ROW)
    long, prices, short = np.empty((6, 40), np.int64), np.empty(40, np.int32), np.empty((3, 40), np.uint8)
    split_columns(rows, long, prices, short)
    assert np.array_equal(prices, rows["price_ticks"])
    for i, name in enumerate(LONG):
        assert np.array_equal(long[i], rows[name])
    for i, name in enumerate(SHORT):
        assert np.array_equal(short[i].view(ROW[name]), rows[name])
