"""Listen keys of futures user data: one for each account, alive for an hour after it was last extended."""

import secrets
import string
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from b25.venue.exchange.errors import VenueError

if TYPE_CHECKING:
    from b25.venue.exchange.accounts import Account

_ALPHABET = string.ascii_letters + string.digits
_LENGTH = 64
NO_SUCH_KEY = (-1125, "This listenKey does not exist.")


@dataclass(slots=True)
class ListenKey:
    """One key and when it dies."""

    text: str
    account: "Account"
    until_ms: float


class ListenKeys:
    """The keys of all accounts.

    Parameters
    ----------
    alive_ms : int
        How long one lives after it was made or extended.
    now_ms : callable
        The clock by which it does.
    """

    def __init__(self, alive_ms: int, now_ms: Callable[[], float]) -> None:
        self.alive_ms = alive_ms
        self.now_ms = now_ms
        self._by_account: dict[int, ListenKey] = {}
        self._by_text: dict[str, ListenKey] = {}

    def create(self, account: "Account") -> str:
        """The account's key, made or extended (POST)."""
        key = self._by_account.get(account.account_id)
        if key is None:
            text = "".join(secrets.choice(_ALPHABET) for _ in range(_LENGTH))
            key = self._by_account[account.account_id] = self._by_text[text] = ListenKey(text, account, 0.0)
        key.until_ms = self.now_ms() + self.alive_ms
        return key.text

    def extend(self, account: "Account") -> str:
        """Let the key live on (PUT).

        Raises
        ------
        VenueError
            -1125 when the account has none.
        """
        if account.account_id not in self._by_account:
            raise VenueError(*NO_SUCH_KEY)
        return self.create(account)

    def close(self, account: "Account") -> None:
        """End the key (DELETE); without one nothing happens."""
        key = self._by_account.get(account.account_id)
        if key is not None:
            self._remove(key)

    def get(self, text: str) -> ListenKey | None:
        """The living key of this text."""
        return self._by_text.get(text)

    def expired(self) -> list[ListenKey]:
        """The keys whose time is over; they are gone."""
        now_ms = self.now_ms()
        dead = [key for key in self._by_text.values() if now_ms >= key.until_ms]
        for key in dead:
            self._remove(key)
        return dead

    def expire(self, account: "Account") -> list[ListenKey]:
        """End the account's key before its time; gives it, if there was one."""
        key = self._by_account.get(account.account_id)
        if key is None:
            return []
        self._remove(key)
        return [key]

    def _remove(self, key: ListenKey) -> None:
        self._by_text.pop(key.text, None)
        self._by_account.pop(key.account.account_id, None)
