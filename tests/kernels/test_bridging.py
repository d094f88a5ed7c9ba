"""A true book needs a snapshot and an unbroken chain; the rule is the venue's own."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from b25.market.bridge import bridge
from b25.model.event import CLEAR, DEPTH, GAP, LAST_OF_MESSAGE, NO_ASK_TICKS, NO_BID_TICKS, ROW, SNAPSHOT, TRADE

from .naive_bridge import naive_bridge

FUTURES, SPOT = "binanceusdm", "binance"


def rows_of(messages):
    """Archive rows of messages in the naive twin's form; the tag is the quantity of each of a message's rows."""
    rows = []
    for at, (kind, *ids, tag) in enumerate(messages):
        exch_ns, recv_ns = 1000 * at, 1000 * at + 10
        if kind == "diff":
            first, last, prev = ids
            rows += [(exch_ns, recv_ns, first, last, prev, tag, 100 + i, DEPTH, 1, 0, 0) for i in range(1 + at % 2)]
        elif kind == "trade":
            rows.append((exch_ns, recv_ns, ids[0], ids[0], -1, tag, 100, TRADE, 1, 0, 0))
        else:
            for side, price in ((1, 90), (-1, 110)):
                rows.append((exch_ns, recv_ns, ids[0], ids[0], -1, tag, price, CLEAR, side, 0, 0))
                rows.append((exch_ns, recv_ns, ids[0], ids[0], -1, tag, price, SNAPSHOT, side, 0, 0))
        rows[-1] = (*rows[-1][:9], LAST_OF_MESSAGE, 0)
    return np.array(rows, ROW) if rows else np.zeros(0, ROW)


def outcome(messages, venue):
    """What `bridge` keeps, in the naive twin's form."""
    tags = []
    rows = rows_of(messages)
    # Gaps that the import found are judged anew.
    got = bridge(rows, venue)
    first_of_message = True
    by_id = {(m[1], m[2], m[3]): m[-1] for m in messages if m[0] == "diff"}
    for row in got.rows:
        if row["kind"] == GAP:
            tags.append(("gap", by_id[int(row["first_id"]), int(row["last_id"]), int(row["prev_id"])]))
        elif first_of_message:
            tags.append(int(row["qty_lots"]))
        first_of_message = row["kind"] == GAP or bool(row["flags"] & LAST_OF_MESSAGE)
    assert len(got.gaps) == sum(isinstance(tag, tuple) for tag in tags)
    return tags


@st.composite
def streams(draw):
    """A stream mostly in order: diffs that continue, skip or repeat, snapshots before and after, trades."""
    messages, last = [], 100
    for tag in range(1, draw(st.integers(0, 25))):
        kind = draw(st.sampled_from(["diff"] * 6 + ["skip", "repeat", "snapshot", "snapshot", "trade"]))
        if kind == "snapshot":
            messages.append(("snapshot", last + draw(st.integers(-8, 8)), tag))
        elif kind == "trade":
            messages.append(("trade", draw(st.integers(1, 8)), tag))
        elif kind == "repeat" and (old := [m for m in messages if m[0] == "diff"]):
            messages.append((*old[-1][:4], tag))
        else:
            prev = last + (draw(st.integers(1, 5)) if kind == "skip" else 0)
            first = prev + 1 + draw(st.integers(0, 2)) * draw(st.booleans())
            last = first + draw(st.integers(0, 4))
            messages.append(("diff", first, last, prev, tag))
    return messages


@settings(deadline=None, max_examples=500)
@given(streams(), st.sampled_from([FUTURES, SPOT]))
def test_bridging_equals_its_naive_twin(messages, venue):
    # A repeated diff has the ids of another one; both twins drop it, or name the gap by its ids.
    tag_of = {m[1:4]: m[-1] for m in reversed(messages) if m[0] == "diff"}
    same = [m if m[0] != "diff" else (*m[:4], tag_of[m[1:4]]) for m in messages]
    assert outcome(same, venue) == naive_bridge(same, spot=venue == SPOT)


@pytest.mark.golden("G08")
def test_futures_continue_by_the_previous_id_and_a_hole_in_the_first_id_is_none():
    stream = [
        ("snapshot", 100, 1),
        ("diff", 95, 99, 94, 2),
        ("diff", 99, 105, 98, 3),
        ("diff", 108, 110, 105, 4),
        ("diff", 112, 115, 111, 5),
    ]
    assert outcome(stream, FUTURES) == [1, 3, 4, ("gap", 5)]
    again = [*stream, ("diff", 116, 120, 115, 6), ("snapshot", 114, 7), ("diff", 121, 122, 120, 8)]
    assert outcome(again, FUTURES) == [1, 3, 4, ("gap", 5), 7, 5, 6, 8]


@pytest.mark.golden("G08")
def test_spot_continues_with_the_next_first_id_only():
    stream = [("snapshot", 100, 1), ("diff", 99, 105, -1, 2)]
    assert outcome([*stream, ("diff", 106, 107, -1, 3)], SPOT) == [1, 2, 3]
    assert outcome([*stream, ("diff", 107, 108, -1, 3)], SPOT) == [1, 2, ("gap", 3)]
    assert outcome([("diff", 90, 100, -1, 1), ("snapshot", 100, 2), ("diff", 101, 102, -1, 3)], SPOT) == [2, 3]


def test_diffs_that_waited_for_the_snapshot_follow_it_and_are_not_earlier_than_it():
    got = bridge(rows_of([("diff", 99, 105, 98, 1), ("snapshot", 100, 2)]), FUTURES)
    assert got.rows["kind"].tolist() == [CLEAR, SNAPSHOT, CLEAR, SNAPSHOT, DEPTH]
    assert set(got.rows["recv_ns"]) == {1010}
    assert set(got.rows["exch_ns"]) == {1000}


def test_a_snapshot_clears_whole_sides_for_the_book_may_have_been_lost():
    got = bridge(rows_of([("snapshot", 100, 1), ("diff", 101, 102, 100, 2)]), FUTURES)
    clears = got.rows[got.rows["kind"] == CLEAR]
    assert clears["price_ticks"].tolist() == [NO_BID_TICKS, NO_ASK_TICKS]


def test_without_a_snapshot_there_is_no_book_but_the_trades_remain():
    got = bridge(rows_of([("diff", 1, 2, 0, 1), ("trade", 1, 2), ("trade", 1, 3), ("diff", 3, 4, 2, 4)]), FUTURES)
    assert got.rows["kind"].tolist() == [TRADE]
    assert (got.applied, got.unbridged, got.repeated_trades, got.in_sync) == (0, 2, 1, False)


def test_the_chain_of_another_venue_is_read_from_its_diffs():
    stream = rows_of([("snapshot", 100, 1), ("diff", 108, 110, 100, 2)])
    assert bridge(stream, "sim").applied == 1
    stream["prev_id"] = -1
    assert bridge(stream, "sim").applied == 0
