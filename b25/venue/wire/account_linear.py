"""What a futures account can ask about itself: balances, positions, orders, trades, income, fees. These reads may lag."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from b25.venue.exchange.errors import NO_ORDER
from b25.venue.exchange.orders import Order
from b25.venue.wire import render_linear, render_margin
from b25.venue.wire.parameters import Parameters
from b25.venue.wire.route import Call, RouteTable

if TYPE_CHECKING:
    from b25.venue.exchange.linear_desk import LinearDesk
    from b25.venue.exchange.listing import Listing

V1, V2, V3 = (RouteTable("linear", f"/fapi/v{version}") for version in (1, 2, 3))
TABLES = (V1, V2, V3)


def _desk(call: Call) -> "LinearDesk":
    return call.core.exchange.linear_orders


def _listings(call: Call) -> "list[Listing]":
    one = call.maybe_listing()
    return [one] if one else list(call.listings.values())


# -- money and positions --------------------------------------------------------------------------


@V2.read("/balance", "", 5, lagged=True)
def balance_v2(call: Call) -> list[dict[str, Any]]:
    """Balances by asset."""
    rows: list[dict[str, Any]] = balance(call)
    return rows


@V3.read("/balance", "", 5, lagged=True)
def balance(call: Call) -> list[dict[str, Any]]:
    """Balances by asset."""
    state = call.core.exchange.linear_views.account(call.account)
    return [render_margin.balance(call.account.account_id, row, state.updated_ms) for row in state.assets]


@V3.read("/account", "", 5, lagged=True)
def account(call: Call) -> dict[str, Any]:
    """Sums, assets and positions."""
    state = call.core.exchange.linear_views.account(call.account)
    return render_margin.account(state)


@V2.read("/account", "", 5, lagged=True)
def account_v2(call: Call) -> dict[str, Any]:
    """The same with what the account may do, and every symbol, held or not."""
    state = call.core.exchange.linear_views.account(call.account)
    shown = render_margin.account(state)
    held = {(risk.state.listing.name, risk.state.position_side): risk for risk in state.positions}
    sides = ("LONG", "SHORT") if call.account.linear.hedge else ("BOTH",)
    shown["positions"] = [
        render_margin.account_position_v2(call.account, listing, side, held.get((listing.name, side)))
        for listing in call.listings.values()
        for side in sides
    ]
    flags = {"feeTier": 0, "feeBurn": False, "canTrade": call.account.can_trade, "canDeposit": True, "canWithdraw": True}
    return {**flags, "updateTime": 0, "multiAssetsMargin": False, "tradeGroupId": -1, **shown}


@V3.read("/positionRisk", "symbol", 5, lagged=True)
def position_risk(call: Call) -> list[dict[str, Any]]:
    """Positions that are not flat."""
    listing = call.maybe_listing()
    risks = call.core.exchange.linear_views.positions(call.account, listing.name if listing else None)
    return [render_margin.position_risk(risk) for risk in risks if risk.state.lots]


@V2.read("/positionRisk", "symbol", 5, lagged=True)
def position_risk_v2(call: Call) -> list[dict[str, Any]]:
    """Every symbol, held or not."""
    risks = {
        (risk.state.listing.name, risk.state.position_side): risk
        for risk in call.core.exchange.linear_views.positions(call.account)
    }
    sides = ("LONG", "SHORT") if call.account.linear.hedge else ("BOTH",)
    return [
        render_margin.position_risk_v2(call.account, listing, side, risks.get((listing.name, side)))
        for listing in _listings(call)
        for side in sides
    ]


# -- orders and trades ----------------------------------------------------------------------------


def _then(call: Call, order: Order) -> Order:
    """The order as a lagged read shows it; -2013 when it was not there yet."""
    if call.as_of_ms is None:
        return order
    then = call.core.past.order(order, call.as_of_ms)
    if then is None:
        raise NO_ORDER.error()
    return then


@V1.read("/order", "symbol orderId origClientOrderId", lagged=True)
def order(call: Call) -> dict[str, Any]:
    """One order."""
    found = _desk(call).order(call.account, call.parameters.need_symbol(), **call.order_named())
    return render_linear.queried(_then(call, found))


@V1.read("/openOrder", "symbol orderId origClientOrderId", lagged=True)
def open_order(call: Call) -> dict[str, Any]:
    """One order that can still trade."""
    found = _desk(call).open_order(call.account, call.parameters.need_symbol(), **call.order_named())
    return render_linear.queried(_then(call, found))


def _open_weight(parameters: Parameters) -> int:
    return 1 if parameters.values.get("symbol") else 40


@V1.read("/openOrders", "symbol", _open_weight, lagged=True)
def open_orders(call: Call) -> list[dict[str, Any]]:
    """Orders that can still trade."""
    listing = call.maybe_listing()
    name = listing.name if listing else None
    orders = _desk(call).open_orders(call.account, name)
    if call.as_of_ms is not None:
        orders = call.core.past.open_orders("linear", call.account.account_id, name, call.as_of_ms, orders)
    return [render_linear.queried(one) for one in orders]


@V1.read("/allOrders", "symbol orderId startTime endTime limit", 5, lagged=True)
def all_orders(call: Call) -> list[dict[str, Any]]:
    """Orders of a symbol, in pages."""
    listing = call.listing()
    orders = _desk(call).all_orders(call.account, listing.name, order_id=call.parameters.integer("orderId"), **call.page())
    if call.as_of_ms is not None:
        orders = call.core.past.orders(orders, call.as_of_ms)
    return [render_linear.queried(one) for one in orders]


@V1.read("/userTrades", "symbol orderId startTime endTime fromId limit", 5, lagged=True)
def user_trades(call: Call) -> list[dict[str, Any]]:
    """The account's trades of a symbol, in pages."""
    listing = call.listing()
    number: Callable[[str], int | None] = call.parameters.integer
    fills = _desk(call).my_trades(call.account, listing.name, order_id=number("orderId"), from_id=number("fromId"), **call.page())
    if call.as_of_ms is not None:
        fills = call.core.past.fills(fills, call.as_of_ms)
    return [render_linear.user_trade(listing, fill) for fill in fills]


