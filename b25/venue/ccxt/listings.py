"""A venue's markets as instruments: exact grid, bounds that int64 holds, and a symbol that is safe to show."""

from __future__ import annotations

import re
from collections.abc import Mapping
from decimal import ROUND_CEILING, Decimal
from typing import Any, Final

from b25.market.exchange import grid_of
from b25.model.errors import Misuse
from b25.model.event import PRICE_TICKS_MAX
from b25.model.instrument import Instrument
from b25.venue.port.reports import Kind, Listing

QTY_LOTS_MAX: Final = 2**31
SYMBOL = re.compile(r"[\w.$+-]{1,40}/[\w.$+-]{1,40}(:[\w.+-]{1,60})?")  # nothing that a page or a shell could take for code


def venue_name(exchange_id: str, kind: Kind) -> str:
    """Id of a venue in Instrument.venue: Binance's markets are venues of their own."""
    if exchange_id in ("binance", "binanceusdm", "binancecoinm"):
        return {Kind.SPOT: "binance", Kind.LINEAR: "binanceusdm", Kind.INVERSE: "binancecoinm"}[kind]
    return exchange_id


def kind_of(market: Mapping[str, Any]) -> Kind | None:
    """Spot, linear or inverse; None for an option and what else there may be."""
    if market.get("spot"):
        return Kind.SPOT
    if not (market.get("swap") or market.get("future")):
        return None
    return Kind.INVERSE if market.get("inverse") else Kind.LINEAR if market.get("linear") else None


def listing_of(market: Mapping[str, Any], precision_mode: int, venue: str) -> Listing | None:
    """Return a market of ccxt's as a listing; None when it is of no kind of ours, tells no grid, or cannot be counted in int64.

    Parameters
    ----------
    market : Mapping
        As ccxt unifies it.
    precision_mode : int
        How the exchange tells its precision: DECIMAL_PLACES or TICK_SIZE. Significant digits make no grid.
    venue : str
    """
    kind, symbol = kind_of(market), str(market.get("symbol") or "")
    if kind is None or not SYMBOL.fullmatch(symbol):
        return None
    grid = grid_of(dict(market), precision_mode)
    tick, lot = grid.tick, grid.lot
    if tick is None or lot is None:
        return None
    limits = market.get("limits") or {}
    contract = grid.contract_size if kind is not Kind.SPOT and grid.contract_size else Decimal(1)
    try:
        instrument = Instrument(
            venue=venue,
            symbol=symbol,
            tick=tick,
            lot=lot,
            contract_size=contract,
            inverse=kind is Kind.INVERSE,
            price_ticks_max=_most(_bound(limits, "price", "max"), tick, PRICE_TICKS_MAX),
            qty_lots_max=_most(_bound(limits, "amount", "max"), lot, QTY_LOTS_MAX),
            min_notional=grid.min_notional or Decimal(0),
        )
    except Misuse:
        return None
    info = market.get("info") if isinstance(market.get("info"), Mapping) else {}
    market_max = _bound(limits, "market", "max")
    return Listing(
        instrument=instrument,
        venue_symbol=str(market["id"]),
        kind=kind,
        is_trading=_is_trading(market, info or {}),
        status=str((info or {}).get("status") or (info or {}).get("state") or ""),
        qty_lots_min=_least(_bound(limits, "amount", "min"), lot),
        market_qty_lots_max=int(market_max / lot) if market_max else 0,
        price_ticks_min=_least(_bound(limits, "price", "min"), tick),
        expiry_ms=int(market.get("expiry") or 0),
        raw=info or {},
    )


def _is_trading(market: Mapping[str, Any], info: Mapping[str, Any]) -> bool:
    """Fails closed: an active flag that is not told, and a status of Binance's that we do not know, is not trading."""
    if market.get("active") is not True:
        return False
    return "filters" not in info or str(info.get("status")) == "TRADING"


def _bound(limits: Mapping[str, Any], what: str, end: str) -> Decimal | None:
    value = (limits.get(what) or {}).get(end)
    number = Decimal(str(value)) if value is not None else Decimal(0)
    return number if number > 0 else None


def _most(bound: Decimal | None, step: Decimal, most: int) -> int:
    return min(int(bound / step), most) if bound and bound >= step else most


def _least(bound: Decimal | None, step: Decimal) -> int:
    return int((bound / step).to_integral_value(ROUND_CEILING)) if bound else 0
