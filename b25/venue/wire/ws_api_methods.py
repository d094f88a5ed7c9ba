"""Methods of the WebSocket API, and the REST endpoint that does what each of them says."""

from b25.venue.wire.channels import Market

SPOT = "/api/v3"
LINEAR = "/fapi"
METHODS: dict[Market, dict[str, tuple[str, str]]] = {
    "spot": {
        "ping": ("GET", SPOT + "/ping"),
        "time": ("GET", SPOT + "/time"),
        "exchangeInfo": ("GET", SPOT + "/exchangeInfo"),
        "depth": ("GET", SPOT + "/depth"),
        "trades.recent": ("GET", SPOT + "/trades"),
        "trades.historical": ("GET", SPOT + "/historicalTrades"),
        "trades.aggregate": ("GET", SPOT + "/aggTrades"),
        "klines": ("GET", SPOT + "/klines"),
        "uiKlines": ("GET", SPOT + "/uiKlines"),
        "avgPrice": ("GET", SPOT + "/avgPrice"),
        "ticker.24hr": ("GET", SPOT + "/ticker/24hr"),
        "ticker.tradingDay": ("GET", SPOT + "/ticker/tradingDay"),
        "ticker": ("GET", SPOT + "/ticker"),
        "ticker.price": ("GET", SPOT + "/ticker/price"),
        "ticker.book": ("GET", SPOT + "/ticker/bookTicker"),
        "order.place": ("POST", SPOT + "/order"),
        "order.test": ("POST", SPOT + "/order/test"),
        "order.status": ("GET", SPOT + "/order"),
        "order.cancel": ("DELETE", SPOT + "/order"),
        "order.cancelReplace": ("POST", SPOT + "/order/cancelReplace"),
        "order.amend.keepPriority": ("PUT", SPOT + "/order/amend/keepPriority"),
        "openOrders.status": ("GET", SPOT + "/openOrders"),
        "openOrders.cancelAll": ("DELETE", SPOT + "/openOrders"),
        "allOrders": ("GET", SPOT + "/allOrders"),
        "myTrades": ("GET", SPOT + "/myTrades"),
        "myPreventedMatches": ("GET", SPOT + "/myPreventedMatches"),
        "myAllocations": ("GET", SPOT + "/myAllocations"),
        "openOrderLists.status": ("GET", SPOT + "/openOrderList"),
        "allOrderLists": ("GET", SPOT + "/allOrderList"),
        "account.status": ("GET", SPOT + "/account"),
        "account.commission": ("GET", SPOT + "/account/commission"),
        "account.rateLimits.orders": ("GET", SPOT + "/rateLimit/order"),
    },
    "linear": {
        "ping": ("GET", LINEAR + "/v1/ping"),
        "time": ("GET", LINEAR + "/v1/time"),
        "exchangeInfo": ("GET", LINEAR + "/v1/exchangeInfo"),
        "depth": ("GET", LINEAR + "/v1/depth"),
        "klines": ("GET", LINEAR + "/v1/klines"),
        "ticker.price": ("GET", LINEAR + "/v1/ticker/price"),
        "ticker.book": ("GET", LINEAR + "/v1/ticker/bookTicker"),
        "order.place": ("POST", LINEAR + "/v1/order"),
        "order.test": ("POST", LINEAR + "/v1/order/test"),
        "order.modify": ("PUT", LINEAR + "/v1/order"),
        "order.cancel": ("DELETE", LINEAR + "/v1/order"),
        "order.status": ("GET", LINEAR + "/v1/order"),
        "algoOrder.place": ("POST", LINEAR + "/v1/algoOrder"),
        "algoOrder.cancel": ("DELETE", LINEAR + "/v1/algoOrder"),
        "account.balance": ("GET", LINEAR + "/v2/balance"),
        "v2/account.balance": ("GET", LINEAR + "/v3/balance"),
        "account.status": ("GET", LINEAR + "/v2/account"),
        "v2/account.status": ("GET", LINEAR + "/v3/account"),
        "account.position": ("GET", LINEAR + "/v2/positionRisk"),
        "v2/account.position": ("GET", LINEAR + "/v3/positionRisk"),
        "userDataStream.start": ("POST", LINEAR + "/v1/listenKey"),
        "userDataStream.ping": ("PUT", LINEAR + "/v1/listenKey"),
        "userDataStream.stop": ("DELETE", LINEAR + "/v1/listenKey"),
    },
}
# What an order or a cancel counts against is told with its answer; any other answer tells the weight alone.
ORDER_METHODS = frozenset({"order.place", "order.cancelReplace", "order.modify", "algoOrder.place"})
# Of the socket rather than of an endpoint.
NOT_FOR_ENDPOINTS = frozenset({"returnRateLimits", "listenKey"})
# What ccxt's own parameters leave behind in its requests (createOrderWs, editOrderWs, fetchBalanceWs): passed over where an
# endpoint does not read them, or these methods of ccxt could not be used as they are.
CCXT_LEFTOVERS = frozenset(
    "clientOrderId conditional cost hedged marginMode postOnly stop stopLossPrice stopPrice takeProfitPrice trailingPercent "
    "trailingTriggerPrice trigger triggerPrice type".split()
)
