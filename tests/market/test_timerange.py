"""Spans of time as people write them."""

from datetime import UTC, date, datetime, timedelta, timezone

import numpy as np
import pytest

from b25.market.timerange import length_text, time_ns, time_text, timerange
from b25.model.errors import Misuse

S, MS = 10**9, 10**6


@pytest.mark.golden("B03")
@pytest.mark.parametrize(
    ("text", "start", "end"),
    [
        ("20100522-20150730", 1274486400 * S, 1438214400 * S),
        ("20100522-", 1274486400 * S, None),
        ("-20100522", None, 1274486400 * S),
        ("1231006505-1233360000", 1231006505 * S, 1233360000 * S),
        ("1231006505000-", 1231006505000 * MS, None),
        ("1231006505000-1233360000000", 1231006505 * S, 1233360000 * S),
        ("2010-05-22..2015-07-30", 1274486400 * S, 1438214400 * S),
        ("2010-05-22T00:00:00Z..", 1274486400 * S, None),
        ("..2010-05-22T02:00:00+02:00", None, 1274486400 * S),
    ],
)
def test_a_range_is_read(text, start, end):
    found = timerange(text)
    assert (found.start_ns, found.end_ns) == (start, end)


@pytest.mark.golden("B03")
@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("-", "bounds nothing"),
        ("..", "bounds nothing"),
        ("20150730-20100522", "does not end after its start"),
        ("20150730-20150730", "does not end after its start"),
        ("20151330-", "is no time"),
        ("2015-", "is no time"),
        ("abc", "cannot be read"),
    ],
)
def test_a_range_that_makes_no_sense_is_refused_in_one_line(text, says):
    with pytest.raises(Misuse, match=says) as caught:
        timerange(text)
    assert "\n" not in caught.value.what


def test_a_time_is_read_from_what_people_have():
    at = 1274486400 * S
    east = timezone(timedelta(hours=2))
    for given in ("2010-05-22", "2010-05-22T00:00:00Z", at, np.int64(at), datetime(2010, 5, 22, tzinfo=UTC), date(2010, 5, 22)):
        assert time_ns(given) == at
    assert time_ns(datetime(2010, 5, 22, 2, tzinfo=east)) == at
    assert time_ns(np.datetime64("2010-05-22")) == at
    assert time_ns("2010-05-22T00:00:00.123456789") == at + 123456789
    assert time_ns(0.5, start_ns=100, end_ns=200) == 150
    for bad in ("yesterday", 1.5, None, True):
        with pytest.raises(Misuse, match="is no time"):
            time_ns(bad)


def test_times_and_lengths_are_told_to_people():
    assert time_text(1274486400 * S) == "2010-05-22 00:00:00 UTC"
    assert time_text(1274486400 * S + 17 * MS) == "2010-05-22 00:00:00.017 UTC"
    assert [length_text(one * S) for one in (10_200, 60, 0, 90_061)] == ["2 h 50 min", "1 min", "0 s", "1 d 1 h 1 min 1 s"]
    assert length_text(1_500_000_000) == "1.5 s"
