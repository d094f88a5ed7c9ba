"""Look after the database: its version, upgrades, checks, backups that were read again, and restoring them."""

import time
from pathlib import Path
from typing import Annotated, Any

import typer

from b25.cli.output import JSON, answer, progress
from b25.model.errors import Misuse

BACKUPS = Path("data/backups")
JOURNALS = Path("data/sessions")
SETTINGS_FILE = Path("b25.toml")
NOT_ASKED = "not asked for: --{name} adds it"

Url = Annotated[str, typer.Option(help="Its URL; left out: as the settings say.")]
Into = Annotated[Path, typer.Option(help="Where backups are.")]
Journals = Annotated[Path, typer.Option(help="Where sessions' journals are.")]
PlanFile = Annotated[Path, typer.Option(help="The plan of b25 up.")]


def register(app: typer.Typer) -> None:
    """Add the group."""
    group = typer.Typer(help=__doc__, no_args_is_help=True)
    group.command("status", epilog="Example: b25 db status")(status)
    group.command("upgrade", epilog="Example: b25 db upgrade")(upgrade)
    group.command("downgrade", epilog="Example: b25 db downgrade 0004 --confirm 'downgrade to 0004'")(downgrade)
    group.command("check", epilog="Example: b25 db check")(check)
    group.command("backup", epilog="Example: b25 db backup --to data/backups")(backup)
    group.command("backups", epilog="Example: b25 db backups")(backups_of)
    group.command("restore", epilog="Example: b25 db restore data/backups/b25-20260102T020000Z")(restore)
    app.add_typer(group, name="db")


def _url(told: str) -> str:
    from b25.config.settings import read_settings

    return told or read_settings().database_url


def _shown(url: str) -> str:
    from b25.store.revisions import shown_url

    return shown_url(url)


def status(url: Url = "", json: Annotated[bool, JSON] = False) -> None:
    """Say which version the database has, and what it lacks; changes nothing."""
    from b25.store.revisions import standing

    at = standing(_url(url))
    facts = {"url": _shown(_url(url)), "version": at.current, "newest": at.head, "pending": list(at.pending)}
    answer(facts, json=json)


def upgrade(
    version: Annotated[str, typer.Argument(help="A version, or head.")] = "head",
    url: Url = "",
    json: Annotated[bool, JSON] = False,
) -> None:
    """Bring the database up to a version, in one transaction. Take a backup first."""
    _moved(version, url, json, upwards=True)


def downgrade(
    version: Annotated[str, typer.Argument(help="A version, or base, which drops everything.")],
    confirm: Annotated[str, typer.Option(help="The words 'downgrade to VERSION'.")] = "",
    url: Url = "",
    json: Annotated[bool, JSON] = False,
) -> None:
    """Bring the database back to an earlier version. What only the newer one could keep is lost: take a backup first."""
    if confirm != f"downgrade to {version}":
        raise Misuse(
            "a downgrade drops tables with what is in them", remedy=f"take a backup, then --confirm 'downgrade to {version}'"
        )
    _moved(version, url, json, upwards=False)


def _moved(version: str, url: str, json: bool, *, upwards: bool) -> None:
    from b25.store.revisions import known_versions, move, version_of

    order = ["", *known_versions()]
    before, wanted = version_of(_url(url)), {"head": order[-1], "base": ""}.get(version, version)
    if wanted in order and before in order and (order.index(wanted) >= order.index(before)) != upwards and wanted != before:
        way = "downgrade" if upwards else "upgrade"
        raise Misuse(f"the database is of version {before or 'none'}, and {version} is no {'up' if upwards else 'down'}grade",
                     remedy=f"use b25 db {way}")  # fmt: skip
    at = move(_url(url), version)
    answer({"url": _shown(_url(url)), "before": before, "version": at.current, "newest": at.head}, json=json)


