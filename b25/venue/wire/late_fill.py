"""A fill that comes between a cancel's leaving the client and its reaching the venue."""

from typing import TYPE_CHECKING

from b25.model.event import BUY, SELL
from b25.model.order import Tif
from b25.venue.exchange.errors import VenueError
from b25.venue.wire.route import Call

if TYPE_CHECKING:
    from b25.venue.exchange.orders import Order

CROWD = 0
COMMANDS_MAX = 500


def fill_before_cancel(call: Call, share: float) -> None:
    """Let the crowd take a share of the order that a cancel is about to name; nothing when it names none."""
    exchange = call.core.exchange
    desk = exchange.spot_orders if call.route.market == "spot" else exchange.linear_orders
    try:
        named = call.order_named()
        order: Order = desk.order(call.account, call.parameters.need_symbol(), **named)
    except VenueError:
        return
    if not order.is_open or not order.price_ticks:
        return
    listing, side = order.listing, SELL if order.sign == BUY else BUY
    rests = listing.book.leaves_lots(order.order_id)
    wanted = rests - min(rests, max(1, int(rests * share)))
    for _ in range(COMMANDS_MAX):
        left = listing.book.leaves_lots(order.order_id) - wanted
        if left <= 0:
            return
        # Never more than the order shall lose: what stands before it in the queue is taken first, by and by.
        events = listing.book.submit(listing.next_order_id(), CROWD, side, left, order.price_ticks, tif=Tif.IOC)
        exchange.apply_external(listing, events)
