"""Every call of ccxt that the specification lists, as a person would write it; each is recorded as a golden request."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from tests.venue.conformance.plain_ccxt import SYMBOLS

Scenario = Callable[[Any], Awaitable[Any]]
ID = {"newClientOrderId": "b25-aaaaa-b-1"}
ALGO_ID = {"clientAlgoId": "b25-aaaaa-b-1"}
ODD_ID = {"newClientOrderId": "b25:a/b_c.d-1"}  # every character that Binance takes, two of which are percent-encoded


def both(symbol: str) -> dict[str, Scenario]:
    """Calls that spot and futures have in common."""
    new, find = dict(ID), {"origClientOrderId": "b25-aaaaa-b-1"}
    return {
        "fetch_time": lambda api: api.fetch_time(),
        "fetch_ticker": lambda api: api.fetch_ticker(symbol),
        "fetch_bids_asks": lambda api: api.fetch_bids_asks([symbol]),
        "fetch_order_book": lambda api: api.fetch_order_book(symbol, 100),
        "fetch_ohlcv": lambda api: api.fetch_ohlcv(symbol, "1m", None, 5),
        "fetch_ohlcv_since": lambda api: api.fetch_ohlcv(symbol, "1h", 1700000000000, 5),
        "fetch_trades": lambda api: api.fetch_trades(symbol, None, 5),
        "create_limit_buy": lambda api: api.create_order(symbol, "limit", "buy", "0.123", "40123.4", dict(new)),
        "create_limit_sell_odd_id": lambda api: api.create_order(symbol, "limit", "sell", "0.123", "40123.4", dict(ODD_ID)),
        "create_market": lambda api: api.create_order(symbol, "market", "sell", "0.123", None, dict(new)),
        "create_post_only": lambda api: api.create_order(symbol, "limit", "buy", "0.123", "40000", {**new, "postOnly": True}),
        "create_ioc": lambda api: api.create_order(symbol, "limit", "buy", "0.123", "40000", {**new, "timeInForce": "IOC"}),
        "create_fok": lambda api: api.create_order(symbol, "limit", "buy", "0.123", "40000", {**new, "timeInForce": "FOK"}),
        "create_po": lambda api: api.create_order(symbol, "limit", "buy", "0.123", "40000", {**new, "timeInForce": "PO"}),
        "create_self_trade": lambda api: api.create_order(
            symbol, "limit", "buy", "0.123", "40000", {**new, "selfTradePrevention": "EXPIRE_MAKER"}
        ),
        "cancel_by_venue_id": lambda api: api.cancel_order("28", symbol),
        "cancel_by_client_id": lambda api: api.cancel_order(None, symbol, dict(find)),
        "cancel_all": lambda api: api.cancel_all_orders(symbol),
        "fetch_order_by_venue_id": lambda api: api.fetch_order("28", symbol),
        "fetch_order_by_client_id": lambda api: api.fetch_order(None, symbol, dict(find)),
        "fetch_open_orders": lambda api: api.fetch_open_orders(symbol),
        "fetch_orders": lambda api: api.fetch_orders(symbol, None, 10),
        "fetch_my_trades": lambda api: api.fetch_my_trades(symbol, None, 10),
        "fetch_my_trades_from_id": lambda api: api.fetch_my_trades(symbol, None, 1000, {"fromId": 28458}),
        "fetch_trading_fee": lambda api: api.fetch_trading_fee(symbol),
    }


def spot() -> dict[str, Scenario]:
    """Spot."""
    symbol, new = SYMBOLS["spot"], dict(ID)
    return both(symbol) | {
        "fetch_status": lambda api: api.fetch_status(),
        "api_restrictions": lambda api: api.sapi_get_account_apirestrictions(),
        "fetch_balance": lambda api: api.fetch_balance(),
        "fetch_open_orders_all": lambda api: api.fetch_open_orders(),
        "create_market_with_cost": lambda api: api.create_order(symbol, "market", "buy", "0.5", "40000", dict(new)),
        "create_stop_loss": lambda api: api.create_order(
            symbol, "market", "sell", "0.1", None, {**new, "stopLossPrice": "39000"}
        ),
        "create_stop_loss_limit": lambda api: api.create_order(
            symbol, "limit", "sell", "0.1", "38900", {**new, "triggerPrice": "39000"}
        ),
        "create_take_profit": lambda api: api.create_order(
            symbol, "market", "sell", "0.1", None, {**new, "takeProfitPrice": "45000"}
        ),
        "create_take_profit_limit": lambda api: api.create_order(
            symbol, "limit", "sell", "0.1", "44900", {**new, "takeProfitPrice": "45000"}
        ),
        "create_trailing": lambda api: api.create_order(
            symbol, "market", "sell", "0.1", None, {**new, "trailingPercent": "1.5", "stopLossOrTakeProfit": "stopLoss"}
        ),
        "edit_order": lambda api: api.edit_order("28", symbol, "limit", "buy", "0.2", "39999", dict(new)),
    }


def linear() -> dict[str, Scenario]:
    """USD-M futures."""
    symbol, new, algo = SYMBOLS["linear"], dict(ID), dict(ALGO_ID)
    return both(symbol) | {
        "fetch_time": lambda api: api.fetch_time({"type": "swap"}),
        "fetch_balance": lambda api: api.fetch_balance({"type": "swap"}),
        "fetch_open_orders_all": lambda api: api.fetch_open_orders(None, None, None, {"type": "swap", "subType": "linear"}),
        "fetch_open_algo_orders": lambda api: api.fetch_open_orders(symbol, None, None, {"trigger": True}),
        "create_reduce_only": lambda api: api.create_order(symbol, "limit", "sell", "0.1", "41000", {**new, "reduceOnly": True}),
        "create_stop_market": lambda api: api.create_order(
            symbol, "market", "sell", "0.1", None, {**algo, "stopLossPrice": "39000", "reduceOnly": True}
        ),
        "create_stop": lambda api: api.create_order(symbol, "limit", "sell", "0.1", "38900", {**algo, "triggerPrice": "39000"}),
        "create_take_profit_market": lambda api: api.create_order(
            symbol, "market", "sell", "0.1", None, {**algo, "takeProfitPrice": "45000"}
        ),
        "create_take_profit": lambda api: api.create_order(
            symbol, "limit", "sell", "0.1", "44900", {**algo, "takeProfitPrice": "45000"}
        ),
        "create_trailing_stop_market": lambda api: api.create_order(
            symbol, "market", "sell", "0.1", None, {**algo, "trailingPercent": "1.5", "trailingTriggerPrice": "41000"}
        ),
        "edit_order": lambda api: api.edit_order("28", symbol, "limit", "buy", "0.2", "39999", dict(new)),
        "cancel_algo": lambda api: api.cancel_order("2146760", symbol, {"trigger": True}),
        "cancel_all_algo": lambda api: api.cancel_all_orders(symbol, {"trigger": True}),
        "fetch_algo_order": lambda api: api.fetch_order(None, symbol, {"trigger": True, **algo}),
        "fetch_positions": lambda api: api.fetch_positions([symbol]),
        "set_leverage": lambda api: api.set_leverage(21, symbol),
        "set_margin_mode": lambda api: api.set_margin_mode("isolated", symbol),
        "set_position_mode": lambda api: api.set_position_mode(False, symbol),
        "fetch_funding_rate": lambda api: api.fetch_funding_rate(symbol),
        "fetch_funding_rate_history": lambda api: api.fetch_funding_rate_history(symbol, None, 10),
        "fetch_funding_history": lambda api: api.fetch_funding_history(symbol),
        "countdown": lambda api: api.fapiPrivatePostCountdownCancelAll({"symbol": "BTCUSDT", "countdownTime": 100000}),
        "create_orders_batch": lambda api: api.create_orders(
            [
                {"symbol": symbol, "type": "limit", "side": "buy", "amount": "0.1", "price": "40000", "params": dict(new)},
                {"symbol": symbol, "type": "limit", "side": "sell", "amount": "0.1", "price": "41000", "params": dict(new)},
            ]
        ),
        "listen_key": lambda api: api.fapiPrivatePostListenKey(),
        "listen_key_kept": lambda api: api.fapiPrivatePutListenKey({"listenKey": "pqia91ma19a5s61c"}),
        "listen_key_closed": lambda api: api.fapiPrivateDeleteListenKey({"listenKey": "pqia91ma19a5s61c"}),
    }


SCENARIOS: dict[str, dict[str, Scenario]] = {"spot": spot(), "linear": linear()}
