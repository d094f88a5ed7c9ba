"""Stop an account now: latch it, cancel every order, close positions if asked; and re-arm it, by name and with a reason."""

import getpass
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer

from b25.cli.output import JSON, answer, progress

FOLDER = typer.Option("--folder", help="The run folder, where the latch lies.")
PLAN = typer.Option("--plan", help="The plan of `b25 up`, whose [accounts] say how to reach the venue.")
ACCOUNT = typer.Option("--account", help="Which account; all when left out.")
STORE = typer.Option("--store", help="URL of a database in which it is recorded as well, e.g. sqlite:///data/b25.db.")
FOLDER_DEFAULT, PLAN_DEFAULT = Path("data/run"), Path("up.toml")


def register(app: typer.Typer) -> None:
    """Add the group."""
    group = typer.Typer(rich_markup_mode=None, help=__doc__)
    group.callback(invoke_without_command=True)(kill)
    group.command("status")(status)
    group.command("re-arm")(re_arm)
    app.add_typer(group, name="kill", epilog="Example: b25 kill --flatten --reason 'quotes look wrong'")


def kill(
    ctx: typer.Context,
    account: Annotated[str, ACCOUNT] = "all",
    session: Annotated[str, typer.Option(help="K1: stop this session only.")] = "",
    symbol: Annotated[str, typer.Option(help="K2: stop this unified symbol only.")] = "",
    reduce_only: Annotated[bool, typer.Option("--reduce-only", help="K3: cancel, then let only pass what reduces.")] = False,
    flatten: Annotated[bool, typer.Option("--flatten", help="Close positions too, reduce-only, largest first.")] = False,
    reason: Annotated[str, typer.Option(help="Kept in the audit.")] = "by hand",
    by: Annotated[str, typer.Option(help="Who; you when left out.")] = "",
    folder: Annotated[Path, FOLDER] = FOLDER_DEFAULT,
    plan: Annotated[Path, PLAN] = PLAN_DEFAULT,
    store: Annotated[str, STORE] = "",
    wait_s: Annotated[float, typer.Option(help="How long to wait for it to be verified.")] = 60.0,
    json: Annotated[bool, JSON] = False,
) -> None:
    """Latch, cancel, verify, report. Doing it twice does no harm."""
    if ctx.invoked_subcommand is not None:
        return
    from b25.model.errors import Halt
    from b25.runner.kill_latch import Trigger, pull, read_report

    who = by or getpass.getuser()
    with _recorded(store, folder) as record:
        if session or symbol or reduce_only:
            _stop_part(folder, plan, account, session, symbol, who, reason, record, json=json)
            return
        latch = pull(folder, account, by=who, reason=reason, trigger=Trigger.COMMAND, flatten=flatten, record=record)
        progress(f"b25: {latch.account} is latched ({latch.kill_id}); nothing new is sent")
        _work(folder, plan, latch.kill_id, wait_s, record)
    report = read_report(folder, latch.kill_id)
    if not report.get("is_complete"):
        left = [*report.get("orders_left", []), *report.get("positions_left", []), *report.get("trouble", [])]
        raise Halt(
            f"latched, but not verified within {wait_s:g} s: {', '.join(left) or 'the venue did not answer'}",
            remedy="look at `b25 kill status`; run `b25 kill` again; else cancel at the venue's own page",
        )
    closes = sum(one["closes_sent"] for one in report["accounts"].values())
    lines = [
        f"killed     {latch.account} ({latch.kill_id})",
        "orders     none left, verified by two reads",
        f"positions  {'flat, ' + str(closes) + ' closing orders' if latch.flatten else 'left as they are'}",
        f'next       b25 kill re-arm --account {latch.account} --by NAME --reason "WHY"',
    ]
    answer({**asdict(latch), "report": report}, json=json, lines=lines)


@contextmanager
def _recorded(url: str, folder: Path) -> Iterator[Any]:
    """The record of a database, if there is one; what it did not take by the end is told."""
    if not url:
        yield None
        return
    from b25.runner.kill_record import StoreRecord

    record = StoreRecord(url, folder)
    try:
        yield record
    finally:
        if not record.close():
            progress("b25: the database did not take all of it; kill/audit.jsonl has it")


def _stop_part(
    folder: Path,
    plan: Path,
    account: str,
    session: str,
    symbol: str,
    by: str,
    reason: str,
    record: Any,
    *,
    json: bool,
) -> None:
    """Stop a session, a symbol, or what adds; the kill process cancels, and sessions obey within their next look."""
    from b25.model.errors import Misuse
    from b25.runner.kill_latch import Trigger
    from b25.runner.kill_main import is_watching
    from b25.runner.kill_scopes import Level, pull_scoped
    from b25.runner.seat import occupant

    if session and symbol:
        raise Misuse("a session and a symbol", remedy="stop one of them, then the other")
    level = Level.SESSION if session else Level.SYMBOL if symbol else Level.REDUCE_ONLY
    if account == "all" and session:
        account = str(occupant(folder, session).get("account") or "")
    if account in ("all", ""):
        raise Misuse(f"{level} is a stop within an account", remedy="give --account NAME; see [accounts] of the plan")
    stop = pull_scoped(folder, account, level, session or symbol, by=by, reason=reason, trigger=Trigger.COMMAND, record=record)
    lines = [f"stopped    {stop}"]
    if not is_watching(folder):
        lines.append("orders     no kill process watches: the session cancels its own; b25 kill cancels from here")
    lines.append(f'next       b25 kill re-arm --stop {stop.kill_id} --by NAME --reason "WHY"')
    answer(asdict(stop), json=json, lines=lines)


