"""What the explorer shows of one run: the equity curve in as many points as there is room for, and the figures to compare."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

from b25.analytics.downsample import m4
from b25.analytics.figures import NOT_AVAILABLE, metric_text
from b25.notebook.widgets.packed import CURVE, packed

if TYPE_CHECKING:
    from b25.analytics.curve import EquityCurve
    from b25.analytics.metric import Metric
    from b25.research.result import Backtest

COLUMNS: Final = 500  # of pixels, with up to four points each
# Figures that are compared, and which way is better: +1 more, -1 less, 0 neither.
COMPARED: Final = {
    "net_profit": 1, "total_return": 1, "max_drawdown": -1, "sharpe": 1, "profit_factor": 1, "win_rate": 1, "profit_bps": 1,
    "trades": 0, "fills": 0, "fees": -1,
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Shown:
    """One run as it is shown.

    Attributes
    ----------
    key : str
        Hash of the parameters.
    curve : bytes
        See `packed.CURVE`.
    metrics : dict of str to Metric
        Empty until they are there.
    """

    key: str
    values: dict[str, Any]
    curve: bytes
    result: Backtest
    metrics: Mapping[str, Metric]
    run_ms: float

    @property
    def trials(self) -> dict[str, Any]:
        """How many settings were ever tried on the data, and what the Sharpe ratio is worth after that."""
        found = self.metrics.get("trials"), self.metrics.get("deflated_sharpe")
        count, deflated = (None if one is None else one.value for one in found)
        return {"count": count, "deflated": deflated, "why": "" if found[1] is None else found[1].reason}


def key_of(values: Mapping[str, Any]) -> str:
    """Hash of parameters; equal for equal ones in any order."""
    return hashlib.sha256(repr(sorted(values.items())).encode()).hexdigest()[:16]


def packed_curve(curve: EquityCurve) -> bytes:
    """Return an equity curve in at most 2 000 points: no pixel of its picture is missing."""
    rows = m4(curve.time_ns, curve.equity, columns=COLUMNS)
    return packed(CURVE, {"time_ns": curve.time_ns[rows], "value": curve.equity[rows]})


def compared(shown: Shown, baseline: Shown | None, *, currency: str, base: str) -> list[dict[str, Any]]:
    """Figures of a run beside those of another, and the difference.

    Returns
    -------
    list of dict
        ``name, title, text, why``, and with a baseline ``other`` and ``difference``; ``better`` is True, False or None.
    """
    rows: list[dict[str, Any]] = []
    other = baseline.metrics if baseline is not None else {}
    for name, way in COMPARED.items():
        if name not in shown.metrics:
            continue
        mine, theirs = shown.metrics[name], other.get(name)
        row: dict[str, Any] = {
            "name": name,
            "title": mine.title,
            "text": _text(mine, currency, base),
            "why": mine.reason,
            "better": None,
        }
        if theirs is not None:
            row |= {"other": _text(theirs, currency, base), "difference": NOT_AVAILABLE}
            if mine.value is not None and theirs.value is not None:
                by = mine.value - theirs.value
                text = metric_text(replace(mine, value=abs(by)), currency=currency, base=base)
                row |= {"difference": ("+" if by > 0 else "−" if by < 0 else "") + text.lstrip("+-−")}
                row["better"] = None if by == 0 or way == 0 else (by > 0) == (way > 0)
        rows.append(row)
    return rows


def label_of(values: Mapping[str, Any], changed: Sequence[str]) -> str:
    """Name a setting by what differs from the defaults."""
    return ", ".join(f"{name} {values[name]:g}" for name in changed) or "as declared"


def _text(metric: Metric, currency: str, base: str) -> str:
    text = NOT_AVAILABLE if metric.value is None else metric_text(metric, currency=currency, base=base)
    return f"−{text[1:]}" if text.startswith("-") else text
