"""The market data of a session as metrics: what came, what was wrong, how old it is, how the books stand."""

from __future__ import annotations

from typing import TYPE_CHECKING

from b25.market.feed.news import Kind
from b25.model.event import NO_ASK_TICKS, NO_BID_TICKS
from b25.observe.meter import Meter

if TYPE_CHECKING:
    from b25.runner.live import LiveLoop


def read_feed(loop: LiveLoop, meter: Meter) -> None:
    """Tell of the feed and of the books."""
    machine, now_ns = loop.session.machine, loop.clock_ns()
    meter.total("b25_feed_messages_total", loop.messages)
    for kind in Kind:
        meter.total("b25_feed_news_total", loop.news_heard.get(str(kind), 0), kind=str(kind).replace(" ", "_"))
    for i, one in enumerate(machine.instruments):
        book = machine.world.books[i]
        bid, ask = int(book["best_bid_ticks"]), int(book["best_ask_ticks"])
        bids, asks = int(book["best_bid_lots"]), int(book["best_ask_lots"])
        whole = bid != NO_BID_TICKS and ask != NO_ASK_TICKS
        meter.set("b25_feed_book_healthy", int(book["health"]) == 0 and whole, symbol=one.symbol)
        meter.set("b25_feed_spread_ratio", 2 * (ask - bid) / (ask + bid) if whole and ask + bid else None, symbol=one.symbol)
        balance = (bids - asks) / (bids + asks) if whole and bids + asks > 0 else None
        meter.set("b25_feed_imbalance_ratio", balance, symbol=one.symbol)
        meter.set("b25_feed_levels", int(book["bid_levels"]), symbol=one.symbol, side="bid")
        meter.set("b25_feed_levels", int(book["ask_levels"]), symbol=one.symbol, side="ask")
    if loop.feed is None:
        return
    meter.total("b25_feed_refused_total", sum(sum(book.desk.refused.values()) for book in loop.feed.books))
    sockets = [socket for line in getattr(loop.feed, "lines", ()) for socket in line.sockets.values()]
    if sockets or hasattr(loop.feed, "lines"):  # ccxt does not tell of its own
        meter.set("b25_feed_connected_sockets", sum(1 for socket in sockets if socket.opened_ns))
    for book, one in zip(loop.feed.books, machine.instruments, strict=True):
        state, newest_ns = book.desk.state, book.newest_ns()
        meter.total("b25_feed_gaps_total", int(state["gaps"]), symbol=one.symbol)
        meter.total("b25_feed_snapshots_total", int(state["snapshots"]), symbol=one.symbol)
        meter.set("b25_feed_data_age_seconds", max(0, now_ns - newest_ns) / 1e9 if newest_ns else None, symbol=one.symbol)
