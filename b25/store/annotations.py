"""Annotations: who wrote what about which thing. An edit keeps what was before, a deletion leaves a mark, both are audited.

They are text beside the trading: nothing here reads or writes an order, a session or a limit.
"""

from __future__ import annotations

import re
import secrets
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

import orjson
from sqlalchemy import and_, bindparam, insert, or_, select, update
from sqlalchemy.dialects import postgresql, sqlite

from b25.model.errors import B25Error, Misuse
from b25.store.annotation_tables import annotation, annotation_mention, annotation_version
from b25.store.audit import add_audit
from b25.store.notification_queue import plain_row
from b25.store.store import Store

KINDS: Final = ("run", "backtest", "session", "order", "fill", "alert", "strategy_version", "time_range", "report")
TEXT_MAX, OBJECT_MAX, TAGS_MAX, MENTIONS_MAX = 4_000, 200, 20, 20
TAG: Final = re.compile(r"[\w][\w .:/-]{0,39}")
MENTION: Final = re.compile(r"(?<![\w@/.])@([A-Za-z0-9][A-Za-z0-9_-]{0,63}(?:\.[A-Za-z0-9_-]+)*)")
# They turn the order of what is read around: a text could show what it does not say.
BIDI: Final = re.compile("[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]")
ROWS_MAX: Final = 500
_ADD: Final = insert(annotation)
_KEEP: Final = insert(annotation_version)
_MENTION: Final = {
    is_sqlite: make(annotation_mention).on_conflict_do_nothing()
    for is_sqlite, make in ((True, sqlite.insert), (False, postgresql.insert))
}
_NOW: Final = select(annotation).where(annotation.c.annotation_id == bindparam("of"))
_CHANGE: Final = (
    update(annotation)
    .where(annotation.c.annotation_id == bindparam("of"), annotation.c.version == bindparam("seen"), annotation.c.is_deleted == 0)
    .values(
        text=bindparam("words"), tags=bindparam("labels"), mentions=bindparam("people"), search=bindparam("found_by"),
        version=annotation.c.version + 1, updated_ns=bindparam("at"), is_deleted=bindparam("gone"),
    )
)  # fmt: skip
_TOLD: Final = (
    update(annotation_mention)
    .where(annotation_mention.c.annotation_id == bindparam("of"), annotation_mention.c.user == bindparam("who"))
    .values(told_ns=bindparam("at"))
)
_COLUMNS: Final = tuple(str(one.name) for one in annotation.c)


class Changed(B25Error):
    """Somebody else was faster: what was to be changed is not what is there now."""


