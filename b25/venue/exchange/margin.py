"""Margin of a futures account: what positions and open orders take, what they must keep, what is left."""

from collections.abc import Iterable
from dataclasses import dataclass

from b25.model.event import BUY
from b25.venue.exchange.accounts import Account
from b25.venue.exchange.brackets import maintenance_margin
from b25.venue.exchange.linear_request import reference_ticks
from b25.venue.exchange.listing import Listing
from b25.venue.exchange.money import ceil_share
from b25.venue.exchange.orders import Order
from b25.venue.exchange.positions import Position

SIDES_OF_MODE = {False: ("BOTH",), True: ("LONG", "SHORT")}


@dataclass(slots=True, frozen=True)
class PositionMargin:
    """One position with its open orders; money in 1e-8 of the quote asset.

    ``value`` is lots x mark, signed, in ticks x lots; ``bid`` and ``ask`` are what opening orders are worth.
    """

    position: Position
    leverage: int
    isolated: bool
    mark_ticks: int
    value: int
    bid: int
    ask: int
    initial: int
    open_order_initial: int
    maintenance: int
    unrealised: int

    @property
    def listing(self) -> Listing:
        """Its symbol."""
        return self.position.listing

    @property
    def notional(self) -> int:
        """Absolute value, 1e-8."""
        return self.listing.notional(abs(self.value))


@dataclass(slots=True, frozen=True)
class AssetMargin:
    """All of an account in one margin asset, 1e-8."""

    asset: str
    wallet: int
    cross_wallet: int
    unrealised: int
    cross_unrealised: int
    maintenance: int
    cross_maintenance: int
    initial: int
    open_order_initial: int
    available: int

    @property
    def margin_balance(self) -> int:
        """Wallet and unrealised profit."""
        return self.wallet + self.unrealised


def exposure(side: str, value: int, bid: int, ask: int) -> int:
    """What a position could grow to with its open orders, in ticks x lots: margin is due for the larger side."""
    if side == "LONG":
        return value + bid
    if side == "SHORT":
        return -value + ask
    return max(abs(value + bid), abs(value - ask))


def is_opening(order: Order) -> bool:
    """Whether an order may open a position (and so takes margin)."""
    return not order.reduce_only and order.position_side in ("BOTH", "LONG" if order.sign == BUY else "SHORT")


def open_ticklots(orders: Iterable[Order], side: str, without: Order | None = None) -> tuple[int, int]:
    """(bid, ask) worth of the opening orders of a position, in ticks x lots."""
    bid = ask = 0
    for order in orders:  # as `is_opening` says; this is walked for every new order
        if order is without or order.position_side != side or order.reduce_only:
            continue
        worth = order.price_ticks * (order.qty_lots - order.filled_lots - order.prevented_lots)
        if order.side == "BUY":
            bid += worth if side != "SHORT" else 0
        else:
            ask += worth if side != "LONG" else 0
    return bid, ask


def position_margin(account: Account, position: Position) -> PositionMargin:
    """Margin of one position and its open orders."""
    listing = position.listing
    setting = account.linear.setting(listing.name)
    mark = reference_ticks(listing)
    value = position.lots * mark
    bid, ask = open_ticklots(account.linear_store.open_orders(listing.name), position.side)
    notional = listing.notional(abs(value))
    total = listing.notional(exposure(position.side, value, bid, ask))
    initial = ceil_share(notional, 1, setting.leverage)
    return PositionMargin(
        position,
        setting.leverage,
        setting.isolated,
        mark,
        value,
        bid,
        ask,
        initial,
        max(0, ceil_share(total, 1, setting.leverage) - initial),
        maintenance_margin(listing.brackets, notional) if position.lots else 0,
        position.unrealised(mark),
    )


def all_margins(account: Account, listings: dict[str, Listing], asset: str | None = None) -> list[PositionMargin]:
    """Margins of all positions that are open or have open orders."""
    wallet = account.linear
    keys = {(p.listing.name, p.side): None for p in wallet.positions.values() if p.lots}
    # The mode cannot change while orders are open, so it says which positions they are of.
    keys |= {
        (symbol, side): None
        for symbol, orders in account.linear_store.open.items()
        if orders
        for side in SIDES_OF_MODE[wallet.hedge]
    }
    positions = [wallet.position(listings[symbol], side) for symbol, side in keys]
    return [position_margin(account, p) for p in positions if asset in (None, p.listing.quote)]


def asset_margin(account: Account, listings: dict[str, Listing], asset: str) -> AssetMargin:
    """Sums of an account in one margin asset."""
    return sum_margins(account, asset, all_margins(account, listings, asset))


def sum_margins(account: Account, asset: str, margins: Iterable[PositionMargin]) -> AssetMargin:
    """Sums of margins that were computed already."""
    cross_wallet = account.linear.cross.get(asset, 0)
    unrealised = cross_unrealised = maintenance = cross_maintenance = initial = open_order = taken = 0
    for margin in margins:
        unrealised += margin.unrealised
        maintenance += margin.maintenance
        initial += margin.initial
        open_order += margin.open_order_initial
        taken += margin.open_order_initial
        if not margin.isolated:
            cross_unrealised += margin.unrealised
            cross_maintenance += margin.maintenance
            taken += margin.initial
    return AssetMargin(
        asset,
        account.linear.wallet(asset),
        cross_wallet,
        unrealised,
        cross_unrealised,
        maintenance,
        cross_maintenance,
        initial,
        open_order,
        cross_wallet + cross_unrealised - taken,
    )


def liquidation_price_ticks(margin: PositionMargin, totals: AssetMargin) -> int:
    """Mark at which the position would be liquidated, all else standing still; 0 when there is none.

    Linear in the price within its bracket: wallet + other profit + side x (p - entry) = other maintenance + p x ratio - cum.
    """
    position, listing = margin.position, margin.listing
    if not position.lots:
        return 0
    side = 1 if position.lots > 0 else -1
    lots = abs(position.lots)
    if margin.isolated:
        equity = position.isolated_wallet
    else:
        others = totals.cross_unrealised - margin.unrealised
        equity = totals.cross_wallet + others - (totals.cross_maintenance - margin.maintenance)
    bracket = next((b for b in listing.brackets if margin.notional <= b.cap), listing.brackets[-1])
    numerator = (equity + bracket.cum - side * listing.notional(position.entry_ticklots)) * 1_000_000
    denominator = listing.notional(lots) * (bracket.maintenance_ppm - side * 1_000_000)
    price = numerator // denominator
    return price if 0 < price < 2**40 else 0
