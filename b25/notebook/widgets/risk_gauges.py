"""How near the limits are: used and allowed, what was breached and when. What is not known counts as breached, never as zero."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final, Self

import traitlets

from b25.notebook.widgets.fallback import html_card, html_table
from b25.notebook.widgets.widget import SYNC, Widget, status_of

NEAR: Final = 0.8  # of a limit
GAUGES_MAX: Final = 200
ORDER: Final = {"breached": 0, "unknown": 1, "near": 2, "refused": 3, "ok": 4, "off": 5}


class RiskGauges(Widget, script="risk_gauges"):
    """Limits as bars.

    Parameters
    ----------
    limits : iterable of dict
        ``name``, ``used``, ``limit``, and where they are known ``title``, ``unit``, ``breached_ns`` (when last), ``set_by``,
        ``rule`` (in words) and ``latched``. A limit of None is switched off; a use of None is not known.
    title : str
    mode : str, optional
        See `status_of`.
    """

    limits: Any = traitlets.List().tag(**SYNC)

    def __init__(
        self, limits: Iterable[Mapping[str, Any]] = (), *, title: str = "Limits", mode: str | None = None, **traits: Any
    ) -> None:
        made = [gauge(one) for one in limits]
        super().__init__(title=title, limits=_nearest_first(made), **{"status": status_of(mode), **traits})

    @classmethod
    def live(cls, source: Any, session: str) -> Self:
        """Follow a session's limits at a gateway; see `following.follow_gauges`. Ends with `close`."""
        from b25.notebook.widgets.following import follow_gauges

        return follow_gauges(cls, source, session)

    def update(self, limits: Iterable[Mapping[str, Any]], *, status: Mapping[str, Any] | None = None) -> None:
        """Show newer figures."""
        made = _nearest_first([gauge(one) for one in limits])
        self.show(limits=made, **({"status": dict(status)} if status is not None else {}))

    def facts(self) -> Sequence[tuple[str, str]]:
        """How many are breached, near or not known."""
        counts = {state: sum(one["state"] == state for one in self.limits) for state in ORDER}
        return [(state, str(count)) for state, count in counts.items() if count] or [("limits", "none set")]

    def static_html(self) -> str:
        """The limits as a table."""
        rows = [
            (one["title"], _text(one["used"]), _text(one["limit"]), _share(one["ratio"]), one["state"]) for one in self.limits
        ]
        return html_card(self.title, self.facts(), html_table(("limit", "used", "allowed", "share", "state"), rows))


def gauge(one: Mapping[str, Any]) -> dict[str, Any]:
    """Return one limit as it is shown.

    Parameters
    ----------
    one : dict
        See `RiskGauges`.
    """
    used, limit = _number(one.get("used")), _number(one.get("limit"))
    given = _number(one.get("ratio"))
    ratio = given if given is not None else None if used is None or limit is None else _ratio(abs(used), limit)
    breached = one.get("breached_ns")
    latched = bool(one.get("latched"))
    if one.get("state") == "refused":
        state = "refused"
    elif "limit" in one and one["limit"] is None and given is None:
        state = "off"
    elif latched or (ratio is not None and ratio > 1):
        state = "breached"
    elif ratio is None:
        state = "unknown"
    else:
        state = "near" if ratio >= NEAR else "ok"
    title = str(one.get("title") or str(one["name"]).replace("_", " "))
    return {
        "name": str(one["name"]), "title": title, "used": used, "limit": limit,
        "unit": str(one.get("unit", "")), "ratio": ratio, "state": state, "latched": latched,
        "breached_ms": None if breached is None else int(breached) / 1e6, "count": one.get("count"),
        "set_by": str(one.get("set_by", "")), "rule": str(one.get("rule", "")),
    }  # fmt: skip


def _ratio(used: float, limit: float) -> float:
    if limit > 0:
        return used / limit
    return 0.0 if used == 0 else 1e9  # nothing is allowed, and something is used


def _nearest_first(made: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return sorted(made, key=lambda one: (ORDER[one["state"]], -(one["ratio"] or 0.0)))[:GAUGES_MAX]


def _number(value: Any) -> float | None:
    if value is None or value == "":
        return None
    found = float(value)
    return found if math.isfinite(found) else None


def _text(value: float | None) -> str:
    return "n/a" if value is None else f"{value:,.6g}"


def _share(ratio: float | None) -> str:
    return "n/a" if ratio is None else "over" if ratio > 10 else f"{ratio:.0%}"
