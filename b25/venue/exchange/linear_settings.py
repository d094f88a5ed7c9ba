"""What a futures account may set: leverage, margin type, position mode, and the margin of an isolated position."""

from decimal import Decimal
from typing import TYPE_CHECKING

from b25.venue.exchange import errors
from b25.venue.exchange.accounts import Account
from b25.venue.exchange.brackets import max_leverage, max_notional
from b25.venue.exchange.events import ConfigEvent
from b25.venue.exchange.linear_request import reference_ticks
from b25.venue.exchange.margin import asset_margin, exposure, position_margin
from b25.venue.exchange.money import ceil_share, to_money

if TYPE_CHECKING:
    from b25.venue.exchange.exchange import Exchange


class LinearSettings:
    """Settings of futures accounts."""

    def __init__(self, exchange: "Exchange") -> None:
        self.exchange = exchange

    def set_leverage(self, account: Account, symbol: str, leverage: int) -> tuple[int, int]:
        """Set a symbol's leverage; returns it with the largest notional it allows (1e-8)."""
        listing = self.exchange.linear_orders.listing(symbol)
        if not 1 <= leverage <= max_leverage(listing.brackets):
            raise errors.INVALID_LEVERAGE.error(leverage)
        setting = account.linear.setting(symbol)
        cap = max_notional(listing.brackets, leverage)
        needed = 0
        sides = ("LONG", "SHORT") if account.linear.hedge else ("BOTH",)
        for side in sides:
            margin = position_margin(account, account.linear.position(listing, side))
            held = listing.notional(exposure(side, margin.value, margin.bid, margin.ask))
            if held > cap:
                raise errors.MAX_POSITION.error()
            needed += ceil_share(held, 1, leverage) - ceil_share(held, 1, setting.leverage)
        held_open = account.linear.open_positions(symbol)
        if setting.isolated and held_open and leverage < setting.leverage:
            raise errors.LEVERAGE_TOO_SMALL.error()
        if needed > 0 and needed > asset_margin(account, self.exchange.linear, listing.quote).available:
            raise errors.LEVERAGE_TOO_SMALL.error()
        setting.leverage = leverage
        self.exchange.tell(account, ConfigEvent(symbol, leverage, self.exchange.now_ms))
        return leverage, cap

    def set_margin_type(self, account: Account, symbol: str, margin_type: str) -> None:
        """``"ISOLATED"`` or ``"CROSSED"``; only while the symbol has neither orders nor a position."""
        self.exchange.linear_orders.listing(symbol)
        if margin_type not in ("ISOLATED", "CROSSED"):
            raise errors.INVALID_DATA.error("marginType")
        setting = account.linear.setting(symbol)
        if setting.isolated == (margin_type == "ISOLATED"):
            raise errors.NO_MARGIN_TYPE_CHANGE.error()
        if account.linear_store.open_count(symbol):
            raise errors.MARGIN_TYPE_OPEN_ORDERS.error()
        if account.linear.open_positions(symbol):
            raise errors.MARGIN_TYPE_POSITION.error()
        setting.isolated = margin_type == "ISOLATED"

    def set_hedge(self, account: Account, hedge: bool) -> None:
        """One position for each direction (hedge), or one for both; only while there are neither orders nor positions."""
        if account.linear.hedge == hedge:
            raise errors.NO_POSITION_SIDE_CHANGE.error()
        if any(True for _ in account.linear_store.open_orders()) or account.linear_store.open_algos:
            raise errors.POSITION_SIDE_OPEN_ORDERS.error()
        if account.linear.open_positions():
            raise errors.POSITION_SIDE_POSITION.error()
        account.linear.hedge = hedge

    def change_position_margin(self, account: Account, symbol: str, side: str, amount: Decimal, *, add: bool) -> None:
        """Move margin into an isolated position, or out of it."""
        listing = self.exchange.linear_orders.listing(symbol)
        if not amount.is_finite() or amount <= 0:
            raise errors.MARGIN_AMOUNT_POSITIVE.error()
        if (side in ("LONG", "SHORT")) != account.linear.hedge:
            raise errors.POSITION_SIDE_MISMATCH.error()
        setting = account.linear.setting(symbol)
        if not setting.isolated:
            raise errors.MARGIN_TYPE_CROSS.error()
        position = account.linear.position(listing, side)
        if not position.lots:
            raise errors.NO_POSITION_MARGIN.error()
        if amount.adjusted() > 12:
            raise (errors.CROSS_INSUFFICIENT if add else errors.ISOLATED_INSUFFICIENT).error()
        units = to_money(amount.quantize(Decimal("1e-8")))
        ledger = self.exchange.linear_ledger
        if add:
            if units > ledger.available(account, listing.quote):
                raise errors.CROSS_INSUFFICIENT.error()
        else:
            mark = reference_ticks(listing)
            needed = ceil_share(position.notional(mark), 1, setting.leverage)
            if position.isolated_wallet + min(0, position.unrealised(mark)) - units < needed:
                raise errors.ISOLATED_INSUFFICIENT.error()
            units = -units
        position.isolated_wallet += units
        account.linear.cross[listing.quote] = account.linear.cross.get(listing.quote, 0) - units
        ledger.tell(account, "MARGIN_TRANSFER", listing.quote, positions=(position,))
