"""How a venue wants its orders said through ccxt: the parameters of each request, and what it can do."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, Final

from b25.model.event import BUY
from b25.model.order import Tif
from b25.venue.ccxt.parse import NoSuchOrder
from b25.venue.port.port import Abilities
from b25.venue.port.reports import Kind, Listing
from b25.venue.port.requests import Amendment, NewOrder, OrderRef, SelfTrade, Signed

SIDE_NAMES: Final = {1: "buy", -1: "sell"}
# Ids that the venues take, from their own documentation; a longer or stranger one would be refused, or worse, cut.
CLIENT_IDS: Final = {
    "binance": r"[.A-Z:/a-z0-9_-]{1,36}",
    "bybit": r"[A-Za-z0-9_-]{1,36}",
    "okx": r"[A-Za-z0-9]{1,32}",
    "kraken": r"[\x21-\x7e]{1,18}",
    "coinbase": r"[\x21-\x7e]{1,128}",
    "gate": r"[A-Za-z0-9._-]{1,28}",
}
CLIENT_ID_DEFAULT: Final = r"[A-Za-z0-9]{1,18}"


@dataclass(frozen=True, slots=True)
class Call:
    """One call of ccxt: the method, what it is given, and where in a raw method's answer the order is."""

    method: str
    arguments: tuple[Any, ...] = ()
    params: dict[str, Any] | None = None
    raw: Callable[[Any], Any] | None = None
    keeps_id: bool = False  # the answer has an id of something else


class Dialect:
    """The unified way, which ccxt translates for any venue."""

    def __init__(self, exchange: str, kind: Kind, has: dict[str, Any]) -> None:
        self.exchange, self.kind, self.has = exchange, kind, has

    @property
    def abilities(self) -> Abilities:
        """What ccxt says that the venue can do."""
        margined = self.kind is not Kind.SPOT
        return Abilities(
            client_id_pattern=CLIENT_IDS.get(self.exchange, CLIENT_ID_DEFAULT),
            amend=bool(self.has.get("editOrder")) and self.has.get("editOrder") != "emulated",
            query_by_client_id=self.exchange in ("bybit", "okx"),
            positions=margined and bool(self.has.get("fetchPositions")),
            leverage=margined and bool(self.has.get("setLeverage")),
            funding=margined and bool(self.has.get("fetchFundingRate")),
            countdown=bool(self.has.get("cancelAllOrdersAfter")),
        )

    def unfit(self, order: NewOrder, listing: Listing) -> str:
        """Why an order cannot be said to this venue; empty when it can."""
        if self.kind is Kind.SPOT and order.reduce_only and order.side == BUY:
            return "a spot account has nothing that buying reduces"
        return ""

    def submit(self, order: NewOrder, amount: str, price: str | None, stop: str | None) -> Call:
        """Call that places an order; a market order has no price, whatever the venue would take."""
        params: dict[str, Any] = {"clientOrderId": order.client_id, **self.signed(order)}
        if order.post_only:
            params["postOnly"] = True
        elif not order.is_market and order.tif is not Tif.GTC:
            params["timeInForce"] = order.tif.name
        if order.reduce_only and self.kind is not Kind.SPOT:
            params["reduceOnly"] = True
        if stop is not None:
            params["takeProfitPrice" if order.take_profit else "stopLossPrice"] = stop
        kind = "market" if order.is_market else "limit"
        return Call("create_order", (order.symbol, kind, SIDE_NAMES[order.side], amount, price), params)

    def cancel(self, order: OrderRef) -> Call:
        """Call that cancels an order."""
        return Call("cancel_order", (order.venue_id or None, order.symbol), self._named(order))

    def query(self, order: OrderRef, listing: Listing) -> Call:
        """Call that asks for an order."""
        return Call("fetch_order", (order.venue_id or None, order.symbol), self._named(order))

    def amend(self, amendment: Amendment, listing: Listing, amount: str, price: str) -> Call | None:
        """Call that changes an order; None when the venue must be told an id that was not given."""
        if not amendment.venue_id:
            return None
        arguments = (amendment.venue_id, amendment.symbol, "limit", SIDE_NAMES[amendment.side], amount, price)
        return Call("edit_order", arguments, self.signed(amendment))

    def cancel_all(self, symbol: str) -> list[Call]:
        """Calls that cancel all orders of a symbol; empty when they must be cancelled one by one."""
        return [Call("cancel_all_orders", (symbol,))] if self.has.get("cancelAllOrders") else []

    def open_orders(self, symbol: str | None) -> list[Call]:
        """Calls that list the open orders."""
        return [Call("fetch_open_orders", (symbol,))]

    def trades(self, symbol: str, after_id: str, since_ms: int) -> Call:
        """Call that lists our executions."""
        return Call("fetch_my_trades", (symbol, since_ms or None))

    def countdown(self, listing: Listing, after_ms: int) -> Call | None:
        """Call that arms the venue's dead man's switch; None when it has none."""
        return Call("cancel_all_orders_after", (after_ms,)) if self.has.get("cancelAllOrdersAfter") else None

    def signed(self, request: Signed) -> dict[str, Any]:
        """Parameters that fix the time of signing."""
        return {}

    def _named(self, order: OrderRef) -> dict[str, Any]:
        params = self.signed(order)
        if not order.venue_id:
            params["clientOrderId"] = order.client_id
        if order.conditional:
            params["trigger"] = True
        return params


