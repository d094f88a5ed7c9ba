"""Alerts: rules that are watched, who is told, what fires, who has seen it; and the process that does it."""

import time
from pathlib import Path
from typing import Annotated, Any

import typer

from b25.cli.output import JSON, answer, progress

STORE = typer.Option(help="URL of the database; left out: that of the settings.")
FOLDER = typer.Option(help="The run folder; left out: that of the settings.")
RULES = typer.Option(help="TOML file with [[rules]] and [[routes]]; without one the default rules hold, and the log is told.")
BY = typer.Option(help="Who does it.")
REASON = typer.Option(help="Why.")

Store = Annotated[str | None, STORE]
Folder = Annotated[Path | None, FOLDER]
Rules = Annotated[Path | None, RULES]


def register(app: typer.Typer) -> None:
    """Add the group."""
    group = typer.Typer(help=__doc__, no_args_is_help=True)
    group.command("serve", epilog="Example: b25 alerts serve --rules alerts.toml")(serve)
    group.command("check", epilog="Example: b25 alerts check")(check)
    group.command("rules", epilog="Example: b25 alerts rules --rules alerts.toml")(rules)
    group.command("test", epilog="Example: b25 alerts test ops-mail --rules alerts.toml")(try_channel)
    group.command("list", epilog="Example: b25 alerts list --state firing")(list_)
    group.command("acknowledge", epilog="Example: b25 alerts acknowledge ID --by ann --reason 'looking at it'")(acknowledge)
    group.command("silence", epilog="Example: b25 alerts silence --rule cpu_high --by ann --reason backtests")(silence)
    group.command("notifications", epilog="Example: b25 alerts notifications --status dead")(notifications)
    app.add_typer(group, name="alerts")


def serve(
    rules: Rules = None,
    store: Store = None,
    folder: Folder = None,
    bus: Annotated[str, typer.Option(help="Address of the bus; empty: as B25_NATS_URL says; none: this machine only.")] = "",
    heartbeat_s: Annotated[float, typer.Option(help="A message to every channel once in so long; 0 for none.")] = 86_400.0,
    ping: Annotated[str, typer.Option(help="Reference of a URL that is asked once a minute while all is well.")] = "",
    json: Annotated[bool, JSON] = False,
) -> None:
    """Watch and tell until SIGTERM."""
    from b25.runner.alerts.serving import serve as run

    settings = _settings(store, folder)
    facts = run(settings, rules, bus=bus, heartbeat_s=heartbeat_s, ping=ping, say=lambda text: progress(f"b25: {text}"))
    answer(facts, json=json)


def check(folder: Folder = None, json: Annotated[bool, JSON] = False) -> None:
    """Look whether the alerts' process lives and could tell somebody. The exit code is 1 when not."""
    from dataclasses import asdict

    from b25.runner.alerts.heartbeat_check import check_heartbeat
    from b25.runner.doctor_findings import Health

    found = check_heartbeat(_settings(None, folder).run_folder, time.time_ns())
    lines = [f"{found.health:<8} {found.name}: {found.what}", *([f"{'':<8} remedy: {found.remedy}"] if found.remedy else [])]
    answer({"is_well": found.health is Health.GOOD, "finding": asdict(found)}, json=json, lines=lines)
    if found.health in (Health.BAD, Health.UNKNOWN):
        raise typer.Exit(1)


def rules(rules: Rules = None, json: Annotated[bool, JSON] = False) -> None:
    """Check a file of rules and channels, and list what is watched."""
    from b25.runner.alerts.serving import read_file

    made, routes = read_file(rules)
    rows = [
        {
            "name": one.name, "severity": str(one.severity), "enabled": one.enabled, "reads": one.metric or one.subject,
            "op": one.condition.op, "threshold": one.condition.threshold if one.read else one.condition.value, "for_s": one.for_s,
        }
        for one in made
    ]  # fmt: skip
    lines = [
        f"{row['severity']:<9} {row['name']:<20} {row['reads']} {row['op']} {row['threshold'] or ''} for {row['for_s']:g} s"
        f"{'' if row['enabled'] else '  (off)'}"
        for row in rows
    ]
    channels = [{"name": one.name, "kind": one.kind, "severities": [str(word) for word in one.severities]} for one in routes]
    lines += [f"channel   {one['name']:<20} {one['kind']}: {', '.join(one['severities'])}" for one in channels]
    answer({"rules": rows, "routes": channels}, json=json, lines=lines)


def try_channel(
    channel: Annotated[str, typer.Argument(help="Name of the channel.")],
    rules: Rules = None,
    folder: Folder = None,
    json: Annotated[bool, JSON] = False,
) -> None:
    """Send a message by one channel, now, once, and say whether it was accepted."""
    from b25.model.errors import Misuse
    from b25.runner.alerts.channels import Outgoing, channel_of
    from b25.runner.alerts.serving import read_file
    from b25.runner.structured_log import StructuredLog

    settings = _settings(None, folder)
    _, routes = read_file(rules)
    route = next((one for one in routes if one.name == channel), None)
    if route is None:
        raise Misuse(f"there is no channel {channel!r}", remedy=f"use {', '.join(one.name for one in routes)}")
    log = StructuredLog(settings.run_folder / "alerts.jsonl", process="alerts")
    settings.run_folder.mkdir(parents=True, exist_ok=True)
    message = Outgoing(
        notification_id=f"test/{time.time_ns():x}/{channel}", kind="test", severity="info",
        title="[b25 test] this channel works", body="Somebody asked for this: b25 alerts test",
    )  # fmt: skip
    channel_of(route, settings.secrets_folder, log).send(message)
    answer({"channel": channel, "id": message.notification_id}, json=json, lines=[f"{channel}: accepted"])


