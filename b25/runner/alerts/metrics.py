"""Numbers over time, out of what is told, each by a name of one line.

    risk.metrics.leverage                                   the value told last
    age(health.{component})                                 seconds since anything came: absence is a condition too
    drop_today(account.balance.equity)                      share below the highest of this day, UTC
    increase(risk.metrics.refused, 300)                     growth of a counter in so many seconds
    share(risk.metrics.refused, risk.metrics.submits, 300)  growth of the first among that of both
    ratio(risk.metrics.net, risk.metrics.equity)            one value by another

A name is a declared subject with its holes, a dot, and a field. Every source has its own numbers.
"""

from __future__ import annotations

import math
import re
from collections import OrderedDict, deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields
from itertools import pairwise
from typing import Any, Final

from b25.bus.subjects import subject
from b25.model.errors import Misuse
from b25.runner.alerts.own_subjects import OWN

SERIES_MAX: Final = 20_000
POINTS: Final = 120  # of a window
DAY_NS: Final = 86_400_000_000_000
FUNCTIONS: Final = {"value": 1, "age": 1, "drop_today": 1, "increase": 1, "share": 2, "ratio": 2}
CALL: Final = re.compile(r"(\w+)\((.*)\)")


@dataclass(frozen=True, slots=True)
class Metric:
    """A number that can be read: a function of one or two named fields, over a window if it has one."""

    function: str
    names: tuple[tuple[str, str], ...]
    window_s: float = 0.0

    @property
    def is_timed(self) -> bool:
        """Whether it changes with time alone."""
        return self.function in ("age", "increase", "share")


def fields_of(pattern: str) -> set[str]:
    """Fields that a declared subject's messages have, holes of its name included. Raises Misuse when nobody declared it."""
    if pattern in OWN:
        return set(OWN[pattern])
    kind = subject(pattern)
    return {one.name for one in fields(kind.body)} | set(kind.holes)


def parse_metric(text: str) -> Metric:
    """Return the metric of a name. Raises Misuse for what is unknown."""
    call = CALL.fullmatch(text.strip())
    function, inner = (call[1], [part.strip() for part in call[2].split(",")]) if call else ("value", [text.strip()])
    if function not in FUNCTIONS:
        raise Misuse(f"metric {text!r}: there is no {function!r}", remedy=f"use {', '.join(FUNCTIONS)}")
    window_s = 0.0
    if function in ("increase", "share"):
        try:
            window_s = float(inner.pop())
        except (ValueError, IndexError):
            window_s = 0.0
        if not 1 <= window_s <= 86_400:
            raise Misuse(f"metric {text!r} has no window", remedy=f"end it with seconds: {function}(…, 300)")
    if len(inner) != FUNCTIONS[function]:
        raise Misuse(f"metric {text!r}: {function} takes {FUNCTIONS[function]} names", remedy="see docs/alerts.md")
    if function == "age":
        fields_of(inner[0])
        return Metric(function, ((inner[0], ""),))
    names = tuple(_name(one) for one in inner)
    if len({pattern for pattern, _ in names}) > 1:
        raise Misuse(f"metric {text!r} reads two subjects", remedy="compare fields of one subject")
    return Metric(function, names, window_s)


def _name(text: str) -> tuple[str, str]:
    pattern, _, name = text.rpartition(".")
    known = fields_of(pattern)
    if name not in known:
        raise Misuse(f"{pattern} has no field {name!r}", remedy=f"use {', '.join(sorted(known))}")
    return pattern, name


def number(value: Any) -> float | None:
    """A field as a number; None for what is not known, or none."""
    if value is None:
        return None
    try:
        found = float(value)
    except (TypeError, ValueError):
        return None
    return found if math.isfinite(found) else None


@dataclass(slots=True)
class _Series:
    value: float
    at_ns: int
    high: float
    day: int
    points: deque[tuple[int, float]] = field(default_factory=lambda: deque(maxlen=POINTS + 2))

    def take(self, value: float, at_ns: int, window_s: float) -> None:
        """Add a value; one that is older than the last is passed over."""
        if at_ns < self.at_ns:
            return
        day = at_ns // DAY_NS
        self.high = value if day != self.day else max(self.high, value)
        self.value, self.at_ns, self.day = value, at_ns, day
        if window_s and (not self.points or at_ns - self.points[-1][0] >= window_s * 1e9 / POINTS):
            self.points.append((at_ns, value))

    def grown(self, now_ns: int, window_s: float) -> float:
        """Growth of a counter within a window; one that fell began anew at zero."""
        since = now_ns - int(window_s * 1e9)
        inside = [value for at_ns, value in self.points if at_ns >= since]
        before = [value for at_ns, value in self.points if at_ns < since]
        told = [*before[-1:], *inside, self.value]
        return sum(b - a if b >= a else b for a, b in pairwise(told))


class Readings:
    """The numbers that a set of metrics needs, of each source.

    Parameters
    ----------
    metrics : iterable of Metric
    """

    def __init__(self, metrics: Iterable[Metric]) -> None:
        self._windows: dict[tuple[str, str], float] = {}
        for one in metrics:
            for name in one.names:
                self._windows[name] = max(self._windows.get(name, 0.0), one.window_s)
        self._series: OrderedDict[tuple[str, str, str], _Series] = OrderedDict()
        self.dropped = 0

    def take(self, pattern: str, key: str, told: Mapping[str, Any], at_ns: int) -> None:
        """Note what a message says that anybody reads."""
        for (named, name), window_s in self._windows.items():
            if named != pattern:
                continue
            value = 0.0 if not name else number(told.get(name))
            if value is None:
                continue
            at = (pattern, name, key)
            held = self._series.get(at)
            if held is None:
                held = self._series[at] = _Series(value, at_ns, value, at_ns // DAY_NS)
                if len(self._series) > SERIES_MAX:
                    self._series.popitem(last=False)
                    self.dropped += 1
            held.take(value, at_ns, window_s)

    def value(self, metric: Metric, key: str, now_ns: int) -> float | None:
        """The number now; None while it is not known."""
        held = [self._series.get((pattern, name, key)) for pattern, name in metric.names]
        first = held[0]
        second = held[-1]
        if first is None or second is None:
            return None
        if metric.function == "age":
            return max(0.0, (now_ns - first.at_ns) / 1e9)
        if metric.function == "drop_today":
            return 1.0 - first.value / first.high if first.high > 0 else None
        if metric.function == "increase":
            return first.grown(now_ns, metric.window_s)
        if metric.function == "share":
            part, rest = first.grown(now_ns, metric.window_s), second.grown(now_ns, metric.window_s)
            return part / (part + rest) if part + rest > 0 else 0.0
        if metric.function == "ratio":
            return first.value / second.value if second.value else None
        return first.value

    def keys(self, metric: Metric) -> list[str]:
        """Sources that have told it."""
        pattern, name = metric.names[0]
        return [key for named, field_name, key in self._series if (named, field_name) == (pattern, name)]

    def forget(self, source: str) -> None:
        """Let go of a source that has ended in order."""
        for at in [one for one in self._series if one[2].split("|")[0] == source]:
            del self._series[at]