class BinanceDialect(Dialect):
    """Binance's own names where the unified ones are ambiguous, and its raw methods where ccxt would send an id that is None."""

    @property
    def abilities(self) -> Abilities:
        """Fixed, and not as ccxt says: what it calls an edit on spot is a cancel and a new order."""
        margined = self.kind is not Kind.SPOT
        return Abilities(
            client_id_pattern=CLIENT_IDS["binance"],
            amend=True,
            query_by_client_id=True,
            positions=margined,
            leverage=margined,
            funding=margined,
            countdown=self.kind is Kind.LINEAR,
        )

    def submit(self, order: NewOrder, amount: str, price: str | None, stop: str | None) -> Call:
        """Call that places an order."""
        call = super().submit(order, amount, price, stop)
        params = dict(call.params or {})
        client_id = params.pop("clientOrderId")
        is_algo = stop is not None and self.kind is not Kind.SPOT
        params["clientAlgoId" if is_algo else "newClientOrderId"] = client_id
        if order.self_trade is not SelfTrade.NONE:
            params["selfTradePreventionMode"] = str(order.self_trade)
        return Call(call.method, call.arguments, params)

    def amend(self, amendment: Amendment, listing: Listing, amount: str, price: str) -> Call | None:
        """Futures change the order; spot replaces it by another, which needs an id of its own."""
        named = {"orderId": amendment.venue_id} if amendment.venue_id else {"origClientOrderId": amendment.client_id}
        request = {"symbol": listing.venue_symbol, "side": SIDE_NAMES[amendment.side].upper()}
        if self.kind is Kind.LINEAR:
            params = {**request, **named, "quantity": amount, "price": price, **self.signed(amendment)}
            return Call("fapiPrivatePutOrder", (), params, raw=lambda told: told)
        if self.kind is not Kind.SPOT or not amendment.new_client_id:
            return None
        cancels = {"cancelOrderId" if name == "orderId" else "cancelOrigClientOrderId": value for name, value in named.items()}
        kind = {"type": "LIMIT_MAKER"} if amendment.post_only else {"type": "LIMIT", "timeInForce": "GTC"}
        return Call(
            "privatePostOrderCancelReplace",
            (),
            {
                **request,
                **kind,
                "cancelReplaceMode": "STOP_ON_FAILURE",
                **cancels,
                "newClientOrderId": amendment.new_client_id,
                "newOrderRespType": "RESULT",
                "quantity": amount,
                "price": price,
                **self.signed(amendment),
            },
            raw=lambda told: told["newOrderResponse"],
        )

    def cancel_all(self, symbol: str) -> list[Call]:
        """On futures waiting stops are in a book of their own."""
        plain = Call("cancel_all_orders", (symbol,))
        return [plain] if self.kind is Kind.SPOT else [plain, Call("cancel_all_orders", (symbol,), {"trigger": True})]

    def open_orders(self, symbol: str | None) -> list[Call]:
        """On futures waiting stops are in a book of their own."""
        kind = {} if self.kind is Kind.SPOT else {"type": "swap", "subType": str(self.kind)}
        plain = Call("fetch_open_orders", (symbol,), kind)
        return [plain] if self.kind is Kind.SPOT else [plain, Call("fetch_open_orders", (symbol,), {**kind, "trigger": True})]

    def trades(self, symbol: str, after_id: str, since_ms: int) -> Call:
        """By id, since ids rise in each symbol and know no window of 24 hours or 7 days."""
        if after_id:
            return Call("fetch_my_trades", (symbol, None, 1000), {"fromId": int(after_id) + 1})
        if since_ms:
            return Call("fetch_my_trades", (symbol, since_ms, 1000))
        return Call("fetch_my_trades", (symbol, None, 1000), {"fromId": 0})

    def countdown(self, listing: Listing, after_ms: int) -> Call | None:
        """Only futures have one."""
        if self.kind is not Kind.LINEAR:
            return None
        return Call("fapiPrivatePostCountdownCancelAll", (), {"symbol": listing.venue_symbol, "countdownTime": after_ms})

    def signed(self, request: Signed) -> dict[str, Any]:
        """Sent unchanged: the signature is over the time that the stored intent holds."""
        fixed = {"timestamp": request.sign_ms} if request.sign_ms else {}
        return {**fixed, "recvWindow": request.recv_window_ms}

    def _named(self, order: OrderRef) -> dict[str, Any]:
        params = self.signed(order)
        if not order.venue_id:
            params["clientAlgoId" if order.conditional else "origClientOrderId"] = order.client_id
        if order.conditional and self.kind is not Kind.SPOT:
            params["trigger"] = True
        return params


