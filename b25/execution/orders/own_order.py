"""One order of ours, as far as we know it."""

from __future__ import annotations

from dataclasses import dataclass, field

from b25.execution.orders.actions import Tell
from b25.execution.orders.proof import Absence
from b25.execution.orders.states import IN_DOUBT, TERMINAL, OrderState
from b25.venue.port.requests import NewOrder, OrderRef


@dataclass(slots=True)
class Amending:
    """A change that was asked for, and is not answered.

    Attributes
    ----------
    coid : str
        Of its own intent.
    price_ticks, qty_lots : int
        Wanted.
    bound_ms : int
        Venue time after which it can no longer be accepted.
    held : list
        What the world is told once it is known whether the quantity changed: it would take the order for filled before.
    """

    coid: str
    price_ticks: int
    qty_lots: int
    request_id: int
    bound_ms: int
    held: list[Tell] = field(default_factory=list)


@dataclass(slots=True)
class OwnOrder:
    """One order of ours.

    Attributes
    ----------
    new : NewOrder
        What was asked, with the time of its signature. An adopted order has what the venue tells of it.
    order_id, request_id : int
        In the world; 0 for an adopted order, which the world never asked for.
    conditional : bool
        It waits in the venue's book of stops.
    triggered : bool
        It waited there, and is an order like any other now, with another number.
    cum_lots, booked_lots : int
        Executed as the venue says, and by the trades that we hold. The second catches up with the first.
    acknowledged : bool
        The venue has said that it lives, or lived.
    never_sent : bool
        Its intent is stored, and no sign that it left.
    cancel_request_id : int
        Request of the world's cancel that is not answered; -1 for none.
    cancel_taken : bool
        The venue took its cancel, and did not say what became of it.
    revived : bool
        Found after its absence was proven.
    complete : bool
        Ended, told to the world, and every trade of it booked.
    """

    new: NewOrder
    order_id: int = 0
    request_id: int = 0
    state: OrderState = OrderState.INTENT
    venue_id: str = ""
    conditional: bool = False
    triggered: bool = False
    cum_lots: int = 0
    booked_lots: int = 0
    update_ms: int = 0
    acknowledged: bool = False
    told_open: bool = False
    told_end: bool = False
    never_sent: bool = False
    revived: bool = False
    cancel_request_id: int = -1
    cancel_wanted: bool = False
    cancel_taken: bool = False
    cancel_bound_ms: int = 0
    amending: Amending | None = None
    absence: Absence | None = None
    asked: int = 0
    next_query_ns: int = 0
    changed_ns: int = 0
    ended_ns: int = 0
    reason: int = 0
    trade_ids: set[str] = field(default_factory=set)

    @property
    def coid(self) -> str:
        """Our id."""
        return self.new.client_id

    @property
    def symbol(self) -> str:
        """Unified symbol."""
        return self.new.symbol

    @property
    def ref(self) -> OrderRef:
        """How the venue is asked for it: by our id, which it has had from the first."""
        by_venue = self.venue_id if self.conditional or self.triggered else ""
        return OrderRef(symbol=self.symbol, client_id=self.coid, venue_id=by_venue, conditional=self.conditional)

    @property
    def qty_lots_max(self) -> int:
        """What may be executed at most, as far as it is known: a change that is not answered may have been done."""
        return max(self.new.qty_lots, self.amending.qty_lots if self.amending else 0)

    @property
    def is_live(self) -> bool:
        """Whether it counts in exposure: everything that is not proven to be over."""
        return self.state not in TERMINAL

    @property
    def in_doubt(self) -> bool:
        """Whether the venue must be asked."""
        return self.state in IN_DOUBT

    @property
    def awaits_trades(self) -> bool:
        """Whether more is executed than we hold trades for."""
        return self.booked_lots < self.cum_lots

    @property
    def complete(self) -> bool:
        """Whether nothing more is expected of it."""
        return self.state in TERMINAL and self.told_end and not self.awaits_trades

    @property
    def open_lots(self) -> int:
        """What may still be executed."""
        return max(self.qty_lots_max - self.cum_lots, 0) if self.is_live else 0