def _work(folder: Path, plan: Path, kill_id: str, wait_s: float, record: Any) -> None:
    """Leave it to the kill process; where there is none, or it gets nowhere, do it here as well."""
    import asyncio

    from b25.runner.kill_account import read_accounts
    from b25.runner.kill_latch import read_report
    from b25.runner.kill_main import is_watching, kill_once
    from b25.runner.structured_log import StructuredLog

    until_s = time.monotonic() + wait_s
    while is_watching(folder) and time.monotonic() < until_s:
        if read_report(folder, kill_id).get("is_complete"):
            return
        time.sleep(0.05)
    left_s = until_s - time.monotonic()
    if left_s > 0 and not read_report(folder, kill_id).get("is_complete"):
        progress("b25: no kill process watches; cancelling from here")
        accounts = read_accounts(plan)
        log = StructuredLog(folder / "kill" / "log.jsonl", process="b25 kill", kill_id=kill_id)
        asyncio.run(kill_once(folder, accounts, log, patience_s=left_s, record=record))


def status(folder: Annotated[Path, FOLDER] = FOLDER_DEFAULT, json: Annotated[bool, JSON] = False) -> None:
    """What is latched, since when, why, and how far its kill has come."""
    from b25.runner.kill_latch import all_latches, read_report
    from b25.runner.kill_main import is_watching
    from b25.runner.kill_scopes import scoped_stops

    latches: list[dict[str, Any]] = []
    lines = [f"kill process  {'watching' if is_watching(folder) else 'not running'}"]
    for latch in all_latches(folder):
        report = read_report(folder, latch.kill_id)
        done = "complete" if report.get("is_complete") else "not complete"
        left = ", ".join([*report.get("orders_left", []), *report.get("positions_left", [])])
        latches.append({**asdict(latch), "is_complete": bool(report.get("is_complete")), "left": left})
        lines.append(f"latched       {latch.account} ({latch.kill_id}) by {latch.by}: {latch.reason}; {done} {left}".rstrip())
    stops = scoped_stops(folder)
    lines += [f"stopped       {stop.account}: {stop}" for stop in stops]
    answer(
        {"is_watching": is_watching(folder), "latches": latches, "stops": [asdict(stop) for stop in stops]},
        json=json,
        lines=lines if latches or stops else [*lines, "latched       nothing"],
    )


def re_arm(
    by: Annotated[str, typer.Option(help="Who answers for it.")],
    reason: Annotated[str, typer.Option(help="Why it may trade again.")],
    account: Annotated[str, ACCOUNT] = "all",
    confirm: Annotated[str, typer.Option(help="The confirmation, for where nobody can type it.")] = "",
    sign_off: Annotated[bool, typer.Option("--sign-off", help="The kill is not complete, and you answer for the rest.")] = False,
    stop: Annotated[str, typer.Option(help="Id of a stop of a part (K1 to K3), in place of an account's latch.")] = "",
    store: Annotated[str, STORE] = "",
    folder: Annotated[Path, FOLDER] = FOLDER_DEFAULT,
    json: Annotated[bool, JSON] = False,
) -> None:
    """Take the latch off, by a named person, with a reason and a confirmation that names this very kill."""
    from b25.model.errors import Misuse
    from b25.runner.kill_latch import all_latches, confirmation, rearm
    from b25.runner.kill_scopes import rearm_scoped

    if stop:
        with _recorded(store, folder) as record:
            off = rearm_scoped(folder, stop, by=by, reason=reason, record=record)
        answer(asdict(off), json=json, lines=[f"re-armed  {off.account}; the stop was {off}"])
        return
    latch = next((one for one in all_latches(folder) if one.account == account), None)
    if latch is None:
        raise Misuse(f"account {account} is not stopped", remedy="see `b25 kill status`")
    typed = confirm
    if not typed and sys.stdin.isatty():
        typed = input(f"to let {account} trade again, type: {confirmation(latch)}\n> ")
    with _recorded(store, folder) as record:
        taken = rearm(folder, account, by=by, reason=reason, typed=typed, signed_off=sign_off, record=record)
    answer(
        asdict(taken),
        json=json,
        lines=[f"re-armed  {taken.account}; the kill was {taken.kill_id}, by {taken.by}: {taken.reason}"],
    )