def check(url: Url = "", json: Annotated[bool, JSON] = False) -> None:
    """Read the database whole: that it is not damaged, and that the audit's chain is unbroken."""
    from b25.model.errors import Halt
    from b25.store.revisions import check_whole, standing

    at = standing(_url(url))
    if at.pending:
        raise Misuse(f"the database lacks {', '.join(at.pending)}", remedy="b25 db upgrade")
    entries, fault = check_whole(_url(url))
    if fault:
        raise Halt(
            f"the database is not whole: {fault}", remedy="stop what trades (b25 kill), then b25 db restore; see docs/runbooks"
        )
    answer({"url": _shown(_url(url)), "version": at.current, "audit_entries": entries, "whole": True}, json=json)


def backup(
    to: Into = BACKUPS,
    url: Url = "",
    journals: Journals = JOURNALS,
    plan: PlanFile = Path("up.toml"),
    catalog: Annotated[bool, typer.Option("--catalog", help="Recorded market data as well.")] = False,
    secrets: Annotated[bool, typer.Option("--secrets", help="Generated secrets as well: keep such a backup like a key.")] = False,
    json: Annotated[bool, JSON] = False,
) -> None:
    """Copy database, settings, journals and the run folder while everything runs; read the copy again; keep seven days."""
    from b25.store.backup import take_backup

    trees, left_out = _trees(journals, plan), {}
    for name, wanted in (("catalog", catalog), ("secrets", secrets)):
        if not wanted:
            trees.pop(name)
            left_out[name] = NOT_ASKED.format(name=name)
    made = take_backup(_url(url), to, trees, left_out=left_out, now_ns=time.time_ns())
    answer(_facts(made), json=json)


def backups_of(to: Into = BACKUPS, json: Annotated[bool, JSON] = False) -> None:
    """List the backups of a folder, each read again."""
    from b25.model.errors import B25Error
    from b25.store.backup import backups, verify_backup

    rows: list[dict[str, Any]] = []
    for path in backups(to):
        try:
            rows.append({**_facts(verify_backup(path)), "whole": True, "why": ""})
        except B25Error as fault:
            rows.append({"path": str(path), "whole": False, "why": fault.what})
    lines = [f"{row['path']}  {'whole' if row['whole'] else 'NOT WHOLE: ' + row['why']}" for row in rows]
    answer({"backups": rows}, json=json, lines=lines or ["none"])


def restore(
    backup: Annotated[Path, typer.Argument(help="A backup's folder.")],
    url: Url = "",
    journals: Journals = JOURNALS,
    plan: PlanFile = Path("up.toml"),
    force: Annotated[
        bool, typer.Option("--force", help="What is there is moved aside and named; else nothing may be there.")
    ] = False,
    json: Annotated[bool, JSON] = False,
) -> None:
    """Put a backup back: verified first, all or nothing. Nothing may run on the run folder meanwhile."""
    from b25.config.settings import read_settings
    from b25.runner.seat import is_taken
    from b25.store.backup import restore_backup

    run = read_settings().run_folder
    if sitting := sorted(path.parent.name for path in run.glob("sessions/*/seat.json") if is_taken(run, path.parent.name)):
        raise Misuse(
            f"{', '.join(sitting)} still runs on {run}", remedy="stop it in order first: b25 session stop, or end b25 up"
        )
    found, aside = restore_backup(backup, _url(url), _trees(journals, plan), force=force, now_ns=time.time_ns())
    for path in aside:
        progress(f"b25: what was there is kept as {path}")
    facts = {**_facts(found), "url": _shown(_url(url)), "aside": [str(path) for path in aside]}
    answer(facts, json=json)


def _trees(journals: Path, plan: Path) -> dict[str, Path]:
    from b25.config.settings import read_settings

    found = read_settings()
    return {
        "run": found.run_folder, "journals": journals, "reports": found.reports_folder, "catalog": found.catalog,
        "secrets": found.secrets_folder, "settings": SETTINGS_FILE, "plan": plan,
    }  # fmt: skip


def _facts(made: Any) -> dict[str, Any]:
    return {
        "path": str(made.path), "taken_ns": made.taken_ns, "version": made.version, "audit_entries": made.audit_entries,
        "bytes": made.bytes, "left_out": dict(made.left_out),
    }  # fmt: skip
