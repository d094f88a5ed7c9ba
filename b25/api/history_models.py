"""What a page of history says, for each kind: decimals are text, times nanoseconds since 1970, what is not known is null."""

from __future__ import annotations

from typing import Any, Generic, TypeVar

from pydantic import BaseModel

Row = TypeVar("Row")


class Gap(BaseModel):
    """A span without data; nothing is put into it."""

    start_ns: int
    end_ns: int


class Notes(BaseModel):
    """Where rows come from. `version` is another one when what is kept was revised."""

    venue: str | None = None
    symbol: str | None = None
    kind: str
    sources: list[str] = []
    gaps: list[Gap] = []
    file_changed_ns: int | None = None
    version: str | None = None
    tick: str | None = None
    lot: str | None = None


class HistoryPage(BaseModel, Generic[Row]):
    """Rows in order of time; `next_cursor` is null at the end of the span."""

    data: list[Row]
    next_cursor: str | None
    notes: Notes


class HistoryCandle(BaseModel):
    """A bar over [time_ns, close_ns)."""

    time_ns: int
    close_ns: int
    open: str
    high: str
    low: str
    close: str
    volume: str
    buy_volume: str | None


class HistoryTrade(BaseModel):
    """A public trade; `side` is the aggressor's."""

    time_ns: int
    id: str
    side: str
    price: str
    amount: str


class HistoryFunding(BaseModel):
    """A funding payment; `mark` is the price that it was valued at."""

    time_ns: int
    rate: str
    mark: str | None


class HistoryBook(BaseModel):
    """A row of a capture: a level that changed, was cleared or is of a snapshot, a trade, or a gap."""

    time_ns: int
    receive_ns: int
    kind: str
    side: str | None
    price: str
    quantity: str
    first_id: int
    last_id: int


class HistoryEquity(BaseModel):
    """What a session, or an account, was worth; `day_change` is since its first sample of the day (UTC)."""

    time_ns: int
    session: str
    account: str
    asset: str
    reason: str
    equity: str | None
    day_change: str | None


class HistoryPnl(BaseModel):
    """Profit and loss since the session's start; `net` is null while a part is not known."""

    time_ns: int
    session: str
    account: str
    asset: str
    reason: str
    realised: str | None
    unrealised: str | None
    fees: str | None
    net: str | None


class HistoryOrder(BaseModel):
    """An order by the time of its intent, with its last state."""

    time_ns: int
    account: str
    venue: str
    strategy: str
    client_id: str
    symbol: str
    side: str | None
    type: str | None
    tif: str | None
    quantity: str | None
    price: str | None
    stop: str | None
    status: str | None
    filled: str | None
    changed_ns: int | None
    venue_id: str | None
    code: str | None
    text: str | None


class HistoryFill(BaseModel):
    """An execution of ours."""

    time_ns: int
    venue: str
    account: str
    symbol: str
    trade_id: str
    client_id: str | None
    venue_id: str
    strategy: str | None
    side: str
    quantity: str
    price: str
    fee: str
    fee_asset: str | None
    is_maker: bool | None
    realised: str | None
    is_synthetic: bool


class HistorySignal(BaseModel):
    """A wish of a strategy that was told on the bus, and the gate's verdict."""

    time_ns: int
    account: str
    session: str
    strategy: str
    symbol: str
    kind: str | None
    side: str | None
    price: str | None
    quantity: str | None
    verdict: str | None


class CatalogEntry(BaseModel):
    """A series of the catalog."""

    venue: str
    symbol: str
    kind: str
    rows: int
    first_ns: int | None
    last_ns: int | None
    sources: list[str]


def signal_of(row: dict[str, Any], facts: dict[str, Any]) -> dict[str, Any]:
    """A signal, from its event."""
    told = {name: facts.get(name) for name in ("kind", "side", "price", "quantity", "verdict")}
    return {"time_ns": row["ts_ns"], **{name: row[name] for name in ("account", "session", "strategy", "symbol")}, **told}
