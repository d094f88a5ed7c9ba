"""Writes down what the drift job found, and shows how a version stands: a badge for displays of strategies and sessions."""

from __future__ import annotations

import html
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Final

from b25.promote.drift import DriftState, SessionDrift
from b25.promote.version import REFERENCE
from b25.store.drift_notes import add_drift_note, drift_notes, drift_of
from b25.store.store import Store

COLOURS: Final = {  # of the badge's edge; its text has the colour of what stands around it
    "none": "var(--jp-success-color1,#2e9e5b)", "explained": "var(--jp-warn-color1,#d29922)",
    "unexplained": "var(--jp-error-color1,#d9443a)", "not run": "var(--jp-border-color1,#8a939c)",
}  # fmt: skip
MEANS: Final = {
    "none": "every decision came again, and the venue answered as in a backtest",
    "explained": "every decision came again; each difference from a backtest has a cause",
    "unexplained": "a decision did not come again, or a difference has no cause: b25 drift tells",
    "not run": "no session of it was compared with its replay yet",
}


def noted(store: Store, found: Iterable[SessionDrift], now_ns: int) -> int:
    """Write down what was compared; gives how many. What was not run, or ran no promoted version, says nothing of one."""
    count = 0
    for one in found:
        match = REFERENCE.fullmatch(one.version)
        if match is None or one.state is DriftState.NOT_RUN:
            continue
        detail = {name: value for name, value in one.facts().items() if name not in ("session", "version", "state")}
        add_drift_note(
            store, match["name"], int(match["version"]), one.session, at_ns=now_ns, state=str(one.state), detail=detail
        )
        count += 1
    return count


@dataclass(frozen=True, slots=True)
class DriftBadge:
    """How a version stands.

    Attributes
    ----------
    state : str
        ``"none"``, ``"explained"``, ``"unexplained"`` or ``"not run"``.
    detail : str
        Of the last comparison.
    """

    reference: str
    state: str
    detail: str

    def __str__(self) -> str:
        return f"drift: {self.state}"

    def __repr__(self) -> str:
        return f"{self.reference} drift: {self.state}" + (f" ({self.detail})" if self.detail else "")

    def html(self) -> str:
        """Return it for a display: a word in a frame, what it means as its title; no script, everything escaped."""
        title = html.escape(self.detail or MEANS[self.state], quote=True)
        return (
            f"<span class='b25-drift' title='{title}' style='border:1px solid {COLOURS[self.state]};border-left-width:.5em;"
            f"border-radius:3px;padding:0 .4em'>drift: {html.escape(self.state)}</span>"
        )

    def _repr_mimebundle_(self, include: object = None, exclude: object = None) -> dict[str, str]:
        return {"text/plain": repr(self), "text/html": self.html()}


def drift_badge(name: str, version: int, opened: Callable[[], Store] | Store) -> DriftBadge:
    """Return how a version stands.

    Parameters
    ----------
    name, version : str, int
        Of ``name@version``.
    opened : Store or callable
        Where notes are kept, or what opens it.
    """
    store = opened if isinstance(opened, Store) else opened()
    last = drift_notes(store, name, version, limit=1)
    state = drift_of(store, name, version)
    detail = str(last[0].detail.get("detail", "")) if last and last[0].state == state else ""
    return DriftBadge(f"{name}@{version}", state, detail)
