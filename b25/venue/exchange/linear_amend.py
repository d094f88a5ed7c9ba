"""PUT /fapi/v1/order: another price or quantity for a resting order."""

from dataclasses import replace
from decimal import Decimal
from typing import TYPE_CHECKING, Final

from b25.model.event import BUY
from b25.model.matching import MatchKind
from b25.venue.exchange import errors
from b25.venue.exchange.accounts import Account
from b25.venue.exchange.linear_checks import check_affordable, closes_only
from b25.venue.exchange.linear_request import check_band, check_min_notional, matched_price, price_ticks, quantity_lots
from b25.venue.exchange.orders import Order

if TYPE_CHECKING:
    from b25.venue.exchange.linear_desk import LinearDesk

MODIFICATIONS_MAX: Final = 10_000


def amend_order(
    desk: "LinearDesk",
    account: Account,
    order: Order,
    side: str,
    *,
    quantity: Decimal | None,
    price: Decimal | None,
    price_match: str,
) -> Order:
    """Modify an open limit order; a quantity not above what is executed cancels it, and so does a GTX that would take."""
    listing = order.listing
    if quantity is None:
        raise errors.MANDATORY.error("quantity")
    if price is None and price_match == "NONE":
        raise errors.MANDATORY.error("price")
    if side != order.side:
        raise errors.INVALID_DATA.error("side")
    if not order.is_open:
        raise errors.NO_ORDER.error()
    desk.check_may_place(account, listing)
    lots = quantity_lots(listing, quantity, market=False)
    ticks = matched_price(listing, order.sign, price_match) if price is None else price_ticks(listing, price)
    if lots == order.qty_lots and ticks == order.price_ticks:
        raise errors.NOTHING_TO_MODIFY.error()
    if order.modifications >= MODIFICATIONS_MAX:
        raise errors.MAX_MODIFICATIONS.error()
    check_band(listing, order.sign, ticks)
    leaves = lots - order.filled_lots - order.prevented_lots
    best = listing.best_ask_ticks if order.sign == BUY else listing.best_bid_ticks
    would_take = order.tif == "GTX" and best and (ticks - best) * order.sign >= 0
    if leaves <= 0 or would_take:
        desk.pull(order)
        return order.snapshot()
    if not closes_only(order):
        check_min_notional(listing, ticks, lots)
        wanted = replace(order, qty_lots=lots, price_ticks=ticks)
        check_affordable(account, desk.exchange.linear, wanted, ticks, replaced=order)
    order.qty_lots, order.price_ticks, order.price_match = lots, ticks, price_match
    order.modifications += 1
    order.updated_ms = desk.exchange.now_ms
    desk.report(account, order, "AMENDMENT")
    events = listing.book.amend(order.order_id, leaves, ticks)
    assert events[0].kind == MatchKind.AMENDED
    desk.exchange.apply(listing, events)
    return desk.placed(order)
