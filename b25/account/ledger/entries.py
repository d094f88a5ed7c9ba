"""What changes an account: fills, funding, transfers, adjustments. Amounts in atoms, prices and quantities on the grid."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

TRANSFERS: Final = "transfers"
OPENING: Final = "opening"
ADJUSTMENTS: Final = "adjustments"
UNATTRIBUTED: Final = ""  # the strategy of what nobody's order did

# Where an entry stands in its symbol's history: the venue's time, then the trade id, as a number where it is one.
FIRST_MS: Final = -(2**62)  # before everything
Key = tuple[int, int, str]


def key_of(time_ms: int, trade_id: str) -> Key:
    """Place of a fill or an adjustment among those of its symbol."""
    return (time_ms, int(trade_id) if trade_id.isdecimal() else -1, trade_id)


@dataclass(frozen=True, slots=True, kw_only=True)
class Fill:
    """One execution, which counts once by symbol and trade id.

    Attributes
    ----------
    fee : int
        Atoms of `fee_asset`; positive when paid.
    fee_settle : int, optional
        The fee in atoms of the settlement currency at the time of the fill; None when no price was known then.
    realised : int, optional
        What the venue said was realised, atoms of the settlement currency.
    is_expected : bool
        Whether an order of ours is known for it.
    """

    symbol: str
    trade_id: str
    strategy: str
    side: int
    price_ticks: int
    qty_lots: int
    time_ms: int
    fee: int = 0
    fee_asset: str = ""
    fee_settle: int | None = None
    realised: int | None = None
    maker: bool = False
    is_expected: bool = True

    @property
    def key(self) -> Key:
        """Place in the symbol's history."""
        return key_of(self.time_ms, self.trade_id)


@dataclass(frozen=True, slots=True, kw_only=True)
class Adjustment:
    """A correction of quantity and entry that no trade explains; see `b25.account.fold.book_value` for its numbers."""

    adjustment_id: str
    symbol: str
    strategy: str
    delta_lots: int
    value: int
    correction: int
    time_ms: int

    @property
    def key(self) -> Key:
        """Place in the symbol's history."""
        return key_of(self.time_ms, self.adjustment_id)


@dataclass(frozen=True, slots=True, kw_only=True)
class Funding:
    """What a symbol's netted position was paid (+) or paid (-), atoms; `shares` says by whom, once that is decided."""

    payment_id: str
    symbol: str
    asset: str
    amount: int
    time_ms: int
    shares: tuple[tuple[str, int], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Transfer:
    """What came into the account (+) or left it (-), atoms.

    Attributes
    ----------
    source : str
        TRANSFERS; OPENING for what was there before anything was known; ADJUSTMENTS for a correction of the balance.
    """

    transfer_id: str
    asset: str
    amount: int
    time_ms: int
    strategy: str = UNATTRIBUTED
    source: str = TRANSFERS


Entry = Fill | Adjustment | Funding | Transfer
