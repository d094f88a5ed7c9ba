"""The strategy class: annotated fields become one flat record, methods become machine code, or run as they stand."""

import difflib
import hashlib
import inspect
import typing
from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np

from b25.model.errors import Misuse
from b25.strategy.feature import Feature
from b25.strategy.fields import TYPES, Layout, Param, Part, Window
from b25.strategy.record_backed import Backed, Cell, View

CALLBACKS = (
    "on_start", "on_book", "on_trade", "on_gap", "on_bar", "on_funding", "on_fill", "on_order", "on_timer", "on_stop",
)  # fmt: skip
# What a class is made of; a field of such a name would hide it.
RESERVED = {"params", "state", "parts", "windows", "features", "dtype", "callbacks", "record", "parameters", *CALLBACKS}


class Nested:
    """An attribute that is an indicator laid over its part of the strategy's record."""

    def __init__(self, name: str) -> None:
        self.name = name

    def __get__(self, owner: Any, kind: type | None = None) -> Any:
        if owner is None:
            return self
        return owner._parts[self.name]


class Strategy(Backed):
    """Base of every strategy.

    Annotated fields with a default are its record: ``b25.param(...)`` declares a parameter, a number or a bool declares
    state, an indicator such as ``b25.ema(span=20)`` or ``b25.window(n)`` a part. Callbacks are the methods of CALLBACKS;
    each takes ``ctx``, the only door to the market and to orders. The same class runs compiled and as plain Python.

    Parameters
    ----------
    **params
        Values of parameters that differ from their defaults.

    Raises
    ------
    Misuse
        For an unknown parameter or one that is out of bounds.
    """

    params: ClassVar[dict[str, Param]] = {}
    state: ClassVar[dict[str, float | int | bool]] = {}
    parts: ClassVar[dict[str, Part]] = {}
    windows: ClassVar[dict[str, Window]] = {}
    features: ClassVar[dict[str, Feature]] = {}
    dtype: ClassVar[np.dtype[Any]]

    _parts: dict[str, Any]

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        for name in _annotations(cls):
            if name in RESERVED:
                raise Misuse(f"{cls.__name__}.{name} is a name of the class itself", remedy="give the field another name")
        for kept in ("params", "state", "parts", "windows", "features"):
            setattr(cls, kept, dict(getattr(cls, kept)))
        for name, annotation in _annotations(cls).items():
            if typing.get_origin(annotation) is ClassVar or annotation is ClassVar or name.startswith("_"):
                continue
            cls._declare(name, annotation)
        cls.dtype = cls._make_dtype()

    @classmethod
    def _declare(cls, name: str, annotation: Any) -> None:
        where = f"{cls.__name__}.{name}"
        if name not in cls.__dict__:
            raise Misuse(
                f"{where} has no value", remedy="give it a default: a number, b25.param(...), an indicator or b25.window(n)"
            )
        value = cls.__dict__[name]
        for table in (cls.params, cls.state, cls.parts, cls.windows, cls.features):
            table.pop(name, None)
        if isinstance(value, Param):
            if annotation is float and type(value.default) is int:
                value = Param(float(value.default), value.ge, value.gt, value.le, value.lt, value.unit)
            if type(value.default) not in TYPES:
                raise Misuse(
                    f"{where}: a parameter is a float, an int or a bool, not {value.default!r}", remedy="give such a default"
                )
            value.check(cls.__name__, name, value.default)
            cls.params[name] = value
            setattr(cls, name, Cell(name))
        elif isinstance(value, Part):
            cls.parts[name] = value
            setattr(cls, name, Nested(name))
        elif isinstance(value, Feature):
            cls.features[name] = value
            setattr(cls, name, Cell(name))
        elif isinstance(value, Window):
            cls.windows[name] = value
            setattr(cls, name, View(name))
        elif type(value) in TYPES:
            cls.state[name] = float(value) if annotation is float else value
            setattr(cls, name, Cell(name))
        else:
            raise Misuse(
                f"{where} = {value!r} cannot be kept in a record",
                remedy="use a float, an int, a bool, an indicator or b25.window(n); a constant has no annotation",
            )

    @classmethod
    def _make_dtype(cls) -> np.dtype[Any]:
        # Two classes of one name and equal fields need different record types, for methods are found by the type.
        layout = Layout(
            cls.__name__, hashlib.sha256(f"{cls.__module__}.{cls.__qualname__}{_source(cls)}".encode()).hexdigest()[:8]
        )
        for name, value in cls.params.items():
            layout.add(name, TYPES[type(value.default)])
        # The engine writes the features of a bar in one stroke: they stand side by side.
        for name in cls.features:
            layout.add(name, "f8")
        for name, start in cls.state.items():
            layout.add(name, TYPES[type(start)])
        for name, part in cls.parts.items():
            layout.add(name, part.dtype)
        for name, shape in cls.windows.items():
            layout.add(name, "f8", (shape.size,))
        return layout.dtype()

    @classmethod
    def callbacks(cls) -> list[str]:
        """Names of the callbacks that this class has."""
        return [name for name in CALLBACKS if callable(getattr(cls, name, None))]

    @classmethod
    def record(cls, params: Mapping[str, Any] | None = None) -> np.ndarray[Any, Any]:
        """Return one fresh record: parameters as given or by default, everything else at its start."""
        given = dict(params or {})
        for name in given:
            if name not in cls.params:
                near = difflib.get_close_matches(name, cls.params, 1)
                hint = f"did you mean {near[0]}?" if near else f"its parameters are {', '.join(cls.params) or 'none'}"
                raise Misuse(f"{cls.__name__} has no parameter {name!r}", remedy=hint)
        row = np.zeros(1, cls.dtype)
        for name, param in cls.params.items():
            row[name] = param.check(cls.__name__, name, given.get(name, param.default))
        for name in cls.features:
            row[name] = np.nan
        for name, start in cls.state.items():
            row[name] = start
        for name, part in cls.parts.items():
            for field, value in part.initial.items():
                row[name][field] = value
        return row

    def __init__(self, **params: Any) -> None:
        if type(self) is Strategy:
            raise Misuse("Strategy itself cannot be run", remedy="write a class that derives from b25.Strategy")
        self._lay_over(type(self).record(params))

    def _lay_over(self, record: np.ndarray[Any, Any]) -> None:
        self._bind(record)
        parts: dict[str, Any] = {}
        for name, part in type(self).parts.items():
            indicator: Any = object.__new__(part.kind)
            indicator._bind(record[name])
            parts[name] = indicator
        object.__setattr__(self, "_parts", parts)

    @property
    def parameters(self) -> dict[str, Any]:
        """Values of the parameters."""
        return {name: self._cells[name][0] for name in type(self).params}

    def __repr__(self) -> str:
        inside = ", ".join(f"{name}={value!r}" for name, value in self.parameters.items())
        return f"{type(self).__name__}({inside})"


def _annotations(cls: type) -> dict[str, Any]:
    own = inspect.get_annotations(cls)
    named = {"float": float, "int": int, "bool": bool}
    return {name: named.get(kind, kind) if isinstance(kind, str) else kind for name, kind in own.items()}


def _source(cls: type) -> str:
    try:
        return inspect.getsource(cls)
    except (OSError, TypeError):
        return ""