class NotYours(B25Error):
    """Somebody else wrote it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class About:
    """What an annotation is about: a kind of thing, its id, and on a chart a time or a range."""

    kind: str
    object: str
    at_ns: int = 0
    until_ns: int = 0

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise Misuse(f"nothing of kind {self.kind!r} is annotated", remedy=f"use {', '.join(KINDS)}")
        if not self.object or len(self.object) > OBJECT_MAX or cleaned(self.object) != self.object or "\n" in self.object:
            raise Misuse("the id of what is annotated is empty, too long or strange", remedy=f"at most {OBJECT_MAX} characters")
        if self.until_ns and self.until_ns < self.at_ns:
            raise Misuse("the range ends before it begins", remedy="give until_ns after at_ns")
        if not all(0 <= one < 2**63 for one in (self.at_ns, self.until_ns)):
            raise Misuse("a time is out of range", remedy="give nanoseconds since 1970")


def cleaned(text: str) -> str:
    """Return a text without marks that turn its direction around. Raises Misuse for what is no text."""
    wrong = next((one for one in text if unicodedata.category(one) in ("Cc", "Cs") and one not in "\n\t\r"), None)
    if wrong is not None:
        raise Misuse(f"the text holds the control character U+{ord(wrong):04X}", remedy="leave it out")
    return unicodedata.normalize("NFC", BIDI.sub("", text).replace("\r\n", "\n").replace("\r", "\n"))


def checked_text(text: str) -> str:
    """Return the text as it is kept. Raises Misuse when it is empty, too long or no text."""
    told = cleaned(text).strip()
    if not told or len(told) > TEXT_MAX:
        raise Misuse(f"the text has {len(told):,} characters", remedy=f"write 1 to {TEXT_MAX:,}")
    return told


def checked_tags(tags: Iterable[str]) -> list[str]:
    """Return tags in order, each once. Raises Misuse for a strange one, or too many."""
    found = sorted({cleaned(one).strip() for one in tags})
    if len(found) > TAGS_MAX or not all(TAG.fullmatch(one) for one in found):
        raise Misuse("the tags are too many or strange", remedy=f"at most {TAGS_MAX}, each of letters, digits and . : / - _")
    return found


def mentioned(text: str) -> list[str]:
    """Who is mentioned, each once."""
    return list(dict.fromkeys(MENTION.findall(text)))[:MENTIONS_MAX]


class Annotations:
    """Annotations of a store.

    Parameters
    ----------
    store : Store
    """

    def __init__(self, store: Store) -> None:
        self.store = store

    def add(
        self, about: About, *, text: str, author: str, now_ns: int, tags: Iterable[str] = (), parent_id: str = "",
        facts: Mapping[str, Any] | None = None,
    ) -> dict[str, Any]:  # fmt: skip
        """Write one.

        Parameters
        ----------
        parent_id : str
            Of the one that this answers; an answer has no answers, and is about the same thing.

        Raises
        ------
        Misuse
            When something is missing, too long or strange.
        LookupError
            When there is nothing to answer.
        """
        text, labels = checked_text(text), checked_tags(tags)
        name = f"a{secrets.token_hex(8)}"
        with self.store.writing():
            if parent_id:
                above = self._now(parent_id)
                if above["parent_id"] or above["is_deleted"]:
                    raise Misuse("an answer cannot be answered, nor what was deleted", remedy="answer the first one")
                about = About(kind=above["kind"], object=above["object"], at_ns=above["at_ns"], until_ns=above["until_ns"])
            people = mentioned(text)
            row = {
                "annotation_id": name, "kind": about.kind, "object": about.object, "parent_id": parent_id, "author": author,
                "created_ns": now_ns, "updated_ns": now_ns, "version": 1, "text": text, "tags": _list(labels),
                "mentions": _list(people), "is_deleted": 0, "at_ns": about.at_ns, "until_ns": about.until_ns,
                "search": _search(text, labels, author, about.object),
            }  # fmt: skip
            self.store.execute(_ADD, row)
            self._note(name, 1, now_ns, author, "created", text, labels)
            self._mention(row, people, now_ns)
            self._audit("annotation.create", name, author, None, {"text": text, "tags": labels}, facts, now_ns)
        return _shown(row)

    def edit(
        self, annotation_id: str, *, text: str, tags: Iterable[str], version: int, by: str, now_ns: int,
        facts: Mapping[str, Any] | None = None,
    ) -> dict[str, Any]:  # fmt: skip
        """Write it anew, if it is still of the version that was seen; only who wrote it may.

        Raises
        ------
        Changed
            When another was faster.
        NotYours
            When it is somebody else's.
        LookupError, Misuse
        """
        text, labels = checked_text(text), checked_tags(tags)
        return self._change(annotation_id, text, labels, version, by, now_ns, facts, is_deleted=False, may_any=False)

    def delete(
        self,
        annotation_id: str,
        *,
        version: int,
        by: str,
        now_ns: int,
        may_any: bool = False,
        facts: Mapping[str, Any] | None = None,
    ) -> dict[str, Any]:
        """Take its text away; that it was there, and what it said, stays in its history."""
        return self._change(annotation_id, "", [], version, by, now_ns, facts, is_deleted=True, may_any=may_any)

    def _change(
        self, annotation_id: str, text: str, labels: list[str], version: int, by: str, now_ns: int,
        facts: Mapping[str, Any] | None, *, is_deleted: bool, may_any: bool,
    ) -> dict[str, Any]:  # fmt: skip
        with self.store.writing():
            before = self._now(annotation_id)
            if before["author"] != by and not may_any:
                raise NotYours(f"{annotation_id} was written by {before['author']}", remedy="answer it instead")
            people = mentioned(text)
            changes = {
                "of": annotation_id, "seen": version, "words": text, "labels": _list(labels), "people": _list(people),
                "found_by": "" if is_deleted else _search(text, labels, before["author"], before["object"]), "at": now_ns,
                "gone": int(is_deleted),
            }  # fmt: skip
            if before["is_deleted"] or not self.store.execute(_CHANGE, changes):
                raise Changed(
                    f"{annotation_id} is of version {before['version']} now{', and deleted' if before['is_deleted'] else ''}",
                    remedy="read it again, and then decide",
                )
            after = self._now(annotation_id)
            self._note(annotation_id, after["version"], now_ns, by, "deleted" if is_deleted else "edited", text, labels)
            self._mention(after, people, now_ns)
            told = None if is_deleted else {"text": text, "tags": labels}
            old = {"text": before["text"], "tags": orjson.loads(before["tags"])}
            self._audit("annotation.delete" if is_deleted else "annotation.update", annotation_id, by, old, told, facts, now_ns)
        return _shown(after)

    # -- reading ----------------------------------------------------------------------------------

    def get(self, annotation_id: str) -> dict[str, Any]:
        """One, as it stands. Raises LookupError."""
        found = self.store.rows(select(annotation).where(annotation.c.annotation_id == annotation_id))
        if not found:
            raise LookupError(annotation_id)
        return _shown(plain_row(found[0]))

    def find(
        self, *, kind: str = "", object: str = "", author: str = "", tag: str = "", text: str = "", parent_id: str | None = None,
        since_ns: int = 0, until_ns: int = 2**62, before: tuple[int, str] | None = None, with_deleted: bool = False,
        limit: int = 100,
    ) -> list[dict[str, Any]]:  # fmt: skip
        """Those that fit, the newest first; each word of `text` must stand somewhere in one. `before` goes on behind one."""
        c = annotation.c
        wanted = select(annotation).where(c.created_ns >= since_ns, c.created_ns < until_ns)
        for column, told in ((c.kind, kind), (c.object, object), (c.author, author)):
            wanted = wanted.where(column == told) if told else wanted
        if parent_id is not None:
            wanted = wanted.where(c.parent_id == parent_id)
        if tag:
            wanted = wanted.where(c.tags.contains(_list([tag])[1:-1], autoescape=True))
        for word in _plain(text).split()[:10]:
            wanted = wanted.where(c.search.contains(word, autoescape=True))
        if not with_deleted:
            wanted = wanted.where(c.is_deleted == 0)
        if before is not None:
            wanted = wanted.where(or_(c.created_ns < before[0], and_(c.created_ns == before[0], c.annotation_id < before[1])))
        ordered = wanted.order_by(c.created_ns.desc(), c.annotation_id.desc()).limit(min(limit, ROWS_MAX))
        return [_shown(plain_row(one)) for one in self.store.rows(ordered)]

    def history(self, annotation_id: str) -> list[dict[str, Any]]:
        """Every version of one, the oldest first. Raises LookupError."""
        c = annotation_version.c
        rows = self.store.rows(select(annotation_version).where(c.annotation_id == annotation_id).order_by(c.version))
        if not rows:
            raise LookupError(annotation_id)
        return [{**plain_row(one), "tags": orjson.loads(one.tags)} for one in rows]

    def mentions_untold(self) -> list[dict[str, Any]]:
        """Who was mentioned and was not told yet."""
        c = annotation_mention.c
        rows = self.store.rows(select(annotation_mention).where(c.told_ns == 0).order_by(c.created_ns).limit(100))
        return [plain_row(one) for one in rows]

    def mention_told(self, annotation_id: str, user: str, *, now_ns: int) -> None:
        """Note that somebody was told, inside `writing`."""
        self.store.execute(_TOLD, {"of": annotation_id, "who": user, "at": now_ns})

    # -- within a transaction ---------------------------------------------------------------------

    def _now(self, annotation_id: str) -> dict[str, Any]:
        found = self.store.rows_within(_NOW, {"of": annotation_id})
        if not found:
            raise LookupError(annotation_id)
        return dict(zip(_COLUMNS, found[0], strict=True))

    def _note(self, annotation_id: str, version: int, now_ns: int, by: str, act: str, text: str, labels: list[str]) -> None:
        row = {"annotation_id": annotation_id, "version": version, "ts_ns": now_ns, "by": by, "act": act, "text": text}
        self.store.execute(_KEEP, {**row, "tags": _list(labels)})

    def _mention(self, row: Mapping[str, Any], people: Iterable[str], now_ns: int) -> None:
        """Whoever is mentioned is told once for each annotation, however often it is edited."""
        for user in people:
            if user != row["author"]:
                told = {"annotation_id": row["annotation_id"], "user": user, "version": row["version"], "author": row["author"]}
                more = {"object": f"{row['kind']}/{row['object']}", "created_ns": now_ns, "told_ns": 0}
                self.store.execute(_MENTION[self.store.is_sqlite], {**told, **more})

    def _audit(
        self, action: str, name: str, by: str, before: Any, after: Any, facts: Mapping[str, Any] | None, now_ns: int
    ) -> None:
        body = {**(facts or {}), "object": f"annotation/{name}", "before": before, "after": after}
        add_audit(self.store, actor=by, action=action, body=body, now_ns=now_ns)


def _shown(row: dict[str, Any]) -> dict[str, Any]:
    lists = {name: orjson.loads(row[name]) for name in ("tags", "mentions")}
    return {**{name: value for name, value in row.items() if name != "search"}, **lists, "is_deleted": bool(row["is_deleted"])}


def _list(told: Iterable[str]) -> str:
    return orjson.dumps(list(told)).decode()


def _plain(text: str) -> str:
    """A text as it is searched: of one case, without accents."""
    return "".join(one for one in unicodedata.normalize("NFKD", cleaned(text).casefold()) if not unicodedata.combining(one))


def _search(text: str, labels: Iterable[str], author: str, about: str) -> str:
    return _plain(" ".join([text, *labels, author, about]))
