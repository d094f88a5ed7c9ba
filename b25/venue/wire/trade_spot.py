"""Spot orders: place, test, cancel, cancel-replace, amend."""

from typing import TYPE_CHECKING, Any

from b25.venue.exchange.errors import VenueError
from b25.venue.exchange.orders import Order
from b25.venue.wire import render_spot
from b25.venue.wire.new_order import SPOT_NAMES, spot_order
from b25.venue.wire.route import Call, RouteTable

if TYPE_CHECKING:
    from b25.venue.exchange.spot_desk import SpotDesk

TABLE = RouteTable("spot", "/api/v3")
_RESTRICTIONS = ("ONLY_NEW", "ONLY_PARTIALLY_FILLED")


def _desk(call: Call) -> "SpotDesk":
    return call.core.exchange.spot_orders


@TABLE.trade("POST", "/order", SPOT_NAMES)
def place(call: Call) -> dict[str, Any]:
    """A new order."""
    request = spot_order(call.parameters)
    call.check_orders()
    order = _desk(call).place(call.account, request)
    call.count_orders()
    return render_spot.placed(order, request.response)


@TABLE.trade("POST", "/order/test", SPOT_NAMES + " computeCommissionRates")
def test(call: Call) -> dict[str, Any]:
    """All checks of a new order, and no order."""
    request = spot_order(call.parameters)
    _desk(call).test(call.account, request)
    if not call.parameters.flag("computeCommissionRates"):
        return {}
    return {**commission_rates(call, request.symbol), "specialCommissionForOrder": _rates(0, 0)}


@TABLE.trade("DELETE", "/order", "symbol orderId origClientOrderId newClientOrderId cancelRestrictions")
def cancel(call: Call) -> dict[str, Any]:
    """Take one order out."""
    order = _desk(call).cancel(
        call.account,
        call.parameters.need_symbol(),
        **call.order_named(),
        new_client_id=call.parameters.client_id("newClientOrderId"),
        restrictions=call.parameters.choice("cancelRestrictions", _RESTRICTIONS),
    )
    return render_spot.cancelled(order, order.cancel_client_id)


@TABLE.trade("DELETE", "/openOrders", "symbol")
def cancel_all(call: Call) -> list[dict[str, Any]]:
    """Take all orders of a symbol out."""
    orders = _desk(call).cancel_all(call.account, call.parameters.need_symbol())
    return [render_spot.cancelled(order, order.cancel_client_id) for order in orders]


_REPLACE_NAMES = (
    f"{SPOT_NAMES} cancelReplaceMode cancelNewClientOrderId cancelOrigClientOrderId cancelOrderId cancelRestrictions "
    "orderRateLimitExceededMode"
)


@TABLE.trade("POST", "/order/cancelReplace", _REPLACE_NAMES)
def cancel_replace(call: Call) -> dict[str, Any]:
    """Take an order out and place another."""
    parameters = call.parameters
    mode = parameters.need_choice("cancelReplaceMode", ("STOP_ON_FAILURE", "ALLOW_FAILURE"))
    request = spot_order(parameters)
    named = call.order_named("cancelOrderId", "cancelOrigClientOrderId")
    over = parameters.choice("orderRateLimitExceededMode", ("DO_NOTHING", "CANCEL_ONLY")) or "DO_NOTHING"
    refused: VenueError | None = None
    try:
        call.check_orders()
    except VenueError as error:
        if over == "DO_NOTHING":
            raise
        refused = error
    try:
        replaced = _desk(call).cancel_replace(
            call.account,
            request,
            mode=mode,
            **named,
            cancel_new_client_id=parameters.client_id("cancelNewClientOrderId"),
            restrictions=parameters.choice("cancelRestrictions", _RESTRICTIONS),
            placing_refused=refused,
        )
    except VenueError as error:
        raise _rendered(call, error, request.response, refused) from None
    call.count_orders()
    return {
        "cancelResult": "SUCCESS",
        "newOrderResult": "SUCCESS",
        "cancelResponse": _half(replaced.cancelled, request.response, is_cancel=True),
        "newOrderResponse": _half(replaced.placed, request.response, is_cancel=False),
    }


def _rendered(call: Call, error: VenueError, response: str | None, refused: VenueError | None) -> VenueError:
    """The error of a cancel-replace with its two halves rendered; 429 when the order count stood in the way."""
    if error.data is None:
        return error
    if error.data.get("newOrderResult") == "SUCCESS":
        call.count_orders()
    data = {
        **error.data,
        "cancelResponse": _half(error.data.get("cancelResponse"), response, is_cancel=True),
        "newOrderResponse": _half(error.data.get("newOrderResponse"), response, is_cancel=False),
    }
    http = refused.http if refused is not None and data["cancelResult"] == "SUCCESS" else error.http
    return VenueError(error.code, error.msg, http, data)


def _half(half: Order | VenueError | None, response: str | None, *, is_cancel: bool) -> dict[str, Any] | None:
    if half is None:
        return None
    if isinstance(half, VenueError):
        return {"code": half.code, "msg": half.msg}
    return render_spot.cancelled(half, half.cancel_client_id) if is_cancel else render_spot.placed(half, response)


@TABLE.trade("PUT", "/order/amend/keepPriority", "symbol orderId origClientOrderId newClientOrderId newQty", 4)
def amend(call: Call) -> dict[str, Any]:
    """Make an order smaller; it keeps its place in the queue."""
    order = _desk(call).amend(
        call.account,
        call.parameters.need_symbol(),
        call.parameters.need_decimal("newQty"),
        **call.order_named(),
        new_client_id=call.parameters.client_id("newClientOrderId"),
    )
    row = render_spot.queried(order)
    shown = {name: row[name] for name in ("symbol", "orderId", "orderListId")}
    shown |= {"origClientOrderId": call.parameters.text("origClientOrderId") or order.client_id, "clientOrderId": order.client_id}
    shown |= {"price": row["price"], "qty": row["origQty"], "executedQty": row["executedQty"], "preventedQty": render_spot.ZERO}
    shown |= {"quoteOrderQty": row["origQuoteOrderQty"], "cumulativeQuoteQty": row["cummulativeQuoteQty"]}
    shown |= {name: row[name] for name in ("status", "timeInForce", "type", "side", "workingTime", "selfTradePreventionMode")}
    return {"transactTime": order.updated_ms, "executionId": order.listing.last_execution_id, "amendedOrder": shown}


def _rates(maker_ppm: int, taker_ppm: int) -> dict[str, str]:
    zero = render_spot.ZERO
    return {"maker": render_spot.rate_text(maker_ppm), "taker": render_spot.rate_text(taker_ppm), "buyer": zero, "seller": zero}


def commission_rates(call: Call, symbol: str) -> dict[str, Any]:
    """Commissions of an account for a symbol."""
    return {
        "standardCommissionForOrder": _rates(*_desk(call).fees_ppm(call.account, symbol)),
        "taxCommissionForOrder": _rates(0, 0),
        "discount": {"enabledForAccount": False, "enabledForSymbol": False, "discountAsset": "BNB", "discount": "0.75000000"},
    }


@TABLE.read("/account/commission", "symbol", 20)
def commission(call: Call) -> dict[str, Any]:
    """Commissions of the account for a symbol."""
    listing = call.listing()
    rates = commission_rates(call, listing.name)
    return {
        "symbol": listing.name,
        "standardCommission": rates["standardCommissionForOrder"],
        "specialCommission": _rates(0, 0),
        "taxCommission": rates["taxCommissionForOrder"],
        "discount": rates["discount"],
    }
