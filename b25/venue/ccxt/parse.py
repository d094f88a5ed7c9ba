"""ccxt's unified structures as reports. Numbers arrive as the venue's own strings; what has no id is no answer."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any, Final

from b25.model.event import BUY, SELL
from b25.model.order import State
from b25.venue.port.reports import (
    AssetTransfer,
    Balance,
    Candle,
    Fees,
    Funding,
    FundingPayment,
    Holding,
    OrderReport,
    Quote,
    TradeReport,
)

Unified = Mapping[str, Any]

# Binance's own words are finer than ccxt's, which has one for cancelled and for expired in a self-trade.
RAW_STATES: Final = {
    "NEW": State.OPEN,
    "PENDING_NEW": State.OPEN,
    "PENDING_CANCEL": State.OPEN,
    "TRIGGERING": State.OPEN,
    "TRIGGERED": State.OPEN,
    "PARTIALLY_FILLED": State.PART_FILLED,
    "FILLED": State.FILLED,
    "FINISHED": State.FILLED,
    "CANCELED": State.CANCELLED,
    "EXPIRED": State.EXPIRED,
    "EXPIRED_IN_MATCH": State.EXPIRED,
    "REJECTED": State.REJECTED,
}
UNIFIED_STATES: Final = {
    "open": State.OPEN,
    "canceled": State.CANCELLED,
    "canceling": State.OPEN,
    "expired": State.EXPIRED,
    "rejected": State.REJECTED,
}
SIDES: Final = {"buy": BUY, "sell": SELL}


def decimal(value: Any) -> Decimal | None:
    """Exact number, or None."""
    if value is None or value == "":
        return None
    number = Decimal(str(value))
    return number if number.is_finite() else None


class NoSuchOrder(Exception):
    """The venue answered with an empty list where an order was asked for."""


def order_report(order: Unified, asked: OrderReport | None = None, *, needs_id: bool = True) -> OrderReport:
    """Return an order as told; of an answer that is a bare acknowledgement, the rest is as asked.

    Raises
    ------
    ValueError
        When it has no id, or no side or quantity that anybody told: then it is no answer.
    """
    info = order.get("info") if isinstance(order.get("info"), Mapping) else {}
    assert isinstance(info, Mapping)
    venue_id = str(order.get("id") or (asked.venue_id if asked else ""))
    if not venue_id and needs_id:
        raise ValueError("an order without an id")
    side, qty = SIDES.get(str(order.get("side"))), decimal(order.get("amount"))
    if (side is None or qty is None) and asked is None:
        raise ValueError(f"order {venue_id} without side or quantity")
    filled = decimal(order.get("filled"))
    conditional = "algoId" in info or (asked is not None and asked.conditional)
    return OrderReport(
        symbol=str(order.get("symbol") or (asked.symbol if asked else "")),
        venue_id=venue_id,
        client_id=_client_id(order, info) or (asked.client_id if asked else ""),
        state=_state(order, info, qty, filled, asked.state if asked else State.OPEN),
        side=side if side is not None else asked.side if asked else 0,
        qty=qty if qty is not None else asked.qty if asked else Decimal(0),
        filled=filled or Decimal(0),
        price=None if order.get("type") == "market" else _positive(order.get("price")) or (asked.price if asked else None),
        stop=_positive(order.get("triggerPrice")) or (asked.stop if asked else None),
        average=_positive(order.get("average")),
        reduce_only=bool(order.get("reduceOnly") or (asked and asked.reduce_only)),
        post_only=bool(order.get("postOnly") or (asked and asked.post_only)),
        conditional=conditional,
        became_id=str(info.get("actualOrderId") or "") if conditional else "",
        time_ms=int(order.get("timestamp") or 0),
        update_ms=int(order.get("lastUpdateTimestamp") or order.get("timestamp") or 0),
        raw=info,
    )


def trade_report(trade: Unified) -> TradeReport:
    """Return an execution. Raises ValueError when it has no id."""
    trade_id, price, qty = str(trade.get("id") or ""), decimal(trade.get("price")), decimal(trade.get("amount"))
    if not trade_id or price is None or qty is None or trade.get("side") not in SIDES:
        raise ValueError(f"an execution without id, side, price or quantity: {trade_id!r}")
    info = trade.get("info") if isinstance(trade.get("info"), Mapping) else {}
    assert isinstance(info, Mapping)
    fee = trade.get("fee") or {}
    taker_or_maker = trade.get("takerOrMaker")
    return TradeReport(
        symbol=str(trade["symbol"]),
        trade_id=trade_id,
        venue_id=str(trade.get("order") or ""),
        side=SIDES[trade["side"]],
        price=price,
        qty=qty,
        fee=decimal(fee.get("cost")) or Decimal(0),
        fee_asset=str(fee.get("currency") or ""),
        maker=None if taker_or_maker is None else taker_or_maker == "maker",
        time_ms=int(trade.get("timestamp") or 0),
        client_id=str(info.get("orderLinkId") or info.get("clOrdId") or info.get("cl_ord_id") or ""),
        realised=decimal(info.get("realizedPnl")),
        raw=info,
    )


def balances(balance: Unified, *, margined: bool) -> dict[str, Balance]:
    """What is held, by asset; an asset of which nothing is held is left out.

    A margined account's totals include unrealised profit; its wallets are read from the venue's own answer where it has them.
    """
    kept: dict[str, Balance] = {}
    wallets = _wallets(balance.get("info")) if margined else {}
    for asset in balance.get("total") or {}:
        free, used, total = (decimal((balance.get(part) or {}).get(asset)) for part in ("free", "used", "total"))
        total = total if total is not None else (free or Decimal(0)) + (used or Decimal(0))
        if total or free or used:
            free = free if free is not None else total - (used or Decimal(0))
            wallet = wallets.get(asset) if margined else total
            used = used if used is not None else total - free
            kept[asset] = Balance(asset=asset, free=free, used=used, total=total, wallet=wallet)
    return kept


def _wallets(info: Any) -> dict[str, Decimal]:
    rows = info.get("assets") if isinstance(info, Mapping) else info
    told = {row["asset"]: decimal(row.get("walletBalance")) for row in rows or () if isinstance(row, Mapping) and "asset" in row}
    return {asset: amount for asset, amount in told.items() if amount is not None}


def asset_transfer(entry: Unified) -> AssetTransfer:
    """Return what came in or left. Raises ValueError without an amount, or an id that tells it from another."""
    amount, told = decimal(entry.get("amount")), entry.get("id")
    if amount is None or not told:
        raise ValueError("a transfer without an amount or an id")
    return AssetTransfer(
        transfer_id=str(told),
        amount=-amount if entry.get("direction") == "out" else amount,
        asset=str(entry.get("currency") or ""),
        time_ms=int(entry.get("timestamp") or 0),
    )


def holding(position: Unified) -> Holding | None:
    """Return a position, or None when it is flat."""
    qty, entry = decimal(position.get("contracts")), decimal(position.get("entryPrice"))
    if not qty:
        return None
    if entry is None or position.get("side") not in ("long", "short"):
        raise ValueError(f"position in {position.get('symbol')} without side or entry price")
    info = position.get("info")
    return Holding(
        symbol=str(position["symbol"]),
        qty=abs(qty) if position["side"] == "long" else -abs(qty),
        entry_price=entry,
        mark_price=decimal(position.get("markPrice")),
        unrealised=decimal(position.get("unrealizedPnl")),
        liquidation_price=_positive(position.get("liquidationPrice")),
        leverage=_positive(position.get("leverage")),
        isolated=position.get("marginMode") == "isolated",
        update_ms=int(position.get("timestamp") or 0),
        raw=info if isinstance(info, Mapping) else {},
    )


def funding(rate: Unified) -> Funding:
    """Return the next funding, or a past one. Raises ValueError without a rate."""
    value = decimal(rate.get("fundingRate"))
    if value is None:
        raise ValueError(f"no funding rate of {rate.get('symbol')}")
    at_ms = rate.get("fundingTimestamp") or rate.get("nextFundingTimestamp") or rate.get("timestamp")
    return Funding(
        symbol=str(rate["symbol"]),
        rate=value,
        time_ms=int(at_ms or 0),
        mark_price=_positive(rate.get("markPrice")),
        index_price=_positive(rate.get("indexPrice")),
    )


def funding_payment(payment: Unified) -> FundingPayment:
    """Return a funding payment. Raises ValueError without an amount."""
    amount = decimal(payment.get("amount"))
    if amount is None:
        raise ValueError("a funding payment without an amount")
    return FundingPayment(
        symbol=str(payment["symbol"]),
        payment_id=str(payment.get("id") or ""),
        amount=amount,
        asset=str(payment.get("code") or ""),
        time_ms=int(payment.get("timestamp") or 0),
    )


def quote(ticker: Unified) -> Quote:
    """Best prices and the last one."""
    prices = {part: _positive(ticker.get(part)) for part in ("bid", "ask", "last")}
    return Quote(symbol=str(ticker["symbol"]), time_ms=int(ticker.get("timestamp") or 0), **prices)


def candles(rows: list[list[Any]]) -> list[Candle]:
    """Bars, oldest first. Raises ValueError when a figure is missing."""
    found = []
    for open_ms, *figures in rows:
        numbers = [decimal(figure) for figure in figures[:5]]
        if None in numbers or len(numbers) < 5:
            raise ValueError(f"a bar at {open_ms} without all its figures")
        names = ("open", "high", "low", "close", "volume")
        found.append(
            Candle(
                open_ms=int(open_ms), **{name: number for name, number in zip(names, numbers, strict=True) if number is not None}
            )
        )
    return sorted(found, key=lambda candle: candle.open_ms)


def fees(fee: Unified) -> Fees:
    """Return our fees. Raises ValueError when one is missing."""
    maker, taker = decimal(fee.get("maker")), decimal(fee.get("taker"))
    if maker is None or taker is None:
        raise ValueError(f"no fees of {fee.get('symbol')}")
    return Fees(symbol=str(fee["symbol"]), maker=maker, taker=taker)


def _client_id(order: Unified, info: Mapping[str, Any]) -> str:
    """Our id. A cancel's answer at Binance has the cancel's own in its place; Gate has all ids begin with ``t-``."""
    told = str(info.get("origClientOrderId") or order.get("clientOrderId") or "")
    return told[2:] if told.startswith("t-") and info.get("text") == told else told


def _state(order: Unified, info: Mapping[str, Any], qty: Decimal | None, filled: Decimal | None, asked_state: State) -> State:
    raw = info.get("algoStatus") or info.get("status")
    unified = order.get("status")
    if raw in RAW_STATES:
        return RAW_STATES[raw]
    if unified is None and raw is None:
        return asked_state  # acknowledged, and no more was told
    if unified == "closed":
        return State.EXPIRED if qty is not None and filled is not None and filled < qty else State.FILLED
    if unified == "open" and filled:
        return State.PART_FILLED
    return UNIFIED_STATES.get(str(unified), State.UNKNOWN)


def _positive(value: Any) -> Decimal | None:
    number = decimal(value)
    return number if number is not None and number > 0 else None
