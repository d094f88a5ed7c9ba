"""Which span of time a report is about: UTC, half open, and named as people name it."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Final

from b25.model.errors import Misuse

ALL: Final = (-(2**62), 2**62)
DAY_NS: Final = 86_400 * 10**9
_REMEDY: Final = "use 2026-11-26, 2026-11-26T08:00:00Z, yesterday, today, or nothing for everything"


def span_of(start: str, end: str, *, lookback_days: float = 0.0, now: datetime | None = None) -> tuple[int, int]:
    """Nanoseconds from a start to an end, the end not included.

    Parameters
    ----------
    start, end : str
        A date, a time with its zone, ``"yesterday"``, ``"today"`` or ``"now"``. An empty start is the beginning of the records,
        or `lookback_days` before the end; an empty end is their end. A date as an end is the first day not included.
    lookback_days : float
        Length of the span, where only its end is given.
    now : datetime, optional
        For the names.

    Raises
    ------
    Misuse
        For what is no time, a time without a zone, or an end that is not after the start.
    """
    now = now or datetime.now(UTC)
    end_ns = _time_ns(end, "end", now) if end else ALL[1]
    if start:
        start_ns = _time_ns(start, "start", now)
        if start == "yesterday" and not end:
            end_ns = start_ns + DAY_NS
    elif lookback_days:
        if not 0 < lookback_days < 36_525:
            raise Misuse(f"lookback_days is {lookback_days}", remedy="give a number of days above 0")
        end_ns = end_ns if end else _ns(now)
        start_ns = end_ns - round(lookback_days * DAY_NS)
    else:
        start_ns = ALL[0]
    if end_ns <= start_ns:
        raise Misuse(f"the span {start or '…'} to {end or '…'} has no length", remedy="give an end after the start")
    return start_ns, end_ns


def _time_ns(text: str, name: str, now: datetime) -> int:
    day = now.replace(hour=0, minute=0, second=0, microsecond=0)
    named = {"yesterday": day - timedelta(days=1), "today": day, "now": now}
    if text in named:
        return _ns(named[text])
    try:
        if re.fullmatch(r"\d{4}-\d\d-\d\d", text):
            return _ns(datetime.fromisoformat(text).replace(tzinfo=UTC))
        moment = datetime.fromisoformat(text)
    except (ValueError, TypeError):
        raise Misuse(f"{name} {text!r} is no time", remedy=_REMEDY) from None
    if moment.tzinfo is None:
        raise Misuse(f"{name} {text!r} has no zone", remedy="add Z for UTC, or +02:00")
    return _ns(moment)


def _ns(moment: datetime) -> int:
    since = moment - datetime(1970, 1, 1, tzinfo=UTC)
    return (since.days * 86_400 + since.seconds) * 10**9 + since.microseconds * 1_000
