"""Events counted once and added up: serve them, see their counts, add them up anew, replay what could not be read."""

import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from b25.cli.output import JSON, answer
from b25.model.errors import Misuse

if TYPE_CHECKING:
    from b25.store.store import Store

STORE = typer.Option("--store", help="sqlite:///PATH or postgresql+pg8000://…; left out: as the settings say.")
Url = Annotated[str, STORE]
PAYLOAD_SHOWN = 200


def register(app: typer.Typer) -> None:
    """Add the group."""
    group = typer.Typer(help=__doc__, no_args_is_help=True, rich_markup_mode=None)
    group.command("serve", epilog="Example: b25 analytics serve")(serve)
    group.command("stats", epilog="Example: b25 analytics stats --hours 24 --json")(stats)
    group.command("rebuild", epilog="Example: b25 analytics rebuild --from 2026-01-01")(rebuild)
    group.command("dead-letters", epilog="Example: b25 analytics dead-letters --replay 7")(dead_letters)
    group.command("retention", epilog="Example: b25 analytics retention --rows 100000")(retention)
    app.add_typer(group, name="analytics")


def serve(
    store: Url = "",
    bus: Annotated[str, typer.Option(help="Address of the bus; left out: as B25_NATS_URL says, else this machine's own.")] = "",
    folder: Annotated[Path | None, typer.Option(help="The run folder.")] = None,
    batch: Annotated[int, typer.Option(help="Events that are stored at once at most.", min=1, max=10_000)] = 1_000,
    within_s: Annotated[float, typer.Option(help="Seconds after which an event is stored at the latest.", min=0.01)] = 5.0,
    refresh_s: Annotated[float, typer.Option(help="Seconds between two looks for buckets to add up.", min=0.05)] = 5.0,
) -> None:
    """Read the bus and store what it says, until SIGTERM."""
    import os

    from b25.bus.address import bus_address
    from b25.config.settings import read_settings
    from b25.runner.analytics_process import AnalyticsPlan
    from b25.runner.analytics_process import serve as run

    settings = read_settings(database_url=store or None, run_folder=folder or os.environ.get("B25_RUN_FOLDER"))
    address = bus_address(bus, settings.run_folder)
    plan = AnalyticsPlan(
        database_url=settings.database_url, run_folder=settings.run_folder, address=address, batch=batch, within_s=within_s,
        refresh_s=refresh_s,
    )  # fmt: skip
    run(plan)


def stats(
    store: Url = "",
    hours: Annotated[float, typer.Option(help="How far back to count.", min=0.01)] = 24.0,
    json: Annotated[bool, JSON] = False,
) -> None:
    """Count the events of each type, and what waits."""
    from sqlalchemy import func, select

    from b25.analytics.events import rules
    from b25.store.aggregates import Aggregates
    from b25.store.analytics_tables import bucket_pending
    from b25.store.dead_letters import letter_counts

    with _opened(store) as opened:
        now_ns = time.time_ns()
        counts = Aggregates(opened, rules).counts(now_ns - int(hours * 3_600e9), now_ns)
        pending = int(opened.rows(select(func.count()).select_from(bucket_pending))[0][0])
        dead = letter_counts(opened)
    lines = [f"{name:<24} {count:>12,}" for name, count in counts.items()] or ["no event"]
    lines += [f"{pending:,} buckets wait to be added up", f"{dead.get('waiting', 0):,} dead letters wait"]
    answer({"hours": hours, "counts": counts, "pending": pending, "dead_letters": dead}, json=json, lines=lines)


def rebuild(
    store: Url = "",
    begin: Annotated[str, typer.Option("--from", help="ISO time in UTC; left out: as far as there are events.")] = "",
    end: Annotated[str, typer.Option("--to", help="ISO time in UTC; left out: until now.")] = "",
    json: Annotated[bool, JSON] = False,
) -> None:
    """Add up every bucket of a span anew, from the events."""
    from b25.analytics.events import rules
    from b25.market.timerange import time_ns
    from b25.store.aggregates import Aggregates
    from b25.store.event_log import EventLog

    with _opened(store) as opened:
        made = Aggregates(opened, rules)
        start_ns, end_ns = (time_ns(begin) if begin else 0), (time_ns(end) if end else 2**62)
        minutes = made.rebuild(EventLog(opened, rules, now_ns=time.time_ns), start_ns, end_ns)
        buckets = made.refresh(time.time_ns())
    answer({"minutes": minutes, "buckets": buckets}, json=json)


def dead_letters(
    store: Url = "",
    replay: Annotated[int, typer.Option(help="Number of one to read again; 0 for none.")] = 0,
    drop: Annotated[int, typer.Option(help="Number of one to drop; 0 for none.")] = 0,
    by: Annotated[str, typer.Option(help="Who drops or replays.")] = "",
    reason: Annotated[str, typer.Option(help="Why.")] = "",
    json: Annotated[bool, JSON] = False,
) -> None:
    """List what could not be read; or replay or drop one, which the audit tells."""
    from b25.analytics.events import rules
    from b25.runner.analytics_events import replay as read_again
    from b25.store.audit import append_audit
    from b25.store.dead_letters import letters, settle, waiting_letter
    from b25.store.event_log import EventLog

    with _opened(store) as opened:
        if number := replay or drop:
            if not by or not reason:
                raise Misuse("it is not said who asks, and why", remedy="give --by and --reason")
            waiting_letter(opened, number)
            word, facts = ("replay" if replay else "drop"), {"object": f"dead letter {number}", "reason": reason}
            append_audit(opened, actor=by, action=f"analytics.{word}", body=facts, now_ns=time.time_ns())
            is_done = True
            if replay:
                is_done = read_again(EventLog(opened, rules, now_ns=time.time_ns), replay)
            else:
                settle(opened, drop, "dropped", now_ns=time.time_ns())
            answer({"number": number, "act": word, "is_done": is_done}, json=json)
            if not is_done:
                raise typer.Exit(1)
            return
        rows: list[dict[str, Any]] = [
            {**row, "payload": bytes(row["payload"])[:PAYLOAD_SHOWN].decode(errors="replace")} for row in letters(opened)
        ]
    lines = [f"{row['seq']:>6} {row['subject']} {row['reason']}" for row in rows] or ["no dead letter waits"]
    answer({"letters": rows}, json=json, lines=lines)


def retention(
    store: Url = "",
    rows: Annotated[int, typer.Option(help="Delete so many rows at most now; the next run goes on.", min=1)] = 2**31,
    json: Annotated[bool, JSON] = False,
) -> None:
    """Delete what is older than is kept; fills, the account's history and the audit never are."""
    from b25.store.retention import Retention

    with _opened(store) as opened:
        deleted = Retention(opened).run(time.time_ns(), rows_max=rows)
    answer(deleted, json=json)


def _opened(url: str) -> Any:
    from contextlib import closing

    from b25.config.settings import read_settings
    from b25.store.store import open_store

    opened: Store = open_store(url or read_settings().database_url)
    return closing(opened)
