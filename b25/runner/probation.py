"""Whether a session is on probation: for 48 hours after a change of its code or its parameters it is marked as such.

<run folder>/sessions/<name>/probation.json     the code and parameters that ran last, and since when
"""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import orjson

from b25.runner.durable_file import read_json, write_plainly

FILE: Final = "probation.json"
HOURS: Final = 48
LASTS_NS: Final = HOURS * 3_600 * 10**9


@dataclass(slots=True)
class Probation:
    """Remembers what a session ran, over restarts.

    Parameters
    ----------
    own : Path
        The session's folder.
    """

    own: Path
    since_ns: int = 0
    why: str = ""
    _told: str = ""

    def look(self, code: str, parameters: dict[str, Any], now_ns: int) -> None:
        """Begin anew when code or parameters are not those that ran before; so does a record that cannot be read."""
        facts = {"code": code, "parameters": parameters}
        written = orjson.dumps(facts, option=orjson.OPT_SORT_KEYS).decode()
        if written == self._told:
            return
        before = read_json(self.own / FILE) if not self._told else orjson.loads(self._told)
        is_same = {name: before.get(name) == value for name, value in orjson.loads(written).items()}
        began_ns = before.get("since_ns") if not self._told else self.since_ns
        if all(is_same.values()) and isinstance(began_ns, int) and 0 < began_ns <= now_ns:
            self.since_ns, self.why = began_ns, str(before.get("why", ""))
        else:
            changed = [name for name, same in is_same.items() if not same]
            self.since_ns, self.why = now_ns, f"{' and '.join(changed)} changed" if "code" in before else "its first run"
        self._told = written
        with contextlib.suppress(OSError):  # then the next life begins a probation: the careful side
            write_plainly(self.own / FILE, orjson.dumps({**facts, "since_ns": self.since_ns, "why": self.why}))

    def facts(self, now_ns: int) -> dict[str, Any]:
        """How it stands."""
        until_ns = self.since_ns + LASTS_NS
        return {"is_on": now_ns < until_ns, "since_ns": self.since_ns, "until_ns": until_ns, "why": self.why}
