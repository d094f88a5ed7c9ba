"""Rows of the status page: accounts with what they own and have in the book, limits, and the spread."""

from decimal import Decimal
from typing import TYPE_CHECKING, Any

from b25.venue.exchange.money import money_text

if TYPE_CHECKING:
    from b25.venue.exchange.accounts import Account
    from b25.venue.exchange.listing import Listing
    from b25.venue.wire.limits import Limits

ORDERS_SHOWN, BALANCES_SHOWN = 8, 12
_MARKETS = {"spot": "spot", "linear": "USD-M"}


def account_row(account: "Account") -> dict[str, Any]:
    """Name, balances, positions and open orders of an account; never its keys. Each row: where, what, how much, its kind."""
    balances = [
        ["spot", f"{short(balance.free)} {asset}", f"{short(balance.locked)} locked" if balance.locked else "", ""]
        for asset, balance in account.spot.items()
        if balance.free or balance.locked
    ]
    balances += [["USD-M", f"{short(wallet)} {asset}", "", ""] for asset, wallet in linear_wallets(account)]
    orders = [
        [
            _MARKETS[market],
            f"{order.side} {order.listing.qty_text(order.leaves_lots)} {order.listing.name}",
            _price(order),
            order.side.lower(),
        ]
        for market in _MARKETS
        for order in account.store(market).open_orders()
    ]
    hidden = max(0, len(orders) - ORDERS_SHOWN) + max(0, len(balances) - BALANCES_SHOWN)
    return {
        "name": account.name, "flags": "frozen" if account.frozen else "may not trade" if not account.can_trade else "",
        "rows": [*balances[:BALANCES_SHOWN], *positions(account), *orders[:ORDERS_SHOWN]],
        "more": f"and {hidden} more" if hidden else "",
    }  # fmt: skip


def linear_wallets(account: "Account") -> list[tuple[str, int]]:
    """Assets of the futures wallet and what is in it."""
    wallet = account.linear
    return [(asset, wallet.wallet(asset)) for asset in wallet.cross if wallet.wallet(asset)]


def positions(account: "Account") -> list[list[str]]:
    """Futures positions that are not flat, with their profit at the mark."""
    rows = []
    for position in account.linear.open_positions():
        listing = position.listing
        mark_ticks = listing.mark.mark_ticks if listing.mark is not None else 0
        gain = short(position.unrealised(mark_ticks or listing.mid_ticks))
        entry = listing.average_text(position.entry_ticklots, abs(position.lots))
        rows.append(["position", f"{listing.qty_text(position.lots)} {listing.name} @ {entry}", gain, "gain"])
    return rows


def _price(order: Any) -> str:
    ticks = order.price_ticks or order.stop_ticks
    return f"@ {order.listing.price_text(ticks)}" if ticks else "market"


def short(units: int) -> str:
    """Money without its trailing zeros."""
    return money_text(units).rstrip("0").rstrip(".")


def limit_rows(limits: "Limits", now_ms: int) -> list[list[str]]:
    """What each address has used of its weight in this minute."""
    rows = []
    for what, state in limits.as_dict(now_ms).items():
        assert isinstance(state, dict)
        market = what.partition(" ")[0]
        banned = " (banned)" if state["banned_until_ms"] > now_ms else ""
        rows.append([what + banned, str(state["weight"]), f"of {limits.markets[market].weight.limit} a minute"])
    return rows[:20]


def spread_text(listing: "Listing") -> str:
    """The spread in the quote asset and in basis points."""
    bid, ask = listing.best_bid_ticks, listing.best_ask_ticks
    if not bid or not ask:
        return "one side is empty"
    points = Decimal(20_000 * (ask - bid)) / (ask + bid)
    return f"spread {listing.price_text(ask - bid)}, {points:.2f} bp"
