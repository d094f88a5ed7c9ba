"""What a message can say: one frozen record a kind, with every field named once, in the same words and units for all.

Prices, quantities and money are decimals as text; times are nanoseconds since 1970; what is not known is None, never NaN.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderBook:
    """Best levels of a book as (price, quantity), the best first."""

    symbol: str
    bids: tuple[tuple[str, str], ...]
    asks: tuple[tuple[str, str], ...]
    is_healthy: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Print:
    """One public trade; `side` is the aggressor's."""

    time_ns: int
    side: str
    price: str
    quantity: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Prints:
    """Public trades since the last message; `left_out` more were not told."""

    symbol: str
    prints: tuple[Print, ...]
    left_out: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Ticker:
    """The touch of a book, and the last print."""

    symbol: str
    bid: str | None
    ask: str | None
    last: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Candle:
    """Prints of one interval, which lasts from `open_ns` up to and without `close_ns`."""

    symbol: str
    open_ns: int
    close_ns: int
    open: str
    high: str
    low: str
    close: str
    volume: str
    trades: int
    is_closed: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Signal:
    """What a strategy asked for, and what the gate said: `verdict` is `ok` or the reason of the refusal."""

    session: str
    strategy: str
    symbol: str
    kind: str
    side: str | None
    price: str | None
    quantity: str | None
    verdict: str


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderChange:
    """A change of an order's state, as it was committed."""

    symbol: str
    venue: str
    strategy: str
    client_id: str
    venue_id: str | None
    side: str | None
    type: str | None
    quantity: str | None
    price: str | None
    filled: str
    status: str
    told_by: str
    code: str | None
    text: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Fill:
    """An execution of ours, as it was committed."""

    symbol: str
    venue: str
    trade_id: str
    client_id: str | None
    venue_id: str
    strategy: str
    side: str
    quantity: str
    price: str
    fee: str
    fee_asset: str | None
    is_maker: bool | None
    realised: str | None
    is_synthetic: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Balance:
    """Money of a session in its settlement currency; `equity` is None while something held has no price."""

    session: str
    asset: str
    equity: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Holding:
    """What a session holds of one instrument; `mark` is the middle of its book, without which nothing is valued."""

    symbol: str
    quantity: str
    entry_price: str | None
    mark: str | None
    notional: str | None
    unrealised: str | None
    realised: str
    fees: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Holdings:
    """Every position of a session."""

    session: str
    positions: tuple[Holding, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ProfitAndLoss:
    """Profit and loss of a session since its start, in its settlement currency."""

    session: str
    asset: str
    realised: str
    unrealised: str | None
    fees: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RiskMetrics:
    """What the gate has seen of a session, and what it stands at."""

    session: str
    equity: str | None
    gross: str | None
    net: str | None
    leverage: float | None
    live_orders: int
    submits: int
    cancels: int
    amends: int
    refused: int


@dataclass(frozen=True, slots=True, kw_only=True)
class RiskViolation:
    """Wishes that the gate refused for one reason, since the last message of that reason."""

    session: str
    strategy: str
    symbol: str
    rule: str
    count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class RiskAlert:
    """A session whose gate lets nothing new through any more."""

    session: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RiskEmergency:
    """A session that halted: it sends nothing any more, and what it had resting is being cancelled."""

    session: str
    reason: str
    by: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ConfigUpdate:
    """Something was done with a configuration: created, updated, activated, deactivated or deleted.

    `seq` numbers all changes of the store; `version` and `value` are those that the action is about.
    """

    id: str
    key: str
    type: str
    action: str
    version: int | None
    value: dict[str, object] | None
    by: str
    seq: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ConfigAck:
    """What a session says to a version that is to hold: applied, rejected or requires_restart; version 0 is nothing any more."""

    session: str
    key: str
    type: str
    version: int
    checksum: str
    outcome: str
    detail: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ParameterChange:
    """A parameter of a session that has another value from now on."""

    session: str
    name: str
    old: str
    new: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Alert:
    """What a person should read."""

    session: str | None
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Health:
    """How a component is; a reader shows what is older than a few seconds as stale."""

    component: str
    state: str
    mode: str | None
    strategy: str | None
    symbols: tuple[str, ...]
    events: int
    messages: int
    live_orders: int
    fault: str | None
    bus_waiting: int
    bus_overtaken: int
    bus_refused: int


@dataclass(frozen=True, slots=True, kw_only=True)
class CommandRequest:
    """Something asked of a session by a named person or program; after `valid_until_ns` it is refused."""

    command_id: str
    by: str
    reason: str
    valid_until_ns: int
    request: dict[str, object]


@dataclass(frozen=True, slots=True, kw_only=True)
class CommandResult:
    """What a session answered to a command."""

    command_id: str
    session: str
    is_done: bool
    answer: dict[str, object]


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertState:
    """An alert that fires, is over, or was seen by somebody."""

    alert_id: str
    rule: str
    severity: str
    state: str
    key: str
    text: str
    value: str
    fired_ns: int
    resolved_ns: int
    acknowledged_by: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AnnotationChange:
    """An annotation as it stands now; of one that was deleted there is no text."""

    annotation_id: str
    kind: str
    object: str
    version: int
    author: str
    text: str
    tags: tuple[str, ...]
    mentions: tuple[str, ...]
    parent_id: str | None
    is_deleted: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionDrifted:
    """What the comparison of a session with its version came to: `state` is none, explained, unexplained or not run.

    `differences` counts the orders that a backtest has otherwise, and `cost_bps` is what they cost of the turnover.
    """

    session: str
    version: str
    mode: str
    state: str
    detail: str
    effects: int
    differences: int
    cost_bps: float
