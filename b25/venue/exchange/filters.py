"""The rules of a symbol as exchangeInfo publishes them. They may change while the symbol trades."""

from dataclasses import dataclass
from decimal import Decimal


@dataclass(slots=True, frozen=True, kw_only=True)
class SpotFilters:
    """Spot filters; prices and notionals in quote units, quantities in base units. Zero disables where Binance says so."""

    min_price: Decimal
    max_price: Decimal
    tick_size: Decimal
    min_qty: Decimal
    max_qty: Decimal
    step_size: Decimal
    market_max_qty: Decimal
    market_min_qty: Decimal = Decimal(0)
    market_step_size: Decimal = Decimal(0)
    min_notional: Decimal = Decimal(5)
    max_notional: Decimal = Decimal(9_000_000)
    apply_min_to_market: bool = True
    apply_max_to_market: bool = False
    bid_up: Decimal = Decimal(5)
    bid_down: Decimal = Decimal("0.2")
    ask_up: Decimal = Decimal(5)
    ask_down: Decimal = Decimal("0.2")
    average_price_minutes: int = 5
    max_orders: int = 200
    max_algo_orders: int = 5
    iceberg_parts: int = 10
    max_position: Decimal | None = None  # no filter
    min_trailing_delta: int = 10
    max_trailing_delta: int = 2000


@dataclass(slots=True, frozen=True, kw_only=True)
class LinearFilters:
    """USD-M futures filters; prices and notionals in quote units, quantities in base units."""

    min_price: Decimal
    max_price: Decimal
    tick_size: Decimal
    min_qty: Decimal
    max_qty: Decimal
    step_size: Decimal
    market_max_qty: Decimal
    min_notional: Decimal = Decimal(5)
    multiplier_up: Decimal = Decimal("1.05")
    multiplier_down: Decimal = Decimal("0.95")
    multiplier_decimal: int = 4
    max_orders: int = 200
    max_algo_orders: int = 10


Filters = SpotFilters | LinearFilters
