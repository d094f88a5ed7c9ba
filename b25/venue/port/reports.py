"""What a venue tells: exact decimals, its own ids, its own time in ms, and the raw answer for the journal."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum
from typing import Any

from b25.model.instrument import Instrument
from b25.model.order import State


class Kind(StrEnum):
    """What kind of thing an instrument is."""

    SPOT = "spot"
    LINEAR = "linear"
    INVERSE = "inverse"


@dataclass(frozen=True, slots=True, kw_only=True)
class Listing:
    """An instrument as the venue lists it now.

    Attributes
    ----------
    instrument : Instrument
    venue_symbol : str
        The venue's own name of it.
    is_trading : bool
        False when it takes no new orders: halted, cancel-only, delisted, or a status that we do not know.
    status : str
        The venue's own word.
    qty_lots_min, market_qty_lots_max, price_ticks_min : int
        Bounds of one order; 0 for none.
    expiry_ms : int
        0 for none.
    """

    instrument: Instrument
    venue_symbol: str
    kind: Kind
    is_trading: bool
    status: str
    qty_lots_min: int = 0
    market_qty_lots_max: int = 0
    price_ticks_min: int = 0
    expiry_ms: int = 0
    raw: Mapping[str, Any] = field(default_factory=dict, repr=False, compare=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderReport:
    """An order as the venue tells it; `state` is UNKNOWN for a status that we do not know.

    `became_id` is the venue's id of the order that a triggered stop became, where stops are kept in a book of their own.
    """

    symbol: str
    venue_id: str
    client_id: str
    state: State
    side: int
    qty: Decimal
    filled: Decimal
    price: Decimal | None = None
    stop: Decimal | None = None
    average: Decimal | None = None
    reduce_only: bool = False
    post_only: bool = False
    conditional: bool = False
    became_id: str = ""
    time_ms: int = 0
    update_ms: int = 0
    raw: Mapping[str, Any] = field(default_factory=dict, repr=False, compare=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class TradeReport:
    """One of our executions. `fee` is positive when paid; `client_id` is empty where the venue does not tell it."""

    symbol: str
    trade_id: str
    venue_id: str
    side: int
    price: Decimal
    qty: Decimal
    fee: Decimal
    fee_asset: str
    maker: bool | None
    time_ms: int
    client_id: str = ""
    realised: Decimal | None = None
    raw: Mapping[str, Any] = field(default_factory=dict, repr=False, compare=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Balance:
    """What the account holds of an asset.

    Attributes
    ----------
    total : Decimal
        As the venue counts it: of a margined account it includes unrealised profit.
    wallet : Decimal, optional
        Without unrealised profit; None where the venue does not tell it.
    """

    asset: str
    free: Decimal
    used: Decimal
    total: Decimal
    wallet: Decimal | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Holding:
    """A position as the venue tells it; `qty` is signed, in the unit of the instrument's lot."""

    symbol: str
    qty: Decimal
    entry_price: Decimal
    mark_price: Decimal | None = None
    unrealised: Decimal | None = None
    liquidation_price: Decimal | None = None
    leverage: Decimal | None = None
    isolated: bool = False
    update_ms: int = 0
    raw: Mapping[str, Any] = field(default_factory=dict, repr=False, compare=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Funding:
    """What a perpetual pays next, or paid at `time_ms`; `rate` as a fraction of the notional."""

    symbol: str
    rate: Decimal
    time_ms: int
    mark_price: Decimal | None = None
    index_price: Decimal | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class FundingPayment:
    """What a position was paid (+) or paid (-) at a funding."""

    symbol: str
    payment_id: str
    amount: Decimal
    asset: str
    time_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class AssetTransfer:
    """What came into the account (+) or left it (-) beside trading."""

    transfer_id: str
    amount: Decimal
    asset: str
    time_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Fees:
    """Our fees in an instrument, as fractions of the notional; a negative one is a rebate."""

    symbol: str
    maker: Decimal
    taker: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class Quote:
    """Best prices and the last trade of an instrument; None where a side is empty or nothing traded."""

    symbol: str
    bid: Decimal | None
    ask: Decimal | None
    last: Decimal | None
    time_ms: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Candle:
    """Trades of a span that began at `open_ms`, in the venue's own digits."""

    open_ms: int
    open: Decimal
    high: Decimal
    low: Decimal
    close: Decimal
    volume: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class Hint:
    """A raw event of the user's stream. It may be late, doubled, out of order or missing: it prompts, it does not prove.

    Attributes
    ----------
    event : str
        The venue's own name of it, e.g. ``"executionReport"``.
    raw : Mapping
        The message as it came.
    """

    event: str
    raw: Mapping[str, Any]
