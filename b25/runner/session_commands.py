"""What can be asked of a running session, and what each request does: the same for the socket, the bus and the API."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any, Final

import numpy as np

from b25.model.errors import Misuse, Retry
from b25.model.event import BUY, SELL
from b25.model.risk import LATCHING, Control
from b25.risk.status import bits_of
from b25.runner.control import READS
from b25.runner.kill_latch import Trigger, pull
from b25.runner.manual_orders import ManualOrders, lots_of, ticks_of
from b25.runner.seat import session_folder
from b25.runner.session_configure import configure
from b25.runner.session_watch import HOLD, SessionWatch
from b25.session.commands import Command, override_event, set_event

COMMANDS: Final = (
    "status", "orders", "positions", "check", "order", "cancel", "amend", "close", "pause", "resume", "set", "flatten", "stop",
    "kill", "re-arm", "override", "configure",
)  # fmt: skip
WHILE_HALTED: Final = (*READS, "kill")
REASON_CHARS_MIN: Final = 10
OVERRIDE_S_MAX: Final = 300.0


class SessionCommands:
    """Carries out requests; give `act` to a `Control`.

    Parameters
    ----------
    watch : SessionWatch
    """

    def __init__(self, watch: SessionWatch) -> None:
        self.watch, self.loop = watch, watch.loop
        self.by_hand = ManualOrders(watch)
        self._acts: dict[str, Callable[[dict[str, Any]], dict[str, Any] | None]] = {
            "status": lambda request: self.watch.status(),
            "pause": lambda request: self.watch.pause(),
            "resume": self._resume,
            "set": self._set,
            "flatten": self._flatten,
            "stop": self._stop,
            "kill": self._kill,
            "re-arm": self._re_arm,
            "override": self._override,
            **self.by_hand.acts,
            "configure": lambda request: configure(self.loop, request),
        }

    def act(self, request: dict[str, Any]) -> dict[str, Any]:
        """Do what is asked for; gives how the session stands after it.

        Raises
        ------
        Misuse
            When nobody can do that, or not now.
        """
        name = str(request.get("command"))
        if name not in self._acts:
            raise Misuse(f"a session cannot {name!r}", remedy=f"ask for one of {', '.join(COMMANDS)}")
        if name not in WHILE_HALTED and self.loop.session.fault is not None:
            raise Misuse(f"the session has halted: {self.loop.session.fault.what}", remedy="see its log; then start it anew")
        told = self._acts[name](request)
        return told if told is not None else self._brief()

    def _brief(self) -> dict[str, Any]:
        standing = self.watch.status()
        return {name: standing[name] for name in ("state", "gate", "why", "positions", "orders_open", "profit", "events")}

    def _resume(self, request: dict[str, Any]) -> None:
        if why := self.watch.standing()[1]:
            raise Misuse(f"it may not trade: {why}", remedy="a named person re-arms it: b25 kill re-arm, or b25 session re-arm")
        if why := self.watch.unpromoted:
            raise Misuse(f"it may not trade: {why}", remedy="b25 strategies show NAME@NUMBER tells who leads it back")
        if self.loop.until.is_set():
            raise Misuse("the session is ending", remedy="start it again when it has ended")
        self.watch.is_paused = self.loop.starts_paused = False  # it may not have started yet
        self.loop.command(Command.RESUME)

    def _set(self, request: dict[str, Any]) -> dict[str, Any]:
        """Give parameters other values: all of them between two events, or none."""
        values = request.get("values")
        if values is None and "parameter" in request and "value" in request:
            values = {str(request["parameter"]): request["value"]}
        if not isinstance(values, dict) or not values:
            raise Misuse("set needs a parameter and a value", remedy="b25 session set NAME parameter=value")
        machine = self.loop.session.machine
        now_ns = max(self.loop.clock_ns(), machine.now_ns)
        events = [set_event(machine.cls, str(name), value, now_ns) for name, value in values.items()]
        before = {str(name): machine.record[0][str(name)].item() for name in values}
        done = self.loop.ask(np.concatenate(events))
        if not done:
            raise Misuse("the session halted at this very request", remedy="see its log")
        changed = {name: {"old": old, "new": machine.record[0][name].item()} for name, old in before.items()}
        self.watch.changed()
        return {**self._brief(), "changed": changed, "event_seq": done[-1].seq, "effective_ns": now_ns}

    def _flatten(self, request: dict[str, Any]) -> None:
        self.watch.is_paused = True
        self.loop.command(Command.FLATTEN)

    def _stop(self, request: dict[str, Any]) -> None:
        self.loop.stop(f"asked by {request.get('by') or 'somebody'}", flatten=bool(request.get("flatten")))

    def _kill(self, request: dict[str, Any]) -> dict[str, Any]:
        """Pull the switch of the whole account: it is done by the kill process, whatever becomes of this one."""
        own = self.watch.own
        latch = pull(
            own.seat.folder, own.account or "all", by=str(request.get("by") or "control socket"), trigger=Trigger.API,
            reason=str(request.get("reason") or "asked over the control socket"), flatten=bool(request.get("flatten")),
        )  # fmt: skip
        self.watch.look()  # what rests is cancelled from here as well, at once
        return {"kill_id": latch.kill_id, "account": latch.account, "reason": latch.reason, **self._brief()}

    def _re_arm(self, request: dict[str, Any]) -> None:
        """Open latches of the risk gate, or lift the hold of a drop copy: a named person, with a reason."""
        by, reason = _named(request)
        path = session_folder(self.watch.folder, self.watch.own.seat.session) / HOLD
        latched = self.watch.loop.session.machine.world.risk["latched"][0]
        known = {one.name.lower(): one for one in LATCHING}
        asked = [
            str(one).lower() for one in request.get("controls") or [name for name, one in known.items() if latched >> one & 1]
        ]
        if strange := [name for name in asked if name not in known]:
            raise Misuse(f"{strange[0]!r} does not latch", remedy=f"one of {', '.join(known)}")
        if not asked and not path.exists():
            raise Misuse("nothing is latched", remedy="see b25 session status")
        controls: tuple[Control, ...] = tuple(known[name] for name in asked)
        if controls:
            self.loop.command(Command.REARM, amount=bits_of(controls))
        path.unlink(missing_ok=True)
        self.loop.say(f"re-armed by {by}: {', '.join(asked) or 'the hold'}; {reason}")

    def _override(self, request: dict[str, Any]) -> None:
        """Send one order past the limits: by a named person, with a reason, within five minutes of being asked for."""
        by, reason = _named(request)
        expires_s = float(request.get("expires_s", 60.0))
        if not 0 < expires_s <= OVERRIDE_S_MAX:
            raise Misuse(f"an override of {expires_s:g} s", remedy=f"at most {OVERRIDE_S_MAX:g} s")
        asked_ns = int(request.get("time_ns") or time.time_ns())
        if time.time_ns() > asked_ns + int(expires_s * 1e9):
            raise Misuse("the override has expired", remedy="ask for it again")
        if why := self.watch.standing()[1]:
            raise Retry(f"nothing passes the kill switch: {why}", remedy="re-arm it first")
        machine = self.loop.session.machine
        symbols = [one.symbol for one in machine.instruments]
        symbol = str(request.get("symbol") or symbols[0])
        sides = {"buy": BUY, "sell": SELL}
        if symbol not in symbols or request.get("side") not in sides:
            raise Misuse(f"no order of {request.get('side')!r} {symbol}", remedy=f"buy or sell, of {', '.join(symbols)}")
        i = symbols.index(symbol)
        one = machine.instruments[i]
        lots = lots_of(one, request.get("quantity"))
        ticks = ticks_of(one, request["price"]) if request.get("price") is not None else 0
        self.loop.say(f"override by {by}: {request['side']} {request['quantity']} {symbol}; {reason}")
        until_ns = asked_ns + int(expires_s * 1e9)
        self.loop.enter(
            override_event(
                max(self.loop.clock_ns(), machine.now_ns), instrument=i, side=sides[request["side"]], qty_lots=lots,
                price_ticks=ticks, until_ns=until_ns,
            )
        )  # fmt: skip


def _named(request: dict[str, Any]) -> tuple[str, str]:
    by, reason = str(request.get("by") or "").strip(), str(request.get("reason") or "").strip()
    if not by or len(reason) < REASON_CHARS_MIN:
        raise Misuse("this needs a name and a reason of a sentence", remedy="give --by NAME --reason 'why, in a sentence'")
    return by, reason
