"""Configurations: immutable versions, one of which holds. Value, version, change and audit are written together or not at all.

An update is a draft; it holds when it is activated. What once held comes back by a rollback only, as a new version that is
validated again. A change that loosens a limit waits for a second person (`b25.config.approvals`).
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable
from dataclasses import replace
from typing import Any, Final, TypeVar

import orjson

from b25.config.check import Fault, Invalid, Load, check, resolved
from b25.config.difference import differences
from b25.config.documents import canonical, parse, plain, written
from b25.config.keys import Key
from b25.config.loosening import Loosened, loosened
from b25.config.outcome import Active, Author, Outcome
from b25.config.refusals import Duplicate, Refused, missing, stale
from b25.config.schemas.types import schema_of
from b25.config.secret import secrets_in
from b25.store import configurations as kept
from b25.store.audit import add_audit
from b25.store.config_desk import Pending, add_pending
from b25.store.configurations import Change, Head, Read, Version
from b25.store.faults import Cause, StoreFailed
from b25.store.store import Store

TRIES: Final = 12  # of a database that somebody else is writing to
PAUSE_S: Final = 0.02
REASON_MAX, TEXT_MAX = 1_000, 4_000
DIFFERENCES_MAX: Final = 50  # that the audit tells
Given = TypeVar("Given")


class Configurations:
    """All configurations of a store.

    Parameters
    ----------
    store : Store
    now_ns : callable
    load : callable, optional
        Gives the class of a strategy, so that its parameters can be held to its schema.
    """

    def __init__(self, store: Store, *, now_ns: Callable[[], int] = time.time_ns, load: Load | None = None) -> None:
        self.store, self.now_ns, self.load = store, now_ns, load

    # Reading.

    def head(self, key_or_id: str) -> Head:
        """Return a configuration by key or id, deleted or not. Raises NotFound."""
        return _found(kept.head_of(kept.reading(self.store), key_or_id), key_or_id)

    def version(self, key_or_id: str, number: int | None = None) -> tuple[Head, Version]:
        """Return a configuration with one of its versions; the one that holds by default, else the latest. Raises NotFound."""
        head = self.head(key_or_id)
        return head, self._version(kept.reading(self.store), head, number or head.active_version or head.version)

    def active(self, kind: str) -> list[Active]:
        """Return everything of a type that holds, by key: for whoever works with it. See `changed_after` for what is new."""
        schema_of(kind)
        read = kept.reading(self.store)
        found, offset = [], 0
        while True:
            heads, total = kept.heads(self.store, kind=kind, state="ACTIVE", limit=500, offset=offset)
            found += [Active(head, self._version(read, head, head.active_version or 0)) for head in heads]
            offset += len(heads)
            if offset >= total or not heads:
                return found

    def changed_after(self, seq: int) -> list[Change]:
        """Return what was changed after a number, in order; 0 for all of it. Nothing is ever told out of order, or left out."""
        return kept.changes_after(self.store, seq)

    def links(self, kind: str, key: str) -> list[Active]:
        """Return what holds for a key, the most general first: itself, and all that it inherits from."""
        return self._links(kept.reading(self.store), kind, Key.of(key))

    def effective(self, kind: str, key: str) -> dict[str, Any]:
        """Return what holds for a key with all that it inherits; empty when nothing does."""
        return resolved(kind, [one.value for one in self.links(kind, key)])

    def faults(self, kind: str, key: str, value: dict[str, Any]) -> list[Fault]:
        """Return what would be wrong with a value under a key: the first two levels, changing nothing."""
        schema_of(kind)
        parents = self._links(kept.reading(self.store), kind, Key.of(key), without=key)
        return check(kind, plain(value), [one.value for one in parents], self.load)

    def would_loosen(self, kind: str, key: str, value: dict[str, Any]) -> list[Loosened]:
        """Return what a value would loosen under its own key, changing nothing."""
        links = self._links(kept.reading(self.store), kind, Key.of(key))
        before = [one.value for one in links]
        after = [one.value for one in links if one.head.key != key] + [value]
        return loosened(kind, resolved(kind, before) if before else None, resolved(kind, after))

    # Writing.

    def create(
        self, key: str, kind: str, given: str | dict[str, Any], by: Author, *, form: str = "json", reason: str = "",
        description: str = "",
    ) -> Outcome:  # fmt: skip
        """Write a configuration that does not hold yet: version 1, or the next one of a key that was deleted.

        Raises
        ------
        Invalid
            Names what is wrong with the value.
        Duplicate
            When the key is taken.
        """
        return self.within(
            lambda read: self.create_within(read, key, kind, given, by, form=form, reason=reason, description=description)
        )

    def create_within(
        self, read: Read, key: str, kind: str, given: str | dict[str, Any], by: Author, *, form: str = "json", reason: str = "",
        description: str = "",
    ) -> Outcome:  # fmt: skip
        """As `create`, in a transaction that others write in too."""
        parsed, source = _read(given, form, key)
        at = Key.of(key)
        schema_of(kind)
        before = kept.head_of(read, key)
        if before is not None and (before.deleted_ns is None or before.type != kind):
            raise Duplicate(f"there is a configuration {key} already", remedy="update it, or use another key")
        self._check(read, kind, at, parsed)
        now_ns = self.now_ns()
        if before is None:
            head = Head(
                uuid.uuid4().hex, key, kind, form, at.namespace, at.component, at.environment, at.name, description[:TEXT_MAX],
                "DRAFT", 1, None, 1, by.name, now_ns, now_ns, None,
            )  # fmt: skip
            kept.add_head(self.store, head)
        else:
            text = description[:TEXT_MAX] or before.description
            head = self._moved(before, version=before.version + 1, deleted_ns=None, description=text, format=form)
        version = self._add_version(head, parsed, source, by, reason)
        self._note(head, "created", by, reason, version, None)
        return Outcome(head, version)

    def update(
        self, key: str, read_version: int, given: str | dict[str, Any], by: Author, *, form: str = "json", reason: str = "",
        description: str | None = None,
    ) -> Outcome:  # fmt: skip
        """Write the next version; it holds when it is activated.

        Parameters
        ----------
        read_version : int
            The latest version when it was read.

        Raises
        ------
        VersionConflict
            When there is a newer one by now.
        """
        return self.within(
            lambda read: self.update_within(read, key, read_version, given, by, form=form, reason=reason, description=description)
        )

    def update_within(
        self, read: Read, key: str, read_version: int, given: str | dict[str, Any], by: Author, *, form: str = "json",
        reason: str = "", description: str | None = None,
    ) -> Outcome:  # fmt: skip
        """As `update`, in a transaction that others write in too."""
        parsed, source = _read(given, form, key)
        before = self._alive(read, key)
        if before.version != read_version:
            raise stale(before.key, read_version, before.version)
        self._check(read, before.type, Key.of(before.key), parsed)
        latest = self._version(read, before, before.version)
        text = before.description if description is None else description[:TEXT_MAX]
        head = self._moved(before, version=before.version + 1, format=form, description=text)
        version = self._add_version(head, parsed, source, by, reason)
        self._note(head, "updated", by, reason, version, latest)
        return Outcome(head, version)

    def activate(self, key: str, by: Author, *, version: int | None = None, reason: str = "", approved: bool = False) -> Outcome:
        """Have a draft hold; by default the latest version.

        Parameters
        ----------
        approved : bool
            A second person agreed to what it loosens.

        Raises
        ------
        Refused
            When it held before: that comes back by a rollback only.
        """
        return self.within(lambda read: self.activate_within(read, key, by, version, reason, approved=approved))

    def activate_within(self, read: Read, key: str, by: Author, number: int | None, reason: str, *, approved: bool) -> Outcome:
        """As `activate`, in a transaction that others write in too."""
        before = self._alive(read, key)
        version = self._version(read, before, number or before.version)
        if before.active_version == version.number:
            raise Refused(f"version {version.number} of {before.key} holds already", remedy="activate another version")
        if kept.was_active(read, before.id, version.number):
            raise Refused(
                f"version {version.number} of {before.key} held before",
                remedy=f"roll back to it: b25 config rollback {before.key} {version.number}",
            )
        self._check(read, before.type, Key.of(before.key), version.value)
        more = self._judge(read, before, version.value)
        if more and not approved:
            return self._wait(before, "activate", version, by, reason, more)
        was = self._version(read, before, before.active_version) if before.active_version else None
        head = self._moved(before, active_version=version.number, state="ACTIVE")
        self._note(head, "activated", by, reason, version, was, loosened=more)
        return Outcome(head, version, tuple(more))

    def schedulable(self, read: Read, key: str, number: int) -> None:
        """Check, in a transaction, that a draft could hold now and loosens nothing. Raises Invalid, NotFound or Refused."""
        head = self._alive(read, key)
        version = self._version(read, head, number)
        if kept.was_active(read, head.id, number):
            raise Refused(f"version {number} of {key} held before", remedy=f"roll back to it: b25 config rollback {key} {number}")
        self._check(read, head.type, Key.of(head.key), version.value)
        if more := self._judge(read, head, version.value):
            raise Refused(f"it loosens {more[0]}", remedy="activate it by hand, and have a second person agree")

    def rollback(self, key: str, number: int, by: Author, *, reason: str, approved: bool = False) -> Outcome:
        """Take up an old version again: as a new one, validated by the schema of today; it holds if the configuration did."""

        def act(read: Read) -> Outcome:
            before = self._alive(read, key)
            old, latest = self._version(read, before, number), self._version(read, before, before.version)
            self._check(read, before.type, Key.of(before.key), old.value)
            head = self._moved(before, version=before.version + 1)
            version = self._add_version(head, old.value, old.source, by, reason, of_version=old.number)
            self._note(head, "updated", by, reason, version, latest)
            if before.state == "DRAFT":
                return Outcome(head, version)
            return self.activate_within(read, key, by, version.number, reason, approved=approved)

        return self.within(act)

    def deactivate(self, key: str, by: Author, *, reason: str = "", approved: bool = False) -> Outcome:
        """Have nothing of it hold any more; what it inherits does."""
        return self.within(lambda read: self.end_within(read, key, "deactivated", by, reason, approved=approved))

    def delete(self, key: str, by: Author, *, reason: str = "", approved: bool = False) -> Outcome:
        """Put it aside: it holds no more and is listed no more; its versions and its history stay."""
        return self.within(lambda read: self.end_within(read, key, "deleted", by, reason, approved=approved))

    def end_within(self, read: Read, key: str, action: str, by: Author, reason: str, *, approved: bool) -> Outcome:
        """As `deactivate` or `delete`, in a transaction that others write in too."""
        before = self._alive(read, key)
        if before.active_version is None and action == "deactivated":
            raise Refused(f"{before.key} does not hold", remedy="nothing is to be done")
        was = self._version(read, before, before.active_version or before.version)
        more = self._judge(read, before, None) if before.active_version is not None else []
        if more and not approved:
            return self._wait(before, action, None, by, reason, more, was)
        state = "ARCHIVED" if before.active_version is not None else before.state
        gone = self.now_ns() if action == "deleted" else None
        head = self._moved(before, active_version=None, state=state, deleted_ns=gone)
        self._note(head, action, by, reason, None, was, loosened=more)
        return Outcome(head, was, tuple(more))

    # Within a transaction.

    def within(self, act: Callable[[Read], Given]) -> Given:
        """Do something in one transaction, alone; a database that somebody else writes to is asked again for a while."""
        for again in range(TRIES):
            try:
                with self.store.writing():
                    kept.lock_configurations(self.store)
                    return act(lambda statement, row: self.store.rows_within(statement, row))
            except StoreFailed as fault:
                if fault.cause is not Cause.LOCKED or again == TRIES - 1:
                    raise
                time.sleep(PAUSE_S * (again + 1))
        raise AssertionError("unreachable")

    def _alive(self, read: Read, key: str) -> Head:
        head = _found(kept.head_of(read, key), key)
        if head.deleted_ns is not None:
            raise missing(key)
        return head

    def _version(self, read: Read, head: Head, number: int) -> Version:
        found = kept.version_of(read, head.id, number)
        if found is None:
            raise missing(f"{head.key} in version {number}")
        return found

    def _links(self, read: Read, kind: str, key: Key, without: str = "") -> list[Active]:
        chain = [str(one) for one in key.chain() if str(one) != without]
        heads = {head.key: head for head in kept.active_of(read, kind, chain)}
        found = [heads[one] for one in chain if one in heads]
        return [Active(head, self._version(read, head, head.active_version or 0)) for head in found]

    def _check(self, read: Read, kind: str, key: Key, value: dict[str, Any]) -> None:
        parents = self._links(read, kind, key, without=str(key))
        if faults := check(kind, value, [one.value for one in parents], self.load):
            raise Invalid(str(key), faults)

    def _judge(self, read: Read, head: Head, value: dict[str, Any] | None) -> list[Loosened]:
        """Check every key that inherits what is to change, and tell what is loosened there and here."""
        own = Key.of(head.key)
        keys = [own, *(Key.of(one.key) for one in kept.active_named(read, head.type, own.name) if one.key != head.key)]
        found: dict[str, Loosened] = {}
        for key in keys:
            if not own.covers(key):
                continue
            before = [(one.head.key, one.value) for one in self._links(read, head.type, key)]
            after = [(name, one) for name, one in before if name != head.key]
            if value is not None:
                place = [str(one) for one in key.chain()]
                after = sorted([*after, (head.key, value)], key=lambda pair: place.index(pair[0]))
            links = [one for _, one in after]
            if key != own and (faults := check(head.type, links[-1], links[:-1], self.load)):
                raise Invalid(f"{key}, which inherits from {head.key}", faults)
            was = resolved(head.type, [one for _, one in before]) if before else None
            now = resolved(head.type, links) if links else None
            for one in loosened(head.type, was, now):
                found.setdefault(str(one), one)
        return list(found.values())

    def _moved(self, before: Head, **changes: Any) -> Head:
        after = replace(before, **changes, updated_ns=self.now_ns(), revision=before.revision + 1)
        if not kept.move_head(self.store, before, after):
            raise stale(before.key, before.version, "another version")
        return after

    def _add_version(
        self, head: Head, value: dict[str, Any], source: str, by: Author, reason: str, *, of_version: int | None = None
    ) -> Version:
        text, checksum = canonical(value)
        made = Version(head.id, head.version, text, source, checksum, by.name, reason[:REASON_MAX], self.now_ns(), of_version)
        kept.add_version(self.store, made)
        return made

    def _wait(
        self, head: Head, action: str, version: Version | None, by: Author, reason: str, more: list[Loosened],
        was: Version | None = None,
    ) -> Outcome:  # fmt: skip
        facts = [one.facts() for one in more]
        pending = Pending(
            uuid.uuid4().hex[:16], head.id, head.key, action, version.number if version else None, head.active_version, by.name,
            self.now_ns(), reason[:REASON_MAX], orjson.dumps(facts).decode(), head.revision,
        )  # fmt: skip
        add_pending(self.store, pending)
        body = {
            **by.facts,
            "object": head.key,
            "reason": reason[:REASON_MAX],
            "asked": action,
            "loosens": facts,
            "id": pending.id,
        }
        add_audit(self.store, actor=by.name, action="config.approval.asked", body=body, now_ns=self.now_ns())
        shown = version or was
        assert shown is not None
        return Outcome(head, shown, tuple(more), pending)

    def _note(
        self, head: Head, action: str, by: Author, reason: str, version: Version | None, before: Version | None,
        loosened: list[Loosened] | None = None,
    ) -> None:  # fmt: skip
        now_ns, why = self.now_ns(), reason[:REASON_MAX]
        number, old = version.number if version else None, before.number if before else None
        body = orjson.dumps(dict(by.facts), default=str).decode()
        change = Change(0, now_ns, head.id, head.key, head.type, action, number, old, by.name, why, body)
        seq = kept.add_change(self.store, change)
        told = {
            **by.facts, "object": head.key, "type": head.type, "reason": why, "change": seq,
            "before": {"version": old, "checksum": before.checksum} if before else None,
            "after": {"version": number, "checksum": version.checksum} if version else None,
            "differences": differences(before.value if before else {}, version.value if version else {})[:DIFFERENCES_MAX],
        }  # fmt: skip
        if loosened:
            told["loosens"] = [one.facts() for one in loosened]
        add_audit(self.store, actor=by.name, action=f"config.{action}", body=told, now_ns=now_ns)


def _found(head: Head | None, key: str) -> Head:
    if head is None:
        raise missing(key)
    return head


def _read(given: str | dict[str, Any], form: str, where: str) -> tuple[dict[str, Any], str]:
    """What is given, as plain data and as text; a text that holds a secret is not kept, for its value is refused."""
    if isinstance(given, dict):
        value = plain(given, where)
        return value, written(value, form) if form != "toml" else ""
    value = parse(given, form, where)
    return value, given if not any(secrets_in(value)) else ""
