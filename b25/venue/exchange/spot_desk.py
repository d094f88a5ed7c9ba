"""The spot desk: signatures first."""
from decimal import Decimal
from typing import NamedTuple

from b25.venue.exchange.accounts import Account
from b25.venue.exchange.events import AssetState
from b25.venue.exchange.orders import Fill, NewOrder, Order


class Replaced(NamedTuple):
    """Both halves of a successful cancel-replace."""

    cancelled: Order | None
    placed: Order


class SpotDesk:
    """Spot orders. Everything takes the account first, returns snapshots, raises `VenueError`."""

    def place(self, account: Account, request: NewOrder) -> Order: ...
    def test(self, account: Account, request: NewOrder) -> None: ...
    def cancel(self, account: Account, symbol: str, *, order_id: int | None = None, client_id: str | None = None,
               new_client_id: str | None = None, restrictions: str | None = None) -> Order: ...  # snapshot.cancel_client_id is the cancel's own id
    def cancel_all(self, account: Account, symbol: str) -> list[Order]: ...
    def cancel_replace(self, account: Account, request: NewOrder, *, mode: str, order_id: int | None = None, client_id: str | None = None,
                       cancel_new_client_id: str | None = None, restrictions: str | None = None,
                       placing_refused: VenueError | None = None) -> Replaced: ...
        # raises VenueError(-2021/409 | -2022/400, data={"cancelResult": "SUCCESS|FAILURE|NOT_ATTEMPTED", "newOrderResult": ...,
        #   "cancelResponse": Order | VenueError | None, "newOrderResponse": Order | VenueError | None}); the caller renders the objects in data
        # placing_refused: an order-count refusal of the caller (orderRateLimitExceededMode=CANCEL_ONLY): the cancel happens, the new order is refused with it
    def amend(self, account: Account, symbol: str, quantity: Decimal, *, order_id: int | None = None, client_id: str | None = None,
              new_client_id: str | None = None) -> Order: ...   # amend keep priority
    def order(self, account: Account, symbol: str, *, order_id: int | None = None, client_id: str | None = None) -> Order: ...
    def open_orders(self, account: Account, symbol: str | None = None) -> list[Order]: ...
    def all_orders(self, account: Account, symbol: str, *, order_id: int | None = None, start_ms: int | None = None,
                   end_ms: int | None = None, limit: int = 500) -> list[Order]: ...
    def my_trades(self, account: Account, symbol: str, *, order_id: int | None = None, from_id: int | None = None,
                  start_ms: int | None = None, end_ms: int | None = None, limit: int = 500) -> list[Fill]: ...
    def balances(self, account: Account, *, omit_zero: bool = False) -> list[AssetState]: ...
    def fees_ppm(self, account: Account, symbol: str) -> tuple[int, int]: ...  # maker, taker
