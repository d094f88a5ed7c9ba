"""USD-M futures answers as JSON-ready objects: prices with the tick's decimals, money with eight."""

from decimal import Decimal
from typing import TYPE_CHECKING, Any

from b25.venue.exchange.listing import LINEAR_TIFS
from b25.venue.exchange.money import COINS, PPM, money_text
from b25.venue.exchange.orders import AlgoOrder, Fill, Order

if TYPE_CHECKING:
    from b25.venue.exchange.brackets import Bracket
    from b25.venue.exchange.listing import Listing

PRECISION = 8


def placed(order: Order) -> dict[str, Any]:
    """Answer to a new order and to a cancel: without average price and turnover, which only queries give."""
    listing = order.listing
    return {
        "orderId": order.order_id,
        "symbol": listing.name,
        "status": order.state,
        "clientOrderId": order.client_id,
        "price": listing.price_text(order.price_ticks),
        "origQty": listing.qty_text(order.qty_lots),
        "executedQty": listing.qty_text(order.filled_lots),
        "cumQty": listing.qty_text(order.filled_lots),
        "timeInForce": order.tif,
        "type": order.type,
        "reduceOnly": order.reduce_only,
        "closePosition": order.close_position,
        "side": order.side,
        "positionSide": order.position_side,
        "stopPrice": listing.price_text(order.stop_ticks),
        "workingType": order.working_type,
        "priceProtect": order.price_protect,
        "origType": order.orig_type or order.type,
        "priceMatch": order.price_match,
        "selfTradePreventionMode": order.stp,
        "goodTillDate": order.good_till_ms,
        "updateTime": order.updated_ms or order.created_ms,
    }


def modified(order: Order) -> dict[str, Any]:
    """Answer to PUT order."""
    return {**placed(order), "pair": order.listing.name, "modifyId": order.modifications}


def queried(order: Order) -> dict[str, Any]:
    """An order as GET order, openOrders and allOrders show it."""
    row = placed(order)
    row["avgPrice"] = order.average_price_text
    row["cumQuote"] = money_text(order.filled_quote)
    row["time"] = order.created_ms
    return row


def algo_placed(algo: AlgoOrder) -> dict[str, Any]:
    """Answer to POST algoOrder."""
    listing = algo.listing
    trailing = algo.type == "TRAILING_STOP_MARKET"
    return {
        "algoId": algo.algo_id,
        "clientAlgoId": algo.client_id,
        "algoType": "CONDITIONAL",
        "orderType": algo.type,
        "symbol": listing.name,
        "side": algo.side,
        "positionSide": algo.position_side,
        "timeInForce": algo.tif,
        "quantity": listing.qty_text(algo.qty_lots),
        "algoStatus": algo.state,
        "triggerPrice": listing.price_text(algo.trigger_ticks),
        "price": listing.price_text(algo.price_ticks),
        "icebergQuantity": None,
        "selfTradePreventionMode": algo.stp,
        "workingType": algo.working_type,
        "priceMatch": algo.price_match,
        "closePosition": algo.close_position,
        "priceProtect": algo.price_protect,
        "reduceOnly": algo.reduce_only,
        "activatePrice": listing.price_text(algo.activate_ticks) if trailing and algo.activate_ticks else "",
        "callbackRate": str(algo.callback_rate) if algo.callback_rate is not None else "",
        "createTime": algo.created_ms,
        "updateTime": algo.updated_ms or algo.created_ms,
        "triggerTime": algo.triggered_ms,
        "goodTillDate": algo.good_till_ms,
    }


def algo_queried(algo: AlgoOrder) -> dict[str, Any]:
    """A conditional order as GET algoOrder and the lists show it."""
    listing = algo.listing
    row = algo_placed(algo)
    row["actualOrderId"] = str(algo.actual_order_id) if algo.actual_order_id else ""
    row["actualPrice"] = listing.average_text(algo.actual_ticklots, algo.actual_filled_lots)
    row["actualType"] = _actual_type(algo) if algo.actual_order_id else ""
    row["actualQty"] = listing.qty_text(algo.actual_filled_lots)
    row["tpOrderType"] = ""
    return row


def _actual_type(algo: AlgoOrder) -> str:
    return "MARKET" if algo.type.endswith("MARKET") else "LIMIT"


def algo_cancelled(algo: AlgoOrder) -> dict[str, Any]:
    """Answer to DELETE algoOrder."""
    return {"algoId": algo.algo_id, "clientAlgoId": algo.client_id, "code": "200", "msg": "success"}


