"""The audit: who did what; check that nothing was changed or left out; keep its head elsewhere; take it out."""

import sys
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from b25.cli.output import JSON, answer, progress
from b25.model.errors import Misuse

STORE = typer.Option("--store", help="The database; left out: as the settings say.")
BROKEN_EXIT_CODE = 1


def register(app: typer.Typer) -> None:
    """Add the group."""
    group = typer.Typer(help=__doc__, no_args_is_help=True)
    group.command("verify", epilog="Example: b25 audit verify --anchor /mnt/other/b25-anchors.jsonl")(verify)
    group.command("list", epilog="Example: b25 audit list --actor ann --since 2026-01-01")(list_entries)
    group.command("export", epilog="Example: b25 audit export --to audit.ndjson")(export)
    group.command("anchor", epilog="Example: b25 audit anchor --to /mnt/other/b25-anchors.jsonl")(anchor)
    app.add_typer(group, name="audit")


def verify(
    anchor: Annotated[Path | None, typer.Option(help="The file of `b25 audit anchor`: a cut end shows only there.")] = None,
    store: Annotated[str, STORE] = "",
    json: Annotated[bool, JSON] = False,
) -> None:
    """Check every entry against the one before it, and against the anchors. The exit code is 1 when something is wrong."""
    from b25.api.auth.operator import local_store
    from b25.store.audit import audit_length, verify_audit
    from b25.store.audit_anchor import verify_against

    with local_store(store) as opened:
        what = verify_against(opened, anchor) if anchor else verify_audit(opened)
        entries = audit_length(opened)
    told = "against the anchors as well" if anchor else "a cut end would not show: give --anchor"
    line = f"BROKEN  {what}" if what else f"whole   {entries:,} entries, {told}"
    answer({"is_whole": not what, "what": what, "entries": entries, "is_anchored": anchor is not None}, json=json, lines=[line])
    if what:
        raise typer.Exit(BROKEN_EXIT_CODE)


def list_entries(
    actor: Annotated[str, typer.Option(help="Who.")] = "",
    action: Annotated[str, typer.Option(help="What; one that ends in a dot asks for all that begin so.")] = "",
    object: Annotated[str, typer.Option(help="To what, e.g. person:ann.")] = "",
    since: Annotated[str, typer.Option(help="From, e.g. 2026-01-01 or 2026-01-01T12:00:00+00:00; UTC without a zone.")] = "",
    until: Annotated[str, typer.Option(help="Before.")] = "",
    before: Annotated[int, typer.Option(help="Entries below this number: the cursor of the page before.")] = 0,
    limit: Annotated[int, typer.Option(min=1, max=10_000, help="How many at most.")] = 100,
    store: Annotated[str, STORE] = "",
    json: Annotated[bool, JSON] = False,
) -> None:
    """Search, the latest first."""
    from b25.api.auth.operator import local_store
    from b25.store.audit_query import AuditQuery, find_audit

    asked = AuditQuery(
        actor=actor, action=action, object=object, since_ns=_ns(since), until_ns=_ns(until), before_seq=before or None
    )  # fmt: skip
    with local_store(store) as opened:
        entries, cursor = find_audit(opened, asked, limit=limit)
    lines = [f"{one.seq:>8} {_when(one.ts_ns)} {one.actor:<20} {one.action:<22} {one.body.get('object', '')}" for one in entries]
    lines += [f"more: --before {cursor}"] if cursor else []
    answer({"entries": [_facts(one) for one in entries], "cursor": cursor}, json=json, lines=lines or ["nothing found"])


def export(
    to: Annotated[Path | None, typer.Option(help="File to write; left out: standard output.")] = None,
    after: Annotated[int, typer.Option(help="Entries after this number only.")] = 0,
    store: Annotated[str, STORE] = "",
    json: Annotated[bool, JSON] = False,
) -> None:
    """Write every entry, one JSON object a line, in order. That it was taken out is itself an entry."""
    import time

    import orjson

    from b25.api.auth.operator import local_store, operator_name
    from b25.api.auth.origin import Origin
    from b25.store.audit import append_audit, audit_entries
    from b25.store.audit_query import entry_of

    count = 0
    with local_store(store) as opened:
        body = Origin().facts(object="audit", after=after)
        append_audit(opened, actor=operator_name(), action="audit.export", body=body, now_ns=time.time_ns())
        out = sys.stdout.buffer if to is None else to.open("xb")
        try:
            for row in audit_entries(opened, after=after):
                out.write(orjson.dumps(_facts(entry_of(row))) + b"\n")
                count += 1
        finally:
            out.flush()
            if to is not None:
                out.close()
    if to is not None:
        answer({"entries": count, "file": str(to)}, json=json, lines=[f"wrote  {count:,} entries to {to}"])
    else:
        progress(f"b25: {count:,} entries")


def anchor(
    to: Annotated[Path, typer.Option(help="A file that is not beside the database, at best on another machine. It is added to.")],
    store: Annotated[str, STORE] = "",
    json: Annotated[bool, JSON] = False,
) -> None:
    """Add number and hash of the last entry to a file. Let a timer do this every hour."""
    import time

    from b25.api.auth.operator import local_store
    from b25.store.audit_anchor import anchor_audit

    with local_store(store) as opened:
        told = anchor_audit(opened, to, now_ns=time.time_ns())
    answer({**told, "file": str(to)}, json=json, lines=[f"anchored  entry {told['seq']:,}: {told['hash'][:16]}… in {to}"])


def _ns(text: str) -> int | None:
    from datetime import UTC

    from b25.store.audit_query import ns_of

    if not text:
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise Misuse(f"{text!r} is no moment", remedy="write 2026-01-31 or 2026-01-31T12:00:00+00:00") from None
    return ns_of(moment if moment.tzinfo else moment.replace(tzinfo=UTC))


def _when(ts_ns: int) -> str:
    from datetime import UTC

    return datetime.fromtimestamp(ts_ns // 10**9, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _facts(one: Any) -> dict[str, Any]:
    names = ("seq", "ts_ns", "actor", "action", "body", "prev", "hash")
    return {name: getattr(one, name) for name in names}
