"""A copy of the server's state, kept equal to it by snapshots and differences; no input or output, so that it can be proved.

What cannot be trusted, because a message did not come, is marked until its snapshot has come; the last values stay.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final

STALE_S: Final = 5.0
Path = tuple[str, ...]


def names_of(path: str) -> Path:
    """Return the names in a path; ``~1`` stands for a dot and ``~0`` for ``~``."""
    if "~" not in path:
        return tuple(path.split("."))
    return tuple(name.replace("~1", ".").replace("~0", "~") for name in path.split("."))


class Mirror:
    """The state of some channels.

    Parameters
    ----------
    clock_s : callable
        A clock that never goes back: ages are told by it and the server's times, not by this machine's date.

    Attributes
    ----------
    data : dict
        By channel and key; not to be changed.
    suspect : set of str
        Channels that miss something.
    """

    def __init__(self, clock_s: Callable[[], float] = time.monotonic) -> None:
        self.clock_s = clock_s
        self.data: dict[str, dict[str, Any]] = {}
        self.wanted: set[str] = set()
        self.suspect: set[str] = set()
        self.seq = 0
        self.gaps = 0
        self._server_ns, self._heard_s = 0, 0.0

    def begin(self) -> None:
        """Forget the numbers of a connection that ended: the next one counts from 1, and all is suspect until its snapshot."""
        self.seq = 0
        self.suspect = set(self.wanted)

    def subscribed(self, channels: Iterable[str]) -> None:
        """Want channels."""
        fresh = set(channels) - self.wanted
        self.wanted |= fresh
        self.suspect |= fresh

    def unsubscribed(self, channels: Iterable[str]) -> None:
        """Want channels no more."""
        for channel in channels:
            self.wanted.discard(channel)
            self.suspect.discard(channel)
            self.data.pop(channel, None)

    def take(self, message: Mapping[str, Any]) -> set[str]:
        """Apply a message of the server.

        Returns
        -------
        set of str
            Channels to ask a refresh of; empty while all is well.
        """
        if (time_ns := message.get("time_ns")) is not None:
            self._server_ns, self._heard_s = int(time_ns), self.clock_s()
        kind = message["type"]
        if kind not in ("snapshot", "update"):
            return set()
        seq = int(message["seq"])
        missed = seq != self.seq + 1
        self.seq = seq
        if missed:
            self.gaps += 1
            self.suspect |= self.wanted
        if kind == "snapshot":
            for channel, entries in message["data"].items():
                if channel in self.wanted:
                    self.data[channel] = entries
                    self.suspect.discard(channel)
        else:
            missed |= not self._apply(message["changes"], message["removed"])
        return set(self.suspect) if missed else set()

    def _apply(self, changes: Mapping[str, Any], removed: Iterable[str]) -> bool:
        """Apply differences; False when one did not fit, and its channel is suspect."""
        before = len(self.suspect)
        for path in removed:
            names = names_of(path)
            if self._trusts(names[0]) and (place := self._under(names)) is not None and place.pop(names[-1], self) is self:
                self.suspect.add(names[0])
        for path, value in changes.items():
            names = names_of(path)
            if self._trusts(names[0]) and (place := self._under(names)) is not None:
                place[names[-1]] = value
        return len(self.suspect) == before

    def _trusts(self, channel: str) -> bool:
        return channel in self.wanted and channel not in self.suspect

    def _under(self, names: Path) -> dict[str, Any] | None:
        place: Any = self.data
        for name in names[:-1]:
            place = place.get(name) if isinstance(place, dict) else None
        if not isinstance(place, dict) or len(names) < 2:
            self.suspect.add(names[0])
            return None
        return place

    # Reading.

    def get(self, path: str, default: Any = None) -> Any:
        """Return what stands at a path, e.g. ``"orderbook.BTC_USDT_USDT.bids"``; the default when nothing does."""
        place: Any = self.data
        for name in names_of(path):
            if not isinstance(place, dict) or name not in place:
                return default
            place = place[name]
        return place

    def age_s(self, path: str) -> float | None:
        """Return how old an entry is by the server's clock; None when it is not known."""
        entry = self.get(".".join(path.split(".")[:2]))
        if not isinstance(entry, dict) or "time_ns" not in entry or not self._server_ns:
            return None
        passed_s = self.clock_s() - self._heard_s
        return max(0.0, (self._server_ns - int(entry["time_ns"])) / 1e9 + passed_s)

    def is_stale(self, path: str, *, after_s: float = STALE_S) -> bool:
        """Whether an entry is too old, marked by the server, in a channel that misses something, or not there at all."""
        entry = self.get(".".join(path.split(".")[:2]))
        age_s = self.age_s(path)
        channel = names_of(path)[0]
        return age_s is None or age_s > after_s or channel in self.suspect or bool(entry.get("is_stale"))
