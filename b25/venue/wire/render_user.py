"""User data as it goes over the sockets: spot's executionReport and its kin, futures' ORDER_TRADE_UPDATE and its kin."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from b25.venue.exchange.events import (
    AlgoEvent,
    BalanceEvent,
    BalanceUpdate,
    ConfigEvent,
    MarginCall,
    OrderEvent,
    PositionState,
    UserEvent,
)
from b25.venue.exchange.money import money_text
from b25.venue.wire.render_streams import Payload, texts

if TYPE_CHECKING:
    from b25.venue.exchange.orders import Order

ZERO = "0.00000000"
# Futures: what MARGIN_CALL calls the kinds of margin.
_MARGIN_TYPES = {"cross": "CROSSED", "isolated": "ISOLATED"}


def payloads(event: UserEvent, now_ms: int) -> list[Payload]:
    """What goes out for one event; a fill on futures is told twice, the first time in short."""
    if isinstance(event, OrderEvent):
        if event.market == "spot":
            return [execution_report(event, now_ms)]
        lite = [trade_lite(event, now_ms)] if event.fill is not None and event.execution == "TRADE" else []
        return [*lite, order_trade_update(event, now_ms)]
    if isinstance(event, BalanceEvent):
        return [account_position(event, now_ms) if event.market == "spot" else account_update(event, now_ms)]
    if isinstance(event, BalanceUpdate):
        return [balance_update(event, now_ms)] if event.market == "spot" else []
    if isinstance(event, AlgoEvent):
        return [algo_update(event, now_ms)]
    return [margin_call(event, now_ms) if isinstance(event, MarginCall) else config_update(event, now_ms)]


# -- spot ---------------------------------------------------------------------------------------------


def execution_report(event: OrderEvent, now_ms: int) -> Payload:
    """Spot: something happened to an order."""
    order, fill = event.order, event.fill
    price, qty = texts(order.listing)
    cancels = event.cancel_client_id and event.execution in ("CANCELED", "REPLACED")
    report: Payload = {
        "e": "executionReport", "E": now_ms, "s": order.listing.name,
        "c": event.cancel_client_id if cancels else order.client_id, "S": order.side, "o": order.type, "f": order.tif,
        "q": qty(order.qty_lots), "p": price(order.price_ticks), "P": price(order.stop_ticks), "F": qty(order.iceberg_lots),
        "g": -1, "C": order.client_id if cancels else "", "x": event.execution, "X": order.state, "r": event.reject_reason,
        "i": order.order_id, "l": qty(fill.qty_lots if fill else 0), "z": qty(order.filled_lots),
        "L": price(fill.price_ticks if fill else 0), "n": money_text(fill.commission) if fill else "0",
        "N": fill.commission_asset if fill else None, "T": event.time_ms, "t": fill.trade_id if fill else -1,
        "I": event.execution_id, "w": order.is_open and order.is_working, "m": fill.maker if fill else False,
        "M": fill is not None, "O": order.created_ms,
        "Z": money_text(order.filled_quote), "Y": money_text(fill.quote) if fill else ZERO,
        "Q": money_text(order.quote_qty),
    }  # fmt: skip
    if order.working_ms >= 0:
        report["W"] = order.working_ms
    report["V"] = order.stp
    return report | _conditional(event, qty)


def _conditional(event: OrderEvent, qty: Any) -> Payload:
    """Fields that only some reports have."""
    order = event.order
    more: Payload = {}
    if event.execution == "TRADE_PREVENTION":
        more |= {
            "v": event.execution_id, "A": qty(order.prevented_lots), "B": qty(event.prevented_lots),
            "u": event.counter_order_id, "U": event.counter_order_id, "Cs": order.listing.name,
            "pl": qty(event.prevented_lots), "pL": ZERO,
            "pY": money_text(order.listing.notional(order.price_ticks * event.prevented_lots)),
        }  # fmt: skip
    if order.trailing_delta_bips:
        more |= {"d": order.trailing_delta_bips, "D": order.trailing_ms or -1}
    if order.strategy_id is not None:
        more["j"] = order.strategy_id
    if order.strategy_type is not None:
        more["J"] = order.strategy_type
    if order.expiry_reason and event.execution == "EXPIRED":
        more["eR"] = order.expiry_reason
    return more


def account_position(event: BalanceEvent, now_ms: int) -> Payload:
    """Spot: balances after something changed them."""
    rows = [{"a": state.asset, "f": money_text(state.free), "l": money_text(state.locked)} for state in event.assets]
    return {"e": "outboundAccountPosition", "E": now_ms, "u": event.time_ms, "B": rows}


def balance_update(event: BalanceUpdate, now_ms: int) -> Payload:
    """Spot: money came or went."""
    return {"e": "balanceUpdate", "E": now_ms, "a": event.asset, "d": money_text(event.delta), "T": event.time_ms}


# -- futures ------------------------------------------------------------------------------------------


def order_trade_update(event: OrderEvent, now_ms: int) -> Payload:
    """Futures: something happened to an order."""
    order, fill, listing = event.order, event.fill, event.order.listing
    price, qty = listing.price_text, listing.qty_text
    row: Payload = {
        "s": listing.name, "c": order.client_id, "S": order.side, "o": order.type, "f": order.tif, "q": qty(order.qty_lots),
        "p": price(order.price_ticks), "ap": order.average_price_text, "sp": price(order.stop_ticks) if order.stop_ticks else "0",
        "x": event.execution, "X": order.state, "i": order.order_id, "l": qty(fill.qty_lots if fill else 0),
        "z": qty(order.filled_lots), "L": price(fill.price_ticks) if fill else "0",
    }  # fmt: skip
    if fill is not None:
        row |= {"N": fill.commission_asset, "n": money_text(fill.commission)}
    row |= {
        "T": event.time_ms, "t": fill.trade_id if fill else 0, **_open_notional(order), "m": fill.maker if fill else False,
        "R": order.reduce_only, "wt": order.working_type, "ot": order.orig_type or order.type, "ps": order.position_side,
        "cp": order.close_position, "AP": "0", "cr": "0", "pP": order.price_protect, "si": 0, "ss": 0,
        "rp": money_text(fill.realised) if fill else "0", "V": order.stp, "pm": order.price_match, "gtd": order.good_till_ms,
    }  # fmt: skip
    if order.expiry_reason and event.execution == "EXPIRED":
        row["er"] = order.expiry_reason
    return {"e": "ORDER_TRADE_UPDATE", "T": event.time_ms, "E": now_ms, "o": row}


def _open_notional(order: "Order") -> Payload:
    """What of the order still rests, in the quote asset, on the side on which it does."""
    rests = order.is_open and order.price_ticks > 0
    text = money_text(order.listing.notional(order.price_ticks * order.leaves_lots)) if rests else "0"
    return {"b": text if order.side == "BUY" else "0", "a": text if order.side == "SELL" else "0"}


def trade_lite(event: OrderEvent, now_ms: int) -> Payload:
    """Futures: a fill in short, ahead of everything else that is told of it."""
    order, fill = event.order, event.fill
    assert fill is not None
    price, qty = order.listing.price_text, order.listing.qty_text
    return {
        "e": "TRADE_LITE", "E": now_ms, "T": event.time_ms, "s": order.listing.name, "q": qty(order.qty_lots),
        "p": price(order.price_ticks), "m": fill.maker, "c": order.client_id, "S": order.side, "L": price(fill.price_ticks),
        "l": qty(fill.qty_lots), "t": fill.trade_id, "i": order.order_id,
    }  # fmt: skip


def account_update(event: BalanceEvent, now_ms: int) -> Payload:
    """Futures: wallets and positions after something changed them."""
    assets = [
        {
            "a": state.asset, "wb": money_text(state.wallet), "cw": money_text(state.cross_wallet),
            "bc": money_text(state.change),
        }
        for state in event.assets
    ]  # fmt: skip
    positions = [
        {
            "s": state.listing.name, "pa": state.listing.qty_text(state.lots), "ep": state.entry_text,
            "bep": state.break_even_text, "cr": money_text(state.realised), "up": money_text(state.unrealised),
            "mt": state.margin_type, "iw": money_text(state.isolated_wallet), "ps": state.position_side,
        }
        for state in event.positions
    ]  # fmt: skip
    return {"e": "ACCOUNT_UPDATE", "E": now_ms, "T": event.time_ms, "a": {"m": event.reason, "B": assets, "P": positions}}


def algo_update(event: AlgoEvent, now_ms: int) -> Payload:
    """Futures: something happened to a conditional order."""
    algo, listing = event.algo, event.algo.listing
    price, qty = listing.price_text, listing.qty_text
    row = {
        "caid": algo.client_id, "aid": algo.algo_id, "at": "CONDITIONAL", "o": algo.type, "s": listing.name, "S": algo.side,
        "ps": algo.position_side, "f": algo.tif, "q": qty(algo.qty_lots), "X": algo.state,
        "ai": str(algo.actual_order_id) if algo.actual_order_id else "",
        "ap": listing.average_text(algo.actual_ticklots, algo.actual_filled_lots), "aq": qty(algo.actual_filled_lots),
        "act": _actual_type(algo.type) if algo.actual_order_id else "0", "tp": price(algo.trigger_ticks),
        "p": price(algo.price_ticks) if algo.price_ticks else "0", "V": algo.stp, "wt": algo.working_type, "pm": algo.price_match,
        "cp": algo.close_position, "pP": algo.price_protect, "R": algo.reduce_only, "tt": algo.triggered_ms,
        "gtd": algo.good_till_ms, "rm": algo.reject_reason,
    }  # fmt: skip
    return {"e": "ALGO_UPDATE", "T": event.time_ms, "E": now_ms, "o": row}


def _actual_type(algo_type: str) -> str:
    """The type of the order that a conditional one becomes."""
    return "LIMIT" if algo_type in ("STOP", "TAKE_PROFIT") else "MARKET"


def margin_call(event: MarginCall, now_ms: int) -> Payload:
    """Futures: positions are near their liquidation."""
    return {
        "e": "MARGIN_CALL", "E": now_ms, "cw": money_text(event.cross_wallet), "p": _endangered(event.positions),
    }  # fmt: skip


def _endangered(positions: Sequence[PositionState]) -> list[Payload]:
    return [
        {
            "s": state.listing.name, "ps": state.position_side, "pa": state.listing.qty_text(state.lots),
            "mt": _MARGIN_TYPES.get(state.margin_type, state.margin_type), "iw": money_text(state.isolated_wallet),
            "mp": state.listing.price_text(state.mark_ticks), "up": money_text(state.unrealised),
            "mm": money_text(state.maintenance),
        }
        for state in positions
    ]  # fmt: skip


def config_update(event: ConfigEvent, now_ms: int) -> Payload:
    """Futures: the leverage of a symbol was set."""
    return {"e": "ACCOUNT_CONFIG_UPDATE", "E": now_ms, "T": event.time_ms, "ac": {"s": event.symbol, "l": event.leverage}}
