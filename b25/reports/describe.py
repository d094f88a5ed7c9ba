"""What stands at the top of a report's page: how its data came about, of which span they are, how fresh, and their hash."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Final

from b25.model.errors import Misuse

REPORT_MIME: Final = "application/vnd.b25.report+json"
MODES: Final = ("backtest", "replay", "replayed", "observe", "paper", "live")


@dataclass(frozen=True, slots=True, kw_only=True)
class Described:
    """Facts of a report's data.

    Attributes
    ----------
    mode : str
        One of `MODES`.
    start_ns, end_ns : int
        The span, half open.
    data_until_ns : int
        Time of the newest record that was read; 0 when there was none.
    data_sha256 : str
        Of what was read, in hexadecimal; empty when it has no hash.
    """

    mode: str
    start_ns: int
    end_ns: int
    data_until_ns: int = 0
    data_sha256: str = ""

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, Any]:
        return {REPORT_MIME: asdict(self), "text/plain": f"{self.mode}, {self.start_ns} to {self.end_ns}"}


def describe(*, mode: str, start_ns: int, end_ns: int, data_until_ns: int = 0, data_sha256: str = "") -> Described:
    """Return the facts; last in a cell, they are shown to whoever runs the notebook.

    Raises
    ------
    Misuse
        For a mode that is none, or a span that ends before it begins.
    """
    if mode not in MODES:
        raise Misuse(f"describe: the mode {mode!r}", remedy=f"use {', '.join(MODES)}")
    if end_ns < start_ns:
        raise Misuse(f"describe: the span ends at {end_ns}, before {start_ns}", remedy="give start_ns before end_ns")
    return Described(mode=mode, start_ns=start_ns, end_ns=end_ns, data_until_ns=data_until_ns, data_sha256=data_sha256)
