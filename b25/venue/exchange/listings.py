"""The symbols that a venue lists when nobody says otherwise: Binance-like ticks, lots and filters."""

from collections.abc import Iterable
from decimal import Decimal
from typing import Any

from b25.model.errors import Misuse
from b25.model.instrument import Instrument
from b25.venue.exchange.brackets import MAJOR, MIDDLE
from b25.venue.exchange.filters import LinearFilters, SpotFilters
from b25.venue.exchange.listing import Listing
from b25.venue.exchange.mark import MarkState

# name: base, quote, tick, lot, largest quantity, largest market quantity, largest price
SPOT = {
    "BTCUSDT": ("BTC", "USDT", "0.01", "0.00001", "9000", "120", "1000000"),
    "ETHUSDT": ("ETH", "USDT", "0.01", "0.0001", "9000", "2200", "1000000"),
    "BNBUSDT": ("BNB", "USDT", "0.01", "0.001", "900000", "6000", "100000"),
    "SOLUSDT": ("SOL", "USDT", "0.01", "0.001", "90000", "20000", "100000"),
    "XRPUSDT": ("XRP", "USDT", "0.0001", "0.1", "9222449", "2000000", "10000"),
    "ADAUSDT": ("ADA", "USDT", "0.0001", "0.1", "900000", "900000", "1000"),
    "DOGEUSDT": ("DOGE", "USDT", "0.00001", "1", "90000000", "9000000", "1000"),
    "ETHBTC": ("ETH", "BTC", "0.00001", "0.001", "9000", "1000", "1000"),
}
LINEAR = {
    "BTCUSDT": ("BTC", "USDT", "0.1", "0.001", "1000", "120", "4529764"),
    "ETHUSDT": ("ETH", "USDT", "0.01", "0.001", "10000", "2000", "306177"),
    "BNBUSDT": ("BNB", "USDT", "0.01", "0.01", "100000", "2000", "100000"),
    "SOLUSDT": ("SOL", "USDT", "0.01", "0.01", "1000000", "5000", "100000"),
    "XRPUSDT": ("XRP", "USDT", "0.0001", "0.1", "10000000", "2000000", "10000"),
    "ADAUSDT": ("ADA", "USDT", "0.0001", "1", "2000000", "300000", "1000"),
    "DOGEUSDT": ("DOGE", "USDT", "0.00001", "1", "50000000", "30000000", "1000"),
}
LINEAR_MIN_NOTIONAL = {"BTCUSDT": "50", "ETHUSDT": "20"}
MAJORS = ("BTCUSDT", "ETHUSDT")


def spot_listing(name: str, **changes: Any) -> Listing:
    """A spot symbol of the table; ``changes`` go to `Listing`."""
    base, quote, tick, lot, largest, market_largest, price = SPOT[name]
    filters = SpotFilters(
        min_price=Decimal(tick),
        max_price=Decimal(price),
        tick_size=Decimal(tick),
        min_qty=Decimal(lot),
        max_qty=Decimal(largest),
        step_size=Decimal(lot),
        market_max_qty=Decimal(market_largest),
        min_notional=Decimal("0.0001") if quote == "BTC" else Decimal(5),
    )
    terms: dict[str, Any] = {"filters": filters, **changes}
    return Listing(name=name, market="spot", base=base, quote=quote, tick=Decimal(tick), lot=Decimal(lot), **terms)


def linear_listing(name: str, **changes: Any) -> Listing:
    """A USD-M perpetual of the table; ``changes`` go to `Listing`."""
    base, quote, tick, lot, largest, market_largest, price = LINEAR[name]
    filters = LinearFilters(
        min_price=Decimal(tick),
        max_price=Decimal(price),
        tick_size=Decimal(tick),
        min_qty=Decimal(lot),
        max_qty=Decimal(largest),
        step_size=Decimal(lot),
        market_max_qty=Decimal(market_largest),
        min_notional=Decimal(LINEAR_MIN_NOTIONAL.get(name, "5")),
    )
    terms: dict[str, Any] = {"filters": filters, **_linear_terms(name), **changes}
    return Listing(name=name, market="linear", base=base, quote=quote, tick=Decimal(tick), lot=Decimal(lot), **terms)


def listing_of(instrument: Instrument) -> Listing:
    """A listing on the grid of an instrument; what the tables know of its name stays.

    Raises
    ------
    Misuse
        When the instrument is neither spot nor a linear perpetual, which are all that this exchange trades.
    """
    if instrument.inverse or instrument.contract_size != 1:
        raise Misuse(
            f"{instrument.symbol} is no spot pair and no linear perpetual of contract size 1",
            remedy="replay an instrument that Binance trades on spot or USD-M",
        )
    spot, name = ":" not in instrument.symbol, instrument.base + instrument.quote
    table = SPOT if spot else LINEAR
    largest, market_largest, price = table[name][4:] if name in table else ("1000000", "100000", "1000000")
    grid: dict[str, Any] = {
        "tick_size": instrument.tick,
        "step_size": instrument.lot,
        "min_price": instrument.tick,
        "min_qty": instrument.lot,
    }
    least = instrument.min_notional or Decimal(5)
    bounds: dict[str, Any] = {"max_price": Decimal(price), "max_qty": Decimal(largest), "market_max_qty": Decimal(market_largest)}
    filters = (SpotFilters if spot else LinearFilters)(**grid, **bounds, min_notional=least)
    terms: dict[str, Any] = {"market": "spot"} if spot else {"market": "linear", **_linear_terms(name)}
    terms |= {"name": name, "base": instrument.base, "quote": instrument.quote, "filters": filters}
    return Listing(tick=instrument.tick, lot=instrument.lot, **terms)


def _linear_terms(name: str) -> dict[str, Any]:
    return {
        "maker_fee_ppm": 200,
        "taker_fee_ppm": 500,
        "brackets": MAJOR if name in MAJORS else MIDDLE,
        "mark": MarkState(),
    }


def default_listings(spot: Iterable[str] = SPOT, linear: Iterable[str] = LINEAR, **changes: Any) -> list[Listing]:
    """Fresh listings of these symbols of both markets."""
    return [spot_listing(name, **changes) for name in spot] + [linear_listing(name, **changes) for name in linear]
