"""What became of the orders: sent, refused and why, and how much of what was placed was filled."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from b25.analytics.formulas import measured, missing
from b25.analytics.metric import Metric


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderCounts:
    """How many requests a session made, and what they came to.

    Parameters
    ----------
    submits, cancels, amends : int
        Requests that passed the gate.
    refused : mapping of str to int
        Intents that the gate refused, by reason.
    rejected : mapping of str to int
        Orders that the venue did not accept, by reason.
    timeouts_entry, timeouts_exit, cancelled_entries, replaced_entries : int or None
        Orders that opened or closed a position and were withdrawn for waiting too long, cancelled, or replaced; None when
        the session did not record which.
    placed_quantity, filled_quantity : float
        Base units (or contracts) over all accepted orders; any one unit, as only their ratio is used.
    """

    submits: int = 0
    cancels: int = 0
    amends: int = 0
    refused: Mapping[str, int] = field(default_factory=dict)
    rejected: Mapping[str, int] = field(default_factory=dict)
    timeouts_entry: int | None = None
    timeouts_exit: int | None = None
    cancelled_entries: int | None = None
    replaced_entries: int | None = None
    placed_quantity: float = 0.0
    filled_quantity: float = 0.0


def order_metrics(orders: OrderCounts, *, fills: int) -> dict[str, Metric]:
    """Counts, fill ratio and order-to-fill ratio.

    Parameters
    ----------
    orders : OrderCounts
        What was asked and what came of it.
    fills : int
        Number of executions.
    """
    messages = orders.submits + orders.cancels + orders.amends
    placed = orders.placed_quantity
    ends = {
        "timeouts_entry": orders.timeouts_entry,
        "timeouts_exit": orders.timeouts_exit,
        "cancelled_entries": orders.cancelled_entries,
        "replaced_entries": orders.replaced_entries,
    }
    return {
        "signals": measured("signals", orders.submits + sum(orders.refused.values())),
        **{name: measured(name, count, why_not="not recorded by this session") for name, count in ends.items()},
        "submits": measured("submits", orders.submits),
        "cancels": measured("cancels", orders.cancels),
        "amends": measured("amends", orders.amends),
        "refused": measured("refused", sum(orders.refused.values())),
        "rejected": measured("rejected", sum(orders.rejected.values())),
        "fill_ratio": measured("fill_ratio", orders.filled_quantity / placed)
        if placed > 0
        else missing("fill_ratio", "nothing was placed"),
        "order_to_fill": measured("order_to_fill", messages / fills) if fills else missing("order_to_fill", "no fill"),
    }
