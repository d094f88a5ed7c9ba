"""Arrays as bytes: eight bytes a value, column after column, little-endian."""

import numpy as np
import pytest

from b25.model.errors import Misuse
from b25.notebook.widgets.packed import BARS, BOOK, CURVE, FILLS, packed, packed_book, unpacked


@pytest.mark.parametrize("layout", [BARS, BOOK, CURVE, FILLS])
def test_what_was_packed_is_unpacked(layout):
    dice = np.random.default_rng(7)
    columns = {name: dice.integers(-(2**62), 2**62, 13) if kind == "<i8" else dice.normal(size=13) for name, kind in layout}
    data = packed(layout, columns)
    assert len(data) == 8 * 13 * len(layout)
    assert all(np.array_equal(unpacked(layout, data)[name], column) for name, column in columns.items())


def test_the_layout_is_little_endian_and_column_by_column():
    data = packed(CURVE, {"time_ns": [1, 2], "value": [0.5, 1.5]})
    assert data == b"".join([(1).to_bytes(8, "little"), (2).to_bytes(8, "little"), np.array([0.5, 1.5], "<f8").tobytes()])


def test_a_book_is_its_counts_and_then_its_levels():
    data = packed_book([(100, 5), (99, 6), (98, 7)], [(101, 8)], levels=2)
    assert np.frombuffer(data, "<i8").tolist() == [2, 1, 100, 5, 99, 6, 101, 8]
    assert np.frombuffer(packed_book([], [], levels=2), "<i8").tolist() == [0, 0]


@pytest.mark.parametrize("columns", [{"time_ns": [1]}, {"time_ns": [1, 2], "value": [1.0]}, {"time_ns": [[1]], "value": [[1.0]]}])
def test_columns_that_are_missing_or_do_not_fit_are_refused(columns):
    with pytest.raises(Misuse, match="column"):
        packed(CURVE, columns)
