"""Orders, events and trades as rows of the store, and back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from decimal import ROUND_HALF_EVEN, Decimal
from typing import Any, Final

from b25.execution.orders.actions import Book, Record
from b25.execution.orders.fold import TRIGGERED, Stored, fold
from b25.execution.orders.identity import Identity
from b25.execution.orders.order_amends import DONE
from b25.execution.orders.own_order import Amending, OwnOrder
from b25.execution.orders.states import OrderState
from b25.model.instrument import Instrument
from b25.model.order import POST_ONLY, REDUCE_ONLY, Tif
from b25.store.order_log import NOBODY, Leg, text_of
from b25.venue.port.reports import TradeReport
from b25.venue.port.requests import NewOrder

TAKE_PROFIT: Final = 64  # in `intent.flags`, beside the flags of b25.model.order
UNITS: Final = 10**18  # base units of every asset: no venue's amounts are finer
SIDES: Final = {1: "buy", -1: "sell"}
Columns = Mapping[str, Any]
NONE: Final[Columns] = {}


def intent_row(new: NewOrder, identity: Identity, instrument: Instrument, *, order_id: int, request_id: int) -> dict[str, Any]:
    """An intent, with everything that is needed to ask for it after a crash."""
    flags = POST_ONLY * new.post_only | REDUCE_ONLY * new.reduce_only | TAKE_PROFIT * new.take_profit
    return {
        "id": identity.intent_id,
        "venue": instrument.venue,
        "coid": new.client_id,
        "symbol": new.symbol,
        "side": SIDES[new.side],
        "type": "MARKET" if new.is_market else "LIMIT",
        "tif": new.tif.name,
        "qty": text_of(instrument.quantity(new.qty_lots)),
        "price": text_of(instrument.price(new.price_ticks)) if new.price_ticks else None,
        "stop": text_of(instrument.price(new.stop_ticks)) if new.stop_ticks else None,
        "flags": flags,
        "epoch": identity.epoch,
        "sign_ts_ms": new.sign_ms,
        "recv_window": new.recv_window_ms,
        "order_id": order_id,
        "request_id": request_id,
    }


def event_row(record: Record, instrument: Instrument) -> dict[str, Any]:
    """An event of an order."""
    return {
        "coid": record.coid,
        "src": str(record.source),
        "status": str(record.state),
        "cum_qty": text_of(instrument.quantity(record.cum_lots)),
        "venue_oid": record.venue_id or None,
        "venue_ts_ms": record.venue_ms or None,
        "code": None if record.code is None else str(record.code),
        "msg": record.text or None,
    }


Changes = Sequence[tuple[Any, list[Any]]]  # intents to change an order, oldest first, each with its events


def restored(row: Any, events: list[Any], fills: list[Any], instrument: Instrument, changes: Changes = ()) -> OwnOrder:
    """An order from its rows."""
    new = NewOrder(
        symbol=row.symbol,
        client_id=row.coid,
        side=1 if row.side == "buy" else -1,
        qty_lots=instrument.lots(row.qty),
        price_ticks=instrument.ticks(row.price) if row.price else 0,
        stop_ticks=instrument.ticks(row.stop) if row.stop else 0,
        take_profit=bool(row.flags & TAKE_PROFIT),
        tif=Tif[row.tif],
        post_only=bool(row.flags & POST_ONLY),
        reduce_only=bool(row.flags & REDUCE_ONLY),
        sign_ms=row.sign_ts_ms,
        recv_window_ms=row.recv_window,
    )
    told = (
        Stored(OrderState(e.status), instrument.lots(e.cum_qty), e.venue_oid or "", e.venue_ts_ms or 0, e.msg == TRIGGERED)
        for e in events
    )
    booked = ((f.trade_id, instrument.lots(f.qty)) for f in fills)
    pending = None
    for change, answers in changes:
        price_ticks, qty_lots = instrument.ticks(change.price), instrument.lots(change.qty)
        if not answers:
            bound_ms = change.sign_ts_ms + change.recv_window
            pending = Amending(change.coid, price_ticks, qty_lots, change.request_id, bound_ms)
        elif answers[-1].status == DONE:
            new = replace(new, price_ticks=price_ticks, qty_lots=qty_lots)
    return fold(new, told, booked, order_id=row.order_id, request_id=row.request_id, amending=pending)


def fill_row(book: Book, venue: str, *, synthetic: bool = False) -> dict[str, Any]:
    """A fill."""
    trade = book.trade
    return {
        "venue": venue,
        "symbol": trade.symbol,
        "trade_id": trade.trade_id,
        "coid": book.coid or None,
        "venue_oid": trade.venue_id,
        "side": SIDES[trade.side],
        "qty": text_of(trade.qty),
        "price": text_of(trade.price),
        "fee": text_of(trade.fee),
        "fee_asset": trade.fee_asset or None,
        "maker": trade.maker,
        "realized": None if trade.realised is None else text_of(trade.realised),
        "venue_ts_ms": trade.time_ms,
        "src": str(book.source),
        "synthetic": synthetic,
    }


def legs_of(trade: TradeReport, strategy: str) -> list[Leg]:
    """Double entry of a spot fill, or of a contract's quantity and fee; each asset sums to nothing."""
    base, _, rest = trade.symbol.partition("/")
    quote, _, settle = rest.partition(":")
    owner = strategy or NOBODY
    moves = [(f"{trade.symbol}" if settle else base, trade.qty * trade.side)]
    if not settle:
        moves.append((quote, -trade.qty * trade.price * trade.side))
    legs = []
    for asset, amount in moves:
        legs += [Leg(asset, owner, units(amount)), Leg(asset, "market", -units(amount))]
    if trade.realised:
        legs += [Leg(settle or quote, owner, units(trade.realised)), Leg(settle or quote, "realised", -units(trade.realised))]
    if trade.fee:
        asset = trade.fee_asset or settle or quote
        legs += [Leg(asset, owner, -units(trade.fee)), Leg(asset, "fees", units(trade.fee))]
    return legs


def units(amount: Decimal) -> int:
    """Whole base units."""
    return int((amount * UNITS).to_integral_value(ROUND_HALF_EVEN))


def emergency_entry(coid: str, symbol: str, why: str, now_ns: int) -> Mapping[str, Any]:
    """A cancel that left while the store could not take it."""
    return {"ts_ns": now_ns, "kind": "CANCEL", "coid": coid, "symbol": symbol, "why": why}
