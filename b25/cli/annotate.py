"""Annotations: write about a run, session, order, alert or report, and search what others wrote."""

import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Annotated, Any

import typer

from b25.cli.output import JSON, answer

Store = Annotated[str | None, typer.Option(help="URL of the database; left out: that of the settings.")]
By = Annotated[str, typer.Option(help="Who writes.")]
VERSION = typer.Option(help="The version that was read; another writer in between is a conflict.")


def register(app: typer.Typer) -> None:
    """Add the group."""
    group = typer.Typer(help=__doc__, no_args_is_help=True)
    group.command("add", epilog="Example: b25 annotate add session live-1 'too **wide**, @bob' --by ann --tag spread")(add)
    group.command("list", epilog="Example: b25 annotate list --kind session --object live-1")(list_)
    group.command("edit", epilog="Example: b25 annotate edit a1b2 'better' --version 1 --by ann")(edit)
    group.command("delete", epilog="Example: b25 annotate delete a1b2 --version 2 --by ann")(delete)
    group.command("history", epilog="Example: b25 annotate history a1b2")(history)
    app.add_typer(group, name="annotate")


def add(
    kind: Annotated[
        str, typer.Argument(help="run, backtest, session, order, fill, alert, strategy_version, time_range, report.")
    ],
    about: Annotated[str, typer.Argument(metavar="OBJECT", help="Its id.")],
    text: Annotated[str, typer.Argument(help="Markdown, at most 4,000 characters; - reads it from standard input.")],
    by: By,
    tag: Annotated[list[str] | None, typer.Option(help="May be given several times.")] = None,
    parent: Annotated[str, typer.Option(help="Id of the one that this answers.")] = "",
    at_ns: Annotated[int, typer.Option(help="When, on a chart.")] = 0,
    until_ns: Annotated[int, typer.Option(help="Until when.")] = 0,
    store: Store = None,
    json: Annotated[bool, JSON] = False,
) -> None:
    """Write one."""
    from b25.store.annotations import About

    with _open(store) as held:
        row = held.add(
            About(kind=kind, object=about, at_ns=at_ns, until_ns=until_ns), text=_text(text), author=by, tags=tag or (),
            parent_id=parent, now_ns=time.time_ns(), facts={"ip": "cli"},
        )  # fmt: skip
    answer({"annotation": row}, json=json, lines=[f"{row['annotation_id']}: written"])


def list_(
    kind: Annotated[str, typer.Option(help="Of which kind of thing.")] = "",
    about: Annotated[str, typer.Option("--object", help="Of which thing.")] = "",
    author: Annotated[str, typer.Option(help="By whom.")] = "",
    tag: Annotated[str, typer.Option(help="With which tag.")] = "",
    text: Annotated[str, typer.Option(help="Words that must stand in it.")] = "",
    limit: Annotated[int, typer.Option(help="So many at most, the newest first.")] = 50,
    store: Store = None,
    json: Annotated[bool, JSON] = False,
) -> None:
    """Search."""
    with _open(store) as held:
        rows = held.find(kind=kind, object=about, author=author, tag=tag, text=text, limit=max(1, min(limit, 500)))
    lines = [
        f"{time.strftime('%Y-%m-%d %H:%M', time.gmtime(one['created_ns'] / 1e9))} {one['annotation_id']} v{one['version']} "
        f"{one['author']} on {one['kind']}/{one['object']}: {one['text']}"
        for one in rows
    ]
    answer({"annotations": rows}, json=json, lines=lines or ["none"])


def edit(
    annotation_id: Annotated[str, typer.Argument(metavar="ID")],
    text: Annotated[str, typer.Argument(help="What it says from now on; - reads it from standard input.")],
    version: Annotated[int, VERSION],
    by: By,
    tag: Annotated[list[str] | None, typer.Option(help="All that it has from now on.")] = None,
    store: Store = None,
    json: Annotated[bool, JSON] = False,
) -> None:
    """Write one's own anew; what it said is kept."""
    with _open(store) as held:
        row = held.edit(
            annotation_id, text=_text(text), tags=tag or (), version=version, by=by, now_ns=time.time_ns(), facts={"ip": "cli"}
        )
    answer({"annotation": row}, json=json, lines=[f"{annotation_id}: version {row['version']}"])


def delete(
    annotation_id: Annotated[str, typer.Argument(metavar="ID")],
    version: Annotated[int, VERSION],
    by: By,
    store: Store = None,
    json: Annotated[bool, JSON] = False,
) -> None:
    """Take the text of one's own away; its history stays."""
    with _open(store) as held:
        row = held.delete(annotation_id, version=version, by=by, now_ns=time.time_ns(), facts={"ip": "cli"})
    answer({"annotation": row}, json=json, lines=[f"{annotation_id}: deleted"])


def history(
    annotation_id: Annotated[str, typer.Argument(metavar="ID")], store: Store = None, json: Annotated[bool, JSON] = False
) -> None:
    """Every version that there was."""
    with _open(store) as held:
        rows = held.history(annotation_id)
    lines = [f"v{one['version']} {one['act']} by {one['by']}: {one['text']}" for one in rows]
    answer({"versions": rows}, json=json, lines=lines)


@contextmanager
def _open(store: str | None) -> Iterator[Any]:
    from b25.config.settings import read_settings
    from b25.model.errors import Misuse
    from b25.store.annotations import Annotations
    from b25.store.store import open_store

    with closing(open_store(read_settings(database_url=store).database_url)) as opened:
        try:
            yield Annotations(opened)
        except LookupError:
            missing = Misuse("there is no such annotation", remedy="see b25 annotate list")
            missing.exit_code = 2  # type: ignore[attr-defined]
            raise missing from None


def _text(told: str) -> str:
    return Path("/dev/stdin").read_text(encoding="utf-8") if told == "-" else told
