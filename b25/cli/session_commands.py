"""Ask a session that runs: pause, resume, set, flatten, re-arm, override, status; each by its control socket, done once."""

import getpass
from pathlib import Path
from typing import Annotated, Any

import typer

from b25.cli.output import JSON, answer

FOLDER = typer.Option("--folder", help="The run folder of `b25 up`, or of `b25 run`.")
FOLDER_DEFAULT = Path("data/run")
NAME = typer.Argument(help="Name of the session, or of its process in the plan.")
BY = typer.Option("--by", help="Who answers for it; you when left out.")
REQUEST = typer.Option("--id", help="Of the request: one that comes again is not done again.")
REASON = typer.Option("--reason", help="Why, in a sentence; kept in the audit.")


def add_commands(group: typer.Typer) -> None:
    """Add the commands."""
    group.command("pause")(pause)
    group.command("resume")(resume)
    group.command("flatten")(flatten)
    group.command("set")(set_)
    group.command("re-arm")(re_arm)
    group.command("override")(override)
    group.command("status")(status)


def pause(
    name: Annotated[str, NAME],
    folder: Annotated[Path, FOLDER] = FOLDER_DEFAULT,
    request: Annotated[str, REQUEST] = "",
    json: Annotated[bool, JSON] = False,
) -> None:
    """Cancel what works and add nothing; exits still pass, and the strategy goes on watching."""
    _ask(folder, name, "pause", json=json, id=request)


def resume(
    name: Annotated[str, NAME],
    folder: Annotated[Path, FOLDER] = FOLDER_DEFAULT,
    request: Annotated[str, REQUEST] = "",
    json: Annotated[bool, JSON] = False,
) -> None:
    """Trade again. Refused while the kill switch or a hold stops the session."""
    _ask(folder, name, "resume", json=json, id=request)


def flatten(
    name: Annotated[str, NAME],
    folder: Annotated[Path, FOLDER] = FOLDER_DEFAULT,
    request: Annotated[str, REQUEST] = "",
    json: Annotated[bool, JSON] = False,
) -> None:
    """Cancel what works, close every position at market, and wait for a resume."""
    _ask(folder, name, "flatten", json=json, id=request)


def set_(
    name: Annotated[str, NAME],
    assignments: Annotated[list[str], typer.Argument(help="parameter=value; several are set together, or none of them.")],
    folder: Annotated[Path, FOLDER] = FOLDER_DEFAULT,
    request: Annotated[str, REQUEST] = "",
    json: Annotated[bool, JSON] = False,
) -> None:
    """Give parameters of the strategy other values, from the next event on."""
    from b25.cli import bar_options as options

    values = options.parameters(assignments)
    if len(values) == 1:
        ((parameter, value),) = values.items()
        _ask(folder, name, "set", json=json, id=request, parameter=parameter, value=value)
    else:
        _ask(folder, name, "set", json=json, id=request, values=values)


def re_arm(
    name: Annotated[str, NAME],
    reason: Annotated[str, REASON],
    by: Annotated[str, BY] = "",
    control: Annotated[list[str] | None, typer.Option(help="Only this latch; all that are closed when left out.")] = None,
    folder: Annotated[Path, FOLDER] = FOLDER_DEFAULT,
    json: Annotated[bool, JSON] = False,
) -> None:
    """Open latches of the risk gate, or lift a hold, by a named person with a reason."""
    _ask(folder, name, "re-arm", json=json, reason=reason, controls=control or [], by=by)


def override(
    name: Annotated[str, NAME],
    side: Annotated[str, typer.Argument(help="buy or sell")],
    quantity: Annotated[str, typer.Argument(help="Base units.")],
    reason: Annotated[str, REASON],
    price: Annotated[str | None, typer.Option(help="Limit price; at market when left out.")] = None,
    symbol: Annotated[str, typer.Option(help="Unified symbol; the session's first when left out.")] = "",
    expires_s: Annotated[float, typer.Option(help="It counts for so long, at most 300 s.")] = 60.0,
    by: Annotated[str, BY] = "",
    folder: Annotated[Path, FOLDER] = FOLDER_DEFAULT,
    json: Annotated[bool, JSON] = False,
) -> None:
    """Send one order past the limits, by a named person with a reason; the kill switch still stops it."""
    terms = {"side": side, "quantity": quantity, "price": price, "symbol": symbol, "expires_s": expires_s}
    _ask(folder, name, "override", json=json, reason=reason, by=by, **terms)


def status(
    name: Annotated[str, NAME], folder: Annotated[Path, FOLDER] = FOLDER_DEFAULT, json: Annotated[bool, JSON] = False
) -> None:
    """How a session stands now: state, positions, profit, orders, and what the risk gate says."""
    from b25.runner.control import ask_session

    told = ask_session(folder, name, "status")
    risk = told["picture"]["risk"]
    lines = [
        f"session    {told['session']} ({told['strategy']}, {told['mode']}), epoch {told['epoch']}",
        f"state      {told['state']}{': ' + told['why'] if told['why'] else ''}",
        *(["probation  " + told["probation"]["why"] + " within the last 48 h"] if told["probation"]["is_on"] else []),
        f"risk gate  {risk['state']}; latched: {', '.join(risk['latched']) or 'nothing'}; limits v{risk['limits_version']}",
        *(f"warning    {one}" for one in risk["warnings"]),
        *(f"position   {quantity} {symbol}" for symbol, quantity in told["positions"].items()),
        f"profit     {'n/a' if told['profit'] is None else format(told['profit'], '+.4f')}; {told['fills']} fills",
        f"orders     {told['orders_open']} open",
        *account_lines(told.get("ledger") or {}),
        f"events     {told['events']:,}; journal {told['journal']}",
    ]
    answer(told, json=json, lines=lines)


def account_lines(ledger: dict[str, Any]) -> list[str]:
    """The account's books in words: equity, what differs from the venue, what holds it back, alerts."""
    if not ledger:
        return []
    drift = ledger["drift"]
    differs = [one["text"] for one in drift["differences"]] or ["nothing differs" if drift["is_compared"] else drift["why"]]
    unknown = f" ({', '.join(ledger['unknown'])} unknown)" if ledger["unknown"] else ""
    used = "n/a" if ledger["margin_usage"] is None else format(ledger["margin_usage"], ".1%")
    lines = [
        f"account    equity {ledger['equity'] or 'n/a'} {ledger['quote']}{unknown}; margin used {used}",
        *(f"venue      {text}" for text in differs),
        *(f"hold       {name}: {why}" for name, why in ledger["holds"].items()),
        *(f"waits      {ref}: b25 account adjust" for ref in ledger["pending"]),
        *(f"policy     {why}" for why in (ledger["emergency"], ledger["reducing"]) if why),
        *(f"alert      {one['severity'].lower()} {one['kind'].lower()}: {one['text']}" for one in ledger["alerts"]),
    ]
    return [*lines, f"halted     {ledger['halted']}"] if ledger["halted"] else lines


def _ask(folder: Path, name: str, command: str, *, json: bool, by: str = "", **more: Any) -> None:
    from b25.runner.control import ask_session

    told = ask_session(folder, name, command, by=by or getpass.getuser(), **more)
    held = " ".join(f"{quantity} {symbol}" for symbol, quantity in told["positions"].items())
    why = f": {told['why']}" if told["why"] else ""
    lines = [f"{key}: {one['old']} -> {one['new']}" for key, one in told.get("changed", {}).items()]
    lines.append(f"{name} is {told['state']}{why}; position {held}, {told['orders_open']} orders open")
    answer({key: value for key, value in told.items() if key != "ok"}, json=json, lines=lines)
