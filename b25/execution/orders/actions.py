"""What the order manager asks for. It does none of it itself: the acting edge does, in the order given."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from b25.execution.orders.states import OrderState
from b25.venue.port.reports import TradeReport
from b25.venue.port.requests import OrderRef


class Source(StrEnum):
    """Who told."""

    REST = "REST"
    WS = "WS"
    RECON = "RECON"
    BOOT = "BOOT"
    OPERATOR = "OPERATOR"


@dataclass(frozen=True, slots=True)
class Record:
    """Append to `order_event`. The fold of these is the state of the order."""

    coid: str
    state: OrderState
    source: Source
    cum_lots: int
    venue_id: str = ""
    venue_ms: int = 0
    code: int | str | None = None
    text: str = ""


@dataclass(frozen=True, slots=True)
class Book:
    """Insert a fill. `coid` is empty for one of no order of ours; `late` for one after the order's end."""

    trade: TradeReport
    coid: str
    source: Source
    late: bool = False


@dataclass(frozen=True, slots=True)
class Tell:
    """An event for the world; `kind` is one of b25.model.event. `order_id` 0 is a fill that no order of the world explains.

    `coid` is our id of the order; empty for what is of no order of ours.
    """

    kind: int
    order_id: int
    symbol: str
    request_id: int = 0
    side: int = 0
    price_ticks: int = 0
    qty_lots: int = 0
    reason: int = 0
    venue_ms: int = 0
    trade: TradeReport | None = None
    coid: str = ""


@dataclass(frozen=True, slots=True)
class SendCancel:
    """Cancel an order: cancels may be repeated, new orders never."""

    coid: str
    ref: OrderRef


@dataclass(frozen=True, slots=True)
class Query:
    """Ask for the state of an order, and report back when the question was started."""

    coid: str
    ref: OrderRef


@dataclass(frozen=True, slots=True)
class Identify:
    """Ask whose order a trade is of: the venue's trades do not carry client ids, its orders do."""

    symbol: str
    venue_id: str


@dataclass(frozen=True, slots=True)
class PullTrades:
    """Read our executions of a symbol from the last one that is surely known."""

    symbol: str


@dataclass(frozen=True, slots=True)
class Hold:
    """From now on refuse what would increase risk in a symbol; or, with `on` False, no longer for this cause."""

    symbol: str
    cause: str
    on: bool = True


@dataclass(frozen=True, slots=True)
class Halt:
    """Hold the account, cancel everything, wake a person."""

    cause: str


@dataclass(frozen=True, slots=True)
class Alarm:
    """Tell a person."""

    kind: str
    text: str


Action = Record | Book | Tell | SendCancel | Query | Identify | PullTrades | Hold | Halt | Alarm
