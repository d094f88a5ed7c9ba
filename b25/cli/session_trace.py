"""Show an order's way from the market event to the ledger, with how long each part took."""

from pathlib import Path
from typing import Annotated, Any

import typer

from b25.cli.output import JSON, answer
from b25.model.errors import Misuse

FOLDER = Path("data/sessions")
LISTED = 50


def trace(
    journal: Annotated[str, typer.Argument(help="Id of a session, or the path of its journal.")],
    order: Annotated[str, typer.Argument(help="Its number in the session; left out, the last orders are listed.")] = "",
    folder: Annotated[Path, typer.Option(help="Where journals are.")] = FOLDER,
    store: Annotated[str, typer.Option(help="Live: URL of the database of orders, for what was stored and booked.")] = "",
    otlp: Annotated[str, typer.Option(metavar="URL", help="Hand all orders over to an OpenTelemetry collector.")] = "",
    json: Annotated[bool, JSON] = False,
) -> None:
    """Tell an order's timeline from the journal, and from the store where it is named; the session may still run."""
    from b25.session.trace import trace_of, traces_of

    path = Path(journal) if journal.endswith(".journal") else folder / f"{journal}.journal"
    if not path.exists():
        fault = Misuse(f"there is no journal {path}", remedy="give the id of a session and --folder, or the path of a journal")
        fault.exit_code = 2  # type: ignore[attr-defined]
        raise fault
    if otlp:
        count = _handed_over(traces_of(path), otlp)
        answer({"spans": count, "to": otlp}, json=json, lines=[f"{count} spans handed to {otlp}"])
        return
    if not order:
        rows = [one.facts() for one in list(traces_of(path))[-LISTED:]]
        lines = [f"{row['order_id']:>8}  {row['symbol']:<16} {row['steps'][-1]['step']:<16} {row['trace_id']}" for row in rows]
        answer({"orders": rows}, json=json, lines=lines or ["no orders"])
        return
    if not order.isdigit():
        raise Misuse(f"{order!r} is no order's number", remedy="b25 session trace SESSION lists them")
    found = trace_of(path, int(order))
    if store:
        found = _completed(found, store)
    facts = found.facts()
    answer(facts, json=json, lines=_lines(facts))


def _handed_over(traces: Any, url: str) -> int:
    from b25.runner.trace_export import export

    try:
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
    except ImportError:
        raise Misuse("OpenTelemetry is not installed", remedy="pip install 'b25[trace]'") from None
    exporter = OTLPSpanExporter(endpoint=url)
    try:
        return export(traces, exporter)
    finally:
        exporter.shutdown()  # type: ignore[no-untyped-call]


def _completed(found: Any, url: str) -> Any:
    from b25.session.trace_stored import completed
    from b25.store.store import open_store

    opened = open_store(url)
    try:
        return completed(found, opened)
    finally:
        opened.close()


def _lines(facts: dict[str, Any]) -> list[str]:
    about = f"order {facts['order_id']} of {facts['session']}, {facts['symbol']}, decided at event {facts['seq']}"
    rows = [_line(row) for row in facts["steps"]]
    return [f"{about}: trace {facts['trace_id']}", *rows]


def _line(row: dict[str, Any]) -> str:
    times = f"{row['since_first_ns'] / 1e6:>12.3f} ms  {row['since_last_ns'] / 1e6:>+12.3f}"
    told = [f"{name} {value}" for name, value in row.get("facts", {}).items() if name in SHOWN and value not in (None, "")]
    return f"{times}  {row['step']:<18} {', '.join(told)}"


SHOWN = ("symbol", "side", "price", "quantity", "verdict", "reason", "status", "client_id", "cum_qty", "trade_id", "qty", "fee")