@V1.read("/forceOrders", "symbol autoCloseType startTime endTime limit", 20, lagged=True)
def force_orders(call: Call) -> list[dict[str, Any]]:
    """The account's orders that the venue placed: liquidations and auto-deleveraging."""
    kind = call.parameters.choice("autoCloseType", ("LIQUIDATION", "ADL"))
    page = call.page(50, 100)
    prefixes = {"LIQUIDATION": ("autoclose-",), "ADL": ("adl_autoclose",), None: ("autoclose-", "adl_autoclose")}[kind]
    rows = []
    for listing in _listings(call):
        for one in call.account.linear_store.orders.get(listing.name, {}).values():
            if one.client_id.startswith(prefixes):
                rows.append(render_linear.queried(one))
    rows = [row for row in rows if page["start_ms"] is None or row["time"] >= page["start_ms"]]
    rows = [row for row in rows if page["end_ms"] is None or row["time"] <= page["end_ms"]]
    return rows[-page["limit"] :]


@V1.read("/income", "symbol incomeType startTime endTime page limit", 30, lagged=True)
def income(call: Call) -> list[dict[str, Any]]:
    """Profits, commissions, fundings, transfers."""
    listing = call.maybe_listing()
    kind = call.parameters.text("incomeType")
    call.parameters.integer("page")
    name = listing.name if listing else None
    rows = call.core.exchange.linear_views.income(call.account, symbol=name, kind=kind, **call.page(100, 1000))
    return [render_margin.income(row) for row in rows]


# -- terms ----------------------------------------------------------------------------------------


@V1.read("/leverageBracket", "symbol")
def leverage_bracket(call: Call) -> list[dict[str, Any]]:
    """How much leverage a notional allows."""
    return [
        {"symbol": listing.name, "notionalCoef": 1.0, "brackets": [render_linear.bracket(row) for row in listing.brackets]}
        for listing in _listings(call)
    ]


@V1.read("/commissionRate", "symbol", 20)
def commission_rate(call: Call) -> dict[str, Any]:
    """The account's fees for a symbol."""
    listing = call.listing()
    maker_ppm, taker_ppm = _desk(call).fees_ppm(call.account, listing.name)
    return {
        "symbol": listing.name,
        "makerCommissionRate": render_linear.ratio_text(maker_ppm),
        "takerCommissionRate": render_linear.ratio_text(taker_ppm),
        "rpiCommissionRate": render_linear.ratio_text(0),
    }


@V1.read("/adlQuantile", "symbol", 5)
def adl_quantile(call: Call) -> Any:
    """How near each position is to being auto-deleveraged."""
    listing = call.maybe_listing()
    risks = call.core.exchange.linear_views.positions(call.account, listing.name if listing else None)
    quantiles: dict[str, dict[str, int]] = {}
    for risk in risks:
        if risk.state.lots:
            quantiles.setdefault(risk.state.listing.name, {})[risk.state.position_side] = risk.adl
    rows = [{"symbol": symbol, "adlQuantile": sides} for symbol, sides in quantiles.items()]
    return (rows[0] if rows else {"symbol": listing.name, "adlQuantile": {}}) if listing else rows


@V1.read("/symbolConfig", "symbol", 5)
def symbol_config(call: Call) -> list[dict[str, Any]]:
    """Leverage and margin type by symbol."""
    return [render_margin.symbol_config(call.account, listing) for listing in _listings(call)]


@V1.read("/accountConfig", "", 5)
def account_config(call: Call) -> dict[str, Any]:
    """What the account may do and has set."""
    return {
        "feeTier": 0,
        "canTrade": call.account.can_trade,
        "canDeposit": True,
        "canWithdraw": True,
        "dualSidePosition": call.account.linear.hedge,
        "updateTime": 0,
        "multiAssetsMargin": False,
        "tradeGroupId": -1,
    }


@V1.read("/apiTradingStatus", "symbol")
def trading_status(call: Call) -> dict[str, Any]:
    """Whether a rule has locked the account's trading."""
    return {"indicators": {}, "updateTime": call.now_ms}


@V1.read("/rateLimit/order", "")
def order_count(call: Call) -> list[dict[str, Any]]:
    """How many orders are counted now."""
    return call.core.limits.order_rows("linear", str(call.account.account_id), call.now_ms)


@V1.read("/positionMargin/history", "symbol type startTime endTime limit")
def margin_history(call: Call) -> list[dict[str, Any]]:
    """Changes of isolated margin; the venue keeps no list of them."""
    call.listing()
    return []
