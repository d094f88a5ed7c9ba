"""USD-M futures orders: place, change, cancel, in batches, and the countdown that cancels when a client falls silent."""

from typing import TYPE_CHECKING, Any

import orjson

from b25.venue.exchange.errors import VenueError
from b25.venue.exchange.orders import Order
from b25.venue.wire import render_linear
from b25.venue.wire.new_order import LINEAR_NAMES, PRICE_MATCHES, SIDES, linear_order
from b25.venue.wire.parameters import CLIENT_ID, INTEGER_MAX, Parameters, illegal, invalid
from b25.venue.wire.route import Call, RouteTable

if TYPE_CHECKING:
    from b25.venue.exchange.linear_desk import LinearDesk

TABLE = RouteTable("linear", "/fapi/v1")
PLACE_BATCH_MAX = 5
CANCEL_BATCH_MAX = 10
_KNOWN = frozenset(LINEAR_NAMES.split())
_DONE = {"code": 200, "msg": "The operation of cancel all open order is done."}


def _desk(call: Call) -> "LinearDesk":
    return call.core.exchange.linear_orders


def _placed(order: Order, response: str | None) -> dict[str, Any]:
    """What a new order is told; ACK tells only that it was taken."""
    row = render_linear.placed(order)
    if response != "RESULT":
        nothing = order.listing.qty_text(0)
        row |= {"status": "NEW", "executedQty": nothing, "cumQty": nothing}
    return row


@TABLE.trade("POST", "/order", LINEAR_NAMES, 0)
def place(call: Call) -> dict[str, Any]:
    """A new order."""
    request = linear_order(call.parameters)
    call.check_orders()
    order = _desk(call).place(call.account, request)
    call.count_orders()
    return _placed(order, request.response)


@TABLE.trade("POST", "/order/test", LINEAR_NAMES, 0)
def test(call: Call) -> dict[str, Any]:
    """All checks of a new order, and no order."""
    _desk(call).test(call.account, linear_order(call.parameters))
    return {}


_AMEND_NAMES = "orderId origClientOrderId symbol side quantity price priceMatch"


def _amended(call: Call, parameters: Parameters) -> Order:
    order_id, client_id = parameters.integer("orderId"), parameters.text("origClientOrderId")
    if order_id is None and client_id is None:
        raise VenueError(-1102, "Param 'origClientOrderId' or 'orderId' must be sent, but both were empty/null!")
    return _desk(call).amend(
        call.account,
        parameters.need_symbol(),
        parameters.need_choice("side", SIDES, VenueError(-1117, "Invalid side.")),
        order_id=order_id,
        client_id=client_id,
        quantity=parameters.decimal("quantity"),
        price=parameters.decimal("price"),
        price_match=parameters.choice("priceMatch", PRICE_MATCHES) or "NONE",
    )


@TABLE.trade("PUT", "/order", _AMEND_NAMES)
def amend(call: Call) -> dict[str, Any]:
    """Another price or quantity."""
    call.check_orders()
    order = _amended(call, call.parameters)
    call.count_orders()
    return render_linear.modified(order)


@TABLE.trade("DELETE", "/order", "symbol orderId origClientOrderId")
def cancel(call: Call) -> dict[str, Any]:
    """Take one order out."""
    return render_linear.placed(_desk(call).cancel(call.account, call.parameters.need_symbol(), **call.order_named()))


@TABLE.trade("DELETE", "/allOpenOrders", "symbol")
def cancel_all(call: Call) -> dict[str, Any]:
    """Take all orders of a symbol out; that there were none is no error."""
    _desk(call).cancel_all(call.account, call.listing().name)
    return _DONE


@TABLE.trade("POST", "/batchOrders", "batchOrders", 5)
def place_batch(call: Call) -> list[dict[str, Any]]:
    """Up to five orders, each judged by itself."""
    rows = _batch(call.parameters, PLACE_BATCH_MAX)
    call.check_orders(len(rows))
    answers = []
    for number, row in enumerate(rows, 1):
        try:
            _fail_some(call, number)
            parameters = Parameters.of(row)
            parameters.refuse_unknown(_KNOWN)
            request = linear_order(parameters)
            answers.append(_placed(_desk(call).place(call.account, request), request.response))
            call.count_orders()
        except VenueError as error:
            answers.append({"code": error.code, "msg": error.msg})
    return answers


