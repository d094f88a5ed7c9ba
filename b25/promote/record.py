"""Signed moves: made, and believed only when this installation signed them and none is missing in between."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import orjson

from b25.promote.signing import is_signed, promotion_key, sign
from b25.promote.states import Refused, Standing, State, standing_after
from b25.promote.version import Version, canonical
from b25.store.promotion_log import FIRST, Move


@dataclass(frozen=True, slots=True)
class Actor:
    """Who moves a version.

    Attributes
    ----------
    roles : frozenset of str
        Those that whatever he signed in with allows him to use.
    is_proven : bool
        Whether he proved who he is; on the command line nobody does.
    facts : mapping
        Address and request, for the audit.
    """

    name: str
    roles: frozenset[str]
    is_proven: bool = False
    facts: Mapping[str, Any] = field(default_factory=dict)


def believed(moves: Sequence[Move], version: Version, secrets_folder: Path) -> Standing:
    """Return where the moves of a version lead.

    Raises
    ------
    Refused
        When one was not signed here, is of another content, or does not follow the one before.
    """
    if not moves:
        return Standing()
    key, prev = promotion_key(secrets_folder), FIRST
    for number, move in enumerate(moves, 1):
        where = f"{version.reference}: move {number} ({move.from_state} to {move.to_state})"
        remedy = "look at b25 audit list; restore the store from a backup, or promote the version anew"
        if not is_signed(key, move.said(), move.signature):
            raise Refused(f"{where} is not what this installation signed", remedy=remedy)
        if (move.number, move.prev) != (number, prev):
            raise Refused(f"{where} does not follow the one before", remedy=remedy)
        if (move.name, move.version, move.content_id) != (
            version.manifest["name"], version.manifest["version"], version.content_id,
        ):  # fmt: skip
            raise Refused(f"{where} is of another content: {move.content_id[:12]}", remedy=remedy)
        prev = move.hash
    return standing_after([(move.from_state, move.to_state) for move in moves])


def signed_move(
    version: Version, moves: Sequence[Move], begins: State, ends: State, by: Actor, secrets_folder: Path, *, role: str,
    when_ns: int, reason: str, evidence: Mapping[str, Any], skipped: Sequence[str] = (), size_factor: float = 1.0,
    alone: bool = False,
) -> Move:  # fmt: skip
    """Return the move that follows, signed."""
    held = canonical(evidence)
    move = Move(
        name=str(version.manifest["name"]), version=int(version.manifest["version"]), number=len(moves) + 1,
        content_id=version.content_id, from_state=str(begins), to_state=str(ends), who=by.name, role=role, when_ns=when_ns,
        reason=reason, evidence=held.decode(), evidence_sha256=hashlib.sha256(held).hexdigest(),
        skipped=orjson.dumps(list(skipped)).decode(), size_factor=size_factor, alone=int(alone),
        prev=moves[-1].hash if moves else FIRST,
    )  # fmt: skip
    return replace(move, signature=sign(promotion_key(secrets_folder), move.said()))


def authors_of(version: Version, moves: Sequence[Move]) -> set[str]:
    """Names of those who made a version: who promoted it, and who had it validated."""
    return {str((version.manifest.get("created") or {}).get("by", ""))} | {
        move.who for move in moves if move.to_state == State.VALIDATED
    }
