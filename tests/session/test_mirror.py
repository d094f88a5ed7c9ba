"""The mirror of paper trading keeps the market that it is shown, however large that becomes."""

import numpy as np

from b25.model.event import BUY, DEPTH, LAST_OF_MESSAGE, ROW, SELL
from b25.model.instrument import Instrument
from b25.session.paper import MirrorFlow
from b25.venue.exchange.exchange import Exchange
from b25.venue.exchange.listings import listing_of

PERP = Instrument(venue="binanceusdm", symbol="BTC/USDT:USDT", tick="0.1", lot="0.001")  # type: ignore[arg-type]
MID = 600_000


def levels(side, count, lots):
    rows = np.zeros(count, ROW)
    rows["kind"], rows["side"], rows["qty_lots"] = DEPTH, side, lots
    rows["price_ticks"] = MID - side * (1 + np.arange(count))
    rows["flags"][-1] = LAST_OF_MESSAGE
    return rows


def test_a_book_that_outgrows_its_room_is_mirrored_whole():
    listing = listing_of(PERP)
    mirror = MirrorFlow(Exchange([listing], now_ms=0), listing, PERP, queue="risk_adverse")
    before = mirror.book.arrays.orders.shape[0]
    mirror.show(levels(BUY, 2 * before, 5))
    for side, count in ((SELL, 3 * before), (BUY, before)):
        mirror.show(levels(side, count, 7))
    assert mirror.book.arrays.orders.shape[0] > before
    assert (mirror.book.best_bid_ticks, mirror.book.best_ask_ticks) == (MID - 1, MID + 1)
    assert mirror.book.level_lots(BUY, MID - 1) == 7
    assert mirror.book.level_lots(BUY, MID - 2 * before) == 5
    assert mirror.book.level_lots(SELL, MID + 3 * before) == 7
