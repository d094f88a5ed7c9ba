"""A second person: what loosens a limit, or goes live, holds when somebody else than who asked for it agrees.

Who works alone agrees with himself: not before a minute is over, and by typing what is to happen. It must be allowed (`alone`),
and is written down as such. What was agreed on is exactly what was asked: a configuration that changed since is asked for anew.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import orjson

from b25.config.configurations import Configurations
from b25.config.outcome import Author, Outcome
from b25.config.refusals import NotAllowed, NotFound, Refused
from b25.store.audit import add_audit
from b25.store.config_desk import Pending, decide_pending, pending_of, pendings
from b25.store.configurations import Head, Read, head_of

COOL_OFF_S: Final = 60.0
VALID_S: Final = 86_400.0


def confirmation(pending: Pending) -> str:
    """What is to be typed by who agrees with himself."""
    to = f" to version {pending.version}" if pending.version else ""
    return f"{pending.action} {pending.key}{to}"


@dataclass(slots=True)
class Approvals:
    """Settles what waits.

    Attributes
    ----------
    alone : bool or callable
        Whether one person may agree with himself.
    """

    configurations: Configurations
    alone: bool | Callable[[], bool] = False
    cool_off_s: float = COOL_OFF_S

    def waiting(self) -> list[Pending]:
        """Return what waits, the oldest first."""
        return pendings(self.configurations.store)

    def approve(self, pending_id: str, by: Author, *, reason: str = "", typed: str = "") -> Outcome:
        """Agree, and have it hold.

        Raises
        ------
        NotAllowed
            When it is one's own, and that is not allowed, not typed, or too soon.
        Refused
            When it was settled, is too old, or the configuration is not as it was.
        """

        def act(read: Read) -> Outcome | str:
            one, head = self._pending(read, pending_id)
            self._may(one, by, typed)
            now_ns = self.configurations.now_ns()
            fresh = head is not None and head.revision == one.revision and now_ns < one.asked_ns + int(VALID_S * 1e9)
            self._decide(one, "APPROVED" if fresh else "STALE", by, reason)
            if not fresh:
                return one.key
            asker = Author(one.asked_by, {**by.facts, "approved_by": by.name, "approval": one.id})
            if one.action == "activate":
                came = self.configurations.activate_within(read, one.key, asker, one.version, one.reason, approved=True)
            else:
                came = self.configurations.end_within(read, one.key, one.action, asker, one.reason, approved=True)
            if more := [str(new) for new in came.loosened if new.facts() not in orjson.loads(one.loosened)]:
                raise Refused(f"it would loosen more than was asked for: {more[0]}", remedy="ask for it anew")
            return came

        came = self.configurations.within(act)
        if isinstance(came, str):
            raise Refused(f"{came} is not as it was when this was asked for", remedy="ask for it anew")
        return came

    def refuse(self, pending_id: str, by: Author, *, reason: str = "") -> Pending:
        """Do not agree; whoever asked may take it back this way too."""

        def act(read: Read) -> Pending:
            one, _ = self._pending(read, pending_id)
            self._decide(one, "REFUSED", by, reason)
            return one

        return self.configurations.within(act)

    def _pending(self, read: Read, pending_id: str) -> tuple[Pending, Head | None]:
        one = pending_of(self.configurations.store, pending_id, within=True)
        if one is None:
            raise NotFound(f"nothing waits under {pending_id}", remedy="see b25 config pending")
        if one.state != "PENDING":
            raise Refused(f"{pending_id} is settled: {one.state.lower()}", remedy="ask for it anew")
        return one, head_of(read, one.config_id)

    def _may(self, one: Pending, by: Author, typed: str) -> None:
        if by.name != one.asked_by:
            return
        if not (self.alone() if callable(self.alone) else self.alone):
            raise NotAllowed("who asks does not agree with himself", remedy="have another person with the role `risk` approve it")
        left_s = self.cool_off_s - (self.configurations.now_ns() - one.asked_ns) / 1e9
        if left_s > 0:
            raise NotAllowed(f"it may be confirmed in {left_s:.0f} s, not before", remedy="think it over meanwhile")
        if typed != confirmation(one):
            raise NotAllowed("the confirmation is not as it must be typed", remedy=f"type exactly: {confirmation(one)}")

    def _decide(self, one: Pending, state: str, by: Author, reason: str) -> None:
        store, now_ns = self.configurations.store, self.configurations.now_ns()
        decide_pending(store, one.id, state, by.name, now_ns, reason)
        body = {**by.facts, "object": one.key, "id": one.id, "asked_by": one.asked_by, "reason": reason, "action": one.action}
        body["alone"] = state == "APPROVED" and by.name == one.asked_by
        add_audit(store, actor=by.name, action=f"config.approval.{state.lower()}", body=body, now_ns=now_ns)
