"""A version that is to hold from a time on, and is taken back when a session refuses it while it is watched."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from typing import Final

from b25.config.configurations import Configurations
from b25.config.outcome import Author, Outcome
from b25.config.refusals import NotFound, Refused
from b25.model.errors import B25Error
from b25.store.audit import add_audit
from b25.store.config_desk import (
    REJECTED,
    Schedule,
    acks_since,
    add_schedule,
    move_schedule,
    schedule_of,
    schedules,
)
from b25.store.configurations import Read

WATCH_S: Final = 30.0
AHEAD_S_MAX: Final = 366 * 86_400.0
KEEPER: Final = "config-keeper"


@dataclass(slots=True)
class Schedules:
    """Keeps to them.

    Attributes
    ----------
    watch_s : float
        How long after its time a version is watched: refused by a session until then, the one before is taken up again.
    """

    configurations: Configurations
    watch_s: float = WATCH_S

    def add(self, key: str, version: int, at_ns: int, by: Author, *, reason: str = "") -> Schedule:
        """Have a draft hold from a time on.

        Raises
        ------
        Refused
            When the time is over, or too far; or the change loosens something: that is not done while nobody looks.
        """
        configurations = self.configurations

        def act(read: Read) -> Schedule:
            now_ns = configurations.now_ns()
            if not now_ns < at_ns <= now_ns + int(AHEAD_S_MAX * 1e9):
                raise Refused(
                    "the time is over, or more than a year ahead", remedy="give a time to come, as nanoseconds since 1970"
                )
            configurations.schedulable(read, key, version)
            head, _ = configurations.version(key, version)
            one = Schedule(uuid.uuid4().hex[:16], head.id, head.key, version, at_ns, by.name, now_ns, reason)
            add_schedule(configurations.store, one)
            self._audit(one, by, "config.schedule.added")
            return one

        return configurations.within(act)

    def cancel(self, schedule_id: str, by: Author) -> Schedule:
        """Have it not happen. Raises Refused when it has."""

        def act(read: Read) -> Schedule:
            one = schedule_of(self.configurations.store, schedule_id, within=True)
            if one is None:
                raise NotFound(f"there is no schedule {schedule_id}", remedy="see b25 config schedule")
            if one.state != "WAITING":
                raise Refused(f"{schedule_id} is {one.state.lower()}", remedy="roll back what it did")
            move_schedule(self.configurations.store, one, "CANCELLED", told=f"by {by.name}")
            self._audit(one, by, "config.schedule.cancelled")
            return one

        return self.configurations.within(act)

    def keep(self) -> list[str]:
        """Do what is due, and look at what was done; tells it. For a process that calls this every second."""
        now_ns, said = self.configurations.now_ns(), []
        for one in schedules(self.configurations.store, "WAITING", until_ns=now_ns):
            said.append(self._begin(one, now_ns))
        for one in schedules(self.configurations.store, "WATCHED"):
            if told := self._watch(one, now_ns):
                said.append(told)
        return said

    def _begin(self, one: Schedule, now_ns: int) -> str:
        by = Author(one.asked_by, {"schedule": one.id, "by": KEEPER})

        def act(read: Read) -> Outcome | None:
            fresh = schedule_of(self.configurations.store, one.id, within=True)
            if fresh is None or fresh.state != "WAITING":
                return None  # another keeper was quicker
            self.configurations.schedulable(read, one.key, one.version)
            before = self.configurations.head(one.key).active_version
            move_schedule(self.configurations.store, one, "WATCHED", before=before, since_ns=now_ns)
            return self.configurations.activate_within(read, one.key, by, one.version, one.reason, approved=False)

        try:
            self.configurations.within(act)
        except B25Error as fault:
            self._end(one, "REFUSED", fault.what)
            return f"{one.key} version {one.version} was not activated: {fault.what}"
        return f"{one.key} version {one.version} holds from now on, as was planned by {one.asked_by}"

    def _watch(self, one: Schedule, now_ns: int) -> str:
        since_ns = one.since_ns or now_ns
        refused = [
            ack for ack in acks_since(self.configurations.store, one.key, since_ns)
            if ack.outcome == REJECTED and ack.version == one.version
        ]  # fmt: skip
        if refused:
            why = f"{refused[0].session} refused it: {refused[0].detail}"
            self._take_back(one, why)
            return f"{one.key} version {one.version} was taken back: {why}"
        if now_ns > since_ns + int(self.watch_s * 1e9):
            self._end(one, "DONE", "")
        return ""

    def _take_back(self, one: Schedule, why: str) -> None:
        """The version before is taken up again; a session that refuses runs it anyway, and the others are to agree with it."""
        by, configurations = Author(KEEPER, {"schedule": one.id}), self.configurations
        head = configurations.head(one.key)
        if head.active_version == one.version:
            reason = f"taken back: {why}"
            if one.before_version is not None:
                configurations.rollback(one.key, one.before_version, by, reason=reason, approved=True)
            else:
                configurations.deactivate(one.key, by, reason=reason, approved=True)
        self._end(one, "ROLLED_BACK", why)

    def _end(self, one: Schedule, state: str, told: str) -> None:
        def act(read: Read) -> None:
            fresh = schedule_of(self.configurations.store, one.id, within=True)
            if fresh is not None and move_schedule(
                self.configurations.store, fresh, state, before=fresh.before_version, since_ns=fresh.since_ns, told=told[:2_000]
            ):
                self._audit(one, Author(KEEPER), f"config.schedule.{state.lower()}", told)

        self.configurations.within(act)

    def _audit(self, one: Schedule, by: Author, action: str, told: str = "") -> None:
        body = {**by.facts, "object": one.key, "schedule": one.id, "version": one.version, "at_ns": one.at_ns}
        body |= {"reason": told or one.reason}
        add_audit(self.configurations.store, actor=by.name, action=action, body=body, now_ns=self.configurations.now_ns())
