"""Configuration: start-up settings and where they come from; versions of what may change while it runs, and who runs which."""

import getpass
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from b25.cli.config_desk import add_desk
from b25.cli.output import JSON, answer

if TYPE_CHECKING:
    from b25.config.configurations import Configurations
    from b25.config.outcome import Author, Outcome

KEY = typer.Argument(help="namespace/component/environment/name, e.g. default/mm/live/limits; default stands for any.")
STORE = typer.Option("--store", help="URL of the store; left out: as the settings say.")
BY = typer.Option("--by", help="Who does it; left out: the user of this machine.")
REASON = typer.Option("--reason", help="Why.")
RUN_FOLDER = typer.Option("--folder", help="The run folder, whose sessions are told at once.")


def register(app: typer.Typer) -> None:
    """Add the group."""
    group = typer.Typer(help=__doc__, no_args_is_help=True, rich_markup_mode=None)
    group.command("show", epilog="Example: b25 config show --json")(show)
    group.command("list", epilog="Example: b25 config list risk_limit")(listing)
    group.command("get", epilog="Example: b25 config get default/mm/live/limits --effective")(get)
    group.command("set", epilog="Example: b25 config set default/mm/live/limits limits.toml --type risk_limit --activate")(put)
    group.command("validate", epilog="Example: b25 config validate limits.toml --type risk_limit")(validate)
    group.command("activate", epilog="Example: b25 config activate default/mm/live/limits --reason 'quiet market'")(activate)
    group.command("deactivate")(deactivate)
    group.command("delete")(delete)
    group.command("diff", epilog="Example: b25 config diff default/mm/live/limits 1 2")(diff)
    group.command("rollback", epilog="Example: b25 config rollback default/mm/live/limits 1 --reason 'it refused too much'")(
        rollback
    )
    group.command("history", epilog="Example: b25 config history default/mm/live/limits")(history)
    add_desk(group)
    app.add_typer(group, name="config")


def show(json: Annotated[bool, JSON] = False) -> None:
    """Print every start-up setting, its value (secrets masked), and where it comes from."""
    from b25.config.provenance import settings_that_hold

    rows = settings_that_hold()
    width = max(len(one.name) for one in rows)
    lines = [f"{one.name:<{width}}  {one.value:<40}  {one.source}" for one in rows]
    answer({"settings": [one.facts() for one in rows]}, json=json, lines=lines)


def listing(
    kind: Annotated[str, typer.Argument(help="Only of this type.")] = "",
    deleted: Annotated[bool, typer.Option("--deleted", help="Those that were deleted too.")] = False,
    store: Annotated[str, STORE] = "",
    json: Annotated[bool, JSON] = False,
) -> None:
    """List configurations by their keys."""
    from b25.store import configurations as kept

    opened = opened_at(store)
    found, total = kept.heads(opened.store, kind=kind, deleted=deleted, limit=500)
    rows = [facts_of(one) for one in found]
    lines = [
        f"{row['key']:<44} {row['type']:<18} {row['state']:<8} holds {row['active_version'] or '-'} of {row['version']}"
        for row in rows
    ]
    answer({"configurations": rows, "total": total}, json=json, lines=lines or ["nothing is configured"])


def get(
    key: Annotated[str, KEY],
    version: Annotated[int | None, typer.Option(help="This version; left out: the one that holds, else the latest.")] = None,
    effective: Annotated[bool, typer.Option("--effective", help="All that holds under the key, with what it inherits.")] = False,
    store: Annotated[str, STORE] = "",
    json: Annotated[bool, JSON] = False,
) -> None:
    """Print a configuration."""
    from b25.config.documents import written

    opened = opened_at(store)
    head, found = opened.version(key, version)
    value = opened.effective(head.type, head.key) if effective else found.value
    facts = {**facts_of(head), "shown_version": found.number, "checksum": found.checksum, "value": value}
    told = f"# {head.key}, {head.type}, version {found.number} by {found.changed_by}"
    answer(facts, json=json, lines=[told, written(value, "yaml" if head.format == "yaml" else "json").rstrip()])


