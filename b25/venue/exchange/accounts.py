"""Accounts, what they own, and their keys. An account never sees another's orders: each has its own stores."""

from dataclasses import dataclass, field
from typing import Final

from b25.venue.exchange.order_store import OrderStore
from b25.venue.exchange.positions import LinearWallet


@dataclass(slots=True)
class SpotBalance:
    """One asset of a spot account, 1e-8."""

    free: int = 0
    locked: int = 0


@dataclass(eq=False)
class Account:
    """One customer of the venue.

    Parameters
    ----------
    account_id : int
        From 1; also the uid.
    can_trade : bool
        False: nothing may be placed or cancelled ("This account may not place or cancel orders.").
    frozen : bool
        "This action is disabled on this account." for every order and cancel.
    cooling_off : bool
        Futures: -4192 for every order that may open.
    pays_in_bnb : bool
        Spot commissions come out of the account's BNB, at three quarters, as long as it has some.
    forbidden_symbols, restricted_symbols : set of str
        Not permitted, or restricted, for this account.
    maker_fee_ppm, taker_fee_ppm : dict
        By market, where they differ from the symbol's.
    """

    account_id: int
    name: str
    created_ms: int
    can_trade: bool = True
    frozen: bool = False
    cooling_off: bool = False
    pays_in_bnb: bool = False
    forbidden_symbols: set[str] = field(default_factory=set)
    restricted_symbols: set[str] = field(default_factory=set)
    maker_fee_ppm: dict[str, int] = field(default_factory=dict)
    taker_fee_ppm: dict[str, int] = field(default_factory=dict)
    spot: dict[str, SpotBalance] = field(default_factory=dict)
    spot_updated_ms: int = 0
    spot_store: OrderStore = field(default_factory=OrderStore)
    linear: LinearWallet = field(default_factory=LinearWallet)
    linear_store: OrderStore = field(default_factory=OrderStore)

    def spot_balance(self, asset: str) -> SpotBalance:
        """Balance of an asset, made when it is asked for the first time."""
        balance = self.spot.get(asset)
        if balance is None:
            balance = self.spot[asset] = SpotBalance()
        return balance

    def store(self, market: str) -> OrderStore:
        """Its orders of a market."""
        return self.spot_store if market == "spot" else self.linear_store


@dataclass(slots=True, eq=False)
class ApiKey:
    """A key of an account. ``kind`` is HMAC, RSA or ED25519; the secret is never printed."""

    key: str
    account: Account
    kind: str
    secret: str = field(default="", repr=False)
    public_key: str = ""
    reading: bool = True
    spot: bool = True
    futures: bool = True
    withdrawals: bool = False
    ip_restricted: bool = False
    created_ms: int = 0
    revoked: bool = False


# Book accounts: numbers under which the matching book tells an account's positions apart (hedge mode has two more).
BOOK_ACCOUNTS: Final = {"BOTH": 0, "LONG": 1, "SHORT": 2}


def book_account(account_id: int, position_side: str) -> int:
    """Dense number for the matching book; 0 stays the crowd's."""
    return account_id * 3 - 2 + BOOK_ACCOUNTS[position_side]
