"""A trading floor for tests: an exchange on slow books, two customers with money, and somebody who writes everything down."""

from dataclasses import dataclass, field
from decimal import Decimal

import pytest

from b25.venue.exchange.accounts import Account
from b25.venue.exchange.errors import VenueError
from b25.venue.exchange.events import AlgoEvent, BalanceEvent, OrderEvent
from b25.venue.exchange.exchange import Exchange, ExchangeSettings
from b25.venue.exchange.listings import linear_listing, spot_listing
from b25.venue.exchange.orders import NewAlgoOrder, NewOrder
from tests.kernels.naive_matching import NaiveMatchingBook

OPEN_MS = 1_700_000_000_000  # 2023-11-14 22:13:20 UTC; the next funding is due at midnight
COIN = 10**8


@dataclass
class Recorder:
    """A sink that keeps what it hears."""

    users: list = field(default_factory=list)  # (account id, event)
    trades: list = field(default_factory=list)
    books: int = 0
    statuses: list = field(default_factory=list)
    marks: int = 0
    liquidations: list = field(default_factory=list)

    def on_trades(self, listing, trades):
        self.trades.extend(trades)

    def on_book(self, listing):
        self.books += 1

    def on_user(self, account, event):
        self.users.append((account.account_id, event))

    def on_status(self, listing):
        self.statuses.append((listing.name, listing.status))

    def on_mark(self, listing):
        self.marks += 1

    def on_liquidation(self, liquidation):
        self.liquidations.append(liquidation)

    def orders(self, account):
        """(execution, state) of an account's order events."""
        mine = (event for number, event in self.users if number == account.account_id)
        return [(event.execution, event.order.state) for event in mine if isinstance(event, OrderEvent)]

    def of(self, account, kind):
        """An account's events of one class."""
        return [event for number, event in self.users if number == account.account_id and isinstance(event, kind)]

    def algos(self, account):
        return [event.algo.state for event in self.of(account, AlgoEvent)]

    def balances(self, account):
        return [event for event in self.of(account, BalanceEvent) if event.reason == "ORDER"]

    def forget(self):
        self.users.clear()


class Floor:
    """The exchange with Ann and Bob on it."""

    def __init__(self, *, fees=True, book=NaiveMatchingBook, **settings):
        terms = {} if fees else {"maker_fee_ppm": 0, "taker_fee_ppm": 0}
        self.exchange = Exchange(
            [
                spot_listing("BTCUSDT", book=book(), **terms),
                spot_listing("ETHUSDT", book=book(), **terms),
                linear_listing("BTCUSDT", book=book(), **terms),
                linear_listing("ETHUSDT", book=book(), **terms),
            ],
            now_ms=OPEN_MS,
            settings=ExchangeSettings(**settings),
        )
        self.ann, self.bob = self.customer("ann"), self.customer("bob")
        self.heard = Recorder()
        self.exchange.sinks.append(self.heard)

    def customer(self, name, usdt="100000", btc="10") -> Account:
        account = self.exchange.open_account(name)
        self.exchange.deposit(account, "spot", "USDT", usdt)
        self.exchange.deposit(account, "spot", "BTC", btc)
        self.exchange.deposit(account, "linear", "USDT", usdt)
        return account

    # -- spot -------------------------------------------------------------------------------------

    def spot(self, account, side, quantity, price=None, *, kind=None, **terms):
        return self.exchange.spot_orders.place(account, spot_order(side, quantity, price, kind=kind, **terms))

    def has(self, account, asset):
        """(free, locked) of a spot balance, in units of 1e-8."""
        balance = account.spot_balance(asset)
        return balance.free, balance.locked

    # -- futures ----------------------------------------------------------------------------------

    def linear(self, account, side, quantity, price=None, **terms):
        return self.exchange.linear_orders.place(account, linear_order(side, quantity, price, **terms))

    def algo(self, account, side, kind, quantity=None, trigger=None, **terms):
        terms = {"quantity": number(quantity), "trigger_price": number(trigger), **terms}
        return self.exchange.linear_algos.place(
            account, NewAlgoOrder(symbol="BTCUSDT", side=side, type=kind, **{"price": None, **terms})
        )

    def position(self, account, side="BOTH", symbol="BTCUSDT"):
        return account.linear.position(self.exchange.linear[symbol], side)

    def wallet(self, account):
        return account.linear.wallet("USDT")

    def mark(self, price):
        self.exchange.operations.set_mark("BTCUSDT", str(price))

    def wait(self, ms):
        self.exchange.advance(self.exchange.now_ms + ms)


def number(value):
    return None if value is None else Decimal(str(value))


def spot_order(side, quantity, price=None, *, kind=None, symbol="BTCUSDT", **terms):
    kind = kind or ("MARKET" if price is None else "LIMIT")
    if kind in ("LIMIT", "STOP_LOSS_LIMIT", "TAKE_PROFIT_LIMIT"):
        terms.setdefault("tif", "GTC")
    return NewOrder(symbol=symbol, side=side, type=kind, quantity=number(quantity), price=number(price), **terms)


def linear_order(side, quantity, price=None, *, symbol="BTCUSDT", **terms):
    kind = terms.pop("kind", "MARKET" if price is None and "price_match" not in terms else "LIMIT")
    if kind == "LIMIT":
        terms.setdefault("tif", "GTC")
    return NewOrder(symbol=symbol, side=side, type=kind, quantity=number(quantity), price=number(price), **terms)


def refused(call, *args, **kwargs) -> VenueError:
    """The error that a call raises."""
    with pytest.raises(VenueError) as caught:
        call(*args, **kwargs)
    return caught.value


def says(error: VenueError):
    return error.code, error.msg
