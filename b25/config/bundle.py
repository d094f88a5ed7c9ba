"""Many configurations in one text: exported, and imported whole or not at all. Profiles that come with b25 are bundles too."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from b25.config.check import Fault, Invalid
from b25.config.configurations import Configurations
from b25.config.documents import canonical, format_of, parse
from b25.config.keys import Key
from b25.config.outcome import Author, Outcome
from b25.config.schemas.types import schema_of
from b25.model.errors import B25Error, Misuse
from b25.store.configurations import Read, head_of, heads, version_of

FORMAT: Final = 1
ITEMS_MAX: Final = 1_000
PROFILES: Final = Path(__file__).parent / "profiles"
_FIELDS: Final = {"key", "type", "value", "description"}


@dataclass(frozen=True, slots=True)
class Item:
    """One configuration of a bundle."""

    key: str
    type: str
    value: dict[str, Any]
    description: str = ""


@dataclass(frozen=True, slots=True)
class Imported:
    """What an import did, or would do: `action` is created, updated or unchanged."""

    key: str
    type: str
    action: str
    version: int | None
    pending: str | None = None
    is_active: bool = False


def exported(configurations: Configurations, *, kind: str = "", prefix: str = "", drafts: bool = False) -> dict[str, Any]:
    """Return a bundle of what holds, by key; of drafts too if asked for."""
    items: list[dict[str, Any]] = []
    offset = 0
    while True:
        found, total = heads(configurations.store, kind=kind, prefix=prefix, limit=500, offset=offset)
        offset += len(found)
        for head in found:
            if head.active_version is None and not drafts:
                continue
            _, version = configurations.version(head.key)
            row = {"key": head.key, "type": head.type, "value": version.value, "description": head.description}
            items.append({**row, "version": version.number, "checksum": version.checksum})
        if offset >= total or not found:
            return {"b25_configurations": FORMAT, "configurations": items}


def read_bundle(text: str, form: str, where: str) -> list[Item]:
    """Return what a text holds, each with its checksum as told.

    Raises
    ------
    Misuse
        One line: where, key, value and rule of the first part that is wrong.
    """
    document = parse(text, form, where)
    if document.get("b25_configurations") != FORMAT or set(document) != {"b25_configurations", "configurations"}:
        raise Misuse(f"{where} is no bundle of configurations", remedy=f"write b25_configurations = {FORMAT} and configurations")
    rows = document["configurations"]
    if not isinstance(rows, list) or not 0 < len(rows) <= ITEMS_MAX:
        raise Misuse(f"{where}: configurations is no list of 1 to {ITEMS_MAX}", remedy="give a list of key, type and value")
    items: list[Item] = []
    for k, row in enumerate(rows):
        at = f"{where}: configurations.{k}"
        if not isinstance(row, dict) or not {"key", "type", "value"} <= set(row):
            raise Misuse(f"{at} lacks key, type or value", remedy="give all three")
        if strange := sorted(set(row) - _FIELDS - {"version", "checksum"}):
            raise Misuse(f"{at}.{strange[0]} is not known", remedy=f"use {', '.join(sorted(_FIELDS))}")
        key, kind, value = str(Key.of(str(row["key"]))), str(row["type"]), row["value"]
        schema_of(kind)
        if not isinstance(value, dict):
            raise Misuse(f"{at} ({key}): value is no table", remedy="give names with values")
        if row.get("checksum") not in (None, canonical(value)[1]):
            raise Misuse(f"{at} ({key}): its checksum is of another value", remedy="export it anew, or leave the checksum out")
        if any(one.key == key for one in items):
            raise Misuse(f"{at}: {key} stands there twice", remedy="give each key once")
        items.append(Item(key, kind, value, str(row.get("description", ""))))
    return items


def import_bundle(
    configurations: Configurations, items: list[Item], by: Author, *, reason: str = "", activate: bool = False, dry: bool = False
) -> list[Imported]:
    """Take over a bundle in one transaction; what it changes is a draft, or holds at once.

    Parameters
    ----------
    activate : bool
        Have it hold. What loosens something waits for a second person.
    dry : bool
        Only say what would be done.

    Raises
    ------
    Invalid
        Names the first that is wrong; nothing is taken over then.
    """

    def act(read: Read) -> list[Imported]:
        done = [_take(configurations, read, item, by, reason, activate) for item in items]
        if dry:
            raise _Dry(done)
        return done

    try:
        return configurations.within(act)
    except _Dry as told:
        return told.done


class _Dry(Exception):
    """Carries what was done out of a transaction that is not to be."""

    def __init__(self, done: list[Imported]) -> None:
        self.done = done


def _take(configurations: Configurations, read: Read, item: Item, by: Author, reason: str, activate: bool) -> Imported:
    head = head_of(read, item.key)
    try:
        if head is not None and head.deleted_ns is None:
            if head.type != item.type:
                fault = Fault("type", item.type, f"it is of type {head.type}", "use another key")
                raise Invalid(item.key, [fault])
            latest = version_of(read, head.id, head.active_version or head.version)
            if latest is not None and latest.checksum == canonical(item.value)[1]:
                is_active = head.active_version is not None
                if is_active or not activate:
                    return Imported(item.key, item.type, "unchanged", latest.number, is_active=is_active)
                if head.state == "DRAFT":
                    return _hold(configurations, read, item, by, reason, Outcome(head, latest), "unchanged", activate)
            came = configurations.update_within(read, item.key, head.version, item.value, by, reason=reason)
            return _hold(configurations, read, item, by, reason, came, "updated", activate)
        came = configurations.create_within(
            read, item.key, item.type, item.value, by, reason=reason, description=item.description
        )
    except B25Error as fault:
        if isinstance(fault, Misuse) and not fault.what.startswith(item.key):
            fault.what = f"{item.key}: {fault.what}"
        raise
    return _hold(configurations, read, item, by, reason, came, "created", activate)


def _hold(
    configurations: Configurations, read: Read, item: Item, by: Author, reason: str, came: Outcome, action: str, activate: bool
) -> Imported:
    if not activate:
        return Imported(item.key, item.type, action, came.version.number)
    held = configurations.activate_within(read, item.key, by, came.version.number, reason, approved=False)
    pending = held.pending.id if held.pending is not None else None
    return Imported(item.key, item.type, action, held.version.number, pending, is_active=pending is None)


def profiles() -> list[str]:
    """Names of the profiles that come with b25."""
    return sorted(path.stem for path in PROFILES.glob("*.toml"))


def read_profile(name: str) -> list[Item]:
    """Return a profile. Raises Misuse for a name that nobody knows."""
    if name not in profiles():
        raise Misuse(f"there is no profile {name!r}", remedy=f"use one of {', '.join(profiles())}")
    return read_file(PROFILES / f"{name}.toml")


def read_file(path: Path) -> list[Item]:
    """Return the bundle in a file. Raises Misuse as `read_bundle` does."""
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as fault:
        why = fault.strerror if isinstance(fault, OSError) else "it is no UTF-8"
        raise Misuse(f"{path} cannot be read: {why}", remedy="give a file in JSON, YAML or TOML") from None
    return read_bundle(text, format_of(path.name), str(path))