@TABLE.trade("PUT", "/batchOrders", "batchOrders", 5)
def amend_batch(call: Call) -> list[dict[str, Any]]:
    """Up to five changes, each judged by itself."""
    rows = _batch(call.parameters, PLACE_BATCH_MAX)
    call.check_orders(len(rows))
    answers = []
    for number, row in enumerate(rows, 1):
        try:
            _fail_some(call, number)
            parameters = Parameters.of(row)
            parameters.refuse_unknown(frozenset(_AMEND_NAMES.split()))
            answers.append(render_linear.modified(_amended(call, parameters)))
            call.count_orders()
        except VenueError as error:
            answers.append({"code": error.code, "msg": error.msg})
    return answers


@TABLE.trade("DELETE", "/batchOrders", "symbol orderIdList orderidlist origClientOrderIdList origclientorderidlist")
def cancel_batch(call: Call) -> list[dict[str, Any]]:
    """Up to ten cancels by id or by the client's id."""
    listing = call.listing()
    ids = _list_of(call.parameters, "orderIdList")
    client_ids = _list_of(call.parameters, "origClientOrderIdList")
    if ids is None and client_ids is None:
        raise VenueError(-1102, "Param 'orderIdList' or 'origClientOrderIdList' must be sent, but both were empty/null!")
    answers = []
    named: list[dict[str, Any]] = [{"order_id": _order_id(one)} for one in ids] if ids is not None else []
    named = named or [{"client_id": _client_id(one)} for one in client_ids or []]
    for number, which in enumerate(named, 1):
        try:
            _fail_some(call, number)
            answers.append(render_linear.placed(_desk(call).cancel(call.account, listing.name, **which)))
        except VenueError as error:
            answers.append({"code": error.code, "msg": error.msg})
    return answers


def _fail_some(call: Call, number: int) -> None:
    """The fault `batch_partial`: every n-th order of a batch fails."""
    if not call.core.faults.is_on("batch_partial"):
        return
    fault = call.core.faults.draw("batch_partial", call.route.name, call.account.name)
    if fault is not None and number % max(1, int(fault.values["every"])) == 0:
        raise VenueError(int(fault.values["code"]), "Internal error; unable to process your request. Please try again.")


def _batch(parameters: Parameters, at_most: int) -> list[dict[str, Any]]:
    """The JSON list of a batch."""
    try:
        rows = orjson.loads(parameters.need("batchOrders"))
    except orjson.JSONDecodeError:
        raise invalid("batchOrders") from None
    if not isinstance(rows, list) or not rows or not all(isinstance(row, dict) for row in rows):
        raise invalid("batchOrders")
    if len(rows) > at_most:
        raise VenueError(-4082, "Invalid number of batch place orders.")
    return rows


def _list_of(parameters: Parameters, name: str) -> list[Any] | None:
    """A JSON list, in the spelling of the documents or in lower case."""
    text = parameters.text(name) or parameters.text(name.lower())
    if text is None:
        return None
    try:
        rows = orjson.loads(text)
    except orjson.JSONDecodeError:
        raise invalid(name) from None
    if not isinstance(rows, list) or not rows:
        raise invalid(name)
    if len(rows) > CANCEL_BATCH_MAX:
        raise VenueError(-4083, "Invalid number of batch cancel orders.")
    return rows


def _order_id(value: Any) -> int:
    text = str(value)
    if isinstance(value, bool) or not (text.isascii() and text.isdigit()) or len(text) > 20 or int(text) > INTEGER_MAX:
        raise invalid("orderIdList")
    return int(text)


def _client_id(value: Any) -> str:
    if not isinstance(value, str) or CLIENT_ID.fullmatch(value) is None:
        raise illegal("origClientOrderIdList", CLIENT_ID)
    return value


@TABLE.trade("POST", "/countdownCancelAll", "symbol countdownTime", 10)
def countdown(call: Call) -> dict[str, Any]:
    """Cancel all orders of a symbol unless asked again in time; 0 calls it off."""
    listing = call.listing()
    countdown_ms = call.parameters.need_integer("countdownTime")
    _desk(call).countdown(call.account, listing.name, countdown_ms)
    return {"symbol": listing.name, "countdownTime": str(countdown_ms)}
