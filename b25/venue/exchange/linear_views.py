"""What a futures account may look at: balances, positions with their risk, income."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from b25.venue.exchange.accounts import Account
from b25.venue.exchange.events import PositionState
from b25.venue.exchange.margin import AssetMargin, PositionMargin, all_margins, liquidation_price_ticks, sum_margins
from b25.venue.exchange.positions import Income

if TYPE_CHECKING:
    from b25.venue.exchange.exchange import Exchange


@dataclass(slots=True, frozen=True)
class PositionRisk:
    """One row of positionRisk, and of a position in account; money 1e-8."""

    state: PositionState
    leverage: int
    notional: int  # signed
    initial: int  # position and open orders
    position_initial: int
    open_order_initial: int
    maintenance: int
    isolated_margin: int  # isolated wallet and unrealised profit
    bid_notional: int
    ask_notional: int
    liquidation_ticks: int
    adl: int  # 0 to 4: how near to being auto-deleveraged
    updated_ms: int


@dataclass(slots=True, frozen=True)
class AccountState:
    """Futures account: sums by asset, and its positions."""

    assets: list[AssetMargin]
    positions: list[PositionRisk]
    updated_ms: int


class LinearViews:
    """Read-only views; nothing here changes anything."""

    def __init__(self, exchange: "Exchange") -> None:
        self.exchange = exchange

    def account(self, account: Account) -> AccountState:
        """All assets that are listed as margin or owned, and all positions that are open or have orders."""
        listed = (listing.quote for listing in self.exchange.linear.values())
        assets = sorted({*listed, *account.linear.cross})
        margins = all_margins(account, self.exchange.linear)
        totals = {asset: sum_margins(account, asset, (m for m in margins if m.listing.quote == asset)) for asset in assets}
        positions = [_risk(margin, totals[margin.listing.quote]) for margin in margins]
        return AccountState(list(totals.values()), positions, account.linear.updated_ms or account.created_ms)

    def positions(self, account: Account, symbol: str | None = None) -> list[PositionRisk]:
        """Positions that are open or have open orders."""
        if symbol is not None:
            self.exchange.linear_orders.listing(symbol)
        return [risk for risk in self.account(account).positions if symbol in (None, risk.state.listing.name)]

    def income(
        self,
        account: Account,
        *,
        symbol: str | None = None,
        kind: str | None = None,
        start_ms: int | None = None,
        end_ms: int | None = None,
        limit: int = 100,
    ) -> list[Income]:
        """Income rows, oldest first: the first from a start on, or the latest."""
        rows = [
            row
            for row in account.linear.income
            if symbol in (None, row.symbol)
            and kind in (None, row.kind)
            and (start_ms is None or row.time_ms >= start_ms)
            and (end_ms is None or row.time_ms <= end_ms)
        ]
        return rows[:limit] if start_ms is not None else rows[-limit:]


def _risk(margin: PositionMargin, totals: AssetMargin) -> PositionRisk:
    position, listing = margin.position, margin.listing
    return PositionRisk(
        position.state(isolated=margin.isolated, mark_ticks=margin.mark_ticks, maintenance=margin.maintenance),
        margin.leverage,
        listing.notional(margin.value),
        margin.initial + margin.open_order_initial,
        margin.initial,
        margin.open_order_initial,
        margin.maintenance,
        position.isolated_wallet + margin.unrealised if margin.isolated else 0,
        listing.notional(margin.bid),
        listing.notional(margin.ask),
        liquidation_price_ticks(margin, totals),
        adl_quantile(margin),
        position.updated_ms or 1,
    )


def adl_quantile(margin: PositionMargin) -> int:
    """0 to 4 by leveraged profit: losers never, then by steps of return on margin."""
    if margin.unrealised <= 0 or not margin.initial:
        return 0
    return min(4, 1 + margin.unrealised // margin.initial)
