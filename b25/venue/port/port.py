"""The venue as the rest of b25 sees it. Whatever stands behind it: our exchange in this process, on a socket, or a live one."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Protocol

from b25.venue.port.outcome import Outcome
from b25.venue.port.reports import (
    AssetTransfer,
    Balance,
    Fees,
    Funding,
    FundingPayment,
    Hint,
    Holding,
    Listing,
    OrderReport,
    Quote,
    TradeReport,
)
from b25.venue.port.requests import Amendment, NewOrder, OrderRef


@dataclass(frozen=True, slots=True, kw_only=True)
class Abilities:
    """What a venue can do, asked before a session starts rather than found out by a refusal.

    Attributes
    ----------
    client_id_pattern : str
        Regular expression that our ids must match whole.
    amend : bool
        An order can be changed in place; where it cannot, `amend` is NOT_SENT.
    query_by_client_id : bool
        An order can be found by our id: without it an unanswered submit cannot be resolved.
    positions, leverage, funding : bool
        The venue has margined instruments.
    countdown : bool
        It cancels everything by itself when we fall silent.
    """

    client_id_pattern: str
    amend: bool
    query_by_client_id: bool
    positions: bool
    leverage: bool
    funding: bool
    countdown: bool


class VenuePort(Protocol):
    """One account at one venue.

    No method raises for what the venue or the network does: it returns an Outcome. None resends anything. Requests go out in
    the order of the calls only as far as the network keeps it.
    """

    @property
    def name(self) -> str:
        """Id of the venue, as in Instrument.venue."""

    @property
    def abilities(self) -> Abilities:
        """What it can do."""

    async def listings(self, *, reload: bool = False) -> Outcome[dict[str, Listing]]:
        """Every instrument by unified symbol."""

    async def server_time_ms(self) -> Outcome[int]:
        """The venue's clock."""

    async def quote(self, symbol: str) -> Outcome[Quote]:
        """Best prices and the last one, by request: for checks, not for trading on."""

    async def submit(self, order: NewOrder) -> Outcome[OrderReport]:
        """Place an order."""

    async def cancel(self, order: OrderRef) -> Outcome[OrderReport]:
        """Cancel an order."""

    async def cancel_all(self, symbol: str) -> Outcome[None]:
        """Cancel every order of a symbol, conditional ones too. No open order is success."""

    async def amend(self, amendment: Amendment) -> Outcome[OrderReport]:
        """Change price and quantity of a resting order."""

    async def order(self, order: OrderRef) -> Outcome[OrderReport]:
        """Tell the state of an order. QUERY when the venue knows none such, which proves nothing before its bound."""

    async def open_orders(self, symbol: str | None = None) -> Outcome[list[OrderReport]]:
        """Resting and waiting orders, ours and anybody's of the account."""

    async def all_orders(self, symbol: str, *, since_ms: int = 0) -> Outcome[list[OrderReport]]:
        """Orders of a symbol, ended ones too, oldest first."""

    async def trades(self, symbol: str, *, after_id: str = "", since_ms: int = 0) -> Outcome[list[TradeReport]]:
        """Our executions, oldest first: one page of those after a trade id, or since a time. Ask on until none is new."""

    async def balances(self) -> Outcome[dict[str, Balance]]:
        """What the account holds, by asset."""

    async def positions(self) -> Outcome[dict[str, Holding]]:
        """Positions other than zero, by symbol."""

    async def funding_rate(self, symbol: str) -> Outcome[Funding]:
        """The next funding."""

    async def funding_history(self, symbol: str, *, since_ms: int = 0) -> Outcome[list[Funding]]:
        """Past funding rates, oldest first."""

    async def funding_payments(self, symbol: str, *, since_ms: int = 0) -> Outcome[list[FundingPayment]]:
        """What our position was paid and paid, oldest first."""

    async def transfers(self, *, since_ms: int = 0) -> Outcome[list[AssetTransfer]]:
        """What came in and left beside trading, oldest first; NOT_SENT where the venue does not tell."""

    async def fees(self, symbol: str) -> Outcome[Fees]:
        """Our fees."""

    async def set_leverage(self, symbol: str, leverage: int) -> Outcome[None]:
        """Set the leverage of a symbol."""

    async def countdown(self, symbol: str, after_ms: int) -> Outcome[None]:
        """Ask the venue to cancel a symbol's orders when not asked again within `after_ms`; 0 ends it."""

    def hints(self) -> AsyncIterator[Hint]:
        """The user's raw events, orders and balances, until closed. Its end or an error is a lost stream: reconcile."""

    async def close(self) -> None:
        """Let go of sockets. Orders stay where they are."""