def put(
    key: Annotated[str, KEY],
    file: Annotated[Path, typer.Argument(help="File in JSON, YAML or TOML; - reads JSON from standard input.")],
    kind: Annotated[str, typer.Option("--type", help="Of a new configuration, e.g. risk_limit.")] = "",
    read: Annotated[
        int | None, typer.Option("--version", help="The version that was read; another one by now is refused.")
    ] = None,
    is_active: Annotated[bool, typer.Option("--activate", help="Have it hold at once.")] = False,
    reason: Annotated[str, REASON] = "",
    by: Annotated[str, BY] = "",
    store: Annotated[str, STORE] = "",
    folder: Annotated[Path | None, RUN_FOLDER] = None,
    json: Annotated[bool, JSON] = False,
) -> None:
    """Write the next version of a configuration, or its first one."""
    from b25.model.errors import Misuse
    from b25.store import configurations as kept

    text, form = text_of(file)
    opened = opened_at(store)
    head = kept.head_of(kept.reading(opened.store), key)
    if head is None or head.deleted_ns is not None:
        kind = kind or (head.type if head is not None else "")
        if not kind:
            raise Misuse(f"{key} is new, and of no type", remedy="give --type; see b25 config schemas")
        came = opened.create(key, kind, text, author(by), form=form, reason=reason)
    else:
        came = opened.update(key, read or head.version, text, author(by), form=form, reason=reason)
    if is_active:
        came = opened.activate(key, author(by), version=came.version.number, reason=reason)
    tell(came, folder, json=json)


def validate(
    file: Annotated[Path, typer.Argument(help="File in JSON, YAML or TOML; - reads JSON from standard input.")],
    kind: Annotated[str, typer.Option("--type", help="E.g. risk_limit.")],
    key: Annotated[
        str, typer.Option("--key", help="Where it is to stand: what it inherits counts.")
    ] = "default/default/default/value",
    store: Annotated[str, STORE] = "",
    folder: Annotated[Path | None, RUN_FOLDER] = None,
    json: Annotated[bool, JSON] = False,
) -> None:
    """Look at a value, changing nothing: its schema, its meaning, the sessions that run, and what it would loosen."""
    from b25.config.documents import parse
    from b25.runner.config_keeper import tried

    text, form = text_of(file)
    opened = opened_at(store)
    value = parse(text, form, str(file))
    faults = [one.facts() | {"text": str(one)} for one in opened.faults(kind, key, value)]
    asked = tried(run_folder(folder), kind, key, 1, value) if not faults else []
    loosens = [str(one) for one in opened.would_loosen(kind, key, value)] if not faults else []
    lines = [f"{file}: {one['text']}; {one['remedy']}" for one in faults]
    lines += [f"{one['session']}: {one['outcome']} {one['detail']}" for one in asked]
    lines += [f"it loosens {one}: a second person must agree" for one in loosens]
    is_good = not faults and not any(one["outcome"] == "rejected" for one in asked)
    facts = {"is_valid": is_good, "faults": faults, "sessions": asked, "loosens": loosens}
    answer(facts, json=json, lines=lines or [f"{file}: nothing is wrong with it"])
    if not is_good:
        raise typer.Exit(1)


def activate(
    key: Annotated[str, KEY],
    version: Annotated[int | None, typer.Option(help="Left out: the latest.")] = None,
    reason: Annotated[str, REASON] = "",
    by: Annotated[str, BY] = "",
    store: Annotated[str, STORE] = "",
    folder: Annotated[Path | None, RUN_FOLDER] = None,
    json: Annotated[bool, JSON] = False,
) -> None:
    """Have a version hold; what loosens something waits for a second person."""
    tell(opened_at(store).activate(key, author(by), version=version, reason=reason), folder, json=json)


def deactivate(
    key: Annotated[str, KEY],
    reason: Annotated[str, REASON] = "",
    by: Annotated[str, BY] = "",
    store: Annotated[str, STORE] = "",
    folder: Annotated[Path | None, RUN_FOLDER] = None,
    json: Annotated[bool, JSON] = False,
) -> None:
    """Have nothing of it hold any more."""
    tell(opened_at(store).deactivate(key, author(by), reason=reason), folder, json=json)


def delete(
    key: Annotated[str, KEY],
    reason: Annotated[str, REASON] = "",
    by: Annotated[str, BY] = "",
    store: Annotated[str, STORE] = "",
    folder: Annotated[Path | None, RUN_FOLDER] = None,
    json: Annotated[bool, JSON] = False,
) -> None:
    """Put it aside; its versions and its history stay."""
    tell(opened_at(store).delete(key, author(by), reason=reason), folder, json=json)


