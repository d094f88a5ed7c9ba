"""Viewers with the same interval, wire and rights have the same view; what changed in it is found and encoded once for all.

The view of a lane is the last state that was sent: a new viewer's snapshot is taken from it, so that the next differences fit.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterable
from typing import Any, Final

from b25.api.state.differences import differences, escaped
from b25.api.state.state import CHANNELS, OF_ACCOUNTS, Entry, State
from b25.api.ws.figures import Figures
from b25.api.ws.viewer import Viewer
from b25.api.ws.wire import Changes, Wire
from b25.model.errors import Misuse

AT_ONCE: Final = 16


class Lane:
    """A view and those who have it.

    Parameters
    ----------
    state : State
    wire : Wire
    accounts : frozenset of str or None
        Whose entries may be seen; None for all.
    wake : callable
        Called, from any thread and with the state's lock held, when something changed since the last round.
    """

    def __init__(
        self, state: State, wire: Wire, accounts: frozenset[str] | None, figures: Figures, wake: Callable[[], None]
    ) -> None:
        self.state, self.wire, self.accounts, self.figures, self.wake = state, wire, accounts, figures, wake
        self.viewers: set[Viewer] = set()
        self._views: dict[str, dict[str, Entry]] = {}
        self._dirty: dict[str, dict[str, None]] = {}
        self._encoded: dict[str, bytes] = {}
        self._since_s = 0.0
        state.watch(self.note)

    def close(self) -> None:
        """Look at the state no more."""
        self.state.unwatch(self.note)

    def note(self, channel: str, key: str) -> None:
        """Remember that an entry changed."""
        if channel not in self._views:
            return
        if not self._dirty:
            self._since_s = time.perf_counter()
            self.wake()
        self._dirty.setdefault(channel, {})[key] = None

    def enter(self, viewer: Viewer) -> None:
        """Let a viewer in; it sees nothing until it subscribes."""
        viewer.snapshot = self.snapshot
        self.viewers.add(viewer)

    def leave(self, viewer: Viewer) -> None:
        """Let a viewer go."""
        self.viewers.discard(viewer)
        self._forget()

    def subscribe(self, viewer: Viewer, channels: Iterable[str]) -> None:
        """Show channels, beginning with one snapshot of those that are new to it. Raises Misuse for one that there is not."""
        asked = set(channels)
        if strange := sorted(asked - set(CHANNELS)):
            raise Misuse(f"no channel {strange[0]!r}", remedy=f"use any of {', '.join(CHANNELS)}")
        self._send_snapshot(viewer, asked - viewer.channels)

    def unsubscribe(self, viewer: Viewer, channels: Iterable[str]) -> None:
        """Show channels no more; one that looks at none is sent nothing."""
        viewer.channels -= set(channels)
        self._forget()

    def refresh(self, viewer: Viewer, channels: Iterable[str]) -> None:
        """Send a snapshot of channels that it looks at."""
        self._send_snapshot(viewer, set(channels) & viewer.channels)

    def _send_snapshot(self, viewer: Viewer, channels: set[str]) -> None:
        if not channels:
            return
        viewer.channels |= channels
        rest = self.snapshot(channels)
        viewer.push("snapshot", rest)

    def _forget(self) -> None:
        """Keep no view that nobody looks at."""
        looked_at = set().union(*(one.channels for one in self.viewers))
        with self.state.lock:
            for channel in [name for name in self._views if name not in looked_at]:
                del self._views[channel]
                self._dirty.pop(channel, None)
                self._encoded.pop(channel, None)

    def snapshot(self, channels: Iterable[str]) -> bytes:
        """Return the encoded rest of a snapshot, as the viewers of this lane have these channels."""
        return self.wire.data({channel: self._whole(channel) for channel in sorted(channels)}, self.state.now_ns())

    def _whole(self, channel: str) -> bytes:
        known = self._encoded.get(channel)
        if known is None:
            view = self._views.get(channel)
            if view is None:
                with self.state.lock:
                    shown = self.state.entries(channel)
                    view = {key: one for key, one in shown.items() if self._may_see(channel, one)}
                    self._views[channel] = view
            known = self._encoded[channel] = self.wire.value(view)
        return known

    def _may_see(self, channel: str, entry: Entry) -> bool:
        return self.accounts is None or channel not in OF_ACCOUNTS or entry["account"] in self.accounts

    def round(self) -> None:
        """Tell every viewer what changed since the last round."""
        begun_s, since_s = time.perf_counter(), self._since_s
        told: dict[str, Changes] = {}
        for channel, entries in self._changed().items():
            changes = self._differences(channel, entries)
            if not changes.is_empty:
                told[channel] = changes
                self._encoded.pop(channel, None)
        if not told:
            return
        encoded_s = time.perf_counter()
        now_ns = self.state.now_ns()
        bodies: dict[frozenset[str], bytes] = {}
        concerned = [viewer for viewer in self.viewers if not viewer.channels.isdisjoint(told)]
        for viewer in concerned:
            body = bodies.get(viewer.channels)
            if body is None:
                seen = [changes for channel, changes in told.items() if channel in viewer.channels]
                body = bodies[viewer.channels] = self.wire.body(self.wire.together(seen), now_ns)
            viewer.push("update", body, wakes=False)
        _wake(concerned)
        over_s = time.perf_counter()
        self.figures.encode_s.append(encoded_s - begun_s)
        self.figures.broadcast_s.append(over_s - begun_s)
        self.figures.lag_s.append(over_s - since_s)

    def _changed(self) -> dict[str, list[tuple[str, Entry | None]]]:
        """Return the entries that changed, all of one moment."""
        with self.state.lock:
            dirty, self._dirty = self._dirty, {}
            return {channel: [(key, self.state.get(channel, key)) for key in keys] for channel, keys in dirty.items()}

    def _differences(self, channel: str, entries: list[tuple[str, Entry | None]]) -> Changes:
        view = self._views[channel]
        pairs: list[bytes] = []
        removed: list[str] = []
        for key, found in entries:
            path, old = f"{channel}.{escaped(key)}", view.get(key)
            new = found if found is not None and self._may_see(channel, found) else None
            if new is None:
                if old is not None:
                    del view[key]
                    removed.append(path)
                continue
            view[key] = new
            if old is None:
                pairs.append(self.wire.pair(path, self.wire.value(new)))
            else:
                self._entry(path, old, new, pairs, removed)
        return self.wire.changes(pairs, removed)

    def _entry(self, path: str, old: Entry, new: Entry, pairs: list[bytes], removed: list[str]) -> None:
        """Add what changed in an entry, or the whole entry where that is shorter."""
        changes: dict[str, Any] = {}
        gone: list[str] = []
        differences(old, new, path, changes, gone)
        parts = [self.wire.pair(name, self.wire.value(value)) for name, value in changes.items()]
        cost = sum(map(len, parts)) + sum(map(len, gone))
        if len(changes) > 2 and cost > len(whole := self.wire.pair(path, self.wire.value(new))):
            pairs.append(whole)
        else:
            pairs += parts
            removed += gone


def _wake(viewers: list[Viewer]) -> None:
    """Have some begin to send, and the others in the next turns of the loop: the first need not wait for the last."""
    for viewer in viewers[:AT_ONCE]:
        viewer.wake()
    if rest := viewers[AT_ONCE:]:
        asyncio.get_running_loop().call_soon(_wake, rest)
