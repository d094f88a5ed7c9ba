"""What sessions are worth at each half minute of the clock, from what they told last; what is too old is not told again."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Final

from b25.analytics.events.buckets import DAY_NS, NS_PER_S, open_of

EVERY_NS: Final = 30 * NS_PER_S
FRESH_NS: Final = 10 * NS_PER_S  # a session tells once a second


@dataclass(frozen=True, slots=True)
class Told:
    """What a session told of one kind, and when."""

    time_ns: int
    account: str
    facts: Any


@dataclass(slots=True)
class Sampler:
    """Keeps the newest of each session.

    Attributes
    ----------
    told : dict
        By session and kind ("balance", "pnl", "position").
    next_ns : int
        The moment of the next sample; 0 before the first.
    """

    told: dict[tuple[str, str], Told] = field(default_factory=dict)
    next_ns: int = 0

    def note(self, session: str, kind: str, told: Told) -> None:
        """Take what a session told, unless something newer is known."""
        held = self.told.get((session, kind))
        if held is None or told.time_ns >= held.time_ns:
            self.told[session, kind] = told

    def due(self, now_ns: int) -> int | None:
        """Return the moment of the grid that is to be sampled now. One that was slept through is left out, never made up."""
        here = open_of(now_ns, EVERY_NS)
        if self.next_ns == 0:
            self.next_ns = here + EVERY_NS
        if now_ns < self.next_ns:
            return None
        self.next_ns = here + EVERY_NS
        return here

    def sample(self, at_ns: int) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
        """Rows of `session_snapshot` and `position_snapshot` for a moment; a session that has gone quiet has none."""
        fresh = {key: one for key, one in self.told.items() if at_ns - one.time_ns <= FRESH_NS}
        self.told = {key: one for key, one in self.told.items() if at_ns - one.time_ns <= EVERY_NS}
        worth, held = [], []
        for session in sorted({name for name, _ in fresh}):
            balance, pnl = fresh.get((session, "balance")), fresh.get((session, "pnl"))
            if balance is not None or pnl is not None:
                worth.append(_worth(session, at_ns, balance, pnl))
            if (position := fresh.get((session, "position"))) is not None:
                held += [{"session": session, "ts_ns": at_ns, "account": position.account, **one} for one in position.facts]
        return worth, held


def _worth(session: str, at_ns: int, balance: Told | None, pnl: Told | None) -> dict[str, Any]:
    newest = max((one for one in (balance, pnl) if one is not None), key=lambda one: one.time_ns)
    made = pnl.facts if pnl is not None else {}
    return {
        "session": session, "ts_ns": at_ns, "reason": "day" if at_ns % DAY_NS == 0 else "interval", "account": newest.account,
        "asset": newest.facts["asset"], "equity": balance.facts["equity"] if balance is not None else None,
        "realised": made.get("realised"), "unrealised": made.get("unrealised"), "fees": made.get("fees"),
        "told_ns": newest.time_ns,
    }  # fmt: skip
