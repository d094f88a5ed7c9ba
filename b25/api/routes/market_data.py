"""Market data: what sessions tell over the bus now, and candles of the catalog; each with its time, so that its age shows."""

from __future__ import annotations

from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends, Path, Query
from pydantic import BaseModel, Field

from b25.api.answers import SYMBOL_EXAMPLE, Page, problems, symbol_of
from b25.api.doors import requires
from b25.api.gateway import Gateway, gateway_of, part
from b25.api.principal import Principal
from b25.api.problems import Problem
from b25.api.reach.bus_line import BusLine
from b25.api.reach.pictures import Pictures
from b25.api.roles import Permission
from b25.bus.message import Message
from b25.market.catalog import Catalog
from b25.model.errors import Misuse

router = APIRouter(prefix="/market-data", tags=["market data"])
Reader = Annotated[Principal, requires(Permission.READ)]
Bus = Annotated[BusLine, Depends(part(BusLine))]
Seen = Annotated[Pictures, Depends(part(Pictures))]
Home = Annotated[Gateway, Depends(gateway_of)]
Symbol = Annotated[str, Path(max_length=60, examples=[SYMBOL_EXAMPLE], description="Unified; a slash may be written as %2F.")]
Time = Annotated[int | None, Query(ge=0, le=2**62)]
TIMEFRAME: Final = r"^[1-9][0-9]{0,3}[smhdw]$"


class SymbolView(BaseModel):
    """A symbol, and where it is known from."""

    symbol: str
    sessions: list[str] = Field(description="Sessions that trade it now")
    venues: list[str] = Field(description="Venues of which the catalog has data of it")


class Level(BaseModel):
    """A level of a book."""

    price: str
    quantity: str


class BookView(BaseModel):
    """Best levels, the best first."""

    symbol: str
    time_ns: int
    source: str
    is_healthy: bool
    bids: list[Level]
    asks: list[Level]


class TickerView(BaseModel):
    """The touch, and the last print."""

    symbol: str
    time_ns: int
    source: str
    bid: str | None
    ask: str | None
    last: str | None


class PrintView(BaseModel):
    """A public trade; the side is the aggressor's."""

    time_ns: int
    side: str
    price: str
    quantity: str


class CandleView(BaseModel):
    """Prints from `open_ns` up to and without `close_ns`."""

    open_ns: int
    close_ns: int
    open: str
    high: str
    low: str
    close: str
    volume: str


class Candles(BaseModel):
    """Candles of the catalog, and the newest that a session tells of."""

    symbol: str
    venue: str
    timeframe: str
    source: str
    data: list[CandleView]
    total: int


def _heard(bus: BusLine, pattern: str, symbol: str) -> Message:
    found = bus.heard[pattern].get(symbol)
    if found is None:
        why = "no session tells of it" if bus.is_up else f"the bus is away: {bus.why}" if bus.why else "the bus is away"
        raise Problem(404, f"nothing is known of {symbol} now; {why}", code="NOT_HEARD")
    return found


@router.get("/symbols")
def symbols(by: Reader, bus: Bus, seen: Seen, home: Home) -> Page[SymbolView]:
    """Every symbol that a session trades, the bus tells of, or the catalog has."""
    sessions: dict[str, list[str]] = {symbol: [] for symbol in bus.heard["market_data.{symbol}.ticker"]}
    for one in seen.seen_by(by):
        for symbol in (one.status.get("positions") or {}) if one.is_running else ():
            sessions.setdefault(symbol, []).append(one.name)
    venues: dict[str, list[str]] = {}
    if home.settings.catalog.is_dir():
        for manifest in Catalog(home.settings.catalog).manifests():
            venues.setdefault(manifest.instrument.symbol, []).append(manifest.instrument.venue)
    found = [
        SymbolView(symbol=symbol, sessions=sessions.get(symbol, []), venues=sorted(set(venues.get(symbol, []))))
        for symbol in sorted(sessions.keys() | venues.keys())
    ]
    return Page(data=found, total=len(found))


