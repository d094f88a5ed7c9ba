"""Moves of promoted versions from state to state: appended, each signed and bound to the one before, never changed."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, fields
from typing import Any, Final

import orjson
from sqlalchemy import bindparam, func, insert, select

from b25.store.promotion_tables import promotion_move
from b25.store.store import Store

FIRST: Final = "0" * 64
_ADD: Final = insert(promotion_move)
_OF: Final = (
    select(promotion_move)
    .where(promotion_move.c.name == bindparam("b_name"), promotion_move.c.version == bindparam("b_version"))
    .order_by(promotion_move.c.number)
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Move:
    """One move of one version.

    Attributes
    ----------
    number : int
        From 1, within the version.
    evidence : str
        JSON: what was found for each thing that the move needs.
    skipped : str
        JSON: names of what was not met, and passed over by somebody who may.
    size_factor : float
        By which its limits are scaled from now on; 1 leaves them.
    alone : int
        1 where one person, who works alone, agreed with himself.
    prev : str
        Hash of the move before.
    """

    name: str
    version: int
    number: int
    content_id: str
    from_state: str
    to_state: str
    who: str
    role: str
    when_ns: int
    reason: str
    evidence: str
    evidence_sha256: str
    skipped: str
    size_factor: float
    alone: int
    prev: str
    signature: str = ""

    def said(self) -> bytes:
        """What is signed: every column but the signature."""
        held = {one.name: getattr(self, one.name) for one in fields(self) if one.name != "signature"}
        return orjson.dumps(held, option=orjson.OPT_SORT_KEYS)

    @property
    def hash(self) -> str:
        """What the next move is bound to."""
        return hashlib.sha256(self.said() + self.signature.encode()).hexdigest()


def add_move(store: Store, move: Move) -> None:
    """Inside `writing`: append a move."""
    store.execute(_ADD, {one.name: getattr(move, one.name) for one in fields(move)})


def moves_within(store: Store, name: str, version: int) -> list[Move]:
    """Inside `writing`, with the table locked until it ends: the moves of a version, the oldest first."""
    store.lock("promotion_move")
    return [_move(row) for row in store.rows_within(_OF, {"b_name": name, "b_version": version})]


def moves_of(store: Store, name: str, version: int) -> list[Move]:
    """Return the moves of a version, the oldest first."""
    of = promotion_move.c
    found = select(promotion_move).where(of.name == name, of.version == version).order_by(of.number)
    return [_move(row) for row in store.rows(found)]


def last_moves(store: Store) -> dict[tuple[str, int], list[Move]]:
    """Return the moves of every version, by name and number: they are few."""
    of = promotion_move.c
    found: dict[tuple[str, int], list[Move]] = {}
    for row in store.rows(select(promotion_move).order_by(of.name, of.version, of.number)):
        found.setdefault((row.name, int(row.version)), []).append(_move(row))
    return found


def count_moves(store: Store) -> int:
    """Return how many moves there are."""
    return int(store.rows(select(func.count()).select_from(promotion_move))[0][0])


def _move(row: Any) -> Move:
    names = [one.name for one in fields(Move)]
    return Move(**dict(zip(names, row, strict=True)))
