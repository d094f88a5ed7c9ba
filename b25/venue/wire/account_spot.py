"""What a spot account can ask about itself: balances, orders, trades, limits. These reads may lag behind the matching core."""

from typing import TYPE_CHECKING, Any

from b25.venue.exchange.errors import NO_ORDER
from b25.venue.wire import render_spot
from b25.venue.wire.parameters import Parameters
from b25.venue.wire.route import Call, RouteTable

if TYPE_CHECKING:
    from b25.venue.exchange.spot_desk import SpotDesk

TABLE = RouteTable("spot", "/api/v3")


def _desk(call: Call) -> "SpotDesk":
    return call.core.exchange.spot_orders


@TABLE.read("/account", "omitZeroBalances", 20, lagged=True)
def account(call: Call) -> dict[str, Any]:
    """Balances and fees."""
    assert call.key is not None
    owner = call.account
    states = _desk(call).balances(owner)
    if call.as_of_ms is not None:
        states = [call.core.past.asset(owner.account_id, state, call.as_of_ms) for state in states]
    first = next(iter(call.listings.values()), None)
    fees = _desk(call).fees_ppm(owner, first.name) if first else (0, 0)
    shown = render_spot.account(
        owner, states, fees, {"withdrawals": call.key.withdrawals}, omit_zero=call.parameters.flag("omitZeroBalances")
    )
    if not any(state.free or state.locked for state in states):
        known = {row["asset"] for row in shown["balances"]}
        shown["balances"] += [
            {"asset": asset, "free": render_spot.ZERO, "locked": render_spot.ZERO}
            for asset in _assets(call)
            if asset not in known and not call.parameters.flag("omitZeroBalances")
        ]
    return shown


def _assets(call: Call) -> list[str]:
    return list(dict.fromkeys(asset for listing in call.listings.values() for asset in (listing.base, listing.quote)))


@TABLE.read("/order", "symbol orderId origClientOrderId", 4, lagged=True)
def order(call: Call) -> dict[str, Any]:
    """One order."""
    found = _desk(call).order(call.account, call.parameters.need_symbol(), **call.order_named())
    if call.as_of_ms is not None:
        then = call.core.past.order(found, call.as_of_ms)
        if then is None:
            raise NO_ORDER.error()
        found = then
    return render_spot.queried(found)


def _open_weight(parameters: Parameters) -> int:
    return 6 if parameters.values.get("symbol") else 80


@TABLE.read("/openOrders", "symbol", _open_weight, lagged=True)
def open_orders(call: Call) -> list[dict[str, Any]]:
    """Orders that can still trade."""
    listing = call.maybe_listing()
    name = listing.name if listing else None
    orders = _desk(call).open_orders(call.account, name)
    if call.as_of_ms is not None:
        orders = call.core.past.open_orders("spot", call.account.account_id, name, call.as_of_ms, orders)
    return [render_spot.queried(one) for one in orders]


@TABLE.read("/allOrders", "symbol orderId startTime endTime limit", 20, lagged=True)
def all_orders(call: Call) -> list[dict[str, Any]]:
    """Orders of a symbol, in pages."""
    listing = call.listing()
    orders = _desk(call).all_orders(call.account, listing.name, order_id=call.parameters.integer("orderId"), **call.page())
    if call.as_of_ms is not None:
        orders = call.core.past.orders(orders, call.as_of_ms)
    return [render_spot.queried(one) for one in orders]


def _trades_weight(parameters: Parameters) -> int:
    return 5 if parameters.values.get("orderId") else 20


@TABLE.read("/myTrades", "symbol orderId startTime endTime fromId limit", _trades_weight, lagged=True)
def my_trades(call: Call) -> list[dict[str, Any]]:
    """The account's trades of a symbol, in pages."""
    listing = call.listing()
    fills = _desk(call).my_trades(
        call.account,
        listing.name,
        order_id=call.parameters.integer("orderId"),
        from_id=call.parameters.integer("fromId"),
        **call.page(),
    )
    if call.as_of_ms is not None:
        fills = call.core.past.fills(fills, call.as_of_ms)
    return [render_spot.my_trade(listing, fill) for fill in fills]


@TABLE.read("/rateLimit/order", "", 40)
def order_count(call: Call) -> list[dict[str, Any]]:
    """How many unfilled orders are counted now."""
    return call.core.limits.order_rows("spot", str(call.account.account_id), call.now_ms)


@TABLE.read("/myPreventedMatches", "symbol preventedMatchId orderId fromPreventedMatchId limit", 20)
def prevented(call: Call) -> list[dict[str, Any]]:
    """Matches that self-trade prevention forbade; the venue keeps no list of them."""
    call.listing()
    return []


@TABLE.read("/myAllocations", "symbol startTime endTime fromAllocationId limit orderId", 20)
def allocations(call: Call) -> list[dict[str, Any]]:
    """Allocations by smart order routing, which does not exist here."""
    call.listing()
    return []


@TABLE.read("/openOrderList", "", 6)
def open_lists(call: Call) -> list[dict[str, Any]]:
    """Order lists, which do not exist here."""
    return []


@TABLE.read("/allOrderList", "fromId startTime endTime limit", 20)
def all_lists(call: Call) -> list[dict[str, Any]]:
    """Order lists, which do not exist here."""
    return []
