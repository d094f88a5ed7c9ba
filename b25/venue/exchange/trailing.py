"""Triggers that follow the price. The book's own triggers stand still, so these are kept beside it."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from b25.venue.exchange.orders import AlgoOrder, Order


@dataclass(slots=True, eq=False)
class TrailingStop:
    """Fires when the price has come back from its extreme by a share of it.

    Parameters
    ----------
    rising : bool
        Whether it fires on a rise from the lowest price (else: on a fall from the highest).
    delta : tuple of int
        The share, as numerator and denominator.
    activate_ticks : int
        Price at which the trailing begins; 0: at once.
    activate_rising : bool
        Whether that price is reached from below.
    by_mark : bool
        Whether it looks at the mark price instead of trades.
    """

    owner: "Order | AlgoOrder"
    rising: bool
    delta: tuple[int, int]
    activate_ticks: int = 0
    activate_rising: bool = False
    by_mark: bool = False
    extreme_ticks: int = 0

    @property
    def active(self) -> bool:
        """Whether the trailing has begun."""
        return self.extreme_ticks > 0

    def observe(self, price_ticks: int) -> bool:
        """See a price; True when it fires."""
        if not self.active:
            reached = price_ticks >= self.activate_ticks if self.activate_rising else price_ticks <= self.activate_ticks
            if self.activate_ticks and not reached:
                return False
            self.extreme_ticks = price_ticks
            return False
        up, down = self.delta
        if self.rising:
            self.extreme_ticks = min(self.extreme_ticks, price_ticks)
            return (price_ticks - self.extreme_ticks) * down >= self.extreme_ticks * up
        self.extreme_ticks = max(self.extreme_ticks, price_ticks)
        return (self.extreme_ticks - price_ticks) * down >= self.extreme_ticks * up
