"""Compare what sessions did with their versions: each decision must come again, and each other difference must have a cause."""

import os
import time
from pathlib import Path
from typing import Annotated, Any

import typer

from b25.cli.output import JSON, answer, progress
from b25.model.errors import Misuse

FOLDER = Path("data/sessions")
UNEXPLAINED_EXIT_CODE = 1
NS_A_DAY = 86_400_000_000_000


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("drift", epilog="Example: b25 drift --since yesterday; b25 drift main --json")(drift)


def drift(
    session: Annotated[str, typer.Argument(help="Id of a session or path of its journal; left out, all of the time named.")] = "",
    since: Annotated[str, typer.Option(help="yesterday, today or a day (UTC): sessions with events since then.")] = "yesterday",
    version: Annotated[str, typer.Option(metavar="NAME@NUMBER", help="Replay through another version than its own.")] = "",
    folder: Annotated[list[Path] | None, typer.Option(help="Where journals are; may be named again.")] = None,
    decisions_max: Annotated[int, typer.Option(help="Differences without a cause that are let pass.", min=0)] = 0,
    turnover_bps_max: Annotated[float, typer.Option(help="Their cost that is let pass, bp of the turnover.", min=0.0)] = 2.0,
    market: Annotated[bool, typer.Option("--market/--no-market", help="Whether to run the backtest too.")] = True,
    store: Annotated[str, typer.Option(help="Where it is written down, or none; left out: as the settings say.")] = "",
    nightly: Annotated[bool, typer.Option("--nightly", help="Stay, and do it every night at 00:15 UTC.")] = False,
    pause: Annotated[bool, typer.Option("--pause", help="With --nightly: pause a session that drifts without a cause.")] = False,
    run_folder: Annotated[Path | None, typer.Option(help="With --nightly: the run folder.")] = None,
    since_ns: Annotated[int, typer.Option(hidden=True)] = 0,
    until_ns: Annotated[int, typer.Option(hidden=True)] = 0,
    json: Annotated[bool, JSON] = False,
) -> None:
    """Replay sessions through their versions and compare them with a backtest; exit code 1 for what has no cause."""
    if nightly:
        _stay(folder or [], store, run_folder, pause)
        return
    from b25.config.settings import read_settings
    from b25.promote.drift import DriftBounds, DriftState, session_drift, worst_of
    from b25.promote.version import LIVE

    settings = read_settings(database_url=None if store in ("", "none") else store)
    folders = folder or [FOLDER]
    paths = _paths(session, since, folders, since_ns, until_ns)
    bounds = DriftBounds(decisions_max=decisions_max, turnover_bps_max=turnover_bps_max)
    found = []
    for path in paths:
        progress(f"b25: {path.stem}")
        how: dict[str, Any] = {"reference": version, "bounds": bounds, "with_market": market}
        found.append(session_drift(path, root=LIVE, secrets_folder=settings.secrets_folder, **how))
    written = 0 if store == "none" or version else _written(settings.database_url, found)
    state = worst_of(found)
    lines = [line for one in found for line in one.lines()] or ["no session has events of that time"]
    facts = {"state": str(state), "sessions": [one.facts() for one in found], "written": written}
    answer(facts, json=json, lines=lines)
    if state is DriftState.UNEXPLAINED:
        raise typer.Exit(UNEXPLAINED_EXIT_CODE)


def _paths(session: str, since: str, folders: list[Path], since_ns: int, until_ns: int) -> list[Path]:
    from b25.promote.drift import sessions_between
    from b25.promote.live_replay import day_of

    if session:
        given = [Path(session), *(folder / f"{session}.journal" for folder in folders)]
        path = next((one for one in given if one.is_file()), None)
        if path is None:
            known = ", ".join(sorted(one.stem for folder in folders for one in folder.glob("*.journal"))[-8:])
            raise Misuse(f"there is no session {session}", remedy=f"use one of {known}" if known else "start one: b25 run")
        return [path]
    begin_ns = since_ns or day_of(since)[0]
    return [path for folder in folders for path in sessions_between(folder, begin_ns, until_ns or time.time_ns() + NS_A_DAY)]


def _written(url: str, found: list[Any]) -> int:
    if not any(one.version for one in found):
        return 0
    from b25.promote.drift_record import noted
    from b25.store.store import open_store

    opened = open_store(url)
    try:
        return noted(opened, found, time.time_ns())
    finally:
        opened.close()


def _stay(folders: list[Path], store: str, run_folder: Path | None, pause: bool) -> None:
    from b25.bus.address import bus_address
    from b25.config.settings import read_settings
    from b25.runner.drift_process import DriftPlan, serve

    settings = read_settings(run_folder=run_folder or os.environ.get("B25_RUN_FOLDER"))
    words = [word for one in folders for word in ("--folder", str(one))] + (["--store", store] if store else [])
    wants_pause = pause or os.environ.get("B25_DRIFT_PAUSE", "") in ("1", "true")
    address = bus_address("", settings.run_folder)
    serve(DriftPlan(run_folder=settings.run_folder, address=address, words=tuple(words), pause=wants_pause))
