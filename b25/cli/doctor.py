"""Look whether this machine, its settings and its venues are fit to trade; each fault with its remedy."""

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from b25.cli.output import JSON, answer


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("doctor", epilog="Example: b25 doctor --plan up.toml")(doctor)


def doctor(
    plan: Annotated[Path | None, typer.Option(help="A plan whose accounts are tried; up.toml if it is here.")] = None,
    folder: Annotated[Path, typer.Option(help="The run folder.")] = Path("data/run"),
    store: Annotated[str, typer.Option(help="URL of a database to look into, e.g. sqlite:///data/b25.db.")] = "",
    json: Annotated[bool, JSON] = False,
) -> None:
    """Check everything once. The exit code is 1 when something is bad or cannot be looked at."""
    from b25.runner.doctor import checks_of, examine
    from b25.runner.doctor_findings import Health

    used = plan if plan is not None else Path("up.toml") if Path("up.toml").exists() else None
    found = examine(checks_of(folder, used, store))
    lines = []
    for one in found:
        age = f"{one.age_s:,.1f} s old" if one.age_s else "now"
        lines.append(f"{one.health:<8} {one.name:<14} {one.what}  ({age}, {one.took_ms:,.0f} ms)")
        if one.remedy:
            lines.append(f"{'':<23} remedy: {one.remedy}")
    worst = [one for one in found if one.health in (Health.BAD, Health.UNKNOWN)]
    answer({"is_fit": not worst, "findings": [asdict(one) for one in found]}, json=json, lines=lines)
    if worst:
        raise typer.Exit(1)
