"""Spans of time as people write them: `20240101-20240201`, epochs, ISO text; half-open, in UTC."""

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import numpy as np

from b25.model.errors import Misuse

EXAMPLES = "20240101-20240201, 20240101-, -20240201, 2024-01-01..2024-02-01, or epochs in s or ms"
MS_DIGITS, S_DIGITS, DATE_DIGITS = 13, 10, 8


@dataclass(frozen=True, slots=True)
class TimeRange:
    """A half-open span `[start_ns, end_ns)`; None where it is not bounded. A bar that opens at the end is not in it."""

    start_ns: int | None
    end_ns: int | None


def timerange(text: str) -> TimeRange:
    """Read a span.

    Parameters
    ----------
    text : str
        ``20240101-20240201``, either side may be left out; epochs of 10 (s) or 13 (ms) digits instead of dates;
        ``2024-01-01..2024-02-01`` with ISO dates or times; ISO without a zone is UTC here, as all spans are.

    Raises
    ------
    Misuse
        When it bounds nothing, cannot be read, or does not end after its start.
    """
    left, right = _sides(text.strip())
    if not left and not right:
        raise Misuse(f"the time range {text!r} bounds nothing", remedy=f"write it like {EXAMPLES}")
    start = _side_ns(left, text) if left else None
    end = _side_ns(right, text) if right else None
    if start is not None and end is not None and end <= start:
        raise Misuse(f"the time range {text!r} does not end after its start", remedy="give the earlier time first")
    return TimeRange(start, end)


def time_ns(time: Any, *, start_ns: int = 0, end_ns: int = 0) -> int:
    """Return a time as ns of the epoch.

    Parameters
    ----------
    time : datetime, date, ISO text, int of ns, or float in [0, 1]
        Text and datetimes without a zone are UTC; a float is a share of the span from `start_ns` to `end_ns`.

    Raises
    ------
    Misuse
        When it cannot be read.
    """
    if isinstance(time, float) and 0.0 <= time <= 1.0:
        return start_ns + int(time * (end_ns - start_ns))
    if isinstance(time, int | np.integer) and not isinstance(time, bool):
        return int(time)
    try:
        if isinstance(time, str):
            return iso_ns(time)
        if isinstance(time, np.datetime64):
            return int(time.astype("datetime64[ns]").astype(np.int64))
        moment = time if isinstance(time, datetime) else datetime(time.year, time.month, time.day, tzinfo=UTC)
        return _datetime_ns(moment if moment.tzinfo else moment.replace(tzinfo=UTC))
    except (ValueError, TypeError, AttributeError, OverflowError):
        raise Misuse(
            f"{time!r} is no time", remedy="give a datetime, ISO text in UTC, nanoseconds, or a share from 0.0 to 1.0"
        ) from None


def time_text(ns: int) -> str:
    """Return a time as people read it, e.g. ``2018-01-15 11:55:00 UTC``; fractions of a second only where there are some."""
    moment = np.datetime64(int(ns), "ns")
    whole = ns % 1_000_000_000 == 0
    return f"{np.datetime_as_string(moment, unit='s' if whole else 'ns').replace('T', ' ').rstrip('0' if not whole else '')} UTC"


def length_text(ns: int) -> str:
    """Return a length of time as people read it, e.g. ``2 h 50 min``."""
    seconds, rest = divmod(int(ns), 1_000_000_000)
    parts = []
    for unit, size in (("d", 86_400), ("h", 3600), ("min", 60)):
        count, seconds = divmod(seconds, size)
        if count:
            parts.append(f"{count} {unit}")
    if rest:
        parts.append(f"{seconds + rest / 1e9:g} s")
    elif seconds or not parts:
        parts.append(f"{seconds} s")
    return " ".join(parts)


def iso_ns(text: str) -> int:
    """Read ISO 8601; without a zone it is UTC. Raises ValueError."""
    moment = datetime.fromisoformat(text.strip())
    fraction = re.search(r"\.(\d+)", text)
    extra = int(fraction[1].ljust(9, "0")[6:9]) if fraction and len(fraction[1]) > 6 else 0
    return _datetime_ns(moment if moment.tzinfo else moment.replace(tzinfo=UTC)) + extra


def _datetime_ns(moment: datetime) -> int:
    span = moment - datetime(1970, 1, 1, tzinfo=UTC)
    return ((span.days * 86_400 + span.seconds) * 1_000_000 + span.microseconds) * 1000


def _sides(text: str) -> tuple[str, str]:
    if ".." in text:
        left, _, right = text.partition("..")
        return left.strip(), right.strip()
    found = re.fullmatch(r"(\d*)\s*-\s*(\d*)", text)
    if found:
        return found[1], found[2]
    raise Misuse(f"the time range {text!r} cannot be read", remedy=f"write it like {EXAMPLES}")


def _side_ns(side: str, text: str) -> int:
    try:
        if side.isdigit():
            match len(side):
                case n if n == DATE_DIGITS:
                    return iso_ns(f"{side[:4]}-{side[4:6]}-{side[6:]}")
                case n if n == MS_DIGITS:
                    return int(side) * 1_000_000
                case n if n == S_DIGITS:
                    return int(side) * 1_000_000_000
            raise ValueError(side)
        return iso_ns(side)
    except (ValueError, OverflowError):
        raise Misuse(f"{side!r} in the time range {text!r} is no time", remedy=f"write it like {EXAMPLES}") from None
