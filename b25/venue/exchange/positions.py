"""Futures wallet and positions. Sums are kept exactly (ticks x lots), so closing in parts realises what closing at once does."""

from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from b25.venue.exchange.events import PositionState
from b25.venue.exchange.money import share

if TYPE_CHECKING:
    from b25.venue.exchange.listing import Listing

INCOME_MAX: Final = 20_000
DEFAULT_LEVERAGE: Final = 20


@dataclass(slots=True, frozen=True)
class Income:
    """A row of the income history: REALIZED_PNL, COMMISSION, FUNDING_FEE, TRANSFER, INSURANCE_CLEAR, ... (1e-8)."""

    kind: str
    symbol: str
    asset: str
    amount: int
    time_ms: int
    info: str = ""
    tran_id: int = 0
    trade_id: int = 0


@dataclass(slots=True)
class SymbolSettings:
    """What a futures account has set for a symbol."""

    leverage: int = DEFAULT_LEVERAGE
    isolated: bool = False


@dataclass(slots=True, eq=False)
class Position:
    """One position of one account: signed lots and what they cost.

    Parameters
    ----------
    lots : int
        Signed.
    entry_ticklots : int
        Sum of price_ticks x lots still open, >= 0; over ``abs(lots)`` it is the entry price.
    realised : int
        Realised so far, 1e-8 of the quote asset.
    fees : int
        Commissions since it was last flat, 1e-8.
    isolated_wallet : int
        Margin set aside for it, 1e-8; 0 when cross.
    """

    listing: "Listing"
    side: str
    lots: int = 0
    entry_ticklots: int = 0
    realised: int = 0
    fees: int = 0
    isolated_wallet: int = 0
    updated_ms: int = 0
    called: bool = False  # a margin call was sent and the margin has not recovered since

    def unrealised(self, mark_ticks: int) -> int:
        """Profit at a mark price, 1e-8."""
        value = abs(self.lots) * mark_ticks
        return self.listing.notional(value - self.entry_ticklots if self.lots > 0 else self.entry_ticklots - value)

    def notional(self, mark_ticks: int) -> int:
        """Absolute value at a mark price, 1e-8."""
        return self.listing.notional(abs(self.lots) * mark_ticks)

    def apply(self, signed_lots: int, price_ticks: int) -> tuple[int, int]:
        """Trade so many lots; returns what was realised (1e-8) and how many lots were closed."""
        if self.lots == 0 or (self.lots > 0) == (signed_lots > 0):
            self.lots += signed_lots
            self.entry_ticklots += abs(signed_lots) * price_ticks
            return 0, 0
        closed = min(abs(signed_lots), abs(self.lots))
        cost = share(self.entry_ticklots, closed, abs(self.lots))
        gain = closed * price_ticks - cost if self.lots > 0 else cost - closed * price_ticks
        self.entry_ticklots -= cost
        self.lots += closed if signed_lots > 0 else -closed
        opened = abs(signed_lots) - closed
        if opened:
            self.lots = opened if signed_lots > 0 else -opened
            self.entry_ticklots = opened * price_ticks
        realised = self.listing.notional(gain)
        self.realised += realised
        return realised, closed

    def state(self, *, isolated: bool, mark_ticks: int, maintenance: int = 0) -> PositionState:
        """What events say of it."""
        return PositionState(
            self.listing,
            self.side,
            self.lots,
            self.entry_ticklots,
            self.realised,
            self.unrealised(mark_ticks),
            "isolated" if isolated else "cross",
            self.isolated_wallet,
            maintenance,
            self.fees,
            mark_ticks,
        )


@dataclass(eq=False)
class LinearWallet:
    """USD-M side of an account: cross wallet by asset, positions, settings, income."""

    cross: dict[str, int] = field(default_factory=dict)
    positions: dict[tuple[str, str], Position] = field(default_factory=dict)
    settings: dict[str, SymbolSettings] = field(default_factory=dict)
    hedge: bool = False
    income: deque[Income] = field(default_factory=lambda: deque(maxlen=INCOME_MAX))
    updated_ms: int = 0
    called: bool = False  # cross margin call
    deadlines: dict[str, int] = field(default_factory=dict)  # countdownCancelAll: symbol to time_ms
    armed: dict[str, int] = field(default_factory=dict)  # when its timer looks at the deadline

    def setting(self, symbol: str) -> SymbolSettings:
        """Settings of a symbol."""
        setting = self.settings.get(symbol)
        if setting is None:
            setting = self.settings[symbol] = SymbolSettings()
        return setting

    def position(self, listing: "Listing", side: str) -> Position:
        """Position of a symbol and side, made flat when it is asked for the first time."""
        position = self.positions.get((listing.name, side))
        if position is None:
            position = self.positions[listing.name, side] = Position(listing, side)
        return position

    def open_positions(self, symbol: str | None = None) -> list[Position]:
        """Positions that are not flat."""
        return [p for p in self.positions.values() if p.lots and symbol in (None, p.listing.name)]

    def wallet(self, asset: str) -> int:
        """Wallet balance: the cross wallet and what isolated positions have set aside."""
        isolated = sum(p.isolated_wallet for p in self.positions.values() if p.listing.quote == asset)
        return self.cross.get(asset, 0) + isolated
