"""What watches a session from within its own loop: stops that others pulled, latches of its gate, its status for others.

It looks four times a second, and whatever it finds enters the session as a journaled command. Once a second it has the account
marked, so that a loss is seen though the strategy sleeps, and writes

    <run folder>/sessions/<name>/status.json     how the session stands; the kill process compares the venue with it
    <run folder>/sessions/<name>/hold.json       read: another process holds the session to reducing, and says why
"""

from __future__ import annotations

import asyncio
import time
from contextlib import suppress
from enum import StrEnum
from pathlib import Path
from typing import Any

import numpy as np
import orjson

from b25.account.ledger.drift import Severity
from b25.kernels.build import build_key
from b25.model.order import MANUAL
from b25.model.risk import ACTIVE, REDUCING, STOPPED
from b25.runner.alarms import Alarms
from b25.runner.durable_file import read_json, write_plainly
from b25.runner.heartbeat import Life
from b25.runner.kill import raise_risk_latch
from b25.runner.kill_scopes import Level, scoped_stops
from b25.runner.live import LiveLoop
from b25.runner.probation import Probation
from b25.runner.seat import session_folder
from b25.runner.supervised import Supervised
from b25.session.commands import Command
from b25.session.picture import picture_of
from b25.session.standing import limits_of, money_of, positions_of
from b25.strategy.source_key import behaviour_key

LOOK_S = 0.25
SECOND_S = 1.0
HOLD, STATUS = "hold.json", "status.json"


class OnLatch(StrEnum):
    """What follows when the risk gate latches. The gate itself lets only exits pass from that moment on."""

    REDUCE = "reduce"  # no more than that
    KILL = "kill"  # the kill switch stops the account
    FLATTEN = "flatten"  # and closes its positions