def user_trade(listing: "Listing", fill: Fill) -> dict[str, Any]:
    """One row of userTrades."""
    return {
        "symbol": fill.symbol,
        "id": fill.trade_id,
        "orderId": fill.order_id,
        "side": fill.side,
        "price": listing.price_text(fill.price_ticks),
        "qty": listing.qty_text(fill.qty_lots),
        "realizedPnl": money_text(fill.realised),
        "quoteQty": money_text(fill.quote),
        "baseQty": listing.qty_text(fill.qty_lots),
        "marginAsset": listing.quote,
        "commission": money_text(fill.commission),
        "commissionAsset": fill.commission_asset,
        "time": fill.time_ms,
        "positionSide": fill.position_side,
        "pair": fill.symbol,
        "buyer": fill.side == "BUY",
        "maker": fill.maker,
    }


def ratio_text(ppm: int) -> str:
    """A ratio in parts per million as a plain number."""
    return f"{Decimal(ppm) / PPM:.6f}"


def bracket(row: "Bracket") -> dict[str, Any]:
    """One row of leverageBracket; these are numbers, not strings, on the wire."""
    return {
        "bracket": row.bracket,
        "initialLeverage": row.initial_leverage,
        "notionalCap": row.cap // COINS,
        "notionalFloor": row.floor // COINS,
        "maintMarginRatio": row.maintenance_ppm / PPM,
        "cum": row.cum / COINS,
    }


def filters(listing: "Listing") -> list[dict[str, Any]]:
    """The list `filters` of a symbol."""
    rules = listing.linear_filters
    lot = {"minQty": str(rules.min_qty), "stepSize": str(rules.step_size)}
    return [
        {
            "filterType": "PRICE_FILTER",
            "minPrice": str(rules.min_price),
            "maxPrice": str(rules.max_price),
            "tickSize": str(rules.tick_size),
        },
        {"filterType": "LOT_SIZE", **lot, "maxQty": str(rules.max_qty)},
        {"filterType": "MARKET_LOT_SIZE", **lot, "maxQty": str(rules.market_max_qty)},
        {"filterType": "MAX_NUM_ORDERS", "limit": rules.max_orders},
        {"filterType": "MAX_NUM_ALGO_ORDERS", "limit": rules.max_algo_orders},
        {"filterType": "MIN_NOTIONAL", "notional": str(rules.min_notional)},
        {
            "filterType": "PERCENT_PRICE",
            "multiplierUp": f"{rules.multiplier_up:.4f}",
            "multiplierDown": f"{rules.multiplier_down:.4f}",
            "multiplierDecimal": str(rules.multiplier_decimal),
        },
    ]


def decimals(step: Decimal) -> int:
    """Digits after the point."""
    exponent = step.normalize().as_tuple().exponent
    return max(0, -exponent) if isinstance(exponent, int) else 0


def symbol(listing: "Listing") -> dict[str, Any]:
    """One symbol of exchangeInfo."""
    first = listing.brackets[0] if listing.brackets else None
    return {
        "symbol": listing.name,
        "pair": listing.name,
        "contractType": listing.contract_type,
        "deliveryDate": listing.delivery_ms,
        "onboardDate": listing.onboard_ms,
        "status": listing.status,
        "maintMarginPercent": f"{Decimal(first.maintenance_ppm) / 10_000:.4f}" if first else "2.5000",
        "requiredMarginPercent": "5.0000",
        "baseAsset": listing.base,
        "quoteAsset": listing.quote,
        "marginAsset": listing.quote,
        "pricePrecision": decimals(listing.tick),
        "quantityPrecision": decimals(listing.lot),
        "baseAssetPrecision": PRECISION,
        "quotePrecision": PRECISION,
        "underlyingType": "COIN",
        "underlyingSubType": ["PoW"] if listing.base == "BTC" else ["Layer-1"],
        "settlePlan": 0,
        "triggerProtect": f"{Decimal(listing.trigger_protect_ppm) / PPM:.4f}",
        "liquidationFee": f"{Decimal(listing.liquidation_fee_ppm) / PPM:.6f}",
        "marketTakeBound": f"{Decimal(listing.market_take_bound_ppm) / PPM:.2f}",
        "maxMoveOrderLimit": 10_000,
        "orderTypes": list(listing.order_types),
        "timeInForce": list(LINEAR_TIFS),
        "filters": filters(listing),
    }