def diff(
    key: Annotated[str, KEY],
    before: Annotated[int, typer.Argument(help="A version.")],
    after: Annotated[int, typer.Argument(help="Another one.")],
    store: Annotated[str, STORE] = "",
    json: Annotated[bool, JSON] = False,
) -> None:
    """Say in which fields two versions differ."""
    from b25.config.difference import differences

    opened = opened_at(store)
    rows = differences(opened.version(key, before)[1].value, opened.version(key, after)[1].value)
    lines = [f"{row['field']}: {row['before']} -> {row['after']} ({row['change']})" for row in rows]
    answer({"key": key, "differences": rows}, json=json, lines=lines or ["they are equal"])


def rollback(
    key: Annotated[str, KEY],
    version: Annotated[int, typer.Argument(help="Which version to take up again.")],
    reason: Annotated[str, REASON],
    by: Annotated[str, BY] = "",
    store: Annotated[str, STORE] = "",
    folder: Annotated[Path | None, RUN_FOLDER] = None,
    json: Annotated[bool, JSON] = False,
) -> None:
    """Take up an old version again, as a new one that is validated anew."""
    tell(opened_at(store).rollback(key, version, author(by), reason=reason), folder, json=json)


def history(
    key: Annotated[str, KEY],
    limit: Annotated[int, typer.Option(help="So many of the latest.")] = 100,
    store: Annotated[str, STORE] = "",
    json: Annotated[bool, JSON] = False,
) -> None:
    """Tell what was done with it, the newest first."""
    from b25.store import configurations as kept

    opened = opened_at(store)
    found, total = kept.changes(opened.store, opened.head(key).id, limit=limit)
    names = ("seq", "time_ns", "action", "version", "before_version", "actor", "reason")
    rows = [{name: getattr(one, name) for name in names} for one in found]
    lines = [
        f"{row['seq']:>6} {row['action']:<12} version {row['version'] or '-'} by {row['actor']}: {row['reason']}" for row in rows
    ]
    answer({"key": key, "changes": rows, "total": total}, json=json, lines=lines)


# What the commands share.


def opened_at(store: str) -> "Configurations":
    """Return the configurations of a store."""
    from b25.config.configurations import Configurations
    from b25.config.settings import read_settings
    from b25.runner.config_strategies import loader
    from b25.store.store import open_store

    url = store or read_settings().database_url
    return Configurations(open_store(url), load=loader(Path("strategies")))


def run_folder(folder: Path | None) -> Path:
    """Return the run folder."""
    from b25.config.settings import read_settings

    return folder or read_settings().run_folder


def author(by: str) -> "Author":
    """Return who does it, for the audit."""
    from b25.config.outcome import Author

    return Author(by or getpass.getuser(), {"ip": "", "client": "b25 config"})


def text_of(file: Path) -> tuple[str, str]:
    """Return what a file says, and its format. Raises Misuse for one that cannot be read."""
    from b25.config.documents import format_of
    from b25.model.errors import Misuse

    if str(file) == "-":
        return sys.stdin.read(), "json"
    try:
        return file.read_text(encoding="utf-8"), format_of(file.name)
    except (OSError, UnicodeDecodeError) as fault:
        why = fault.strerror if isinstance(fault, OSError) else "it is no UTF-8"
        raise Misuse(f"{file} cannot be read: {why}", remedy="give a file in JSON, YAML or TOML") from None


def facts_of(head: Any) -> dict[str, Any]:
    """A configuration as it stands."""
    return {
        name: getattr(head, name) for name in ("id", "key", "type", "state", "version", "active_version", "format", "description")
    }


def tell(came: "Outcome", folder: Path | None, *, json: bool) -> None:
    """Answer what came of a change, and have the sessions of this machine look at it."""
    from b25.config.approvals import confirmation
    from b25.runner.config_keeper import nudge

    head, pending = came.head, came.pending
    facts = {**facts_of(head), "written_version": came.version.number, "loosens": [str(one) for one in came.loosened]}
    facts["pending"] = pending.id if pending is not None else None
    holds = f"version {head.active_version} holds" if head.active_version else "nothing of it holds"
    lines = [f"{head.key}: version {came.version.number} is {head.state.lower()}; {holds}"]
    if pending is not None:
        lines = [f"{head.key}: this loosens {', '.join(str(one) for one in came.loosened)}; {holds} until somebody agrees"]
        lines += [
            f"another person agrees at the gateway; alone, after 60 s: b25 config confirm {pending.id} '{confirmation(pending)}'"
        ]
    elif heard := nudge(run_folder(folder)):
        facts["told"] = heard
        lines.append(f"told {', '.join(heard)}; see b25 config running")
    answer(facts, json=json, lines=lines)
