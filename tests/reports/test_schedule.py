"""Times of schedules: named weekdays, and the two days of the year on which a clock is set."""

from datetime import UTC, datetime
from itertools import pairwise

import pytest

from b25.reports.schedule import NS, check_schedule, next_slots, overdue_ns, slots


def ns(text):
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()) * NS


def told(found):
    return [datetime.fromtimestamp(at // NS, UTC).strftime("%d %H:%M") for at in found]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("0 7 * * 1-5", "write mon-fri"), ("0 7 * * 0", "write sun"), ("0 7 * * 7", "write sun"),
        ("0 7 * * mon,3", "write mon,wed"),
        ("0 7 * *", "4 fields of five"), ("0 25 * * *", "no schedule"), ("0 7 31 2 *", "never comes"),
        ("a b c d e", "no schedule"),
    ],
)  # fmt: skip
def test_what_would_fire_on_another_day_or_never_is_refused_with_a_hint(text, says):
    with pytest.raises(ValueError, match=says):
        check_schedule(text)


def test_monday_to_friday_is_monday_to_friday():
    found = next_slots("0 7 * * mon-fri", "UTC", ns("2026-01-02T07:00"), 3)  # a Friday, at the slot itself
    assert told(found) == ["05 07:00", "06 07:00", "07 07:00"]


def test_a_slot_belongs_to_the_span_that_ends_with_it():
    at = ns("2026-01-02T07:00")
    assert list(slots("0 7 * * *", "UTC", at - 1, at)) == [at]
    assert list(slots("0 7 * * *", "UTC", at, at + 1)) == []


def test_a_time_that_never_comes_is_due_after_the_gap():
    found = next_slots("30 2 * * *", "Europe/Berlin", ns("2026-03-28T00:00"), 3)
    assert told(found) == ["28 01:30", "29 01:30", "30 00:30"]  # 03:30 in Berlin on the 29th


def test_a_time_that_comes_twice_is_due_once():
    found = next_slots("30 2 * * *", "Europe/Berlin", ns("2026-10-24T00:00"), 3)
    assert told(found) == ["24 00:30", "25 00:30", "26 01:30"]


def test_every_hour_is_due_every_hour_whatever_the_clocks_show():
    for day in ("2026-03-29T00:30", "2026-10-25T00:30"):
        found = next_slots("0 * * * *", "Europe/Berlin", ns(day) - 2 * 3_600 * NS, 6)
        assert {b - a for a, b in pairwise(found)} == {3_600 * NS}


def test_silence_is_too_long_after_the_second_slot_and_the_time_that_its_run_may_take():
    friday = ns("2026-01-02T07:00")
    assert overdue_ns("0 7 * * mon-fri", "UTC", friday, 300) == ns("2026-01-06T07:05")
    assert overdue_ns("", "UTC", friday, 300) == 0
