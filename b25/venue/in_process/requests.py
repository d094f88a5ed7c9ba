"""The port's orders as requests of the exchange, in the types that ccxt would choose."""

from b25.model.order import Tif
from b25.venue.exchange.listing import Listing
from b25.venue.exchange.orders import NewAlgoOrder
from b25.venue.exchange.orders import NewOrder as Request
from b25.venue.in_process.reports import listing_report
from b25.venue.port.requests import NewOrder, SelfTrade


def plain_order(order: NewOrder, listed: Listing, market: str) -> Request:
    """An order of the book, or on spot a stop."""
    instrument = listing_report(listed).instrument
    kind, tif = ("MARKET", None) if order.is_market else ("LIMIT", order.tif.name)
    if order.stop_ticks:
        kind = "TAKE_PROFIT" if order.take_profit else "STOP_LOSS"
        kind += "" if order.is_market else "_LIMIT"
    elif order.post_only and market == "spot":
        kind, tif = "LIMIT_MAKER", None
    elif order.post_only:
        tif = "GTX"
    return Request(
        symbol=listed.name,
        side="BUY" if order.side > 0 else "SELL",
        type=kind,
        tif=tif,
        quantity=instrument.quantity(order.qty_lots),
        price=None if order.is_market else instrument.price(order.price_ticks),
        stop_price=instrument.price(order.stop_ticks) if order.stop_ticks else None,
        client_id=order.client_id,
        stp=None if order.self_trade is SelfTrade.NONE else str(order.self_trade),
        reduce_only=order.reduce_only and market == "linear",
    )


def algo_order(order: NewOrder, listed: Listing) -> NewAlgoOrder:
    """A stop of futures, which waits in a book of its own."""
    instrument = listing_report(listed).instrument
    kind = "TAKE_PROFIT" if order.take_profit else "STOP"
    return NewAlgoOrder(
        symbol=listed.name,
        side="BUY" if order.side > 0 else "SELL",
        type=f"{kind}_MARKET" if order.is_market else kind,
        tif=None if order.is_market else "GTX" if order.post_only else Tif(order.tif).name,
        quantity=instrument.quantity(order.qty_lots),
        price=None if order.is_market else instrument.price(order.price_ticks),
        trigger_price=instrument.price(order.stop_ticks),
        client_id=order.client_id,
        stp=None if order.self_trade is SelfTrade.NONE else str(order.self_trade),
        reduce_only=order.reduce_only,
    )
