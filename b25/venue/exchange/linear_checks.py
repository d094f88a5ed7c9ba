"""Whether a futures account may have one more order: reduce-only, margin, and the largest position at its leverage."""

from b25.model.event import BUY
from b25.venue.exchange import errors
from b25.venue.exchange.accounts import Account
from b25.venue.exchange.brackets import max_notional
from b25.venue.exchange.linear_request import reference_ticks
from b25.venue.exchange.listing import Listing
from b25.venue.exchange.margin import asset_margin, exposure, is_opening, open_ticklots
from b25.venue.exchange.money import ceil_share
from b25.venue.exchange.orders import Order


def closes_only(order: Order) -> bool:
    """Whether an order may only make a position smaller: reduce-only, or against its side in hedge mode."""
    return not is_opening(order)


def check_affordable(
    account: Account, listings: dict[str, Listing], order: Order, price_ticks: int, replaced: Order | None = None
) -> None:
    """-2027 or -2019 when position and opening orders would become too large, or would take more margin than there is.

    Parameters
    ----------
    price_ticks : int
        Price at which the order is assumed to trade.
    replaced : Order, optional
        The order whose place it takes when an order is modified.
    """
    listing = order.listing
    setting = account.linear.setting(listing.name)
    position = account.linear.position(listing, order.position_side)
    mark = reference_ticks(listing)
    value = position.lots * mark
    others = account.linear_store.open_orders(listing.name)
    bid, ask = open_ticklots(others, order.position_side, without=replaced)
    before = exposure(order.position_side, value, bid, ask)
    if replaced is not None:
        old = replaced.price_ticks * replaced.leaves_lots
        old_bid, old_ask = (bid + old, ask) if order.sign == BUY else (bid, ask + old)
        before = exposure(order.position_side, value, old_bid, old_ask)
    added = price_ticks * order.leaves_lots
    if order.sign == BUY:
        bid += added
    else:
        ask += added
    after = exposure(order.position_side, value, bid, ask)
    if after <= before:
        return
    if listing.notional(after) > max_notional(listing.brackets, setting.leverage):
        raise errors.MAX_POSITION.error()
    taken = ceil_share(listing.notional(after), 1, setting.leverage) - ceil_share(listing.notional(before), 1, setting.leverage)
    opening_loss = listing.notional(max(0, (price_ticks - mark) * order.sign) * order.leaves_lots)
    if taken + opening_loss > asset_margin(account, listings, listing.quote).available:
        raise errors.MARGIN_INSUFFICIENT.error()
