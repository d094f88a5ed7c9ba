"""The exchange's own records as the port's reports."""

from decimal import Decimal
from typing import Any, Final

from b25.model.event import BUY, SELL
from b25.model.instrument import Instrument
from b25.model.order import State
from b25.venue.ccxt.classify import Failure, classify
from b25.venue.exchange.errors import VenueError
from b25.venue.exchange.filters import SpotFilters
from b25.venue.exchange.linear_views import PositionRisk
from b25.venue.exchange.listing import Listing as Listed
from b25.venue.exchange.money import money_text
from b25.venue.exchange.orders import SIDES, AlgoOrder, Fill, Order
from b25.venue.exchange.positions import Income
from b25.venue.port.outcome import Outcome
from b25.venue.port.reports import AssetTransfer, FundingPayment, Holding, Kind, Listing, OrderReport, Quote, TradeReport

STATES: Final = {
    "NEW": State.OPEN,
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


def symbol_of(listed: Listed) -> str:
    """Unified symbol."""
    pair = f"{listed.base}/{listed.quote}"
    return pair if listed.market == "spot" else f"{pair}:{listed.quote}"


def venue_name(market: str) -> str:
    """Id of a market in Instrument.venue, as the same market on the wire has it."""
    return "binance" if market == "spot" else "binanceusdm"


def money(units: int) -> Decimal:
    """Exact amount of 1e-8 units."""
    return Decimal(money_text(units))


def listing_report(listed: Listed) -> Listing:
    """A symbol with the filters that hold now."""
    filters = listed.filters
    tick, lot = filters.tick_size or listed.tick, filters.step_size or listed.lot
    market_max = filters.market_max_qty
    instrument = Instrument(
        venue=venue_name(listed.market),
        symbol=symbol_of(listed),
        tick=tick,
        lot=lot,
        price_ticks_max=min(int(filters.max_price / tick), 2**31 - 2) if filters.max_price else 2**31 - 2,
        qty_lots_max=min(int(filters.max_qty / lot), 2**31) if filters.max_qty else 2**31,
        min_notional=filters.min_notional,
    )
    return Listing(
        instrument=instrument,
        venue_symbol=listed.name,
        kind=Kind.SPOT if isinstance(filters, SpotFilters) else Kind.LINEAR,
        is_trading=listed.status == "TRADING",
        status=listed.status,
        qty_lots_min=-int(-filters.min_qty // lot),
        market_qty_lots_max=int(market_max / lot),
        price_ticks_min=-int(-filters.min_price // tick),
    )


def funding_payment(symbol: str, row: Income) -> FundingPayment:
    """A payment of the income history."""
    amount = money(row.amount)
    return FundingPayment(symbol=symbol, payment_id=str(row.tran_id), amount=amount, asset=row.asset, time_ms=row.time_ms)


def asset_transfer(row: Income) -> AssetTransfer:
    """A transfer of the income history."""
    return AssetTransfer(transfer_id=str(row.tran_id), amount=money(row.amount), asset=row.asset, time_ms=row.time_ms)


def quote(listed: Listed) -> Quote:
    """Best prices and the last one."""
    levels = [listed.book.levels(side, 1) for side in (BUY, SELL)]
    bid, ask = (Decimal(listed.price_text(level[0][0])) if level else None for level in levels)
    trade = listed.trades[-1] if listed.trades else None
    return Quote(
        symbol=symbol_of(listed),
        bid=bid,
        ask=ask,
        last=Decimal(listed.price_text(trade.price_ticks)) if trade else None,
        time_ms=trade.time_ms if trade else 0,
    )


def order_report(order: Order) -> OrderReport:
    """An order of the book."""
    listed, average = order.listing, order.average_price_text
    has_price = bool(order.price_ticks) and "MARKET" not in order.type
    return OrderReport(
        symbol=symbol_of(listed),
        venue_id=str(order.order_id),
        client_id=order.client_id,
        state=STATES[order.state],
        side=SIDES[order.side],
        qty=Decimal(listed.qty_text(order.qty_lots)),
        filled=Decimal(listed.qty_text(order.filled_lots)),
        price=Decimal(listed.price_text(order.price_ticks)) if has_price else None,
        stop=Decimal(listed.price_text(order.stop_ticks)) if order.stop_ticks else None,
        average=Decimal(average) if order.filled_lots else None,
        reduce_only=order.reduce_only,
        post_only=order.type == "LIMIT_MAKER" or order.tif == "GTX",
        time_ms=order.created_ms,
        update_ms=order.updated_ms or order.created_ms,
    )


def algo_report(algo: AlgoOrder) -> OrderReport:
    """A waiting stop of futures."""
    listed = algo.listing
    return OrderReport(
        symbol=symbol_of(listed),
        venue_id=str(algo.algo_id),
        client_id=algo.client_id,
        state=STATES[algo.state],
        side=SIDES[algo.side],
        qty=Decimal(listed.qty_text(algo.qty_lots)),
        filled=Decimal(listed.qty_text(algo.actual_filled_lots)),
        price=Decimal(listed.price_text(algo.price_ticks)) if algo.price_ticks else None,
        stop=Decimal(listed.price_text(algo.trigger_ticks)) if algo.trigger_ticks else None,
        reduce_only=algo.reduce_only,
        post_only=algo.tif == "GTX",
        conditional=True,
        became_id=str(algo.actual_order_id) if algo.actual_order_id else "",
        time_ms=algo.created_ms,
        update_ms=algo.updated_ms or algo.created_ms,
    )


def trade_report(fill: Fill, listed: Listed, client_id: str) -> TradeReport:
    """One execution."""
    return TradeReport(
        symbol=symbol_of(listed),
        trade_id=str(fill.trade_id),
        venue_id=str(fill.order_id),
        side=SIDES[fill.side],
        price=Decimal(listed.price_text(fill.price_ticks)),
        qty=Decimal(listed.qty_text(fill.qty_lots)),
        fee=money(fill.commission),
        fee_asset=fill.commission_asset,
        maker=fill.maker,
        time_ms=fill.time_ms,
        client_id=client_id,
        realised=None if listed.market == "spot" else money(fill.realised),
    )


def holding(risk: PositionRisk) -> Holding:
    """A position."""
    state, listed = risk.state, risk.state.listing
    return Holding(
        symbol=symbol_of(listed),
        qty=Decimal(listed.qty_text(abs(state.lots))).copy_sign(state.lots),
        entry_price=Decimal(state.entry_text),
        mark_price=Decimal(listed.price_text(state.mark_ticks)),
        unrealised=money(state.unrealised),
        liquidation_price=Decimal(listed.price_text(risk.liquidation_ticks)) if risk.liquidation_ticks > 0 else None,
        leverage=Decimal(risk.leverage),
        isolated=state.margin_type == "isolated",
        update_ms=risk.updated_ms,
    )


def refused(error: VenueError, market: str) -> Outcome[Any]:
    """What a refusal proves, by the same table as on the wire."""
    body: dict[str, Any] = {"code": error.code, "msg": error.msg}
    if error.data is not None:
        body["data"] = {name: _plain(part) for name, part in error.data.items()}
    return classify(Failure(market, "POST", error.http, body))


def _plain(part: object) -> object:
    if isinstance(part, VenueError):
        return {"code": part.code, "msg": part.msg}
    return {} if isinstance(part, Order) else part
