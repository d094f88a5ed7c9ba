"""The grids of what is to be recorded: as the venue tells them, or as the catalog or the table of known instruments says."""

import difflib
from decimal import Decimal
from typing import Any

from b25.market.catalog import Catalog
from b25.market.exchange import grid_of, open_exchange
from b25.market.feed.binance_streams import address_of
from b25.market.manifest import read_manifest
from b25.market.venue_names import known_instrument, market_of, raw_symbol
from b25.model.errors import Misuse, Retry
from b25.model.instrument import Instrument

FAST_VENUES = ("binance", "binanceusdm")
INFO_S = 20.0


async def fast_instruments(venue: str, symbols: list[str], catalog: Catalog, api_url: str | None) -> list[tuple[Instrument, str]]:
    """Instruments of Binance and their raw names.

    Raises
    ------
    Misuse
        When the venue has no such symbol, or its grid does not fit what the catalog holds.
    Retry
        When the venue cannot be asked and nothing else knows the grid.
    """
    market = market_of(venue)
    names = [raw_symbol(venue, symbol) for symbol in symbols]
    listed, why = await _listed(address_of(market, api_url).info_url, names)
    found = []
    for symbol, name in zip(symbols, names, strict=True):
        if listed is not None and name not in listed:
            near = difflib.get_close_matches(name, listed, n=3)
            meant = f"did you mean {' or '.join(near)}?" if near else "check the symbol, and the venue"
            raise Misuse(f"{venue} has no {symbol} ({name})", remedy=meant)
        tick, lot = _steps(listed[name]) if listed is not None else (None, None)
        found.append((_instrument(venue, symbol, tick, lot, None, catalog, why), name))
    return found


def other_instruments(venue: str, symbols: list[str], catalog: Catalog, api_url: str | None) -> list[tuple[Instrument, str]]:
    """Instruments of any other venue, by way of ccxt; the raw name is the unified symbol."""
    exchange = open_exchange(venue, api_url=api_url)
    found = []
    for symbol in symbols:
        market = exchange.market(symbol)
        if market.get("inverse"):
            raise Misuse(f"{venue} {symbol} is an inverse contract", remedy="record a linear or spot market of it")
        grid = grid_of(market, int(exchange.api.precisionMode))
        found.append((_instrument(venue, symbol, grid.tick, grid.lot, grid.contract_size, catalog, ""), symbol))
    return found


async def _listed(url: str, names: list[str]) -> tuple[dict[str, Any] | None, str]:
    import aiohttp

    params = {"symbol": names[0]} if len(names) == 1 and "/api/" in url else {}
    try:
        async with (
            aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=INFO_S)) as session,
            session.get(url, params=params) as answer,
        ):
            body = await answer.json(content_type=None)
    except (aiohttp.ClientError, TimeoutError, OSError, ValueError) as fault:
        return None, f"{url}: {type(fault).__name__}: {fault}"
    if isinstance(body, dict) and body.get("code") == -1121:
        return {}, ""
    if not isinstance(body, dict) or not isinstance(body.get("symbols"), list):
        return None, f"{url} answers {answer.status}: {str(body)[:150]}"
    return {str(one.get("symbol")): one for one in body["symbols"]}, ""


def _steps(listed: dict[str, Any]) -> tuple[Decimal | None, Decimal | None]:
    by_kind = {one.get("filterType"): one for one in listed.get("filters", [])}

    def step(kind: str, field: str) -> Decimal | None:
        number = Decimal(str(by_kind.get(kind, {}).get(field, "0")))
        return number if number > 0 else None

    return step("PRICE_FILTER", "tickSize"), step("LOT_SIZE", "stepSize")


def _instrument(
    venue: str, symbol: str, tick: Decimal | None, lot: Decimal | None, size: Decimal | None, catalog: Catalog, why: str
) -> Instrument:
    """Return what the catalog has, if the venue's grid lies on it; else the venue's, else the known one."""
    before = read_manifest(catalog.instrument_folder(venue, symbol))
    if before is not None:
        for name, now in (("tick", tick), ("lot", lot)):
            have = getattr(before.instrument, name)
            if now is not None and now % have != 0:
                raise Misuse(
                    f"the catalog holds {symbol} with {name} {have:f}, the venue now says {now:f}",
                    remedy="record into another catalog",
                )
        return before.instrument
    known = known_instrument(venue, symbol)
    tick, lot = tick or (known.tick if known else None), lot or (known.lot if known else None)
    if tick is None or lot is None:
        told = why or f"{venue} does not tell tick and lot of {symbol}"
        raise Retry(f"the grid of {symbol} is unknown: {told}", remedy="check the network and --api-url, then try again")
    return Instrument(venue=venue, symbol=symbol, tick=_plain(tick), lot=_plain(lot), contract_size=_plain(size or Decimal(1)))


def _plain(number: Decimal) -> Decimal:
    return Decimal(f"{number.normalize():f}")
