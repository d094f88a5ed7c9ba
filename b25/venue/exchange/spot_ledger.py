"""Money of spot accounts: what orders lock, what trades move, what the venue earns."""

from collections import defaultdict
from typing import TYPE_CHECKING, Final

from b25.model.event import BUY
from b25.model.matching import MatchEvent
from b25.venue.exchange import errors
from b25.venue.exchange.accounts import Account
from b25.venue.exchange.events import AssetState, BalanceEvent, BalanceUpdate
from b25.venue.exchange.listing import Listing
from b25.venue.exchange.money import PPM, fee
from b25.venue.exchange.orders import Fill, Order

if TYPE_CHECKING:
    from b25.venue.exchange.exchange import Exchange

BNB: Final = "BNB"
BNB_DISCOUNT_PPM: Final = 750_000


class SpotLedger:
    """Free and locked balances. Nothing here ever becomes negative."""

    def __init__(self, exchange: "Exchange") -> None:
        self.exchange = exchange
        self.fees: defaultdict[str, int] = defaultdict(int)  # collected by the venue, 1e-8

    def credit(self, account: Account, asset: str, units: int) -> None:
        """Deposit, or withdraw when negative."""
        balance = account.spot_balance(asset)
        if balance.free + units < 0:
            raise errors.INSUFFICIENT_BALANCE.error()
        balance.free += units
        account.spot_updated_ms = self.exchange.now_ms
        self.exchange.tell(account, BalanceUpdate(asset, units, self.exchange.now_ms))
        self.tell(account, asset)

    def lock(self, account: Account, order: Order, units: int) -> None:
        """Set aside what an order may need, or -2010."""
        balance = account.spot_balance(self.held_asset(order))
        if units > balance.free:
            raise errors.INSUFFICIENT_BALANCE.error()
        balance.free -= units
        balance.locked += units
        order.locked += units

    def held_asset(self, order: Order) -> str:
        """What an order holds: the quote asset of a buyer, the base asset of a seller."""
        return order.listing.quote if order.sign == BUY else order.listing.base

    def need(self, order: Order) -> int:
        """What an open order must still hold, 1e-8."""
        listing = order.listing
        if not order.is_open:
            return 0
        if order.sign != BUY:
            return order.locked if order.quote_qty else listing.base_money(order.leaves_lots)
        price_ticks = order.price_ticks
        return listing.notional(price_ticks * order.leaves_lots) if price_ticks else order.locked

    def release(self, order: Order) -> None:
        """Give back what an order holds beyond its need."""
        self.give_back(order, order.locked - self.need(order))

    def give_back(self, order: Order, surplus: int) -> None:
        """Free a part of what an order holds."""
        if surplus <= 0:
            return
        balance = self.exchange.accounts[order.account].spot_balance(self.held_asset(order))
        balance.locked -= surplus
        balance.free += surplus
        order.locked -= surplus

    def settle(self, order: Order, event: MatchEvent, *, maker: bool) -> Fill:
        """Exchange base for quote; the commission comes out of what is received."""
        listing = order.listing
        account = self.exchange.accounts[order.account]
        base, quote = account.spot_balance(listing.base), account.spot_balance(listing.quote)
        base_units = listing.base_money(event.qty_lots)
        quote_units = listing.notional(event.price_ticks * event.qty_lots)
        maker_ppm, taker_ppm = self.exchange.spot_orders.fees_ppm(account, listing.name)
        rate_ppm = maker_ppm if maker else taker_ppm
        if order.sign == BUY:
            commission, asset, received, units = fee(base_units, rate_ppm), listing.base, base, base_units
            order.locked -= quote_units
            quote.locked -= quote_units
        else:
            commission, asset, received, units = fee(quote_units, rate_ppm), listing.quote, quote, quote_units
            order.locked -= base_units
            base.locked -= base_units
        received.free += units
        in_bnb = self._in_bnb(account, listing, fee(quote_units, rate_ppm))
        if in_bnb > 0:
            commission, asset = in_bnb, BNB
        account.spot_balance(asset).free -= commission
        self.fees[asset] += commission
        account.spot_updated_ms = self.exchange.now_ms
        return Fill(
            event.trade_id,
            order.order_id,
            listing.name,
            order.side,
            event.price_ticks,
            event.qty_lots,
            quote_units,
            commission,
            asset,
            maker,
            self.exchange.now_ms,
        )

    def _in_bnb(self, account: Account, listing: Listing, commission: int) -> int:
        """A commission (1e-8 quote) in BNB with its discount; 0 when it is not to be paid so, or cannot."""
        pair = self.exchange.spot.get(BNB + listing.quote)
        if not account.pays_in_bnb or pair is None or not pair.last_ticks:
            return 0
        units = commission * BNB_DISCOUNT_PPM * pair.lot_money // (PPM * pair.notional(pair.last_ticks))
        return units if units <= account.spot_balance(BNB).free else 0

    def state(self, account: Account, asset: str) -> AssetState:
        """An asset as events say it."""
        balance = account.spot_balance(asset)
        return AssetState(asset, free=balance.free, locked=balance.locked)

    def tell(self, account: Account, *assets: str) -> None:
        """Send outboundAccountPosition with these assets."""
        account.spot_updated_ms = self.exchange.now_ms
        states = [self.state(account, asset) for asset in dict.fromkeys(assets)]
        self.exchange.tell(account, BalanceEvent("spot", "ORDER", states, self.exchange.now_ms))
