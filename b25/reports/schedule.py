"""When a report is due: five fields of cron in a time zone, told as times of UTC.

Weekdays are named: APScheduler counts from Monday and cron from Sunday, so that a number means another day than was meant.
On the day on which the clock is set back, a time that comes twice is due once, at the first of the two; where every hour is due,
both are. On the day on which it is set forward, a time that never comes is due right after the gap.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any, Final
from zoneinfo import ZoneInfo

from b25.model.errors import Misuse

FIELDS: Final = ("minute", "hour", "day", "month", "day_of_week")
DAYS: Final = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
NS: Final = 1_000_000_000
SLOTS_MAX: Final = 10_000  # that are looked at in one go


def check_zone(name: str) -> ZoneInfo:
    """Return a time zone by name. Raises ValueError for none."""
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        raise ValueError('it is no time zone; write e.g. "Europe/Berlin"') from None


def check_schedule(text: str) -> None:
    """Check five fields of cron. Raises ValueError that says what is wrong, and what may have been meant."""
    words = text.split()
    if len(words) != len(FIELDS):
        raise ValueError(f"it has {len(words)} fields of five: minute, hour, day, month, weekday")
    if re.search(r"\d", words[4]):
        raise ValueError(f"weekdays are named, since numbers mean different days to different programs: {_named(words[4])}")
    try:
        _trigger(text, ZoneInfo("UTC"))
    except ValueError as fault:
        raise ValueError(f"it is no schedule: {fault}") from None
    if next(slots(text, "UTC", 0, 2**62), None) is None:
        raise ValueError("it never comes")


def _trigger(schedule: str, zone: ZoneInfo) -> Any:
    try:
        from apscheduler.triggers.cron import CronTrigger
    except ImportError:
        raise Misuse("this installation has no reports", remedy="install b25[reports]") from None
    return CronTrigger.from_crontab(schedule, timezone=zone)


def _named(weekday: str) -> str:
    """What a weekday field of cron most likely means: 0 and 7 are Sundays there."""
    names = re.sub(r"\d+", lambda found: DAYS[(int(found[0]) - 1) % 7], weekday.partition("/")[0])
    return f"write {names}" if names != weekday else "write mon-fri"


def slots(schedule: str, timezone: str, after_ns: int, until_ns: int) -> Iterator[int]:
    """Yield the times that are due, as nanoseconds since 1970.

    Parameters
    ----------
    after_ns, until_ns : int
        Later than the first, and not later than the second.
    """
    trigger = _trigger(schedule, ZoneInfo(timezone))
    is_hourly = bool(re.search(r"[*/,-]", schedule.split()[1]))
    at = datetime.fromtimestamp(after_ns // NS + 1, UTC)
    for _ in range(SLOTS_MAX):
        # Asked anew from UTC each time: from a local time within the hour that comes twice it would never get on.
        found = trigger.get_next_fire_time(None, at)
        if found is None:
            return
        at_s = int(found.timestamp())
        if at_s * NS > until_ns:
            return
        if is_hourly or not found.fold or found.utcoffset() == found.replace(fold=0).utcoffset():
            yield at_s * NS
        at = datetime.fromtimestamp(at_s + 1, UTC)


def next_slots(schedule: str, timezone: str, after_ns: int, count: int) -> list[int]:
    """Return the next times that are due; fewer when it ends."""
    found: list[int] = []
    for at_ns in slots(schedule, timezone, after_ns, 2**62):
        found.append(at_ns)
        if len(found) == count:
            break
    return found


def overdue_ns(schedule: str, timezone: str, after_ns: int, timeout_s: int) -> int:
    """Time at which two periods have passed without a success, its longest run included; 0 for a report on demand."""
    if not schedule:
        return 0
    found = next_slots(schedule, timezone, after_ns, 2)
    return found[-1] + timeout_s * NS if len(found) == 2 else 0