class SessionWatch:
    """Watches one session.

    Parameters
    ----------
    loop : LiveLoop
    own : Supervised
    mode : str
    on_latch : OnLatch
    alarms : Alarms
    """

    def __init__(self, loop: LiveLoop, own: Supervised, mode: str, on_latch: OnLatch, alarms: Alarms) -> None:
        self.loop, self.own, self.mode, self.on_latch, self.alarms = loop, own, mode, on_latch, alarms
        self.is_paused = loop.starts_paused
        self.state, self.latched, self.why = ACTIVE, frozenset[str](), ""
        self.restricted: set[int] = set()
        self._stood, self._reduced = ACTIVE, ""  # what paused it, and which of the account's policies holds it to reducing
        self._second_s = float("-inf")
        self._was_emergency = False
        self.probation = Probation(session_folder(own.seat.folder, own.seat.session))
        self._versions: dict[str, str] = {}
        self.promoted: dict[str, Any] | None = None  # the promoted version that it runs
        self.unpromoted = ""  # why that may not run any more

    @property
    def folder(self) -> Path:
        """The run folder."""
        return self.own.seat.folder

    async def run(self) -> None:
        """Look on until the session has ended."""
        while True:
            self.look()
            await asyncio.sleep(LOOK_S)

    def look(self) -> None:
        """Look once at everything."""
        if self.loop.session.fault is None and not self.loop.until.is_set():
            self._heed_stops()
            self._heed_account()
            self._look_at_gate()
        if self.own.life in (Life.RUNNING, Life.PAUSED):
            self.own.life = Life.PAUSED if self.is_paused else Life.RUNNING
        if time.monotonic() - self._second_s >= SECOND_S:
            self._second_s = time.monotonic()
            if self.loop.session.fault is None and bool(self.loop.session.machine.world.context["guarded"][0]):
                self.loop.command(Command.WATCH)
            self.write_status()
            self.alarms.look()

    def pause(self) -> None:
        """Hold the session to reducing, until it is resumed."""
        self.is_paused = True
        self.loop.command(Command.PAUSE)

    def standing(self) -> tuple[int, str, list[str]]:
        """Where others leave the gate: its state, why, and the symbols in which nothing is to leave."""
        seat = self.own.seat
        if why := self.own.refusal():
            return STOPPED, why, []
        # A session without an account sends nothing; what is about an account is not about it.
        stops = [one for one in scoped_stops(seat.folder, self.own.account) if self.own.account and one.stops(seat.session)]
        symbols = [one.target for one in stops if one.level is Level.SYMBOL]
        if own := [one for one in stops if one.level is Level.SESSION]:
            return STOPPED, str(own[0]), symbols
        if reducing := [one for one in stops if one.level is Level.REDUCE_ONLY]:
            return REDUCING, str(reducing[0]), symbols
        if hold := self._hold() or (self.loop.account.standing() if self.loop.account is not None else ""):
            return REDUCING, hold, symbols
        return ACTIVE, "", symbols

    def _hold(self) -> str:
        path = session_folder(self.folder, self.own.seat.session) / HOLD
        if not path.exists():
            return ""
        return f"held: {read_json(path).get('reason', 'its hold cannot be read')}"

    def _heed_stops(self) -> None:
        state, why, symbols = self.standing()
        reduced = self.loop.account.reducing if self.loop.account is not None else ""
        if state != self._stood:
            if state == ACTIVE:
                self.loop.say("nothing stops the session any more; it stays paused until b25 session resume")
            else:
                self.loop.say(why)
                self.alarms.alarm("stopped", why, session=self.own.seat.session)
            self.pause()  # what rests is cancelled; and whoever re-arms does not start trading by that alone
            self._stood = state
            self.why = why or reduced
        if bool(reduced) != bool(self._reduced):
            self.loop.say(f"only what reduces may leave: {reduced}" if reduced else "the account holds to its policies again")
            self._reduced = reduced
        gate = max(state, REDUCING if reduced else ACTIVE)
        if gate != self.state:
            self.loop.command(Command.STATE, amount=gate)
            self.state = gate
            self.why = why or reduced
        wanted = {i for i, one in enumerate(self.loop.session.machine.instruments) if one.symbol in symbols}
        for i in sorted(wanted ^ self.restricted):
            self.loop.command(Command.RESTRICT if i in wanted else Command.PERMIT, instrument=i)
            self.alarms.alarm("symbol", f"{'stopped' if i in wanted else 'permitted'}: {symbols}", session=self.own.seat.session)
        self.restricted = wanted

    def _heed_account(self) -> None:
        """Pass on what its books say, and have the kill switch stop it in an emergency, if it is to."""
        account = self.loop.account
        if account is None:
            return
        while account.told:
            one = account.told.popleft()
            if one.severity >= Severity.WARNING:
                kind = f"account {one.kind.lower()}"
                self.alarms.alarm(kind, one.text, severity=one.severity.name, session=self.own.seat.session)
        if (account.emergency and not self._was_emergency) and self.on_latch is not OnLatch.REDUCE and self.own.account:
            raise_risk_latch(
                self.folder, self.own.seat.session, account=self.own.account, reason=account.emergency,
                flatten=self.on_latch is OnLatch.FLATTEN,
            )  # fmt: skip
        self._was_emergency = bool(account.emergency)

    def _look_at_gate(self) -> None:
        risk = picture_of(self.loop.session.machine)["risk"] if self._has_latched() else None
        if risk is None:
            return
        fresh, self.latched = sorted(set(risk["latched"]) - self.latched), frozenset(risk["latched"])
        if not fresh:
            return
        reason = f"the risk gate latched {', '.join(fresh)}: {'; '.join(risk['warnings'])}"
        self.loop.say(reason)
        self.alarms.alarm("risk", reason, session=self.own.seat.session)
        if self.on_latch is not OnLatch.REDUCE and self.own.account:
            raise_risk_latch(
                self.folder, self.own.seat.session, account=self.own.account, reason=reason,
                flatten=self.on_latch is OnLatch.FLATTEN,
            )  # fmt: skip

    def _has_latched(self) -> bool:
        closed = int(self.loop.session.machine.world.risk["latched"][0])
        return closed != 0 or bool(self.latched)

    def versions(self) -> dict[str, str]:
        """Hashes of the strategy's code and of b25 itself, as the journal's header has them."""
        if not self._versions:
            self._versions = {"strategy": behaviour_key(self.loop.session.machine.cls), "build": build_key()}
        return self._versions

    def parameters(self) -> dict[str, Any]:
        """What the strategy runs with now."""
        machine = self.loop.session.machine
        return {name: machine.record[0][name].item() for name in machine.cls.params}

    def changed(self) -> None:
        """Look whether code or parameters are others than before."""
        self.probation.look(self.versions()["strategy"], self.parameters(), time.time_ns())

    def status(self) -> dict[str, Any]:
        """How the session stands."""
        loop = self.loop
        machine = loop.session.machine
        self.changed()
        holdings = positions_of(machine, loop.clock_ns())
        ages_s = [one["data_age_s"] for one in holdings]
        picture = picture_of(machine)
        profits = [market["profit"] for market in picture["instruments"]]
        states = {ACTIVE: "active", REDUCING: "reducing", STOPPED: "stopped"}
        halted = loop.session.fault is not None
        return {
            "session": self.own.seat.session,
            "journal": str(loop.session.journal.path),
            "strategy": machine.cls.__name__,
            "mode": self.mode,
            "account": self.own.account,
            "epoch": self.own.seat.epoch,
            "time_ns": time.time_ns(),
            "state": "halted" if halted else "ending" if loop.until.is_set() else "paused" if self.is_paused else "active",
            "gate": states.get(self.state, "stopped"),
            "why": loop.why if loop.until.is_set() else self.why,
            "refusal": self.own.refusal(),
            "life": self.own.life.name.lower(),
            "positions": {market["symbol"]: market["position"] for market in picture["instruments"]},
            "fills": sum(market["fills"] for market in picture["instruments"]),
            "orders_open": len(picture["orders"]),
            "profit": None if None in profits else float(np.sum(profits)),
            "events": loop.session.events_taken,
            "effects": loop.session.effects_left,
            "messages": loop.messages,
            "seq": machine.seq,
            "has_begun": loop.has_begun,
            "symbols": [one.symbol for one in machine.instruments],
            "venue": machine.instruments[0].venue,
            "parameters": self.parameters(),
            "versions": self.versions(),
            "promoted": self.promoted,
            "probation": self.probation.facts(time.time_ns()),
            "holdings": holdings,
            "money": money_of(machine),
            "limits": limits_of(machine),
            "data_age_s": None if None in ages_s else max(ages_s),
            "manual_orders": int(np.sum(machine.world.orders["flags"] & MANUAL != 0)),
            "ledger": loop.account.facts() if loop.account is not None else {},
            "picture": picture,
        }

    def write_status(self) -> None:
        """Write it down for others; a disk that is full costs the reader its news, and the session nothing."""
        with suppress(OSError):
            write_plainly(
                session_folder(self.folder, self.own.seat.session) / STATUS,
                orjson.dumps(self.status(), option=orjson.OPT_SERIALIZE_NUMPY),
            )


def read_status(folder: Path, session: str) -> dict[str, Any]:
    """How a session stood when it last said so; empty when it never did."""
    return read_json(session_folder(folder, session) / STATUS)
