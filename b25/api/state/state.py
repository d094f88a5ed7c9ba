"""The state of everything that is looked at: channels of entries, each with its time, so that its age shows.

An entry is never changed in place: a newer one takes its place, and whoever holds the old one may compare the two.
"""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final

from b25.api.state.plain import plain
from b25.model.errors import Misuse

CHANNELS: Final = (
    "market_data", "orderbook", "trades", "candles", "orders", "fills", "positions", "account", "strategies", "signals", "risk",
    "alerts", "system_health", "annotations", "sessions", "presence",
)  # fmt: skip
OF_ACCOUNTS: Final = frozenset({"orders", "fills", "positions", "account", "strategies", "signals", "risk", "sessions"})
DONE_MAX: Final = {"orders": 200, "fills": 200, "alerts": 200, "annotations": 500, "signals": 100}
DONE_MAX_ELSE: Final = 100
ENTRIES_MAX: Final = 10_000  # of a channel
KEY_CHARS_MAX: Final = 200

Entry = dict[str, Any]
Watch = Callable[[str, str], None]


class State:
    """Channels of entries. From any thread.

    Parameters
    ----------
    now_ns : callable
        The time of an entry that tells none.
    done_max : mapping
        How many entries of a channel stay that nothing will change any more, the latest.

    Attributes
    ----------
    lock : RLock
        Held while entries change; whoever reads several that belong together holds it.
    dropped : dict of int
        By channel, entries that went because there were too many. Never silent: `system_health.gateway` shows it.
    """

    def __init__(self, now_ns: Callable[[], int] = time.time_ns, *, done_max: Mapping[str, int] = DONE_MAX) -> None:
        self.now_ns, self.done_max = now_ns, done_max
        self.lock = threading.RLock()
        self.dropped: dict[str, int] = {}
        self._entries: dict[str, dict[str, Entry]] = {channel: {} for channel in CHANNELS}
        self._done: dict[str, OrderedDict[str, None]] = {channel: OrderedDict() for channel in CHANNELS}
        self._watches: list[Watch] = []

    def put(
        self, channel: str, key: str, value: Any, *, time_ns: int = 0, source: str = "", account: str = "", is_done: bool = False
    ) -> None:
        """Set an entry.

        Parameters
        ----------
        channel, key : str
        value : mapping or record
            Its fields; prices, quantities and money as decimal text.
        time_ns : int
            When it happened, by the clock of where it happened; 0 is now.
        source, account : str
            Who told it, and whose it is.
        is_done : bool
            Whether nothing will change it any more; of these only the latest stay.

        Raises
        ------
        Misuse
            For a channel that nobody declared, or a value without a plain form.
        """
        fields = plain(value)
        if not isinstance(fields, dict):
            raise Misuse(f"an entry of {channel} is {type(value).__name__}", remedy="give a mapping or a record")
        entry = {"time_ns": time_ns or self.now_ns(), "source": source, "account": account, "is_stale": False} | fields
        self._set(channel, key, entry, is_done=is_done)

    def merge(
        self, channel: str, key: str, fields: Mapping[str, Any], *, time_ns: int = 0, source: str = "", account: str = ""
    ) -> None:
        """Set some fields of an entry, and leave the others as they are; its time is that of the latest of them."""
        with self.lock:
            old = self.get(channel, key) or {}
            time_ns = max(time_ns or self.now_ns(), int(old.get("time_ns", 0)))
            kept = {name: value for name, value in old.items() if name not in ("time_ns", "is_stale")}
            named = {name: value for name, value in (("source", source), ("account", account)) if value}
            self.put(channel, key, kept | named | dict(fields), time_ns=time_ns)

    def remove(self, channel: str, key: str) -> None:
        """Take an entry away; one that is not there is no fault."""
        with self.lock:
            if self._of(channel).pop(key, None) is not None:
                self._done[channel].pop(key, None)
                self._tell(channel, key)

    def get(self, channel: str, key: str) -> Entry | None:
        """Return an entry, which is not to be changed; None when there is none."""
        return self._of(channel).get(key)

    def entries(self, channel: str) -> dict[str, Entry]:
        """Return all entries of a channel by key, in the order in which they came."""
        with self.lock:
            return dict(self._of(channel))

    def mark_stale(self, source: str, channels: Iterable[str] = CHANNELS) -> None:
        """Mark what a source told, which will tell no more; the values stay as they were last known."""
        with self.lock:
            for channel in channels:
                found = [key for key, one in self._of(channel).items() if one["source"] == source and not one["is_stale"]]
                for key in found:
                    self._entries[channel][key] = self._entries[channel][key] | {"is_stale": True}
                    self._tell(channel, key)

    def watch(self, told: Watch) -> None:
        """Have each change told: channel and key, with the lock held; the entry may have changed again when it is read."""
        with self.lock:
            self._watches.append(told)

    def unwatch(self, told: Watch) -> None:
        """Tell it no more."""
        with self.lock:
            self._watches = [one for one in self._watches if one != told]

    def _of(self, channel: str) -> dict[str, Entry]:
        found = self._entries.get(channel)
        if found is None:
            raise Misuse(f"no channel {channel!r}", remedy=f"use one of {', '.join(CHANNELS)}")
        return found

    def _set(self, channel: str, key: str, entry: Entry, *, is_done: bool) -> None:
        if not key or len(key) > KEY_CHARS_MAX:
            raise Misuse(f"{channel}: a key of {len(key)} characters", remedy=f"use 1 to {KEY_CHARS_MAX}")
        with self.lock:
            held, done = self._of(channel), self._done[channel]
            held[key] = entry
            if is_done:
                done[key] = None
            else:
                done.pop(key, None)
            self._tell(channel, key)
            if is_done and len(done) > self.done_max.get(channel, DONE_MAX_ELSE):
                self.remove(channel, next(iter(done)))
            if len(held) > ENTRIES_MAX:  # what is over goes first; only then what still holds, and that is counted
                oldest = next(iter(done), None)
                if oldest is None:
                    self.dropped[channel] = self.dropped.get(channel, 0) + 1
                self.remove(channel, oldest or next(iter(held)))

    def _tell(self, channel: str, key: str) -> None:
        for told in self._watches:
            told(channel, key)
