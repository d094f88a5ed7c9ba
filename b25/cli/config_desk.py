"""Part of `b25 config`: bundles and profiles, what waits for agreement, who runs which version, and the schemas."""

import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from b25.cli.output import JSON, answer


def add_desk(group: typer.Typer) -> None:
    """Add the commands to the group."""
    group.command("export", epilog="Example: b25 config export config.json")(export)
    group.command("import", epilog="Example: b25 config import --profile small_account --activate")(take)
    group.command("pending")(pending)
    group.command("confirm")(confirm)
    group.command("running", epilog="Example: b25 config running --json")(running)
    group.command("schemas", epilog="Example: b25 config schemas risk_limit --json")(schemas)
    group.command("command", epilog="Example: b25 config command default/mm/default/session")(command)


STORE = typer.Option("--store", help="URL of the store; left out: as the settings say.")


def export(
    file: Annotated[Path, typer.Argument(help="Where to write it, as JSON; - is standard output.")],
    kind: Annotated[str, typer.Option("--type", help="Only of this type.")] = "",
    drafts: Annotated[bool, typer.Option("--drafts", help="Drafts too.")] = False,
    store: Annotated[str, STORE] = "",
    json: Annotated[bool, JSON] = False,
) -> None:
    """Write what holds into one file."""
    from b25.cli.config import opened_at
    from b25.config.bundle import exported
    from b25.config.documents import written

    bundle = exported(opened_at(store), kind=kind, drafts=drafts)
    count = len(bundle["configurations"])
    if str(file) == "-":
        answer(bundle, json=json, lines=[written(bundle, "json").rstrip()])
        return
    file.write_text(written(bundle, "json"), encoding="utf-8")
    answer({"file": str(file), "configurations": count}, json=json, lines=[f"{count} configurations in {file}"])


def take(
    file: Annotated[Path | None, typer.Argument(help="A bundle in JSON, YAML or TOML.")] = None,
    profile: Annotated[str, typer.Option(help="One that comes with b25, in place of a file.")] = "",
    is_active: Annotated[bool, typer.Option("--activate", help="Have it hold at once.")] = False,
    dry: Annotated[bool, typer.Option("--dry-run", help="Only say what would be done.")] = False,
    reason: Annotated[str, typer.Option(help="Why.")] = "",
    by: Annotated[str, typer.Option(help="Who does it; left out: the user of this machine.")] = "",
    store: Annotated[str, STORE] = "",
    folder: Annotated[Path | None, typer.Option(help="The run folder, whose sessions are told at once.")] = None,
    json: Annotated[bool, JSON] = False,
) -> None:
    """Take over a bundle or a profile as a whole, or not at all."""
    from b25.cli.config import author, opened_at, run_folder
    from b25.config.bundle import import_bundle, profiles, read_file, read_profile
    from b25.model.errors import Misuse
    from b25.runner.config_keeper import nudge

    if (file is None) == (not profile):
        raise Misuse("give a file or a profile", remedy=f"b25 config import FILE, or --profile {'|'.join(profiles())}")
    items = read_profile(profile) if file is None else read_file(file)
    done = import_bundle(opened_at(store), items, author(by), reason=reason, activate=is_active, dry=dry)
    rows: list[dict[str, Any]] = [
        {"key": one.key, "type": one.type, "action": one.action, "version": one.version, "pending": one.pending} for one in done
    ]
    if not dry:
        nudge(run_folder(folder))
    would = "would be " if dry else ""
    lines = [f"{row['key']} ({row['type']}): {would}{row['action']}" + (", waits" if row["pending"] else "") for row in rows]
    answer({"dry_run": dry, "configurations": rows}, json=json, lines=lines)


def pending(store: Annotated[str, STORE] = "", json: Annotated[bool, JSON] = False) -> None:
    """List what waits for a second person."""
    import orjson

    from b25.cli.config import opened_at
    from b25.config.approvals import Approvals, confirmation

    found = Approvals(opened_at(store)).waiting()
    rows = [
        {
            "id": one.id, "key": one.key, "action": one.action, "version": one.version, "asked_by": one.asked_by,
            "reason": one.reason, "loosens": orjson.loads(one.loosened), "confirm": confirmation(one),
        }
        for one in found
    ]  # fmt: skip
    lines = [f"{row['id']} {row['confirm']}, asked by {row['asked_by']}: {row['reason']}" for row in rows]
    answer({"pending": rows}, json=json, lines=lines or ["nothing waits"])


