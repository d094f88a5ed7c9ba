"""Timeframes: `1m` is a minute, `1M` a month; where their bars open, and which divides which."""

import re
from dataclasses import dataclass
from functools import cache
from typing import Any, overload

import numpy as np

from b25.model.errors import Misuse

NS_PER_S = 1_000_000_000
NS_PER_DAY = 86_400 * NS_PER_S
MONDAY_NS = 4 * NS_PER_DAY  # 1970-01-05 was a Monday

NAMES = "1s 1m 3m 5m 15m 30m 1h 2h 4h 6h 8h 12h 1d 3d 1w 1M 3M 1y".split()
_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 7 * 86_400}
_MONTHS = {"M": 1, "y": 12}
_ALIASES = {"1D": "1d", "3D": "3d", "1W": "1w"}
_WORDS = {
    **dict.fromkeys(("s", "sec", "secs", "second", "seconds"), "s"),
    **dict.fromkeys(("m", "min", "mins", "minute", "minutes", "t"), "m"),
    **dict.fromkeys(("h", "hr", "hour", "hours"), "h"),
    **dict.fromkeys(("d", "day", "days"), "d"),
    **dict.fromkeys(("w", "wk", "week", "weeks"), "w"),
    **dict.fromkeys(("mo", "mon", "month", "months"), "M"),
    **dict.fromkeys(("y", "yr", "year", "years"), "y"),
}


