"""Sessions: start, stop and look into those that `b25 up` watches, and replay what one did from its journal."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from b25.cli import bar_options as options
from b25.cli.output import JSON, answer
from b25.cli.session_control import add_control
from b25.cli.session_trace import trace
from b25.model.errors import Misuse

if TYPE_CHECKING:
    from b25.session.replay import Report

FOLDER = Path("data/sessions")
DIVERGED_EXIT_CODE = 1


def register(app: typer.Typer) -> None:
    """Add the group."""
    group = typer.Typer(no_args_is_help=True, help=__doc__)
    group.callback()(_sessions)
    group.command("replay")(replay)
    group.command("report")(report)
    group.command("trace")(trace)
    add_control(group)
    app.add_typer(group, name="session")


def _sessions() -> None:
    """Sessions: start, stop and look into those that `b25 up` watches, and replay what one did from its journal."""


def replay(
    journal: Annotated[str, typer.Argument(help="Id of a session, or the path of its journal.")],
    strategy: Annotated[str, typer.Option(help="FILE.py:Class to replay with; by default the journal's own file.")] = "",
    folder: Annotated[Path, typer.Option(help="Where journals are.")] = FOLDER,
    as_recorded: Annotated[bool, typer.Option("--as-recorded", help="With the code that the journal holds.")] = False,
    values: options.Values = None,
    fee_maker: Annotated[float | None, typer.Option(help="Charge every fill anew, by this rate of a maker.")] = None,
    fee_taker: Annotated[float | None, typer.Option(help="Likewise, of a taker.")] = None,
    python: Annotated[bool, typer.Option("--python", help="Replay as plain Python.")] = False,
    json: Annotated[bool, JSON] = False,
) -> None:
    """Feed a journal's events to the same code and compare every effect; tell the first divergence, and why."""
    from b25.session.replay import replay as replayed
    from b25.store.journal import read_header

    path = _path_of(journal, folder)
    header = read_header(path)
    cls = _class_of(header, strategy, as_recorded=as_recorded)
    if (fee_maker is None) != (fee_taker is None):
        raise Misuse("one fee of two", remedy="give --fee-maker and --fee-taker, or neither")
    fees = None if fee_maker is None or fee_taker is None else _fees(header, cls, fee_maker, fee_taker)
    report = replayed(path, cls, params=options.parameters(values), fees=fees, compiled=False if python else None)
    answer(_facts(header, report), json=json, lines=_lines(header, report))
    if not report.agrees:
        raise typer.Exit(DIVERGED_EXIT_CODE)


def report(
    journal: Annotated[str, typer.Argument(help="Id of a session, or the path of its journal.")],
    out: Annotated[Path | None, typer.Option(help="The page to write; by default data/reports/ID.html.")] = None,
    strategy: Annotated[str, typer.Option(help="FILE.py:Class that it ran; by default the journal's own file.")] = "",
    folder: Annotated[Path, typer.Option(help="Where journals are.")] = FOLDER,
    as_recorded: Annotated[bool, typer.Option("--as-recorded", help="With the code that the journal holds.")] = False,
    json: Annotated[bool, JSON] = False,
) -> None:
    """Make a tear sheet of what a session did, from its journal; the session may still be running."""
    from b25.session.result import SessionResult
    from b25.store.journal import read_header

    path = _path_of(journal, folder)
    cls = _class_of(read_header(path), strategy, as_recorded=as_recorded)
    result = SessionResult(path, cls)
    page = result.tearsheet(out or Path("data/reports") / f"{path.stem}.html")
    facts = {"session": path.stem, "tearsheet": str(page), "metrics": result.summary}
    answer(facts, json=json, lines=[repr(result), "", f"tear sheet: {page.resolve().as_uri()}"])


def _path_of(journal: str, folder: Path) -> Path:
    path = Path(journal)
    if path.suffix == ".journal" or path.is_file():
        return path
    path = folder / f"{journal}.journal"
    if not path.is_file():
        known = ", ".join(sorted(one.stem for one in folder.glob("*.journal"))[-8:])
        fault = Misuse(
            f"there is no session {journal} in {folder}", remedy=f"use one of {known}" if known else "start one: b25 run"
        )
        fault.exit_code = 2  # type: ignore[attr-defined]
        raise fault
    return path


def _class_of(header: dict[str, Any], strategy: str, *, as_recorded: bool) -> Any:
    import tempfile

    from b25.research.strategy_file import load_strategy

    told = header["strategy"]
    if strategy:
        return load_strategy(strategy)
    if not as_recorded and Path(told["file"]).is_file():
        return load_strategy(f"{told['file']}:{told['class']}")
    if not told["source"]:
        raise Misuse(f"the strategy's file {told['file']} is gone", remedy="give another: --strategy FILE.py:Class")
    with tempfile.TemporaryDirectory(prefix="b25-as-recorded-") as folder:
        copy = Path(folder) / Path(told["file"]).name
        copy.write_text(told["source"], encoding="utf-8")
        return load_strategy(f"{copy}:{told['class']}")


def _fees(header: dict[str, Any], cls: Any, maker: float, taker: float) -> Any:
    import numpy as np

    from b25.model.world import FEES
    from b25.session.composition import from_header
    from b25.venue.models import Fees

    charged = Fees(maker, taker)
    return np.concatenate([charged.record(one) for one in from_header(header, cls).instruments]).astype(FEES)


def _facts(header: dict[str, Any], report: "Report") -> dict[str, Any]:
    found = report.divergence
    return {
        "session": header["session"],
        "mode": header["mode"],
        "agrees": report.agrees,
        "events": report.events,
        "effects": report.effects,
        "ended": report.ended,
        "torn_bytes": report.torn_bytes,
        "changed": report.changed,
        "divergence": None
        if found is None
        else {
            "seq": found.seq,
            "what": found.what,
            "event": found.event,
            "journal": found.journal,
            "replay": found.replay,
            "before": found.before,
        },
    }


def _lines(header: dict[str, Any], report: "Report") -> list[str]:
    lines = [f"session {header['session']} ({header['mode']}): {report.events:,} events, {report.effects:,} effects"]
    if report.torn_bytes:
        lines.append(f"the journal ends in {report.torn_bytes} bytes of a record that was never finished; they are left out")
    if not report.ended:
        lines.append("the session did not end by itself")
    found = report.divergence
    if found is None:
        return [*lines, "agreement: every effect came again, byte for byte", *(f"although {one}" for one in report.changed)]
    lines.append(f"DIVERGENCE at event {found.seq}: {found.what}")
    lines += [f"  because {one}" for one in report.changed] or ["  although code, parameters and fees are as they were"]
    lines.append(f"  event    {_flat(found.event)}")
    lines += [f"  journal  {_flat(row)}" for row in found.journal] or ["  journal  nothing"]
    lines += [f"  replay   {_flat(row)}" for row in found.replay] or ["  replay   nothing"]
    lines += [f"  before   {_flat(market)}" for market in found.before["instruments"]]
    lines += [f"  order    {_flat(order)}" for order in found.before["orders"]]
    return [*lines, f"  fields   {_flat(found.before['strategy'])}"]


def _flat(facts: dict[str, Any]) -> str:
    return ", ".join(f"{name} {value}" for name, value in facts.items())
