"""Bars of a live session: whatever pieces the trades come in, they are those that all trades at once give."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from b25.market.bar_rule import bar_rule
from b25.market.bars import Bars
from b25.market.timeframe import timeframe
from b25.market.trade_bars import bars_of_ticks
from b25.model.bar import BAR
from b25.model.errors import Misuse
from b25.model.event import BAR as BAR_EVENT
from b25.model.event import LAST_OF_MESSAGE, MARK, ORDER_FILLED, ROW, TRADE
from b25.session.bar_events import BarFrames, LiveBars, mark_event, priced
from b25.session.gateway import order_event
from tests.engine.bar_runs import PERP

S_NS = 10**9
START = 1_600_000_000 * S_NS
FRAMES = BarFrames(timeframe("1s"), (timeframe("5s"),))


def trades_of(*rows):
    """ROW rows of (time in ms since START, price in ticks, lots); heard a millisecond later."""
    found = np.zeros(len(rows), ROW)
    for row, (at_ms, ticks, lots) in zip(found, rows, strict=True):
        row["exch_ns"], row["recv_ns"] = START + at_ms * 10**6, START + at_ms * 10**6 + 10**6
        row["price_ticks"], row["qty_lots"], row["kind"], row["side"] = ticks, lots, TRADE, 1 if ticks % 2 else -1
    return found


def told(moments):
    """(instrument, timeframe, open, close, open/high/low/close, volume, bought) of each bar, in order."""
    low = 2**32 - 1
    found = []
    for e in [event for one in moments for event in one.events if event["kind"] == BAR_EVENT]:
        ohlc = (e["price_ticks"] >> 32, e["amount"] >> 32, e["amount"] & low, e["price_ticks"] & low)
        span = (int(e["exch_ns"] - START), int(e["seq"] - START))
        prices = tuple(int(ticks) for ticks in ohlc)
        found.append((int(e["instrument"]), int(e["status"]), *span, prices, int(e["qty_lots"]), int(e["order_id"])))
    return found


def naive(rows, i, frame, since_ns):
    """Bars of trades the dull way; those that open before a time are left out."""
    found = {}
    for row in rows:
        open_ns = frame.open_of(int(row["exch_ns"]))
        if open_ns >= since_ns:
            found.setdefault(open_ns, []).append(row)
    bars = []
    for open_ns, inside in sorted(found.items()):
        prices = [int(row["price_ticks"]) for row in inside]
        bought = sum(int(row["qty_lots"]) for row in inside if row["side"] > 0)
        ohlc = (prices[0], max(prices), min(prices), prices[-1])
        close_ns = int(frame.next_open(open_ns))
        bars.append((i, open_ns - START, close_ns - START, ohlc, sum(int(row["qty_lots"]) for row in inside), bought))
    return bars


steps = st.lists(st.tuples(st.integers(0, 1_500), st.integers(90, 110), st.integers(1, 9)), min_size=2, max_size=60)


@settings(max_examples=60, deadline=None)
@given(steps, steps, st.lists(st.integers(0, 59), max_size=10), st.booleans())
def test_in_any_pieces_the_bars_of_two_instruments_are_the_naive_ones(one, other, cuts, by_clock):
    rows = []
    for listed in (one, other):
        at_ms, made = 0, []
        for step_ms, ticks, lots in listed:
            at_ms += step_ms
            made.append((at_ms, ticks, lots))
        rows.append(trades_of(*made))
    live = LiveBars([PERP, PERP], FRAMES, grace_ns=S_NS // 2)
    whole = [int(FRAMES.base.next_open(int(r["exch_ns"][0]))) for r in rows]
    # In order of time, cut into pieces anywhere; the clock goes along where it is asked to.
    order = sorted([(int(r["exch_ns"][k]), i, k) for i, r in enumerate(rows) for k in range(len(r))])
    moments, piece = [], []
    for n, (at_ns, i, k) in enumerate(order):
        if piece and (piece[0][0] != i or n in cuts):
            live.trades(piece[0][0], rows[piece[0][0]][[p[1] for p in piece]])
            piece = []
        piece.append((i, k))
        if by_clock and len(piece) == 1:
            live.pass_time(at_ns - S_NS)
        moments += live.moments()
    live.trades(piece[0][0], rows[piece[0][0]][[p[1] for p in piece]])
    live.pass_time(START + 200 * S_NS)
    moments += live.moments()
    found = told(moments)
    for i in range(2):
        assert [(b[0], *b[2:]) for b in found if b[:2] == (i, 0)] == naive(rows[i], i, FRAMES.base, whole[i])
    assert live.late == 0
    # Larger ones are what `with_larger` makes of the smaller ones, shown at their close.
    for i in range(2):
        small = rows_of(found, i, 0)
        if len(small) == 0:
            continue
        bars = Bars(instrument=PERP, timeframe="1s", frame_ns=S_NS, rows=small, volume=small["volume_lots"] * 1.0, source="here")
        end_ns = max(b[3] for b in found) + START
        try:
            larger = bars.with_larger("5s").larger[0].rows
        except Misuse:
            larger = np.zeros(0, BAR)
        shown = rows_of(found, i, 1)
        assert shown[: len(larger)].tobytes() == larger.tobytes()
        assert all(shown["close_ns"] <= end_ns)
    assert all(one.events[-1]["flags"] == LAST_OF_MESSAGE for one in moments if one.events[0]["kind"] == BAR_EVENT)
    times = [one.at_ns for one in moments]
    assert times == sorted(times)


def rows_of(found, i, frame):
    listed = [b for b in found if b[:2] == (i, frame)]
    rows = np.zeros(len(listed), BAR)
    for row, (_, _, open_ns, close_ns, ohlc, volume, bought) in zip(rows, listed, strict=True):
        row["open_ns"], row["close_ns"], row["volume_lots"], row["buy_lots"] = open_ns + START, close_ns + START, volume, bought
        for name, value in zip(("open_ticks", "high_ticks", "low_ticks", "close_ticks"), ohlc, strict=True):
            row[name] = value
    return rows


@settings(max_examples=40, deadline=None)
@given(steps, st.sampled_from(["3 ticks", "9 volume", "900 dollar", "2 imbalance", "7 volume imbalance"]), st.integers(1, 7))
def test_bars_of_a_rule_are_those_of_all_trades_at_once(listed, text, size):
    at_ms, made = 0, []
    for step_ms, ticks, lots in listed:
        at_ms += step_ms
        made.append((at_ms, ticks, lots))
    rows, rule = trades_of(*made), bar_rule(text)
    live, found = LiveBars([PERP], BarFrames(rule), grace_ns=0), []
    for k in range(0, len(rows), size):
        live.trades(0, rows[k : k + size])
        found += told(live.moments())
    columns = (rows["exch_ns"].copy(), rows["price_ticks"].astype(np.int64), rows["qty_lots"].copy(), rows["side"].copy())
    try:
        own = bars_of_ticks(PERP, columns, rule, known_ns=0, source="here").rows
    except Misuse:
        own = np.zeros(0, BAR)
    assert rows_of(found, 0, 0).tobytes() == own.tobytes()


def test_a_bar_is_closed_by_the_clock_after_its_grace_and_what_comes_later_is_counted():
    live = LiveBars([PERP], FRAMES, grace_ns=S_NS // 2)
    live.trades(0, trades_of((100, 100, 1)))  # this second is not whole
    live.trades(0, trades_of((1_200, 101, 2), (1_300, 102, 1)))
    live.pass_time(START + 2 * S_NS + S_NS // 4)
    assert told(live.moments()) == []
    live.pass_time(START + 2 * S_NS + S_NS // 2 + 2 * 10**6)
    assert told(live.moments()) == [(0, 0, S_NS, 2 * S_NS, (101, 102, 101, 102), 3, 2)]
    live.trades(0, trades_of((1_900, 99, 7)))
    assert live.late == 1
    live.pass_time(START + 9 * S_NS)
    assert told(live.moments()) == []  # where there is no trade there is no bar


def test_the_clocks_difference_is_taken_off():
    live = LiveBars([PERP], FRAMES, grace_ns=0)
    rows = trades_of((100, 100, 1), (1_200, 101, 2))
    rows["recv_ns"] += 7 * S_NS  # our clock is ahead
    live.trades(0, rows)
    live.pass_time(START + 8 * S_NS)
    assert told(live.moments()) == []
    live.pass_time(START + 9 * S_NS + 2 * 10**6)
    assert len(told(live.moments())) == 1


def test_each_bar_and_each_fill_tells_a_price_before_what_follows():
    live = LiveBars([PERP], FRAMES, grace_ns=0)
    for rows in (trades_of((100, 100, 1), (1_200, 101, 2)), trades_of((1_300, 105, 2), (2_000, 107, 1))):
        live.trades(0, rows)
    kinds = [(int(e["kind"]), int(e["price_ticks"]) & (2**32 - 1)) for one in live.moments() for e in one.events]
    assert kinds == [(MARK, 101), (BAR_EVENT, 105), (MARK, 107)]
    fill = order_event(ORDER_FILLED, 3, instrument=0, side=1, price_ticks=104, qty_lots=2, exch_ns=START)
    both = priced(np.concatenate([fill, mark_event(0, 9, START)]), ORDER_FILLED)
    assert both["kind"].tolist() == [MARK, ORDER_FILLED, MARK]
    assert both["price_ticks"].tolist() == [104, 104, 9]
    assert priced(mark_event(0, 9, START), ORDER_FILLED).tobytes() == mark_event(0, 9, START).tobytes()


def test_what_was_missed_comes_from_the_venue_and_everything_later_waits_for_it():
    live = LiveBars([PERP], FRAMES, grace_ns=0)
    live.fill(0, rows_of([(0, 0, -S_NS, 0, (90, 91, 89, 90), 5, -1)], 0, 0), START)
    assert len(told(live.moments())) == 1
    live.trades(0, trades_of((100, 100, 1), (1_200, 101, 2), (2_100, 102, 1)))
    # The second of the start was not whole: nothing after it is shown before it is known.
    assert told(live.moments()) == []
    assert live.wants() == [(0, START, START + S_NS)]
    live.fill(0, rows_of([(0, 0, 0, S_NS, (95, 100, 94, 100), 8, 3)], 0, 0), START + S_NS)
    assert [(b[2], b[4]) for b in told(live.moments())] == [(0, (95, 100, 94, 100)), (S_NS, (101, 101, 101, 101))]
    assert live.wants() == []
    # A socket is lost in the third second and is back in the fifth.
    live.lost(0)
    live.trades(0, trades_of((4_500, 110, 1), (5_100, 111, 1), (6_100, 112, 1)))
    assert told(live.moments()) == []
    assert live.wants() == [(0, START + 2 * S_NS, START + 5 * S_NS)]
    live.lost(0)  # and again, while the venue is asked
    live.trades(0, trades_of((7_100, 113, 1), (8_100, 114, 1), (9_000, 115, 1)))
    venue = [(0, 0, k * S_NS, (k + 1) * S_NS, (k, k, k, k), k, 0) for k in (2, 4)]
    live.fill(0, rows_of(venue, 0, 0), START + 5 * S_NS)
    assert [b[2] for b in told(live.moments()) if b[1] == 0] == [2 * S_NS, 4 * S_NS]
    assert live.wants() == [(0, START + 5 * S_NS, START + 8 * S_NS)]
    live.fill(0, rows_of([], 0, 0), START + 8 * S_NS)
    assert [b[2] for b in told(live.moments()) if b[1] == 0] == [8 * S_NS]


def test_a_rule_begins_its_bar_anew_when_trades_were_missed():
    live = LiveBars([PERP], BarFrames(bar_rule("3 ticks")), grace_ns=0)
    live.trades(0, trades_of((100, 100, 1), (200, 101, 1)))
    live.lost(0)
    live.trades(0, trades_of((300, 102, 1), (400, 103, 1)))
    assert told(live.moments()) == []
    live.trades(0, trades_of((500, 104, 1)))
    assert [b[4] for b in told(live.moments())] == [(102, 104, 102, 104)]


def test_an_instrument_without_trades_holds_the_others_up_no_longer_than_it_is_synced():
    live = LiveBars([PERP, PERP], FRAMES, grace_ns=0)
    live.trades(0, trades_of((100, 100, 1), (1_200, 101, 2), (2_500, 101, 2)))
    assert told(live.moments()) == []
    live.synced(1, START + S_NS // 10)
    live.pass_time(START + 3 * S_NS)
    assert [b[0] for b in told(live.moments())] == [0]


def test_bars_of_a_rule_of_several_instruments_are_refused():
    with pytest.raises(Misuse, match="several instruments"):
        LiveBars([PERP, PERP], BarFrames(bar_rule("3 ticks")), grace_ns=0)


def test_the_past_begins_where_the_largest_bar_does():
    frames = BarFrames(timeframe("1m"), (timeframe("5m"), timeframe("1h")))
    until_ns = timeframe("1h").open_of(START) + 30 * 60 * S_NS
    assert frames.since_ns(until_ns, 10) == timeframe("1h").open_of(START)
    assert BarFrames(timeframe("1M")).since_ns(timeframe("1M").open_of(START), 2) == np.datetime64("2020-07", "ns").astype(int)