@dataclass(frozen=True, slots=True)
class Timeframe:
    """One timeframe; its bars are labelled by their open, in UTC.

    Attributes
    ----------
    name : str
        ``"1m"`` … ``"1M"``.
    frame_ns : int
        Length of a bar; 0 where it is not fixed.
    months : int
        Months of a bar; 0 where its length is fixed.
    offset_ns : int
        Where the grid begins: weeks open on Mondays, all others at the epoch.
    """

    name: str
    frame_ns: int
    months: int
    offset_ns: int

    @overload
    def open_of(self, time_ns: int) -> int: ...
    @overload
    def open_of(self, time_ns: np.ndarray) -> np.ndarray: ...
    def open_of(self, time_ns: Any) -> Any:
        """When the bar that contains a time opens; on a border it opens there. Ints and arrays of ns."""
        if self.months == 0:
            return (time_ns - self.offset_ns) // self.frame_ns * self.frame_ns + self.offset_ns
        return _of_month(_month(time_ns) // self.months * self.months, time_ns)

    @overload
    def next_open(self, time_ns: int) -> int: ...
    @overload
    def next_open(self, time_ns: np.ndarray) -> np.ndarray: ...
    def next_open(self, time_ns: Any) -> Any:
        """When the bar after the one that contains a time opens, which is when that one is complete."""
        if self.months == 0:
            return self.open_of(time_ns) + self.frame_ns
        return _of_month((_month(time_ns) // self.months + 1) * self.months, time_ns)

    def opens(self, start_ns: int, end_ns: int) -> np.ndarray:
        """Opens of all bars that touch `[start_ns, end_ns)`, int64 ns."""
        if end_ns <= start_ns:
            return np.zeros(0, np.int64)
        first = self.open_of(start_ns)
        if self.months == 0:
            return np.arange(first, end_ns, self.frame_ns, dtype=np.int64)
        return np.asarray(_of_month(np.arange(_month(first), _month(end_ns - 1) + 1, self.months), np.empty(0)))

    def divides(self, larger: "Timeframe") -> bool:
        """Whether every bar of `larger` is made of whole bars of this one."""
        if self.months:
            return larger.months > 0 and larger.months % self.months == 0
        if larger.months:
            return NS_PER_DAY % self.frame_ns == 0
        whole = larger.frame_ns % self.frame_ns == 0
        return whole and (larger.offset_ns - self.offset_ns) % self.frame_ns == 0

    def __str__(self) -> str:
        return self.name


@dataclass(frozen=True, slots=True)
class Timeframes:
    """What a strategy asks for: the timeframe that it runs on, and larger ones. Made by `b25.bars("1m", "1h")`."""

    names: tuple[str, ...]

    def __post_init__(self) -> None:
        object.__setattr__(self, "names", tuple(frame.name for frame in base_and_larger(self.names)))


def declared_in(cls: type) -> Timeframes | None:
    """What a class declares with `b25.bars("5m", "1h")` in its body; None when it declares none."""
    return next((v for base in cls.__mro__ for v in vars(base).values() if isinstance(v, Timeframes)), None)


@cache
def timeframe(name: str) -> Timeframe:
    """Read the name of a timeframe.

    Parameters
    ----------
    name : str
        ``1s 1m 3m 5m 15m 30m 1h 2h 4h 6h 8h 12h 1d 3d 1w 1M 3M 1y``, and other whole numbers of seconds, minutes or hours
        that divide a day.

    Raises
    ------
    Misuse
        With the name that was probably meant.
    """
    if not isinstance(name, str):
        raise _unknown(str(name), f"the timeframe {name!r} is no text")
    short = _ALIASES.get(name.strip(), name.strip())
    found = re.fullmatch(r"([1-9]\d{0,5})([smhdwMy])", short)
    if found is None:
        raise _unknown(short, f"the timeframe {name!r} is unknown")
    count, unit = int(found[1]), found[2]
    if unit in _MONTHS:
        if short not in NAMES:
            raise _unknown(short, f"the timeframe {name!r} is unknown")
        return Timeframe(short, 0, count * _MONTHS[unit], 0)
    frame_ns = count * _SECONDS[unit] * NS_PER_S
    if short not in NAMES and (unit not in "smh" or NS_PER_DAY % frame_ns):
        raise _unknown(short, f"the timeframe {name!r} does not divide a day")
    return Timeframe(short, frame_ns, 0, MONDAY_NS if unit == "w" else 0)


def base_and_larger(names: tuple[str, ...]) -> list[Timeframe]:
    """Read timeframes of which the first must divide all others, and these must be larger and ascend."""
    if not names:
        raise Misuse("no timeframe was given", remedy='name one, e.g. b25.bars("1m", ...)')
    base, *others = (timeframe(name) for name in names)
    for other in others:
        if other.name == base.name or names.count(other.name) > 1:
            raise Misuse(f"the timeframe {other.name} is named twice", remedy="name each once")
        if not base.divides(other):
            raise Misuse(
                f"the timeframe {base.name} does not divide {other.name}: a bar of {other.name} is no whole number of them",
                remedy=f"begin with the smallest one, and name multiples of {base.name} after it",
            )
    others.sort(key=lambda frame: frame.next_open(0) - frame.open_of(0))
    return [base, *others]


def timeframe_of_spacing(spacing_ns: int) -> Timeframe | None:
    """Return the timeframe whose bars are so far apart, or None; months have no fixed spacing."""
    for unit, seconds in reversed(_SECONDS.items()):
        count, rest = divmod(spacing_ns, seconds * NS_PER_S)
        if count and not rest:
            try:
                return timeframe(f"{count}{unit}")
            except Misuse:
                continue
    return None


def _unknown(text: str, what: str) -> Misuse:
    return Misuse(what, remedy=f"{_meant(text)}use one of {' '.join(NAMES)}; 1m is a minute, 1M a month")


def _meant(text: str) -> str:
    if text.isdigit():
        minutes = {"60": "1h", "240": "4h", "1440": "1d"}.get(text, f"{text}m")
        return f"a number without a unit is ambiguous: did you mean {minutes}? "
    found = re.fullmatch(r"(\d*)\s*([A-Za-z]+)", text)
    unit = _WORDS.get(found[2].lower()) if found else None
    if found is None or unit is None:
        return ""
    meant = f"{found[1] or 1}{unit}"
    return f"did you mean {meant}? " if meant != text else ""


def _month(time_ns: Any) -> Any:
    months = np.asarray(time_ns, np.int64).astype("datetime64[ns]").astype("datetime64[M]").astype(np.int64)
    return months if months.ndim else int(months)


def _of_month(months: Any, like: Any) -> Any:
    times = np.asarray(months, np.int64).astype("datetime64[M]").astype("datetime64[ns]").astype(np.int64)
    return times if isinstance(like, np.ndarray) else int(times)
