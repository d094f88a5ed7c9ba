"""Arrays on their way to a browser: columns of eight bytes, one after the other, little-endian, as `traitlets.Bytes`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from b25.model.errors import Misuse

INT, FLOAT = "<i8", "<f8"
# Layouts by name: what each column holds. The modules read them in this order.
BOOK: Final = (("price_ticks", INT), ("qty_lots", INT))
BARS: Final = (
    ("open_ns", INT), ("close_ns", INT), ("open", FLOAT), ("high", FLOAT), ("low", FLOAT), ("close", FLOAT), ("volume", FLOAT),
)  # fmt: skip
FILLS: Final = (("time_ns", INT), ("price", FLOAT), ("quantity", FLOAT), ("side", INT), ("is_maker", INT))
CURVE: Final = (("time_ns", INT), ("value", FLOAT))

Layout = Sequence[tuple[str, str]]


def packed(layout: Layout, columns: Mapping[str, npt.ArrayLike]) -> bytes:
    """Return columns as bytes.

    Parameters
    ----------
    layout : sequence of (name, dtype)
    columns : mapping of str to array_like, shape (n,)
        One a name of the layout.

    Raises
    ------
    Misuse
        For a column that is missing, or of another length than the first.
    """
    parts: list[npt.NDArray[Any]] = []
    for name, kind in layout:
        if name not in columns:
            raise Misuse(f"column {name!r} is missing", remedy=f"give {', '.join(one for one, _ in layout)}")
        part = np.ascontiguousarray(columns[name], dtype=kind)
        if part.ndim != 1 or (parts and part.size != parts[0].size):
            raise Misuse(f"column {name!r} has shape {part.shape}", remedy=f"give {parts[0].size if parts else 'n'} values")
        parts.append(part)
    return b"".join(part.tobytes() for part in parts)


def unpacked(layout: Layout, data: bytes) -> dict[str, npt.NDArray[Any]]:
    """Return the columns that `packed` made bytes of."""
    count = len(data) // (8 * len(layout))
    return {name: np.frombuffer(data, kind, count, 8 * count * k) for k, (name, kind) in enumerate(layout)}


def packed_book(bids: npt.ArrayLike, asks: npt.ArrayLike, *, levels: int) -> bytes:
    """Return a book as bytes: the counts of bids and asks, then (price_ticks, qty_lots) of each, the best first; all int64.

    Parameters
    ----------
    bids, asks : array_like of int64, shape (n, 2)
        Price in ticks and quantity in lots, the best first.
    levels : int
        Most of each side.
    """
    sides = [np.asarray(side, INT).reshape(-1, 2)[:levels] for side in (bids, asks)]
    return np.concatenate([np.array([len(side) for side in sides], INT), *(side.ravel() for side in sides)]).tobytes()
