"""A new order out of parameters. Which of them a type must carry is the desk's to say; here each is read as what it should be."""

from b25.venue.exchange.errors import VenueError
from b25.venue.exchange.listing import LINEAR_TIFS
from b25.venue.exchange.orders import NewAlgoOrder, NewOrder
from b25.venue.wire.parameters import CLIENT_ID, Parameters, illegal

SIDES = ("BUY", "SELL")
SPOT_TIFS = ("GTC", "IOC", "FOK")
STP_MODES = ("NONE", "EXPIRE_TAKER", "EXPIRE_MAKER", "EXPIRE_BOTH", "DECREMENT")
RESPONSES = ("ACK", "RESULT", "FULL")
POSITION_SIDES = ("BOTH", "LONG", "SHORT")
WORKING_TYPES = ("CONTRACT_PRICE", "MARK_PRICE")
CONDITIONAL = ("STOP", "STOP_MARKET", "TAKE_PROFIT", "TAKE_PROFIT_MARKET", "TRAILING_STOP_MARKET")
PRICE_MATCHES = ("NONE", *(f"{side}{depth}" for side in ("OPPONENT", "QUEUE") for depth in ("", "_5", "_10", "_20")))

SPOT_TYPES = ("LIMIT", "LIMIT_MAKER", "MARKET", "STOP_LOSS", "STOP_LOSS_LIMIT", "TAKE_PROFIT", "TAKE_PROFIT_LIMIT")
SPOT_NAMES = (
    "symbol side type timeInForce quantity quoteOrderQty price newClientOrderId strategyId strategyType stopPrice trailingDelta "
    "icebergQty newOrderRespType selfTradePreventionMode"
)
LINEAR_NAMES = (
    "symbol side positionSide type timeInForce quantity reduceOnly price newClientOrderId stopPrice closePosition "
    "activationPrice callbackRate workingType priceProtect newOrderRespType priceMatch selfTradePreventionMode goodTillDate"
)
ALGO_NAMES = (
    "algoType symbol side positionSide type timeInForce quantity price triggerPrice workingType priceMatch "
    "closePosition priceProtect reduceOnly activatePrice activationPrice callbackRate clientAlgoId "
    "selfTradePreventionMode goodTillDate newOrderRespType"
)
INVALID_SIDE = VenueError(-1117, "Invalid side.")
INVALID_TYPE = VenueError(-1116, "Invalid orderType.")
INVALID_TIF = VenueError(-1115, "Invalid timeInForce.")


def spot_order(parameters: Parameters) -> NewOrder:
    """A spot order."""
    symbol = parameters.need_symbol()
    side = parameters.need_choice("side", SIDES, INVALID_SIDE)
    kind = parameters.need_choice("type", SPOT_TYPES, INVALID_TYPE)
    return NewOrder(
        symbol=symbol,
        side=side,
        type=kind,
        tif=parameters.choice("timeInForce", SPOT_TIFS, INVALID_TIF),
        quantity=parameters.decimal("quantity"),
        quote_quantity=parameters.decimal("quoteOrderQty"),
        price=parameters.decimal("price"),
        stop_price=parameters.decimal("stopPrice"),
        trailing_delta_bips=parameters.integer("trailingDelta"),
        iceberg_quantity=parameters.decimal("icebergQty"),
        client_id=parameters.client_id("newClientOrderId"),
        stp=parameters.choice("selfTradePreventionMode", STP_MODES),
        strategy_id=parameters.integer("strategyId"),
        strategy_type=parameters.integer("strategyType"),
        response=parameters.choice("newOrderRespType", RESPONSES),
    )


def linear_order(parameters: Parameters) -> NewOrder:
    """A futures order; a conditional type is refused with -4120."""
    symbol = parameters.need_symbol()
    side = parameters.need_choice("side", SIDES, INVALID_SIDE)
    kind = parameters.need("type")
    if kind in CONDITIONAL:
        raise VenueError(-4120, "Order type not supported for this endpoint. Please use the Algo Order API endpoints instead.")
    if kind not in ("LIMIT", "MARKET"):
        raise INVALID_TYPE
    parameters.need("quantity")
    match = parameters.choice("priceMatch", PRICE_MATCHES) or "NONE"
    if kind == "LIMIT":
        parameters.need("timeInForce")
        if match == "NONE":
            parameters.need("price")
    else:
        for name in ("price", "timeInForce"):
            if name in parameters.values:
                raise VenueError(-1106, f"Parameter '{name}' sent when not required.")
    return NewOrder(
        symbol=symbol,
        side=side,
        type=kind,
        tif=parameters.choice("timeInForce", LINEAR_TIFS, INVALID_TIF),
        quantity=parameters.decimal("quantity"),
        price=parameters.decimal("price"),
        stop_price=parameters.decimal("stopPrice"),
        client_id=_linear_id(parameters, "newClientOrderId"),
        stp=parameters.choice("selfTradePreventionMode", STP_MODES),
        response=parameters.choice("newOrderRespType", RESPONSES[:2]),
        position_side=parameters.choice("positionSide", POSITION_SIDES),
        reduce_only=parameters.flag("reduceOnly"),
        close_position=parameters.flag("closePosition"),
        working_type=parameters.choice("workingType", WORKING_TYPES) or "CONTRACT_PRICE",
        price_protect=parameters.flag("priceProtect"),
        price_match=match,
        good_till_ms=parameters.integer("goodTillDate") or 0,
    )


def algo_order(parameters: Parameters) -> NewAlgoOrder:
    """A conditional futures order."""
    parameters.need_choice("algoType", ("CONDITIONAL",))
    symbol = parameters.need_symbol()
    side = parameters.need_choice("side", SIDES, INVALID_SIDE)
    kind = parameters.need_choice("type", CONDITIONAL, INVALID_TYPE)
    closes = parameters.flag("closePosition")
    match = parameters.choice("priceMatch", PRICE_MATCHES) or "NONE"
    if not closes:
        parameters.need("quantity")
    if kind in ("STOP", "TAKE_PROFIT") and match == "NONE":
        parameters.need("price")
    parameters.need("callbackRate" if kind == "TRAILING_STOP_MARKET" else "triggerPrice")
    activate = "activatePrice" if parameters.has("activatePrice") else "activationPrice"
    return NewAlgoOrder(
        symbol=symbol,
        side=side,
        type=kind,
        tif=parameters.choice("timeInForce", LINEAR_TIFS, INVALID_TIF),
        quantity=parameters.decimal("quantity"),
        price=parameters.decimal("price"),
        trigger_price=parameters.decimal("triggerPrice"),
        activate_price=parameters.decimal(activate),
        callback_rate=parameters.decimal("callbackRate"),
        client_id=_linear_id(parameters, "clientAlgoId"),
        stp=parameters.choice("selfTradePreventionMode", STP_MODES),
        position_side=parameters.choice("positionSide", POSITION_SIDES),
        reduce_only=parameters.flag("reduceOnly"),
        close_position=closes,
        working_type=parameters.choice("workingType", WORKING_TYPES) or "CONTRACT_PRICE",
        price_protect=parameters.flag("priceProtect"),
        price_match=match,
        good_till_ms=parameters.integer("goodTillDate") or 0,
    )


def _linear_id(parameters: Parameters, name: str) -> str | None:
    value = parameters.text(name)
    if value is None:
        return None
    if len(value) > 36:
        raise VenueError(-4015, "Client order id length should not be more than 36 chars")
    if CLIENT_ID.fullmatch(value) is None:
        raise illegal(name, CLIENT_ID)
    return value
