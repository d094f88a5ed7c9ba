"""Python objects whose attributes live in a flat record: the very memory that compiled code works on."""

from typing import Any

import numpy as np


class Cell:
    """An attribute that reads and writes one scalar field of the object's record."""

    def __init__(self, name: str) -> None:
        self.name = name

    def __get__(self, owner: Any, kind: type | None = None) -> Any:
        if owner is None:
            return self
        return owner._cells[self.name][0]

    def __set__(self, owner: Any, value: Any) -> None:
        cell = owner._cells[self.name]
        try:
            cell[0] = value
        except TypeError:
            # Compiled code converts to the field's type; so does this.
            cell[0] = type(cell[0])(value)


class Numbers(np.ndarray):
    """An array whose elements are Python's own numbers: numpy's divide by zero without an error, compiled code does not."""

    def __getitem__(self, key: Any) -> Any:
        found = super().__getitem__(key)
        return found.item() if isinstance(found, np.generic) else found


class View:
    """An attribute that is an array inside the object's record."""

    def __init__(self, name: str) -> None:
        self.name = name

    def __get__(self, owner: Any, kind: type | None = None) -> Any:
        if owner is None:
            return self
        return owner._views[self.name]


class Backed:
    """Base of classes whose fields are those of a record; `_bind` lays the object over an array of one record."""

    _cells: dict[str, Any]
    _views: dict[str, Any]

    def _bind(self, record: np.ndarray[Any, Any]) -> None:
        cells: dict[str, Any] = {}
        views: dict[str, Any] = {}
        names = record.dtype.names or ()
        for name in names:
            column = record[name]
            if name.startswith(("pad_", "is_")):
                continue
            if column.dtype.names:
                views[name] = column
            elif column.ndim > 1:
                views[name] = column[0].view(Numbers)
            else:
                cells[name] = memoryview(column)
        object.__setattr__(self, "_record", record)
        object.__setattr__(self, "_cells", cells)
        object.__setattr__(self, "_views", views)
