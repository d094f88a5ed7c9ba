"""A recording as the market: the venue's book is the recorded one, and our orders meet what they would have met."""

import numpy as np
import pytest

from b25.market.catalog import Catalog
from b25.market.import_capture import import_capture
from b25.model.errors import Misuse
from b25.model.event import BUY, CLEAR, DEPTH, ROW, SELL, SNAPSHOT, TRADE
from b25.model.instrument import Instrument
from b25.model.matching import MatchKind
from b25.venue.crowd.replay_flow import ReplayFlow
from b25.venue.exchange.matching_book import MatchingBook

INSTRUMENT = Instrument(venue="sim", symbol="ONE/USD", tick="1", lot="1")
MS_NS = 1_000_000


def rows_of(*rows):
    """ROW array of (ms, kind, side, ticks, lots)."""
    out = np.zeros(len(rows), ROW)
    for row, (ms, kind, side, ticks, lots) in zip(out, rows, strict=True):
        row["exch_ns"], row["kind"], row["side"], row["price_ticks"], row["qty_lots"] = ms * MS_NS, kind, side, ticks, lots
    return out


class Market:
    def __init__(self, rows, instrument=INSTRUMENT, **more):
        self.book, self.events = MatchingBook(), []
        self.flow = ReplayFlow(self.book, self.events.extend, rows=rows, instrument=instrument, start_ms=0, **more)

    def trades(self):
        return [(e.order_id, e.maker_order_id, e.price_ticks, e.qty_lots) for e in self.events if e.kind == MatchKind.TRADE]


BEGIN = ((0, CLEAR, BUY, 1, 0), (0, SNAPSHOT, BUY, 99, 10), (0, SNAPSHOT, SELL, 101, 10))


def test_a_print_works_off_what_is_ahead_before_it_reaches_us():
    market = Market(rows_of(*BEGIN, (2, TRADE, SELL, 99, 12), (3, DEPTH, BUY, 99, 4)))
    market.flow.advance(0)
    market.book.submit(1, 1, BUY, 5, 99)
    market.flow.advance(5)
    assert [t[2:] for t in market.trades()] == [(99, 10), (99, 2)]
    assert market.book.leaves_lots(1) == 3
    assert market.book.levels(BUY, 5) == [(99, 3 + 4)]
    assert market.flow.ended


@pytest.mark.parametrize(("queue", "ahead"), [("risk_adverse", 4), ("log_prob_2", 4)])
def test_what_a_level_loses_was_ahead_of_us_or_behind_us(queue, ahead):
    market = Market(rows_of(*BEGIN, (2, DEPTH, BUY, 99, 30), (3, DEPTH, BUY, 99, 4), (4, TRADE, SELL, 99, 5)), queue=queue)
    market.flow.advance(0)
    market.book.submit(1, 1, BUY, 5, 99)
    market.flow.advance(3)
    assert market.book.levels(BUY, 5) == [(99, 5 + 4)]
    market.flow.advance(4)
    assert market.book.leaves_lots(1) == 5 - (5 - ahead)


def test_a_level_shown_through_our_price_meets_us_there():
    market = Market(
        rows_of(*BEGIN, (2, DEPTH, SELL, 101, 0), (2, DEPTH, SELL, 100, 3), (2, DEPTH, SELL, 98, 4), (2, DEPTH, BUY, 99, 0))
    )
    market.flow.advance(0)
    market.book.submit(1, 1, BUY, 5, 100)
    market.flow.advance(2)
    assert [t[2:] for t in market.trades()] == [(100, 3), (100, 2)]
    assert market.book.levels(SELL, 5) == [(98, 2)]


def test_a_print_that_the_book_does_not_hold_happens_all_the_same():
    market = Market(rows_of(*BEGIN, (2, TRADE, BUY, 100, 7)))
    market.flow.advance(5)
    assert [t[2:] for t in market.trades()] == [(100, 7)]


def test_a_recording_without_a_snapshot_is_refused():
    with pytest.raises(Misuse, match="no snapshot"):
        Market(rows_of((0, DEPTH, BUY, 99, 10)))


def test_a_real_capture_gives_its_own_book_and_its_own_prints(shared, tmp_path):
    import_capture(
        shared / "data/binance_raw/usdm_ethusdt_20240808.gz", venue="binanceusdm", symbol="ETH/USDT:USDT", catalog=tmp_path
    )
    loaded = Catalog(tmp_path).load("binanceusdm", "ETH/USDT:USDT")
    market = Market(loaded.rows, loaded.instrument)
    market.flow.advance(market.flow.end_ms)
    rows = market.flow.rows
    prints = rows[rows["kind"] == TRADE]
    assert sum(t[3] for t in market.trades()) == prints["qty_lots"].sum()
    levels = {BUY: {}, SELL: {}}
    for row in rows[np.isin(rows["kind"], (DEPTH, SNAPSHOT))]:
        levels[int(row["side"])][int(row["price_ticks"])] = int(row["qty_lots"])
    for side in (BUY, SELL):
        shown = [(p, q) for p, q in sorted(levels[side].items(), reverse=side == BUY) if q]
        ours = dict(market.book.levels(side, 5_000))
        touch = market.book.levels(side, 1)[0][0]
        near = [(p, q) for p, q in shown if (touch - p) * side >= 0][:200]
        assert [(p, ours.get(p)) for p, _ in near] == near
