"""Reports: run one now, list and compare runs, see what is due, check reports.toml; and the process that schedules them."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from b25.cli.output import JSON, answer, progress

if TYPE_CHECKING:
    from b25.config.settings import Settings
    from b25.reports.desk import ReportDesk

FAILED_EXIT_CODE, TIMEOUT_EXIT_CODE = 1, 5
Store = Annotated[str | None, typer.Option(help="URL of the database; left out: that of the settings.")]
File = Annotated[Path | None, typer.Option(help="reports.toml; left out: that of the settings.")]
Name = Annotated[str, typer.Argument(help="Name of the report, as in reports.toml.")]
Run = Annotated[str, typer.Argument(help="Id of a run, as `b25 report list` tells it.")]


def register(app: typer.Typer) -> None:
    """Add the group."""
    group = typer.Typer(help=__doc__, no_args_is_help=True)
    group.command("run", epilog="Example: b25 report run daily -p lookback_days=7")(run)
    group.command("list", epilog="Example: b25 report list daily --state failed")(list_)
    group.command("show", epilog="Example: b25 report show daily-20260102T070000Z-1")(show)
    group.command("schedule", epilog="Example: b25 report schedule --count 5")(schedule)
    group.command("compare", epilog="Example: b25 report compare daily-20260102T070000Z-1 daily-20260105T070000Z-1")(compare)
    group.command("check", epilog="Example: b25 report check --file reports.toml")(check)
    group.command("serve", epilog="Example: b25 report serve")(serve)
    app.add_typer(group, name="report")


def run(
    name: Name,
    params: Annotated[list[str] | None, typer.Option("-p", "--param", help="name=value; may be given again.")] = None,
    by: Annotated[str, typer.Option(help="Who asks.")] = "",
    store: Store = None,
    file: File = None,
    json: Annotated[bool, JSON] = False,
) -> None:
    """Run a report now, as the scheduler would. Exit code 0 ok, 1 failed or quarantined, 5 timed out."""
    import getpass

    _whole()
    from b25.reports.asking import run_now
    from b25.reports.desk import shown_run

    with _desk(store, file) as desk:
        told = desk.parameters(name).read(params or [])
        row = desk.ask(name, told, by=by or getpass.getuser(), origin="cli")
        progress(f"b25: {row['id']}")
        ended = run_now(desk, row, lambda cell, of: progress(f"b25: cell {cell} of {of}"))
        page = desk.settings.reports_folder / ended["folder"] / "report.html" if ended["folder"] else None
        shown = str(page) if page is not None and ended["state"] != "quarantined" else ""
        answer({"run": shown_run(ended), "page": shown}, json=json, lines=_told(ended, shown))
    if ended["state"] != "ok":
        raise typer.Exit(TIMEOUT_EXIT_CODE if ended["state"] == "timed_out" else FAILED_EXIT_CODE)


def list_(
    name: Annotated[str, typer.Argument(help="Of one report only.")] = "",
    state: Annotated[str, typer.Option(help="In one state only.")] = "",
    limit: Annotated[int, typer.Option(help="So many at most.", min=1, max=1_000)] = 20,
    store: Store = None,
    file: File = None,
    json: Annotated[bool, JSON] = False,
) -> None:
    """List runs, the latest slot first."""
    from b25.model.errors import Misuse
    from b25.reports.desk import shown_run
    from b25.store.report_tables import STATES

    if state and state not in STATES:
        raise Misuse(f"there is no state {state!r}", remedy=f"use {', '.join(STATES)}")
    with _desk(store, file) as desk:
        rows = desk.runs.runs(name, states=[state] if state else (), limit=limit)
    lines = [
        f"{one['state']:<12} {one['id']:<40} {_moment(one['scheduled_for_ns'])}  {_seconds(one):>7}  "
        f"{one['error_cell'] or one['error_name']}".rstrip()
        for one in rows
    ]
    answer({"runs": [shown_run(one) for one in rows]}, json=json, lines=lines or ["no run"])


def show(run: Run, store: Store = None, file: File = None, json: Annotated[bool, JSON] = False) -> None:
    """Show a run: how it ended, where it failed, its figures and its page."""
    from b25.model.errors import Misuse
    from b25.reports.desk import shown_run

    with _desk(store, file) as desk:
        row = desk.run(run)
        try:
            folder, metrics = str(desk.folder(run)), desk.metrics(run)
        except Misuse:
            folder, metrics = "", []
    lines = _told(row, f"{folder}/report.html" if folder else "")
    lines += [f"  {one['name']:<32} {_value(one)}" for one in metrics]
    answer({"run": shown_run(row), "folder": folder, "metrics": metrics}, json=json, lines=lines)


def schedule(
    count: Annotated[int, typer.Option(help="Slots of each report.", min=1, max=100)] = 3,
    store: Store = None,
    file: File = None,
    json: Annotated[bool, JSON] = False,
) -> None:
    """List the reports with their next slots, in UTC and in their own time zones."""
    from b25.reports.schedule import next_slots

    with _desk(store, file) as desk:
        rows, reports, is_led = desk.listing(), desk.reports(), desk.is_led()
    now_ns = time.time_ns()
    for row in rows:
        one = reports[row["name"]]
        row["next"] = next_slots(one.schedule, one.timezone, now_ns, count) if one.schedule else []
    lines = []
    for row in rows:
        mark = "  OVERDUE" if row["is_overdue"] else ""
        lines.append(
            f"{row['name']:<20} {row['schedule'] or 'on demand'} {row['timezone']}  last: {row['last_state'] or '–'}{mark}"
        )
        lines += [f"{'':<20} {_moment(at)}  {_local(at, row['timezone'])}" for at in row["next"]]
    lines.append("a scheduler leads" if is_led else "no scheduler runs: b25 up, or b25 report serve")
    answer({"reports": rows, "is_led": is_led}, json=json, lines=lines)


def compare(before: Run, after: Run, store: Store = None, file: File = None, json: Annotated[bool, JSON] = False) -> None:
    """Put the figures of two runs beside each other."""
    with _desk(store, file) as desk:
        rows = desk.compared(before, after)
    lines = [f"{'':<32} {'before':>16} {'after':>16} {'change':>14}"]
    for one in rows:
        change = "" if one["change"] is None else f"{one['change']:+,.6g}"
        share = "" if one["share"] is None else f"  {one['share']:+.1%}"
        a, b = ("n/a" if one[side] is None else str(one[side]) for side in ("before", "after"))
        lines.append(f"{one['name']:<32} {a:>16} {b:>16} {change:>14} {one['unit']}{share}".rstrip())
    answer({"before": before, "after": after, "metrics": rows}, json=json, lines=lines)


def check(file: File = None, json: Annotated[bool, JSON] = False) -> None:
    """Check reports.toml, its notebooks and their parameters; changes nothing."""
    from b25.reports.checking import check_reports

    settings = _settings(None, file)
    rows = check_reports(settings)
    lines = [f"{one['name']:<20} {one['notebook']}: {', '.join(one['parameters']) or 'no parameter'}" for one in rows]
    answer({"file": str(settings.reports_file), "reports": rows}, json=json, lines=lines or ["no report"])


def serve(
    store: Store = None,
    file: File = None,
    folder: Annotated[Path | None, typer.Option(help="The run folder.")] = None,
    at_once: Annotated[int, typer.Option(help="Reports that run at one time.", min=1, max=16)] = 1,
) -> None:
    """Schedule until SIGTERM: `b25 up` starts this."""
    from contextlib import closing

    _whole()
    from b25.reports.scheduler import Scheduler
    from b25.runner.platform_life import platform_life
    from b25.store.store import open_store

    settings = _settings(store, file, folder)
    with platform_life(settings.run_folder, "scheduler") as life, closing(open_store(settings.database_url)) as opened:
        scheduler = Scheduler(settings, opened, life.log.info, at_once=at_once)
        scheduler.run(life.beat, life.is_over)


def _whole() -> None:
    """Raise Misuse where what runs a report is not installed."""
    from b25.research.optional import needed

    for module, extra in (("apscheduler", "reports"), ("papermill", "reports"), ("ipykernel", "lab")):
        needed(module, extra=extra)


def _settings(store: str | None, file: Path | None, folder: Path | None = None) -> "Settings":
    from b25.config.settings import read_settings

    return read_settings(database_url=store, reports_file=file, run_folder=folder)


@contextmanager
def _desk(store: str | None, file: Path | None) -> "Iterator[ReportDesk]":
    from contextlib import closing

    from b25.reports.desk import ReportDesk
    from b25.store.store import open_store

    settings = _settings(store, file)
    with closing(open_store(settings.database_url)) as opened:
        yield ReportDesk(settings, opened, time.time_ns)


def _told(row: dict[str, Any], page: str) -> list[str]:
    import orjson

    lines = [f"{row['id']}: {row['state']}, {_seconds(row)}"]
    if row["error_name"] or row["error_text"]:
        lines.append(f"  {row['error_cell'] or 'the run'}: {row['error_name']}: {row['error_text']}")
    figures = orjson.loads(row["headline"])
    lines += [f"  {name:<32} {_value(one)}" for name, one in figures.items()]
    return [*lines, f"  page: {page}"] if page else lines


def _value(one: dict[str, Any]) -> str:
    return f"n/a ({one['reason']})" if one.get("reason") else f"{one['value']} {one['unit']}".rstrip()


def _seconds(row: dict[str, Any]) -> str:
    took_ns = row["ended_ns"] - row["started_ns"] if row["started_ns"] and row["ended_ns"] else 0
    return f"{took_ns / 1e9:.1f} s" if took_ns else "–"


def _moment(time_ns: int) -> str:
    return time.strftime("%Y-%m-%d %H:%M:%S UTC", time.gmtime(time_ns // 10**9))


def _local(time_ns: int, zone: str) -> str:
    from datetime import datetime
    from zoneinfo import ZoneInfo

    return datetime.fromtimestamp(time_ns // 10**9, ZoneInfo(zone)).strftime("%a %H:%M %Z")
