"""Counts and measures what is declared, and tells it in Prometheus' text format. A number that is not known is not told."""

from __future__ import annotations

import math
import threading
from bisect import bisect_left
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Final

from b25.model.errors import Misuse
from b25.observe.declared import CONSTANT, DECLARED, Metric

SERIES_MAX: Final = 500  # of one metric in one process; what comes after is told together
OTHER: Final = "other"
MEDIA: Final = "text/plain; version=0.0.4; charset=utf-8"
_SUFFIXES: Final = ("_bucket", "_sum", "_count")


@dataclass(slots=True)
class _Measured:
    """Observations of one series of a histogram."""

    counts: list[int]
    sum: float = 0.0


@dataclass(slots=True)
class _Series:
    """All series of one metric, by the values of its labels."""

    metric: Metric
    values: dict[tuple[str, ...], float] = field(default_factory=dict)
    measured: dict[tuple[str, ...], _Measured] = field(default_factory=dict)
    heads: dict[tuple[str, ...], list[str]] = field(default_factory=dict)  # what stands before each number


class Meter:
    """The metrics of one process.

    Parameters
    ----------
    component : str
        ``"session"``, ``"kill"``, ``"gateway"``, …
    session : str
        The process' name in the run folder.
    """

    def __init__(self, component: str, session: str = "") -> None:
        self._constant = dict(zip(CONSTANT, (component, session or component), strict=True))
        self._known: dict[str, _Series] = {}
        self._lock = threading.Lock()

    def set(self, name: str, value: float | None, **labels: str) -> None:
        """Say how large something is; None or NaN is not known, and takes back what was said."""
        with self._lock:
            series, key = self._place(name, ("gauge",), labels)
            if value is None or math.isnan(value):
                series.values.pop(key, None)
            else:
                series.values[key] = float(value)

    def add(self, name: str, amount: float = 1.0, **labels: str) -> None:
        """Count."""
        with self._lock:
            series, key = self._place(name, ("counter",), labels)
            series.values[key] = series.values.get(key, 0.0) + amount

    def total(self, name: str, value: float, **labels: str) -> None:
        """Say how far something that is counted elsewhere has come."""
        with self._lock:
            series, key = self._place(name, ("counter",), labels)
            series.values[key] = float(value)

    def observe(self, name: str, values: Iterable[float], **labels: str) -> None:
        """Take measurements into a histogram."""
        with self._lock:
            series, key = self._place(name, ("histogram",), labels)
            held = series.measured.get(key)
            if held is None:
                held = series.measured[key] = _Measured([0] * (len(series.metric.buckets) + 1))
            for value in values:
                held.counts[bisect_left(series.metric.buckets, value)] += 1
                held.sum += value

    def forget(self, name: str) -> None:
        """Take back every series of a metric, before it is told anew by labels that may have changed."""
        with self._lock:
            self._known.pop(name, None)

    def names(self) -> frozenset[str]:
        """Names of what has been told."""
        with self._lock:
            return frozenset(name for name, one in self._known.items() if one.values or one.measured)

    def text(self) -> str:
        """Everything, as Prometheus reads it."""
        with self._lock:
            return "".join(block for name in DECLARED if (one := self._known.get(name)) and (block := self._block(one)))

    def _place(self, name: str, kinds: tuple[str, ...], labels: dict[str, str]) -> tuple[_Series, tuple[str, ...]]:
        series = self._known.get(name)
        if series is None:
            metric = DECLARED.get(name)
            if metric is None:
                raise Misuse(f"the metric {name} is not declared", remedy="declare it in b25/observe/declared.py")
            series = self._known[name] = _Series(metric)
        if series.metric.kind not in kinds or len(labels) != len(series.metric.labels):
            raise Misuse(
                f"{name} is a {series.metric.kind} with labels {series.metric.labels}", remedy="tell it as it is declared"
            )
        try:
            key = tuple(str(labels[label]) for label in series.metric.labels)
        except KeyError as missing:
            raise Misuse(f"{name} lacks its label {missing}", remedy="tell it as it is declared") from None
        held = series.measured if series.metric.kind == "histogram" else series.values
        if key not in held and len(held) >= SERIES_MAX:
            key = (OTHER,) * len(key)
        return series, key

    def _block(self, one: _Series) -> str:
        lines = [header(one.metric)]
        if one.metric.kind != "histogram":
            lines += [f"{self._head(one, key)[0]} {number(value)}\n" for key, value in one.values.items()]
        for key, held in one.measured.items():
            heads, running = self._head(one, key), 0
            for head, count in zip(heads, held.counts, strict=False):
                running += count
                lines.append(f"{head} {running}\n")
            lines += [f"{heads[-2]} {number(held.sum)}\n", f"{heads[-1]} {running}\n"]
        return "".join(lines) if len(lines) > 1 else ""

    def _head(self, one: _Series, key: tuple[str, ...]) -> list[str]:
        heads = one.heads.get(key)
        if heads is None:
            pairs = {**self._constant, **dict(zip(one.metric.labels, key, strict=True))}
            told = ",".join(f'{label}="{escaped(value)}"' for label, value in pairs.items())
            name = one.metric.name
            heads = [f"{name}{{{told}}}"]
            if one.metric.kind == "histogram":
                bounds = [*(number(bound) for bound in one.metric.buckets), "+Inf"]
                heads = [f'{name}_bucket{{{told},le="{bound}"}}' for bound in bounds]
                heads += [f"{name}_sum{{{told}}}", f"{name}_count{{{told}}}"]
            one.heads[key] = heads
        return heads


def header(metric: Metric) -> str:
    """The two lines that stand before a metric's series."""
    return f"# HELP {metric.name} {metric.help}\n# TYPE {metric.name} {metric.kind}\n"


def number(value: float) -> str:
    """A number as Prometheus reads it."""
    if math.isinf(value):
        return "+Inf" if value > 0 else "-Inf"
    return str(int(value)) if value == int(value) and abs(value) < 1e15 else repr(value)


def escaped(value: str) -> str:
    """A label's value, as it stands between quotes."""
    return value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")


def family_of(name: str) -> str | None:
    """The declared metric that a series belongs to; None for a series of nobody."""
    if name in DECLARED:
        return name
    stem = next((name.removesuffix(suffix) for suffix in _SUFFIXES if name.endswith(suffix)), "")
    return stem if stem in DECLARED and DECLARED[stem].kind == "histogram" else None


def merged(texts: Iterable[str], keep: Callable[[str], bool] = lambda name: True) -> str:
    """Put what several processes told together: each metric once, with the series of all of them.

    Series of metrics that are not declared here, as another version may tell, are left out, and so are doubled ones.
    """
    found: dict[str, dict[str, str]] = {name: {} for name in DECLARED}
    for text in texts:
        for line in text.splitlines():
            if not line or line.startswith("#"):
                continue
            head, _, value = line.rpartition(" ")
            family = family_of(head.partition("{")[0])
            if family is not None and keep(family) and is_number(value):
                found[family].setdefault(head, value)
    blocks = [
        header(DECLARED[name]) + "".join(f"{head} {value}\n" for head, value in lines.items())
        for name, lines in found.items()
        if lines
    ]
    return "".join(blocks)


def is_number(text: str) -> bool:
    """Whether a value can be read; a file that was torn may end in the middle of one."""
    try:
        float(text)
    except ValueError:
        return False
    return True
