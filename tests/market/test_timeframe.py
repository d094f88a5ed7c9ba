"""Timeframes: names, borders in UTC, and which divides which."""

from datetime import UTC, datetime

import numpy as np
import pytest

from b25.market.timeframe import NAMES, Timeframes, base_and_larger, timeframe, timeframe_of_spacing
from b25.market.timerange import iso_ns
from b25.model.errors import Misuse


def ns(text):
    return iso_ns(text)


def texts(opens):
    return [datetime.fromtimestamp(one / 1e9, UTC).strftime("%Y-%m-%d") for one in opens.tolist()]


@pytest.mark.golden("B01")
@pytest.mark.parametrize(
    ("name", "opens", "following"),
    [
        ("5m", "2019-08-12 13:20", "2019-08-12 13:25"),
        ("1h", "2019-08-12 13:00", "2019-08-12 14:00"),
        ("2h", "2019-08-12 12:00", "2019-08-12 14:00"),
        ("4h", "2019-08-12 12:00", "2019-08-12 16:00"),
        ("1d", "2019-08-12 00:00", "2019-08-13 00:00"),
        ("1w", "2019-08-12 00:00", "2019-08-19 00:00"),
        ("1M", "2019-08-01 00:00", "2019-09-01 00:00"),
        ("3M", "2019-07-01 00:00", "2019-10-01 00:00"),
        ("1y", "2019-01-01 00:00", "2020-01-01 00:00"),
    ],
)
def test_the_open_bar_and_the_next_one(name, opens, following):
    frame, at = timeframe(name), ns("2019-08-12 13:22:08")
    assert (frame.open_of(at), frame.next_open(at)) == (ns(opens), ns(following))
    # On a border the bar starts there.
    assert (frame.open_of(ns(opens)), frame.next_open(ns(opens))) == (ns(opens), ns(following))
    assert frame.open_of(ns(following) - 1) == ns(opens)
    assert frame.open_of(np.array([at, ns(following)])).tolist() == [ns(opens), ns(following)]


@pytest.mark.golden("B01")
def test_weeks_are_labelled_by_their_opening_mondays():
    found = timeframe("1w").opens(ns("2020-01-01"), ns("2020-02-06"))
    assert texts(found) == ["2019-12-30", "2020-01-06", "2020-01-13", "2020-01-20", "2020-01-27", "2020-02-03"]


@pytest.mark.golden("B01")
def test_months_and_quarters_open_on_the_first():
    assert texts(timeframe("1M").opens(ns("2019-12-15"), ns("2020-03-01"))) == ["2019-12-01", "2020-01-01", "2020-02-01"]
    assert texts(timeframe("3M").opens(ns("2019-12-15"), ns("2020-07-01"))) == ["2019-10-01", "2020-01-01", "2020-04-01"]
    assert texts(timeframe("1y").opens(ns("2019-12-15"), ns("2020-07-01"))) == ["2019-01-01", "2020-01-01"]


@pytest.mark.parametrize("name", NAMES)
def test_the_opens_of_a_span_are_those_of_its_times(name):
    frame, start = timeframe(name), ns("2019-12-15 10:00:01")
    end = frame.next_open(frame.next_open(start)) + 1
    opens = frame.opens(start, end)
    assert opens.tolist() == [frame.open_of(start), frame.next_open(start), frame.open_of(end - 1)]
    assert frame.opens(start, start).tolist() == []


def test_an_upper_case_day_and_week_are_accepted_and_a_month_is_no_minute():
    assert timeframe("1D").name == "1d"
    assert timeframe("1W").name == "1w"
    assert timeframe("1M").months == 1
    assert timeframe("1m").frame_ns == 60 * 10**9
    assert timeframe("10m").frame_ns == 600 * 10**9


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("60", "did you mean 1h"),
        ("5", "did you mean 5m"),
        ("1min", "did you mean 1m"),
        ("1H", "did you mean 1h"),
        ("1mo", "did you mean 1M"),
        ("7m", "does not divide a day"),
        ("2d", "does not divide a day"),
        ("0m", "unknown"),
        ("", "unknown"),
        ("m", "did you mean 1m"),
        (5, "no text"),
    ],
)
def test_other_names_are_refused_with_a_hint(name, says):
    with pytest.raises(Misuse, match=says):
        timeframe(name)


def test_a_base_divides_its_larger_ones():
    assert [frame.name for frame in base_and_larger(("1m", "1d", "1h", "1M"))] == ["1m", "1h", "1d", "1M"]
    for names, says in [
        (("1h", "1m"), "does not divide"),
        (("3m", "5m"), "does not divide"),
        (("3d", "1w"), "does not divide"),
        (("1w", "1M"), "does not divide"),
        (("1m", "1m"), "named twice"),
        ((), "no timeframe"),
    ]:
        with pytest.raises(Misuse, match=says):
            base_and_larger(names)


def test_a_declaration_is_checked_when_it_is_made():
    assert Timeframes(("1m", "1D")).names == ("1m", "1d")
    with pytest.raises(Misuse, match="does not divide"):
        Timeframes(("5m", "1m"))


def test_a_spacing_is_told_as_a_timeframe():
    minute = 60 * 10**9
    spacings = (minute, 60 * minute, 1440 * minute, 7 * 1440 * minute, 7 * minute, 31 * 1440 * minute)
    found = [timeframe_of_spacing(one) for one in spacings]
    assert [one.name if one else None for one in found] == ["1m", "1h", "1d", "1w", None, None]
