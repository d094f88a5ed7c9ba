"""A scenario: faults that come and go at given times, out of a TOML file.

[[fault]]
at_s = 10            # seconds after the venue began
for_s = 5            # how long; for ever when left out
knob = "ack_lost"
where = "POST /api/v3/order"
chance = 0.3
"""

import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from b25.model.errors import Misuse
from b25.venue.wire.fault_knobs import KNOBS, Stage
from b25.venue.wire.faults import Faults


@dataclass(slots=True)
class Turn:
    """One turn of a knob, at a time after the beginning."""

    at_ms: int
    for_ms: int | None
    values: dict[str, Any]


class Scenario:
    """Turns knobs as time passes.

    Parameters
    ----------
    turns : list of Turn
        In any order.
    """

    def __init__(self, turns: list[Turn]) -> None:
        self._turns = sorted(turns, key=lambda turn: turn.at_ms)
        self._begun_ms: int | None = None

    @property
    def left(self) -> int:
        """How many turns are still to come."""
        return len(self._turns)

    def begin(self, now_ms: int) -> None:
        """Count times from now."""
        self._begun_ms = now_ms

    def advance(self, faults: Faults, now_ms: int) -> None:
        """Turn what is due."""
        if self._begun_ms is None:
            return
        while self._turns and self._begun_ms + self._turns[0].at_ms <= now_ms:
            turn = self._turns.pop(0)
            faults.set(**turn.values, from_ms=self._begun_ms + turn.at_ms, for_ms=turn.for_ms)


def read_scenario(path: Path) -> Scenario:
    """The scenario of a file; every knob and value in it is looked at now, not when it is due."""
    try:
        rows = tomllib.loads(path.read_text(encoding="utf-8")).get("fault", [])
    except OSError as fault:
        raise Misuse(f"the scenario {path} cannot be read: {fault.strerror}", remedy="give the path of a TOML file") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as fault:
        raise Misuse(f"the scenario {path} is no TOML: {fault}", remedy="see b25 venue --help for an example") from None
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise Misuse(f"{path}: `fault` is no list of tables", remedy="write each fault under [[fault]]")
    rehearsal = Faults()
    turns = []
    for number, row in enumerate(rows, 1):
        values = {name: value for name, value in row.items() if name not in ("at_s", "for_s")}
        at_ms, for_ms = _milliseconds(path, number, "at_s", row.get("at_s", 0)), None
        if "for_s" in row:
            for_ms = _milliseconds(path, number, "for_s", row["for_s"])
        if "knob" not in values:
            raise Misuse(f"{path}: fault {number} has no knob", remedy=f"use one of {', '.join(sorted(KNOBS))}")
        if (
            KNOBS.get(str(values["knob"]), None) is not None
            and KNOBS[values["knob"]].stage is Stage.ACTION
            and for_ms is not None
        ):
            raise Misuse(f"{path}: {values['knob']} happens once", remedy="leave for_s out")
        rehearsal.set(**values)
        turns.append(Turn(at_ms, for_ms, values))
    return Scenario(turns)


def _milliseconds(path: Path, number: int, name: str, value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int | float) or value < 0:
        raise Misuse(f"{path}: {name} of fault {number} is {value!r}", remedy="give seconds")
    return round(value * 1_000)
