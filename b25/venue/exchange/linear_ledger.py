"""Money of futures accounts: trades into positions, realised profit, commissions, funding, transfers, and their income rows."""

from collections import defaultdict
from typing import TYPE_CHECKING

from b25.model.matching import MatchEvent
from b25.venue.exchange import errors
from b25.venue.exchange.accounts import Account
from b25.venue.exchange.events import AssetState, BalanceEvent
from b25.venue.exchange.linear_request import reference_ticks
from b25.venue.exchange.listing import Listing
from b25.venue.exchange.margin import asset_margin
from b25.venue.exchange.mark import RATE_ONE
from b25.venue.exchange.money import ceil_share, fee, share
from b25.venue.exchange.orders import Fill, Order
from b25.venue.exchange.positions import Income, Position

if TYPE_CHECKING:
    from b25.venue.exchange.exchange import Exchange


class LinearLedger:
    """Wallets and positions of USD-M futures."""

    def __init__(self, exchange: "Exchange") -> None:
        self.exchange = exchange
        self.fees: defaultdict[str, int] = defaultdict(int)  # collected by the venue, 1e-8
        self.funding_paid: defaultdict[str, int] = defaultdict(int)  # by accounts to nobody here, 1e-8
        self._tran_id = 0

    def settle(self, order: Order, event: MatchEvent, *, maker: bool) -> Fill:
        """Put a trade into the position, and its profit and commission into the wallet."""
        listing = order.listing
        account = self.exchange.accounts[order.account]
        maker_ppm, taker_ppm = self.exchange.linear_orders.fees_ppm(account, listing.name)
        quote_units = listing.notional(event.price_ticks * event.qty_lots)
        commission = fee(quote_units, maker_ppm if maker else taker_ppm)
        position = account.linear.position(listing, order.position_side)
        before = position.lots
        realised = self._trade(account, position, order.sign * event.qty_lots, event.price_ticks)
        account.linear.cross[listing.quote] = account.linear.cross.get(listing.quote, 0) - commission
        if before * position.lots > 0:
            position.fees += commission
        else:  # opened from flat, or through zero: only the part that opened it counts
            position.fees = share(commission, abs(position.lots), event.qty_lots)
        self.fees[listing.quote] += commission
        order.realised += realised
        if realised:
            self.note(account, "REALIZED_PNL", listing, realised, trade_id=event.trade_id)
        if commission:
            self.note(account, "COMMISSION", listing, -commission, trade_id=event.trade_id)
        return Fill(
            event.trade_id,
            order.order_id,
            listing.name,
            order.side,
            event.price_ticks,
            event.qty_lots,
            quote_units,
            commission,
            listing.quote,
            maker,
            self.exchange.now_ms,
            realised,
            order.position_side,
        )

    def _trade(self, account: Account, position: Position, signed_lots: int, price_ticks: int) -> int:
        listing, wallet = position.listing, account.linear
        before = abs(position.lots)
        realised, closed = position.apply(signed_lots, price_ticks)
        cross = wallet.cross.get(listing.quote, 0) + realised
        if closed and position.isolated_wallet:
            freed = share(position.isolated_wallet, closed, before)
            position.isolated_wallet -= freed
            cross += freed
        setting = wallet.setting(listing.name)
        opened = abs(signed_lots) - closed
        if opened and setting.isolated:
            margin = ceil_share(listing.notional(opened * price_ticks), 1, setting.leverage)
            position.isolated_wallet += margin
            cross -= margin
        wallet.cross[listing.quote] = cross
        position.updated_ms = wallet.updated_ms = self.exchange.now_ms
        return realised

    def pay_funding(self, account: Account, position: Position, rate_e8: int) -> None:
        """Pay funding for a position: a long pays a positive rate."""
        listing = position.listing
        owed = listing.notional(position.lots * reference_ticks(listing)) * rate_e8 // RATE_ONE
        isolated = account.linear.setting(listing.name).isolated
        if isolated:
            position.isolated_wallet -= owed
        else:
            account.linear.cross[listing.quote] = account.linear.cross.get(listing.quote, 0) - owed
        self.funding_paid[listing.quote] += owed
        self.note(account, "FUNDING_FEE", listing, -owed)
        positions = (position,) if isolated else ()
        self.tell(account, "FUNDING_FEE", listing.quote, positions=positions, change=-owed)

    def transfer(self, account: Account, asset: str, units: int, reason: str) -> None:
        """Move money into the cross wallet, or out of it when negative."""
        if units < 0 and -units > self.available(account, asset):
            raise errors.BALANCE_INSUFFICIENT.error()
        account.linear.cross[asset] = account.linear.cross.get(asset, 0) + units
        self._tran_id += 1
        income = Income("TRANSFER", "", asset, units, self.exchange.now_ms, "TRANSFER", self._tran_id)
        account.linear.income.append(income)
        self.tell(account, reason, asset, change=units)

    def available(self, account: Account, asset: str) -> int:
        """What may be taken out or used for new orders, 1e-8: never more than the cross wallet when taken out."""
        totals = asset_margin(account, self.exchange.linear, asset)
        return max(0, min(totals.available, totals.cross_wallet))

    def note(self, account: Account, kind: str, listing: Listing, amount: int, *, trade_id: int = 0, info: str = "") -> None:
        """Add a row to the income history."""
        self._tran_id += 1
        told = info or str(trade_id or kind)
        row = Income(kind, listing.name, listing.quote, amount, self.exchange.now_ms, told, self._tran_id, trade_id)
        account.linear.income.append(row)

    def tell(self, account: Account, reason: str, asset: str, *, positions: tuple[Position, ...] = (), change: int = 0) -> None:
        """Send ACCOUNT_UPDATE."""
        account.linear.updated_ms = self.exchange.now_ms
        if not self.exchange.sinks:
            return
        wallet = account.linear
        state = AssetState(asset, wallet=wallet.wallet(asset), cross_wallet=wallet.cross.get(asset, 0), change=change)
        states = [
            p.state(isolated=wallet.setting(p.listing.name).isolated, mark_ticks=reference_ticks(p.listing)) for p in positions
        ]
        self.exchange.tell(account, BalanceEvent("linear", reason, [state], self.exchange.now_ms, states))