class BybitDialect(Dialect):
    """Bybit knows our ids, but ccxt would send a venue's id of None beside one, or a name that Bybit does not read."""

    def cancel(self, order: OrderRef) -> Call:
        """Say `orderLinkId`: ccxt passes `clientOrderId` through as it is, and Bybit does not read it."""
        call = super().cancel(order)
        params = dict(call.params or {})
        if "clientOrderId" in params:
            params["orderLinkId"] = params.pop("clientOrderId")
        return Call(call.method, call.arguments, params)

    def query(self, order: OrderRef, listing: Listing) -> Call:
        """By one id, among the last 500 orders."""
        category = {Kind.SPOT: "spot", Kind.LINEAR: "linear", Kind.INVERSE: "inverse"}[self.kind]
        named = {"orderId": order.venue_id} if order.venue_id else {"orderLinkId": order.client_id}
        params = {"category": category, "symbol": listing.venue_symbol, **named}
        return Call("privateGetV5OrderRealtime", (), params, raw=lambda told: first_of(told["result"]["list"]))


class KrakenDialect(Dialect):
    """Kraken cancels the whole account where ccxt says a symbol, and answers an amendment with the amendment's id."""

    def cancel_all(self, symbol: str) -> list[Call]:
        """None: ccxt drops the symbol, and orders of other instruments would be cancelled too. One by one, then."""
        return []

    def amend(self, amendment: Amendment, listing: Listing, amount: str, price: str) -> Call | None:
        """By the venue's id, which the order keeps."""
        call = super().amend(amendment, listing, amount, price)
        return call and replace(call, keeps_id=True)


def first_of(orders: list[Any]) -> Any:
    """The one order of a list. Raises NoSuchOrder when it is empty."""
    if not orders:
        raise NoSuchOrder("no such order in the venue's list")
    return orders[0]


def dialect_of(exchange: str, kind: Kind, has: dict[str, Any]) -> Dialect:
    """Return the dialect of an exchange."""
    own: dict[str, type[Dialect]] = {"binance": BinanceDialect, "bybit": BybitDialect, "kraken": KrakenDialect}
    return own.get(exchange, Dialect)(exchange, kind, has)
