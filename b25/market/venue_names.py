"""How Binance's three markets name things: venue id, market, a symbol's raw name, and the instruments known by heart."""

import tomllib
from dataclasses import dataclass
from decimal import Decimal
from functools import cache
from importlib.resources import files

from b25.model.errors import Misuse
from b25.model.message import COINM, SPOT, USDM

# Our own simulator numbers its diffs as Binance USD-M does.
MARKETS = {"binanceusdm": USDM, "sim": USDM, "binancecoinm": COINM, "binance": SPOT}
EXAMPLES = {USDM: "ETH/USDT:USDT", COINM: "ETH/USD:ETH", SPOT: "ETH/USDT"}


def market_of(venue: str) -> int:
    """USDM, COINM or SPOT of a ccxt venue id."""
    if venue not in MARKETS:
        raise Misuse(f"captures of venue {venue!r} cannot be read", remedy=f"use one of {', '.join(MARKETS)}")
    return MARKETS[venue]


def venue_of(market: int) -> str:
    """Ccxt id of a market."""
    return next(venue for venue, its in MARKETS.items() if its == market)


def raw_symbol(venue: str, symbol: str) -> str:
    """Return the venue's own name of a unified symbol, e.g. ``ETH/USDT:USDT`` → ``ETHUSDT``.

    Raises
    ------
    Misuse
        When the symbol cannot be one of this venue's.
    """
    market = market_of(venue)
    pair, _, settle_and_date = symbol.partition(":")
    base, slash, quote = pair.partition("/")
    settle, _, date = settle_and_date.partition("-")
    expected_settle = {USDM: quote, COINM: base, SPOT: ""}[market]
    plain = all(part.isascii() and part.isalnum() and part == part.upper() for part in (base, quote))
    if not (slash and plain) or settle != expected_settle or (date and not date.isdigit()) or (market == SPOT and ":" in symbol):
        raise Misuse(f"{symbol!r} is no symbol of {venue}", remedy=f"write it like {EXAMPLES[market]}")
    if market == COINM:
        return f"{base}{quote}_{date or 'PERP'}"
    return f"{base}{quote}_{date}" if date else f"{base}{quote}"


@dataclass(frozen=True, slots=True)
class KnownInstrument:
    """Tick, lot and contract size that a venue published."""

    tick: Decimal
    lot: Decimal
    contract_size: Decimal


@cache
def _table() -> dict[str, dict[str, dict[str, str]]]:
    text = files("b25.market").joinpath("known_instruments.toml").read_text(encoding="utf-8")
    return {name: part for name, part in tomllib.loads(text).items() if isinstance(part, dict)}


def known_instrument(venue: str, symbol: str) -> KnownInstrument | None:
    """Facts of the dated table, or None."""
    row = _table().get(venue, {}).get(symbol)
    if row is None:
        return None
    return KnownInstrument(Decimal(row["tick"]), Decimal(row["lot"]), Decimal(row.get("contract_size", "1")))


def default_contract_size(venue: str, symbol: str) -> Decimal:
    """Contract size where nobody gave one: 1 for linear; of coin-margined contracts 100 USD for BTC, 10 USD for all others."""
    if market_of(venue) != COINM:
        return Decimal(1)
    return Decimal(100) if symbol.startswith("BTC/") else Decimal(10)
