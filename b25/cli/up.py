"""Start and watch every process of a plan: bus, gateway, kill switch, sessions; end them in order on Ctrl-C."""

from pathlib import Path
from typing import Annotated

import typer

from b25.cli.output import JSON, answer, progress

PLAN = Path("up.toml")


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("up", epilog="Example: b25 up --plan up.toml")(up)


def up(
    plan: Annotated[
        Path | None, typer.Option(help="TOML file with [processes.NAME] and [accounts.NAME]; up.toml when it is there.")
    ] = None,
    folder: Annotated[Path, typer.Option(help="The run folder: latches, seats, heartbeats and logs.")] = Path("data/run"),
    json: Annotated[bool, JSON] = False,
) -> None:
    """Run until Ctrl-C or SIGTERM, then stop sessions, kill switch and the rest in that order.

    Without a plan the platform alone is started: bus, analytics, alerts, gateway; nothing trades.
    """
    from b25.model.errors import Halt
    from b25.runner.bus_process import with_bus
    from b25.runner.kill_account import read_accounts
    from b25.runner.kill_latch import all_latches
    from b25.runner.platform_plan import alone, with_platform
    from b25.runner.supervisor import Supervisor
    from b25.runner.supervisor_plan import read_plan

    at = plan or (PLAN if PLAN.exists() else None)
    if at is None:
        plans, written = alone(folder.resolve())
        plans = with_bus(plans, written, folder.resolve())
    else:
        made = with_platform(read_plan(at.resolve(), folder.resolve()), at.resolve(), folder.resolve())
        plans = with_bus(made, at.resolve(), folder.resolve())
        if not any(one.ready and one.order == 0 for one in plans):  # else a venue of the plan's own makes its key when it starts
            read_accounts(at.resolve())
    supervisor = Supervisor(plans, folder)
    for latch in all_latches(folder):
        progress(f"b25: {latch.account} is latched by {latch.by}: {latch.reason}; it will not trade until re-armed")
    progress(f"b25: {len(plans)} processes under watch in {folder}; interrupt to stop them in order")
    code = supervisor.run()
    facts = [child.facts() for child in supervisor.children]
    if code:
        failed = ", ".join(f"{one['name']} ({one['why']})" for one in facts if one["phase"] == "failed")
        raise Halt(f"stopped; these stayed down: {failed}", remedy=f"see b25 session logs NAME --folder {folder}")
    answer({"processes": facts}, json=json, lines=["stopped in order; every process ended"])
