"""What is asked of analytics, and what it answers: money is text, statistics are numbers, what is not known is null."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

Name = Annotated[str, Field(max_length=128, pattern=r"^[^\x00]*$")]
Figure = Literal["count", "sum", "mean", "min", "max", "p50", "p95", "p99"]
Interval = Literal["1m", "5m", "15m", "30m", "1h", "4h", "1d"]


class Dimension(StrEnum):
    """What the rows of a bucket are told apart by."""

    ALL = "all"
    ACCOUNT = "account"
    SESSION = "session"
    STRATEGY = "strategy"
    SYMBOL = "symbol"


class NewEvent(BaseModel):
    """An event of a program's own; under the same id it is the same one. `time_ns` left out is now."""

    model_config = ConfigDict(extra="forbid")

    id: Annotated[str, Field(min_length=1, max_length=256, pattern=r"^[^\x00]*$")]
    type: Annotated[str, Field(max_length=128, pattern=r"^[a-z][a-z0-9_]*(\.[a-z0-9_]+)*$")]
    time_ns: Annotated[int, Field(ge=0, lt=2**62)] | None = None
    account: Name = ""
    session: Name = ""
    strategy: Name = ""
    symbol: Name = ""
    properties: Annotated[dict[str, Any], Field(max_length=50)] = {}


class NewEvents(BaseModel):
    """Up to a thousand events, stored all or none."""

    model_config = ConfigDict(extra="forbid")

    events: Annotated[list[NewEvent], Field(min_length=1, max_length=1_000)]


class Ingested(BaseModel):
    """What became of events; `known` were there before."""

    stored: int
    known: int


class Event(BaseModel):
    """An event as it is stored."""

    seq: int
    time_ns: int
    stored_ns: int
    id: str
    type: str
    principal: str
    account: str
    session: str
    strategy: str
    symbol: str
    source: str
    properties: dict[str, Any]


class Events(BaseModel):
    """A page of events, oldest first."""

    data: list[Event]
    next_cursor: str | None


class Stats(BaseModel):
    """Events by type in [start, end), exactly."""

    start_ns: int
    end_ns: int
    total: int
    counts: dict[str, int]


class Bucket(BaseModel):
    """One aggregate. `is_open`: its span has not ended; `is_pending`: events came since it was added up at `as_of_ns`."""

    open_ns: int
    close_ns: int
    member: str
    count: int
    sum: float
    mean: float
    min: float
    max: float
    p50: float
    p95: float
    p99: float
    as_of_ns: int
    is_open: bool
    is_pending: bool


class Metrics(BaseModel):
    """Aggregates of one measure; `next_cursor` is null at the end of the span."""

    name: str
    interval: str
    dimension: str
    data: list[Bucket]
    next_cursor: str | None


class Names(BaseModel):
    """Measures of which there are aggregates."""

    names: list[str]


class Question(BaseModel):
    """A question about one measure, without a word of SQL. Left out, the span is the last day."""

    model_config = ConfigDict(extra="forbid")

    name: Annotated[str, Field(min_length=1, max_length=260, pattern=r"^[^\x00]*$")]
    interval: Interval = "1h"
    start: Annotated[str, Field(max_length=40)] = ""
    end: Annotated[str, Field(max_length=40)] = ""
    dimension: Dimension = Dimension.ALL
    members: Annotated[list[Name], Field(max_length=100)] | None = None
    figures: Annotated[list[Figure], Field(min_length=1, max_length=8)] = ["count", "sum", "mean"]
    group_by: Annotated[list[Literal["time", "member"]], Field(max_length=2)] = ["time", "member"]


class Answer(BaseModel):
    """One group; `open_ns` and `member` are null where it is put together over them."""

    open_ns: int | None
    member: str | None
    figures: dict[Figure, float | None]
    is_open: bool
    is_pending: bool


class Answers(BaseModel):
    """Groups in order of time."""

    data: list[Answer]


class Dashboard(BaseModel):
    """A few figures, ten seconds old at most."""

    now_ns: int
    active_users_5m: int
    active_strategies_1h: int
    events_per_s_1m: float
    orders_placed_1h: int
    orders_filled_1h: int
    fill_rate_1h: float | None
    volume_1h: float
    ack_ms_mean_1h: float | None
    ack_ms_max_1h: float | None
    error_rate_1h: float | None


class OrderFigures(BaseModel):
    """An order and what it cost. Slippage and shortfall are positive when worse than the mid."""

    account: str
    client_id: str
    venue: str
    symbol: str
    strategy: str
    side: str | None
    type: str | None
    quantity: str | None
    price: str | None
    status: str
    intent_ns: int | None
    acked_ns: int | None
    first_fill_ns: int | None
    done_ns: int | None
    seen_ns: int
    filled: str
    notional: str
    fees: dict[str, str]
    realised: str | None
    average_price: str | None
    maker_share: float | None
    slippage_bps: float | None
    shortfall: str | None
    shortfall_bps: float | None
    ack_ms: float | None
    fill_ms: float | None


class Orders(BaseModel):
    """A page of orders, oldest first."""

    data: list[OrderFigures]
    next_cursor: str | None


class StrategyDay(BaseModel):
    """Fills of a strategy, symbol and day. `realised` lacks `realised_unknown` fills of which the ledger told none."""

    day_ns: int
    account: str
    strategy: str
    symbol: str
    fills: int
    volume: str
    maker_volume: str
    maker_unknown: int
    maker_share: float | None
    fees: dict[str, str]
    realised: str
    realised_unknown: int
    closing: int
    wins: int
    losses: int
    won: str
    lost: str


class Profits(BaseModel):
    """Figures of a strategy's fills that realised something, the newest 10,000 at most."""

    strategy: str
    trades: int | None
    win_rate: float | None
    average_win: float | None
    average_loss: float | None
    profit_factor: float | None
    streak_wins: int | None
    streak_losses: int | None


class Strategies(BaseModel):
    """Days, and what the fills that closed something came to."""

    days: list[StrategyDay]
    closing: list[Profits]


class MarketRow(BaseModel):
    """A closed candle, with what was seen of the spread."""

    symbol: str
    open_ns: int
    close_ns: int
    source: str
    open: str
    high: str
    low: str
    close: str
    volume: str
    trades: int
    spread_bps_mean: float | None
    spread_bps_max: float | None
    samples: int


class Market(BaseModel):
    """Candles in order of time."""

    data: list[MarketRow]


class SystemRow(BaseModel):
    """How a component was at a half minute."""

    component: str
    ts_ns: int
    state: str
    mode: str | None
    strategy: str | None
    events: int
    messages: int
    live_orders: int
    fault: str | None
    bus_waiting: int
    bus_overtaken: int
    bus_refused: int


class System(BaseModel):
    """Components in order of time."""

    data: list[SystemRow]


class DeadLetter(BaseModel):
    """What could not be read; the payload's first kilobyte, with what is no text replaced."""

    seq: int
    ts_ns: int
    subject: str
    id: str
    reason: str
    payload: str
    state: str
    settled_ns: int | None
    tries: int


class DeadLetters(BaseModel):
    """A page of dead letters, oldest first, and how many there are of each state."""

    data: list[DeadLetter]
    counts: dict[str, int]


class Why(BaseModel):
    """Why somebody replays or drops a letter."""

    model_config = ConfigDict(extra="forbid")

    reason: Annotated[str, Field(min_length=1, max_length=500)]


class Settled(BaseModel):
    """What became of a letter."""

    seq: int
    is_done: bool