@router.get("/orderbook/{symbol:path}", responses=problems(404))
async def orderbook(symbol: Symbol, by: Reader, bus: Bus) -> BookView:
    """The book as it was told last."""
    told = _heard(bus, "market_data.{symbol}.orderbook", symbol_of(symbol))
    sides = [[Level(price=price, quantity=quantity) for price, quantity in side] for side in (told.body.bids, told.body.asks)]
    return BookView(
        symbol=told.body.symbol, time_ns=told.event_ns, source=told.source, is_healthy=told.body.is_healthy, bids=sides[0],
        asks=sides[1],
    )  # fmt: skip


@router.get("/ticker/{symbol:path}", responses=problems(404))
async def ticker(symbol: Symbol, by: Reader, bus: Bus, seen: Seen) -> TickerView:
    """The touch: over the bus, else as a session's status has it."""
    wanted = symbol_of(symbol)
    if (told := bus.heard["market_data.{symbol}.ticker"].get(wanted)) is not None:
        body = told.body
        return TickerView(symbol=wanted, time_ns=told.event_ns, source=told.source, bid=body.bid, ask=body.ask, last=body.last)
    for one in seen.seen_by(by):
        for row in (one.status.get("picture") or {}).get("instruments", []) if one.is_running else ():
            if row["symbol"] == wanted:
                at = int(one.status["time_ns"])
                return TickerView(
                    symbol=wanted, time_ns=at, source=f"session/{one.name}", bid=row["bid"], ask=row["ask"], last=None
                )
    raise Problem(404, f"nothing is known of {wanted} now", code="NOT_HEARD")


@router.get("/trades/{symbol:path}", responses=problems(404))
async def trades(symbol: Symbol, by: Reader, bus: Bus, limit: Annotated[int, Query(ge=1, le=500)] = 100) -> Page[PrintView]:
    """Public trades that sessions told of, newest first."""
    wanted = symbol_of(symbol)
    _heard(bus, "market_data.{symbol}.trades", wanted)
    kept = bus.prints.get(wanted, [])
    found = [PrintView(time_ns=at, side=one.side, price=one.price, quantity=one.quantity) for at, one in reversed(kept[-limit:])]
    return Page(data=found, total=len(kept))


@router.get("/candles/{symbol:path}", responses=problems(404))
def candles(
    symbol: Symbol, by: Reader, home: Home, timeframe: Annotated[str, Query(pattern=TIMEFRAME)] = "1m",
    venue: Annotated[str | None, Query(pattern=r"^[a-z0-9]{1,30}$")] = None, start_ns: Time = None, end_ns: Time = None,
    limit: Annotated[int, Query(ge=1, le=10_000)] = 500,
) -> Candles:  # fmt: skip
    """Candles of the catalog, oldest first: the last of them when there are more than the limit."""
    from b25.research.bars import bars

    wanted = symbol_of(symbol)
    if not home.settings.catalog.is_dir():
        raise Problem(404, "there is no catalog here", remedy="see b25 data download")
    try:
        made = bars(timeframe, symbol=wanted, venue=venue, catalog=home.settings.catalog)
        rows: Any = made.between(start_ns, end_ns).rows if start_ns is not None or end_ns is not None else made.rows
    except Misuse as fault:
        raise Problem(404, fault.what, code="NO_CANDLES", remedy=fault.remedy) from None
    one = made.instrument
    found = [
        CandleView(
            open_ns=int(row["open_ns"]), close_ns=int(row["close_ns"]), open=str(one.price(int(row["open_ticks"]))),
            high=str(one.price(int(row["high_ticks"]))), low=str(one.price(int(row["low_ticks"]))),
            close=str(one.price(int(row["close_ticks"]))), volume=str(one.quantity(int(row["volume_lots"]))),
        )
        for row in rows[-limit:]
    ]  # fmt: skip
    return Candles(symbol=wanted, venue=made.venue, timeframe=timeframe, source=made.source, data=found, total=len(rows))