def confirm(
    pending_id: Annotated[str, typer.Argument(help="As b25 config pending tells it.")],
    typed: Annotated[str, typer.Argument(help="What is to happen, as it is asked for; left out: it is asked.")] = "",
    refuse: Annotated[bool, typer.Option("--refuse", help="Do not agree: it never holds.")] = False,
    reason: Annotated[str, typer.Option(help="Why.")] = "",
    by: Annotated[str, typer.Option(help="Who asked for it; left out: the user of this machine.")] = "",
    store: Annotated[str, STORE] = "",
    folder: Annotated[Path | None, typer.Option(help="The run folder, whose sessions are told at once.")] = None,
    json: Annotated[bool, JSON] = False,
) -> None:
    """Agree with yourself, who works alone, after a minute and by typing; another person agrees at the gateway."""
    from b25.cli.config import author, opened_at, tell
    from b25.config.approvals import Approvals
    from b25.model.errors import Misuse
    from b25.store.config_desk import pending_of

    opened = opened_at(store)
    approvals, who = Approvals(opened, alone=True), author(by)
    if refuse:
        gone = approvals.refuse(pending_id, who, reason=reason)
        answer({"id": gone.id, "key": gone.key, "refused": True}, json=json, lines=[f"{gone.key}: it does not happen"])
        return
    one = pending_of(opened.store, pending_id)
    if one is not None and one.asked_by != who.name:
        # Nobody proves here who he is: a second person does that at the gateway.
        raise Misuse(f"{one.asked_by} asked for it, not {who.name}", remedy="agree at the gateway, signed in")
    if not typed and sys.stdin.isatty():
        typed = input("type what is to happen: ")
    tell(approvals.approve(pending_id, who, reason=reason, typed=typed), folder, json=json)


def running(store: Annotated[str, STORE] = "", json: Annotated[bool, JSON] = False) -> None:
    """Say who runs which version: what each session answered last."""
    from b25.cli.config import opened_at
    from b25.store.config_desk import acks

    names = ("session", "key", "type", "version", "outcome", "detail", "time_ns")
    rows = [{name: getattr(one, name) for name in names} for one in acks(opened_at(store).store)]
    lines = [f"{row['session']:<20} {row['key']:<44} version {row['version']}: {row['outcome']} {row['detail']}" for row in rows]
    answer({"running": rows}, json=json, lines=lines or ["no session has said anything"])


def schemas(kind: Annotated[str, typer.Argument(help="Only this type.")] = "", json: Annotated[bool, JSON] = False) -> None:
    """Print the JSON Schema of a type, or the names of all."""
    from b25.config.documents import written
    from b25.config.schemas.types import json_schemas, schema_of

    if kind:
        schema = schema_of(kind).model_json_schema()
        answer({"type": kind, "schema": schema}, json=json, lines=[written(schema, "json").rstrip()])
        return
    found = json_schemas()
    lines = [f"{name:<20} {schema.get('description', '').partition(chr(10))[0]}" for name, schema in found.items()]
    answer({"schemas": found}, json=json, lines=lines)


def command(
    key: Annotated[str, typer.Argument(help="Of a configuration of type session.")],
    store: Annotated[str, STORE] = "",
    json: Annotated[bool, JSON] = False,
) -> None:
    """Print the command that starts a session as it is configured."""
    import shlex

    from b25.cli.config import opened_at
    from b25.config.check import model_of
    from b25.config.schemas.trading import SessionConfig
    from b25.model.errors import Misuse

    opened = opened_at(store)
    made = model_of("session", opened.effective("session", key))
    if not isinstance(made, SessionConfig):
        raise Misuse(f"{key} is no session", remedy="see b25 config list session")
    words = ["b25", "run", *made.words()]
    answer({"key": key, "command": words}, json=json, lines=[shlex.join(words)])