def list_(
    state: Annotated[str, typer.Option(help="firing or resolved.")] = "",
    severity: Annotated[str, typer.Option(help="critical, warning or info.")] = "",
    text: Annotated[str, typer.Option(help="Words in what was said.")] = "",
    unacknowledged: Annotated[bool, typer.Option(help="Only what nobody has acknowledged.")] = False,
    limit: Annotated[int, typer.Option(help="So many at most, the newest first.")] = 50,
    store: Store = None,
    json: Annotated[bool, JSON] = False,
) -> None:
    """List alerts."""
    from b25.store.alert_log import AlertLog

    with _open(store) as opened:
        rows = AlertLog(opened).alerts(
            state=state, severity=severity, text=text, unacknowledged=unacknowledged, limit=max(1, min(limit, 1_000))
        )
    lines = [
        f"{_moment(one['fired_ns'])} {one['severity']:<9} {one['state']:<9} {one['acknowledged_by'] or '-':<10} {one['text']}\n"
        f"{'':<20} {one['alert_id']}"
        for one in rows
    ]
    answer({"alerts": rows}, json=json, lines=lines or ["none"])


def acknowledge(
    alert_id: Annotated[str, typer.Argument(help="Id of the alert, as the message and the list say.")],
    by: Annotated[str, BY],
    reason: Annotated[str, REASON] = "",
    store: Store = None,
    json: Annotated[bool, JSON] = False,
) -> None:
    """Say that somebody has seen it: no escalation, and repeated after twelve hours only. It is audited."""
    from b25.store.alert_log import AlertLog

    with _open(store) as opened:
        row = AlertLog(opened).acknowledge(alert_id, by=by, reason=reason, facts={"ip": "cli"}, now_ns=time.time_ns())
    answer({"alert": row}, json=json, lines=[f"{alert_id}: acknowledged by {row['acknowledged_by']}"])


def silence(
    by: Annotated[str, BY],
    reason: Annotated[str, REASON],
    for_s: Annotated[float, typer.Option(help="How long.")] = 3_600.0,
    rule: Annotated[str, typer.Option(help="Of which rule; empty: of all.")] = "",
    source: Annotated[str, typer.Option(help="Of which source, e.g. session/live-1; empty: of all.")] = "",
    end: Annotated[str, typer.Option(help="Instead: end the silence of this id.")] = "",
    store: Store = None,
    json: Annotated[bool, JSON] = False,
) -> None:
    """Have nobody told of some alerts for a while. It is audited."""
    from b25.model.errors import Misuse
    from b25.store.alert_log import AlertLog

    now_ns = time.time_ns()
    with _open(store) as opened:
        log = AlertLog(opened)
        if end:
            if not log.end_silence(end, by=by, reason=reason, facts={"ip": "cli"}, now_ns=now_ns):
                raise Misuse(f"no silence {end!r} holds", remedy="see b25 alerts silence --json")
            answer({"ended": end}, json=json, lines=[f"{end}: ended"])
            return
        row = log.silence(
            rule=rule, source=source, starts_ns=now_ns, ends_ns=now_ns + int(for_s * 1e9), by=by, reason=reason,
            facts={"ip": "cli"}, now_ns=now_ns,
        )  # fmt: skip
    answer({"silence": row}, json=json, lines=[f"{row['silence_id']}: until {_moment(row['ends_ns'])}"])


def notifications(
    channel: Annotated[str, typer.Option(help="Name of the channel.")] = "",
    status: Annotated[str, typer.Option(help="pending, sending, retrying, sent, dead, folded or digested.")] = "",
    limit: Annotated[int, typer.Option(help="So many at most, the newest first.")] = 50,
    store: Store = None,
    json: Annotated[bool, JSON] = False,
) -> None:
    """List messages, and what became of them in the last week by channel."""
    from b25.store.notification_queue import NotificationQueue

    with _open(store) as opened:
        queue = NotificationQueue(opened)
        rows = queue.rows(channel=channel, status=status, limit=max(1, min(limit, 1_000)))
        told = queue.statistics(time.time_ns() - 7 * 86_400 * 10**9)
    lines = [
        f"{_moment(one['created_ns'])} {one['status']:<9} {one['channel']:<12} {one['title']} {one['fault']}" for one in rows
    ]
    lines += [f"{one['channel']}: {', '.join(f'{n} {word}' for word, n in one['by_status'].items())}" for one in told]
    answer({"notifications": rows, "statistics": told}, json=json, lines=lines or ["none"])


def _settings(store: str | None, folder: Path | None) -> Any:
    from b25.config.settings import read_settings

    return read_settings(database_url=store, run_folder=folder)


def _open(store: str | None) -> Any:
    from contextlib import closing

    from b25.store.store import open_store

    return closing(open_store(_settings(store, None).database_url))


def _moment(time_ns: int) -> str:
    return time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime(time_ns / 1e9))
