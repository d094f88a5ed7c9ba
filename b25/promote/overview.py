"""Versions as they are told to people: where each stands, who moved it, what it did, and what its next step needs."""

from __future__ import annotations

from typing import Any

import orjson

from b25.model.errors import Misuse
from b25.promote.evidence import ran
from b25.promote.gate import HOUR_NS, RESUME_ROLES, STEP_ROLES
from b25.promote.moves import Promotions
from b25.promote.record import believed
from b25.promote.states import LADDER, Standing, State
from b25.promote.version import Version, verify
from b25.session.lived import Lived
from b25.store.drift_notes import drift_of
from b25.store.promotion_log import Move
from b25.store.promotion_pointers import pointers


def overview(promotions: Promotions, name: str = "") -> list[dict[str, Any]]:
    """Return a row for every version, by name and number. A fault of one is told in its row, and hides no other."""
    held: dict[tuple[str, int], list[str]] = {}
    for one in pointers(promotions.store, name):
        held.setdefault((one.name, one.version), []).append(one.stage)
    return [row(promotions, version, moves, held) for version, moves in promotions.all(name)]


def row(promotions: Promotions, version: Version, moves: list[Move], held: dict[tuple[str, int], list[str]]) -> dict[str, Any]:
    """Return what a list tells of a version."""
    manifest = version.manifest
    name, number = str(manifest["name"]), int(manifest["version"])
    standing, fault = Standing(), ""
    try:
        verify(version, promotions.secrets_folder)
        standing = believed(moves, version, promotions.secrets_folder)
    except Misuse as found:
        fault = found.what
    runs = ran(promotions.store, version)
    created, counts = manifest.get("created") or {}, (manifest.get("evidence") or {}).get("counts") or {}
    return {
        "reference": version.reference, "name": name, "version": number, "class": manifest["class"],
        "content_id": version.content_id, "state": "not believed" if fault else str(standing.state),
        "before": None if standing.before is None else str(standing.before), "by": str(created.get("by", "")),
        "created_ns": int(created.get("at_ns", 0)), "moved_by": moves[-1].who if moves else "",
        "moved_ns": moves[-1].when_ns if moves else 0, "reason": moves[-1].reason if moves else "",
        "orders": counts.get("orders"), "sessions": len(runs), "fills": sum(one.fills for one in runs),
        "drift": drift_of(promotions.store, name, number), "pointers": held.get((name, number), []), "fault": fault,
    }  # fmt: skip


def shown(promotions: Promotions, version: Version) -> dict[str, Any]:
    """Return all that is known of a version: its row, its moves, its sessions, and what its next step needs."""
    name, number = str(version.manifest["name"]), int(version.manifest["version"])
    held = {(name, number): [one.stage for one in pointers(promotions.store, name) if one.version == number]}
    moves = next((found for one, found in promotions.all(name) if one.reference == version.reference), [])
    told = row(promotions, version, moves, held)
    told |= {
        "moves": [move_facts(one) for one in moves], "runs": [run_facts(one) for one in ran(promotions.store, version)],
        "next": None, "next_roles": [], "needs": [],
    }  # fmt: skip
    if told["fault"]:
        return told
    standing = believed(moves, version, promotions.secrets_folder)
    if standing.state is State.PAUSED:
        return told | {"next": told["before"], "next_roles": sorted(RESUME_ROLES)}
    if standing.state is State.RETIRED or standing.state is LADDER[-1]:
        return told
    to = LADDER[LADDER.index(standing.state) + 1]
    needs, _ = promotions.needs(version, standing, to)
    return told | {"next": str(to), "next_roles": sorted(STEP_ROLES[to]), "needs": [one.facts() for one in needs]}


def move_facts(move: Move) -> dict[str, Any]:
    """Return a move as plain data."""
    return {
        "number": move.number, "from": move.from_state, "to": move.to_state, "who": move.who, "role": move.role,
        "when_ns": move.when_ns, "reason": move.reason, "skipped": orjson.loads(move.skipped), "size_factor": move.size_factor,
        "alone": bool(move.alone), "evidence_sha256": move.evidence_sha256, "evidence": orjson.loads(move.evidence),
        "content_id": move.content_id,
    }  # fmt: skip


def run_facts(one: Lived) -> dict[str, Any]:
    """Return what a session did as plain data."""
    return {
        "session": one.session, "mode": one.mode, "began_ns": one.began_ns, "ended_ns": one.ended_ns,
        "hours": one.watched_ns / HOUR_NS, "fills": one.fills, "as_promoted": one.as_promoted, "fault": one.fault,
        "is_running": one.is_running,
    }  # fmt: skip
