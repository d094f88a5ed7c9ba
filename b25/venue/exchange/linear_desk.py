"""The USD-M futures desk: signatures first."""
from decimal import Decimal

from b25.venue.exchange.accounts import Account
from b25.venue.exchange.errors import VenueError
from b25.venue.exchange.orders import AlgoOrder, Fill, NewAlgoOrder, NewOrder, Order


class LinearDesk:  # exchange.linear_orders
    """Futures orders: place, test, cancel, cancel_all, order, open_orders, all_orders, my_trades, fees_ppm as SpotDesk, and:"""

    def open_order(self, account: Account, symbol: str, *, order_id: int | None = None, client_id: str | None = None) -> Order: ...
    def amend(self, account: Account, symbol: str, side: str, *, order_id: int | None = None, client_id: str | None = None,
              quantity: Decimal | None = None, price: Decimal | None = None, price_match: str = "NONE") -> Order: ...
    def place_batch(self, account: Account, requests: list[NewOrder]) -> list[Order | VenueError]: ...
    def cancel_batch(self, account: Account, symbol: str, *, order_ids: list[int] | None = None, client_ids: list[str] | None = None) -> list[Order | VenueError]: ...
    def countdown(self, account: Account, symbol: str, countdown_ms: int) -> None: ...  # 0 = off


class AlgoDesk:  # exchange.linear_algos
    def place(self, account: Account, request: NewAlgoOrder) -> AlgoOrder: ...
    def cancel(self, account: Account, *, algo_id: int | None = None, client_id: str | None = None) -> AlgoOrder: ...
    def cancel_all(self, account: Account, symbol: str) -> list[AlgoOrder]: ...
    def order(self, account: Account, *, algo_id: int | None = None, client_id: str | None = None) -> AlgoOrder: ...
    def open_orders(self, account: Account, symbol: str | None = None, algo_id: int | None = None) -> list[AlgoOrder]: ...
    def all_orders(self, account: Account, symbol: str, *, algo_id: int | None = None, start_ms: int | None = None, end_ms: int | None = None, limit: int = 500) -> list[AlgoOrder]: ...


class LinearSettings:  # exchange.linear_settings
    def set_leverage(self, account: Account, symbol: str, leverage: int) -> tuple[int, int]: ...   # leverage, maxNotionalValue (1e-8)
    def set_margin_type(self, account: Account, symbol: str, margin_type: str) -> None: ...        # "ISOLATED" | "CROSSED"
    def set_hedge(self, account: Account, hedge: bool) -> None: ...                                # positionSide/dual
    def change_position_margin(self, account: Account, symbol: str, side: str, amount: Decimal, add: bool) -> None: ...


class LinearViews:  # exchange.linear_views
    """account(account) -> AccountState, positions(account, symbol=None) -> list[PositionRisk], income(account, ...) -> list[Income],
    symbol_config; dataclasses of 1e-8 ints whose names follow the wire's fields (wallet, unrealised, maintenance, initial, ...)."""


class Operations:  # exchange.operations: what admin and the fault layer do
    """foreign_order, liquidate, adl, settle, transfer, symbol_status, set_delivery, set_filters, freeze, revoke_key, set_mark, set_index, set_funding_rate, cancel_by_venue."""
