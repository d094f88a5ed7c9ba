"""Ask every part of the platform how it is; the exit code is for probes."""

import asyncio
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from b25.cli.output import JSON, answer
from b25.model.errors import B25Error, Misuse

if TYPE_CHECKING:
    from b25.observe.health import Check

NOT_READY_EXIT_CODE = 1


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("health", epilog="Example: b25 health --part supervisor")(health)


@dataclass(frozen=True)
class _Place:
    run_folder: Path


def health(
    part: Annotated[
        str, typer.Option(help="Only this one: database, bus, supervisor, kill, disk, clock, or 'session NAME'.")
    ] = "",
    folder: Annotated[Path | None, typer.Option(help="The run folder; left out: as the settings say.")] = None,
    store: Annotated[str | None, typer.Option(help="URL of the database; left out: as the settings say.")] = None,
    json: Annotated[bool, JSON] = False,
) -> None:
    """Say how everything is, and end with 1 when it is not ready. Changes nothing, the database's version included."""
    from b25.config.settings import read_settings
    from b25.observe.health import is_ready, overall, weighed
    from b25.runner.health_checks import check_others

    settings = read_settings(run_folder=folder, database_url=store)
    checks = weighed([_database(settings.database_url), *asyncio.run(check_others(settings.run_folder))])
    if part:
        checks = [one for one in checks if one.name == part]
        if not checks:
            raise Misuse(f"there is no part {part!r}", remedy="see b25 health")
    whole = all(one.state in ("healthy", "degraded") for one in checks) if part else is_ready(checks)
    width = max(len(one.name) for one in checks)
    lines = [f"{one.name:<{width}}  {one.state:<9}  {one.detail}" for one in checks]
    answer({"state": overall(checks), "ready": whole, "checks": [asdict(one) for one in checks]}, json=json, lines=lines)
    if not whole:
        raise typer.Exit(NOT_READY_EXIT_CODE)


def _database(url: str) -> "Check":
    from b25.observe.health import Check, State
    from b25.store.revisions import standing

    try:
        at = standing(url)
    except B25Error as fault:
        return Check(name="database", state=State.UNHEALTHY, age_s=0.0, detail=fault.what)
    except Exception as fault:
        return Check(name="database", state=State.UNHEALTHY, age_s=0.0, detail=type(fault).__name__)
    if at.pending:
        return Check(name="database", state=State.DEGRADED, age_s=0.0, detail=f"it lacks {', '.join(at.pending)}")
    return Check(name="database", state=State.HEALTHY, age_s=0.0, detail=f"version {at.current}")
