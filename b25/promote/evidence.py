"""Finds out what a version has to show: its files and proof, its limits, and what its sessions really did."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import orjson
from sqlalchemy import func, select

from b25.config.check import model_of
from b25.config.configurations import Configurations
from b25.config.keys import ANY
from b25.model.errors import B25Error, Misuse
from b25.promote.gate import Evidence, own_gate, stricter
from b25.promote.version import SOURCE, Version, verify
from b25.risk.limit_set import FOR_LIVE, LimitSet
from b25.session.lived import Lived, lived
from b25.store.alert_tables import notification
from b25.store.drift_notes import drift_of
from b25.store.promotion_pointers import runs_of
from b25.store.store import Store

PROOF, BIAS = "proof.json", "bias.json"
RISK_LIMIT: Final = "risk_limit"


def evidence(store: Store, version: Version, secrets_folder: Path, *, now_ns: int, drill_ns: Callable[[], int]) -> Evidence:
    """Return what is found of a version now.

    Parameters
    ----------
    drill_ns : callable
        When the kill switch was last tried; 0 for never.
    """
    name, number = str(version.manifest["name"]), int(version.manifest["version"])
    configurations, cls = Configurations(store), str(version.manifest["class"])
    return Evidence(
        now_ns=now_ns,
        unproven=unproven(version, secrets_folder),
        limits=limits_of(configurations, cls, "observe", "paper"),
        limits_live=limits_of(configurations, cls, "live"),
        limits_for_live=FOR_LIVE,
        runs=ran(store, version),
        drift=drift_of(store, name, number),
        drill_ns=drill_ns(),
        alert_ns=_last_alert_ns(store),
    )


def unproven(version: Version, secrets_folder: Path) -> str:
    """Say what is wrong with a version's files or its proof; empty when nothing is."""
    try:
        verify(version, secrets_folder)
        proof, bias = (orjson.loads((version.folder / file).read_bytes()) for file in (PROOF, BIAS))
    except Misuse as fault:
        return fault.what
    except (OSError, orjson.JSONDecodeError) as fault:
        return f"{version.reference}: its proof cannot be read: {type(fault).__name__}"
    if not isinstance(proof, dict) or not {"divergence", "vacuous", "controls"} <= set(proof):
        return f"{PROOF} proves nothing"
    if proof["divergence"] is not None:
        return "its lives differ"
    if proof["vacuous"]:
        return f"the comparison proves too little: {proof['vacuous'][0]}"
    if not proof["controls"] or not all(proof["controls"].values()):
        return "the comparison does not notice what was changed on purpose"
    return "" if isinstance(bias, dict) and bias.get("ok") is True else "its bias checks found something"


def limits_of(configurations: Configurations, cls: str, *modes: str) -> dict[str, str]:
    """Return the limits that hold for a class in some modes: each by its name, with the key and version that sets it."""
    found: dict[str, str] = {}
    for one in configurations.active(RISK_LIMIT):
        if one.head.environment not in (ANY, *modes):
            continue
        try:
            made: Any = model_of(RISK_LIMIT, one.value)
            limit_set: LimitSet = made.limit_set()
        except B25Error:  # it does not hold for a session either: that one refuses to start
            continue
        symbols = list(limit_set.symbol) or [""]
        held = [{name for name, value in limit_set.limits(symbol, cls).items() if value is not None} for symbol in symbols]
        found |= {name: f"{one.head.key} version {one.version.number}" for name in set.intersection(*held) if name not in found}
    return found


def ran(store: Store, version: Version) -> list[Lived]:
    """Return what the sessions of a version did, each by its journal; a journal that is not of it is a fault."""
    found: dict[str, Lived] = {}
    for run in runs_of(store, str(version.manifest["name"]), int(version.manifest["version"])):
        told = lived(Path(run.journal))
        if not told.fault and (told.content_id, told.mode) != (version.content_id, run.mode):
            told = replace(told, fault="its journal is not of this version")
        if not told.began_ns:  # it is gone, or nothing entered it: it stands where the session began
            told = replace(told, session=run.session, mode=run.mode, began_ns=run.started_ns)
        found[run.journal] = told
    return list(found.values())


def requirements(version: Version, asked: Any) -> Any:
    """Return the minimum requirements, with what manifest and class make stricter. Raises Misuse for what is none."""
    source = (version.folder / SOURCE).read_text(encoding="utf-8")
    own = {**own_gate(source, str(version.manifest["class"]))}
    made = stricter(asked, version.manifest.get("gate") or {}, version.reference)
    return stricter(made, own, version.reference)


def _last_alert_ns(store: Store) -> int:
    return int(store.rows(select(func.coalesce(func.max(notification.c.sent_ns), 0)))[0][0])
