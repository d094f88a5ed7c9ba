"""Spot answers as JSON-ready objects: prices and quantities are strings of eight decimals, times whole milliseconds."""

from collections.abc import Iterable
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from b25.venue.exchange.money import COINS, PPM, money_text
from b25.venue.exchange.orders import Fill, Order

if TYPE_CHECKING:
    from b25.venue.exchange.accounts import Account
    from b25.venue.exchange.events import AssetState
    from b25.venue.exchange.listing import Listing

PRECISION = 8
ZERO = "0.00000000"


def price_text(listing: "Listing", ticks: int) -> str:
    """Price with eight decimals."""
    return money_text(listing.notional(ticks) * COINS // listing.lot_money) if ticks else ZERO


def qty_text(listing: "Listing", lots: int) -> str:
    """Quantity with eight decimals."""
    return money_text(lots * listing.lot_money)


def number_text(value: Decimal) -> str:
    """A figure of a filter with eight decimals."""
    return f"{value:.8f}"


def ack(order: Order) -> dict[str, Any]:
    """Answer of newOrderRespType ACK."""
    return {
        "symbol": order.listing.name,
        "orderId": order.order_id,
        "orderListId": -1,
        "clientOrderId": order.client_id,
        "transactTime": order.updated_ms or order.created_ms,
    }


def result(order: Order) -> dict[str, Any]:
    """Answer of newOrderRespType RESULT."""
    listing = order.listing
    row = {
        "symbol": listing.name,
        "orderId": order.order_id,
        "orderListId": -1,
        "clientOrderId": order.client_id,
        "transactTime": order.updated_ms or order.created_ms,
        "price": price_text(listing, order.price_ticks),
        "origQty": money_text(order.qty_lots * listing.lot_money),
        "executedQty": money_text(order.filled_lots * listing.lot_money),
        "origQuoteOrderQty": money_text(order.quote_qty),
        "cummulativeQuoteQty": money_text(order.filled_ticklots * listing.ticklot_money),
        "status": order.state,
        "timeInForce": order.tif,
        "type": order.type,
        "side": order.side,
        "selfTradePreventionMode": order.stp,
    }
    if order.working_ms >= 0:
        row["workingTime"] = order.working_ms
    return _conditional(order, row) if order.stop_ticks or order.strategy_id is not None or order.expiry_reason else row


def full(order: Order) -> dict[str, Any]:
    """Answer of newOrderRespType FULL: with the fills of this call."""
    row = result(order)
    listing = order.listing
    row["fills"] = [
        {
            "price": price_text(listing, fill.price_ticks),
            "qty": money_text(fill.qty_lots * listing.lot_money),
            "commission": money_text(fill.commission),
            "commissionAsset": fill.commission_asset,
            "tradeId": fill.trade_id,
        }
        for fill in order.fills
    ]
    return row


RESPONSES = {"ACK": ack, "RESULT": result, "FULL": full}


def placed(order: Order, response: str | None) -> dict[str, Any]:
    """Answer to a new order: what was asked for, else FULL for LIMIT and MARKET and ACK for other types."""
    return RESPONSES[response or ("FULL" if order.type in ("LIMIT", "MARKET") else "ACK")](order)


def cancelled(order: Order, cancel_client_id: str) -> dict[str, Any]:
    """Answer to a cancel: the order's own id is `origClientOrderId` now."""
    row = result(order)
    own = row.pop("clientOrderId")
    row.pop("workingTime", None)
    head = {
        "symbol": row.pop("symbol"),
        "origClientOrderId": own,
        "orderId": row.pop("orderId"),
        "orderListId": row.pop("orderListId"),
    }
    return {**head, "clientOrderId": cancel_client_id, **row}


def queried(order: Order) -> dict[str, Any]:
    """An order as GET order, openOrders and allOrders show it."""
    listing = order.listing
    row = result(order)
    del row["transactTime"]
    row["stopPrice"] = price_text(listing, order.stop_ticks)
    row["icebergQty"] = qty_text(listing, order.iceberg_lots)
    row["time"] = order.created_ms
    row["updateTime"] = order.updated_ms or order.created_ms
    row["isWorking"] = order.is_working
    row["workingTime"] = order.working_ms
    return row


def _conditional(order: Order, row: dict[str, Any]) -> dict[str, Any]:
    """Fields that only some orders have."""
    listing = order.listing
    if order.stop_ticks:
        row["stopPrice"] = price_text(listing, order.stop_ticks)
    if order.iceberg_lots:
        row["icebergQty"] = qty_text(listing, order.iceberg_lots)
    if order.trailing_delta_bips:
        row["trailingDelta"] = order.trailing_delta_bips
        row["trailingTime"] = order.trailing_ms or -1
    if order.strategy_id is not None:
        row["strategyId"] = order.strategy_id
    if order.strategy_type is not None:
        row["strategyType"] = order.strategy_type
    if order.prevented_lots:
        row["preventedQuantity"] = qty_text(listing, order.prevented_lots)
    if order.expiry_reason:
        row["expiryReason"] = order.expiry_reason
    return row


def my_trade(listing: "Listing", fill: Fill) -> dict[str, Any]:
    """One row of myTrades."""
    return {
        "symbol": fill.symbol,
        "id": fill.trade_id,
        "orderId": fill.order_id,
        "orderListId": -1,
        "price": price_text(listing, fill.price_ticks),
        "qty": qty_text(listing, fill.qty_lots),
        "quoteQty": money_text(fill.quote),
        "commission": money_text(fill.commission),
        "commissionAsset": fill.commission_asset,
        "time": fill.time_ms,
        "isBuyer": fill.side == "BUY",
        "isMaker": fill.maker,
        "isBestMatch": True,
    }


def rate_text(ppm: int) -> str:
    """A rate in parts per million as a number of eight decimals."""
    return f"{Decimal(ppm) / PPM:.8f}"


def account(
    owner: "Account", states: "Iterable[AssetState]", fees: tuple[int, int], permissions: "SpotPermissions", *, omit_zero: bool
) -> dict[str, Any]:
    """GET /api/v3/account.

    Parameters
    ----------
    owner : Account
        Whose.
    states : iterable of AssetState
        Its assets.
    fees : tuple of int
        Maker and taker, parts per million.
    permissions : SpotPermissions
        What the key may do.
    omit_zero : bool
        Leave out assets of which it has nothing.
    """
    maker_ppm, taker_ppm = fees
    return {
        "makerCommission": maker_ppm // 100,
        "takerCommission": taker_ppm // 100,
        "buyerCommission": 0,
        "sellerCommission": 0,
        "commissionRates": {"maker": rate_text(maker_ppm), "taker": rate_text(taker_ppm), "buyer": ZERO, "seller": ZERO},
        "canTrade": owner.can_trade,
        "canWithdraw": permissions["withdrawals"],
        "canDeposit": True,
        "brokered": False,
        "requireSelfTradePrevention": False,
        "preventSor": False,
        "updateTime": owner.spot_updated_ms or owner.created_ms,
        "accountType": "SPOT",
        "balances": [
            {"asset": state.asset, "free": money_text(state.free), "locked": money_text(state.locked)}
            for state in states
            if not omit_zero or state.free or state.locked
        ],
        "permissions": ["SPOT"],
        "uid": owner.account_id,
    }


SpotPermissions = dict[str, bool]


def filters(listing: "Listing") -> list[dict[str, Any]]:
    """The list `filters` of a symbol."""
    rules = listing.spot_filters
    rows: list[dict[str, Any]] = [
        {"filterType": "PRICE_FILTER", "minPrice": rules.min_price, "maxPrice": rules.max_price, "tickSize": rules.tick_size},
        {"filterType": "LOT_SIZE", "minQty": rules.min_qty, "maxQty": rules.max_qty, "stepSize": rules.step_size},
        {"filterType": "ICEBERG_PARTS", "limit": rules.iceberg_parts},
        {
            "filterType": "MARKET_LOT_SIZE",
            "minQty": rules.market_min_qty,
            "maxQty": rules.market_max_qty,
            "stepSize": rules.market_step_size,
        },
        {
            "filterType": "TRAILING_DELTA",
            "minTrailingAboveDelta": rules.min_trailing_delta,
            "maxTrailingAboveDelta": rules.max_trailing_delta,
            "minTrailingBelowDelta": rules.min_trailing_delta,
            "maxTrailingBelowDelta": rules.max_trailing_delta,
        },
        {
            "filterType": "PERCENT_PRICE_BY_SIDE",
            "bidMultiplierUp": str(rules.bid_up),
            "bidMultiplierDown": str(rules.bid_down),
            "askMultiplierUp": str(rules.ask_up),
            "askMultiplierDown": str(rules.ask_down),
            "avgPriceMins": rules.average_price_minutes,
        },
        {
            "filterType": "NOTIONAL",
            "minNotional": rules.min_notional,
            "applyMinToMarket": rules.apply_min_to_market,
            "maxNotional": rules.max_notional,
            "applyMaxToMarket": rules.apply_max_to_market,
            "avgPriceMins": rules.average_price_minutes,
        },
        {"filterType": "MAX_NUM_ORDERS", "maxNumOrders": rules.max_orders},
        {"filterType": "MAX_NUM_ALGO_ORDERS", "maxNumAlgoOrders": rules.max_algo_orders},
    ]
    if rules.max_position is not None:
        rows.append({"filterType": "MAX_POSITION", "maxPosition": rules.max_position})
    return [{name: number_text(value) if isinstance(value, Decimal) else value for name, value in row.items()} for row in rows]


def symbol(listing: "Listing") -> dict[str, Any]:
    """One symbol of exchangeInfo."""
    return {
        "symbol": listing.name,
        "status": listing.status,
        "baseAsset": listing.base,
        "baseAssetPrecision": PRECISION,
        "quoteAsset": listing.quote,
        "quotePrecision": PRECISION,
        "quoteAssetPrecision": PRECISION,
        "baseCommissionPrecision": PRECISION,
        "quoteCommissionPrecision": PRECISION,
        "orderTypes": list(listing.order_types),
        "icebergAllowed": True,
        "ocoAllowed": False,
        "otoAllowed": False,
        "opoAllowed": False,
        "quoteOrderQtyMarketAllowed": True,
        "allowTrailingStop": True,
        "cancelReplaceAllowed": True,
        "amendAllowed": True,
        "pegInstructionsAllowed": False,
        "isSpotTradingAllowed": True,
        "isMarginTradingAllowed": False,
        "filters": filters(listing),
        "permissions": [],
        "permissionSets": [list(listing.permissions)],
        "defaultSelfTradePreventionMode": listing.default_stp,
        "allowedSelfTradePreventionModes": list(listing.stp_modes),
    }
