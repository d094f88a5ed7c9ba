"""Conditional orders of USD-M futures."""

from typing import TYPE_CHECKING, Any

from b25.venue.wire import render_linear
from b25.venue.wire.new_order import ALGO_NAMES, algo_order
from b25.venue.wire.parameters import Parameters
from b25.venue.wire.route import Call, RouteTable

if TYPE_CHECKING:
    from b25.venue.exchange.algo_desk import AlgoDesk

TABLE = RouteTable("linear", "/fapi/v1")


def _desk(call: Call) -> "AlgoDesk":
    return call.core.exchange.linear_algos


def _named(call: Call) -> dict[str, Any]:
    named = call.order_named("algoId", "clientAlgoId")
    return {"algo_id": named["order_id"], "client_id": named["client_id"]}


@TABLE.trade("POST", "/algoOrder", ALGO_NAMES, 0)
def place(call: Call) -> dict[str, Any]:
    """A new conditional order."""
    request = algo_order(call.parameters)
    call.check_orders()
    algo = _desk(call).place(call.account, request)
    call.count_orders()
    return render_linear.algo_placed(algo)


@TABLE.trade("DELETE", "/algoOrder", "algoId clientAlgoId symbol")
def cancel(call: Call) -> dict[str, Any]:
    """Take one out."""
    call.maybe_listing()
    return render_linear.algo_cancelled(_desk(call).cancel(call.account, **_named(call)))


@TABLE.trade("DELETE", "/algoOpenOrders", "symbol")
def cancel_all(call: Call) -> dict[str, Any]:
    """Take all of a symbol out; that there were none is no error."""
    _desk(call).cancel_all(call.account, call.listing().name)
    return {"code": 200, "msg": "The operation of cancel all open order is done."}


@TABLE.read("/algoOrder", "algoId clientAlgoId symbol", lagged=True)
def order(call: Call) -> dict[str, Any]:
    """One conditional order."""
    call.maybe_listing()
    return render_linear.algo_queried(_desk(call).order(call.account, **_named(call)))


def _open_weight(parameters: Parameters) -> int:
    return 1 if parameters.values.get("symbol") else 40


@TABLE.read("/openAlgoOrders", "algoType symbol algoId", _open_weight, lagged=True)
def open_orders(call: Call) -> list[dict[str, Any]]:
    """Conditional orders that wait."""
    call.parameters.choice("algoType", ("CONDITIONAL",))
    listing = call.maybe_listing()
    algo_id = call.parameters.integer("algoId")
    orders = _desk(call).open_orders(call.account, listing.name if listing else None, algo_id)
    return [render_linear.algo_queried(algo) for algo in orders]


@TABLE.read("/allAlgoOrders", "symbol algoId startTime endTime page limit", 5, lagged=True)
def all_orders(call: Call) -> list[dict[str, Any]]:
    """Conditional orders of a symbol, in pages."""
    listing = call.listing()
    call.parameters.integer("page")
    orders = _desk(call).all_orders(call.account, listing.name, algo_id=call.parameters.integer("algoId"), **call.page())
    return [render_linear.algo_queried(algo) for algo in orders]
