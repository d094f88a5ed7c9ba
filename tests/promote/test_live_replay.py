"""A session's journal in a notebook: by name or day, event by event, in the version that it ran, while it still writes."""

from datetime import UTC, datetime

import numpy as np
import pytest

from b25.model.errors import Misuse
from b25.promote.live_replay import day_of, open_session
from b25.store.journal import EVENTS, Reading


@pytest.fixture
def session(stage):
    return open_session("one", folder=stage / "sessions", root=stage / "strategies" / "live")


def test_it_says_what_it_is_of(session):
    assert (session.version, session.mode, session.ended) == ("maker@1", "replayed", True)
    assert "maker@1" in repr(session)


def test_every_event_comes_and_every_decision_is_the_journals(session):
    run = session.replay()
    events = sum(len(record.events) for record in Reading(session.path) if record.kind == EVENTS)
    moments = list(run)
    assert [one.seq for one in moments] == list(range(1, events + 1))
    assert run.differs == []
    assert run.ended
    assert sum(len(one.decided) for one in moments) > 50
    assert run.step() is None


def test_it_goes_on_to_a_time_an_order_or_a_reason(session):
    run = session.replay()
    filled = run.until(code="order_filled")
    order_id = filled.event["order_id"]
    assert run.position["BTC/USDT:USDT"] != "0"
    later = run.until(filled.time_ns + 5_000_000_000)
    assert later.time_ns >= filled.time_ns + 5_000_000_000
    again = session.replay()
    first = again.until(order_id=order_id)
    assert first.decided[0]["kind"] == "submit"
    assert first.seq < filled.seq
    assert again.strategy["asked"] > 0
    assert again.until(code="no such thing") is None


def test_the_book_has_our_own_orders_in_it(session):
    run = session.replay()
    run.until(code="order_accepted")
    book = run.book(levels=5)
    assert [len(side) for side in book.values()] == [5, 5]
    own = sum(own for side in run.book(levels=40).values() for _, _, own in side)
    assert own > 0
    assert float(book["bids"][0][0]) < float(book["asks"][0][0])
    assert len(run.orders) >= 1


def test_why_an_order_was_sent(session):
    run = session.replay()
    order_id = run.until(code="order_filled").event["order_id"]
    why = run.why(order_id)
    assert why.moment.decided[0]["kind"] == "submit"
    assert "order_filled" in repr(why)
    assert why.before["strategy"]["offset_ticks"] == 2
    with pytest.raises(Misuse, match="no order 999999"):
        run.why(999_999)


def test_frames_are_plain_and_hold_the_whole_life_of_an_order(session):
    import orjson

    run = session.replay()
    order_id = run.until(code="order_filled").event["order_id"]
    frames = run.frames(order_id, before=5, after=5)
    what = [event["what"] for one in frames if one["about_order"] for event in one["events"]]
    assert what[0] == "sent"
    assert "filled" in what
    assert frames[0]["book"]["bids"]
    assert frames[0]["state"]["offset_ticks"] == 2
    assert run.frames(None, 2, 2)[0]["seq"] < frames[0]["seq"] + 10_000
    decided = next(k for k, one in enumerate(frames) if one["about_order"])
    assert decided == 5
    assert [one["seq"] for one in frames] == sorted({one["seq"] for one in frames})
    assert len(frames) < 60
    orjson.dumps(frames)


def test_a_session_that_still_writes_is_read_as_far_as_it_is_whole(stage, session, tmp_path):
    whole = session.path.read_bytes()
    path = tmp_path / "running.journal"
    path.write_bytes(whole[: len(whole) // 2])
    running = open_session(str(path), root=stage / "strategies" / "live")
    assert not running.ended
    run = running.replay()
    seen = sum(1 for _ in run)
    assert run.step() is None
    with path.open("ab") as file:
        file.write(whole[len(whole) // 2 :])
    rest = sum(1 for _ in run)
    assert rest > 0
    assert seen + rest == sum(1 for _ in session.replay())
    assert run.differs == []
    assert run.ended


def test_a_day_is_one_in_utc_and_one_without_events_is_refused(stage, session, tmp_path):
    day = datetime.fromtimestamp(session.first_ns / 1e9, UTC).date()
    folder, root = tmp_path, stage / "strategies" / "live"
    (tmp_path / "one.journal").write_bytes(session.path.read_bytes())
    assert open_session(folder=folder, root=root, when=day).name == "one"
    assert session.replay(day.isoformat()).step().seq == 1
    with pytest.raises(Misuse, match="it has events from"):
        session.replay("1999-01-01")
    with pytest.raises(Misuse, match="is no day"):
        session.replay("soon")
    with pytest.raises(Misuse, match="use one of one"):
        open_session("two", folder=folder, root=root)
    begin, end = day_of("yesterday", now=datetime(2026, 3, 1, 5, tzinfo=UTC))
    assert (np.datetime64(begin, "ns"), end - begin) == (np.datetime64("2026-02-28T00:00:00"), 86_400_000_000_000)
