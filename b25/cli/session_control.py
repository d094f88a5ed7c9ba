"""Start, stop and list the processes that `b25 up` watches, and read their logs."""

import getpass
import time
from pathlib import Path
from typing import Annotated, Any

import typer

from b25.cli.output import JSON, answer
from b25.cli.session_commands import FOLDER, FOLDER_DEFAULT, add_commands
from b25.cli.session_orders import add_orders

NAME = typer.Argument(help="Name in the plan.")


def add_control(group: typer.Typer) -> None:
    """Add start, stop, list, logs, and what a session itself is asked, to the group `b25 session`."""
    group.command("start")(start)
    group.command("stop")(stop)
    group.command("list")(listing)
    group.command("logs")(logs)
    add_commands(group)
    add_orders(group)


def start(
    name: Annotated[str, NAME], folder: Annotated[Path, FOLDER] = FOLDER_DEFAULT, json: Annotated[bool, JSON] = False
) -> None:
    """Ask the supervisor to start one, with a full budget of restarts."""
    from b25.runner.supervisor import ask

    ask(folder, "start", name, by=getpass.getuser())
    answer({"name": name, "asked": "start"}, json=json, lines=[f"{name} is to start; see b25 session list"])


def stop(
    name: Annotated[str, NAME],
    folder: Annotated[Path, FOLDER] = FOLDER_DEFAULT,
    flatten: Annotated[bool, typer.Option("--flatten", help="Close what it holds before it ends.")] = False,
    wait_s: Annotated[float, typer.Option(help="How long to wait for its end.")] = 15.0,
    json: Annotated[bool, JSON] = False,
) -> None:
    """Stop one in order, by its own socket or through the supervisor, and wait for its end."""
    from b25.model.errors import Retry
    from b25.runner.control import SOCKET, ask_session
    from b25.runner.seat import is_taken, session_folder
    from b25.runner.supervisor import ask
    from b25.runner.supervisor_plan import SEAT

    takes_commands = (session_folder(folder, name) / SOCKET).exists() and is_taken(folder, name)
    if takes_commands and (flatten or not is_taken(folder, SEAT)):
        ask_session(folder, name, "stop", by=getpass.getuser(), flatten=flatten)
    else:
        ask(folder, "stop", name, by=getpass.getuser())
    until_s = time.monotonic() + wait_s
    while is_taken(folder, name):
        if time.monotonic() > until_s:
            raise Retry(
                f"{name} has not ended within {wait_s:g} s", remedy="see `b25 session list`; it is killed after its drain"
            )
        time.sleep(0.05)
    answer({"name": name, "asked": "stop"}, json=json, lines=[f"{name} has ended"])


def listing(folder: Annotated[Path, FOLDER] = FOLDER_DEFAULT, json: Annotated[bool, JSON] = False) -> None:
    """How each stands: phase, state, age of its last heartbeat, position, profit, memory, restarts; with or without `b25 up`."""
    from b25.runner.seat import is_taken
    from b25.runner.supervisor import status
    from b25.runner.supervisor_plan import SEAT

    facts: dict[str, Any] = dict(status(folder))
    age_s = round((time.time_ns() - int(facts.get("time_ns", 0))) / 1e9, 1) if facts else None
    is_up = is_taken(folder, SEAT)
    row = "{:<16} {:<9} {:<9} {:>8} {:>6} {:>20} {:>12} {:>6} {:>8}  {}"
    lines = [f"supervisor {'runs' if is_up else 'does not run'}; written {'n/a' if age_s is None else f'{age_s:g} s ago'}"]
    lines.append(row.format("name", "phase", "state", "silent s", "epoch", "position", "profit", "MB", "restarts", "why"))
    found = _sessions(folder, facts.get("processes", []))
    for one in found:
        held = " ".join(f"{quantity} {symbol}" for symbol, quantity in (one["positions"] or {}).items()) or None
        profit = None if one["profit"] is None else f"{one['profit']:+.4f}"
        first = (one["name"], one["phase"], one["state"] or one["life"], one["silent_s"], one["epoch"], held, profit)
        cells = (*first, one["rss_mb"], one["restarts"], one["why"])
        lines.append(row.format(*("n/a" if cell is None else cell for cell in cells)))
    answer({"is_up": is_up, "age_s": age_s, "processes": found}, json=json, lines=lines)


def _sessions(folder: Path, processes: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """What the supervisor knows, what each session says of itself, and those that no supervisor knows."""
    from b25.runner.heartbeat import read_beat
    from b25.runner.seat import is_taken, occupant
    from b25.runner.session_watch import read_status
    from b25.runner.supervisor_child import rss_mb
    from b25.runner.supervisor_plan import SEAT

    known = {one["name"]: dict(one) for one in processes}
    for path in sorted(folder.glob("sessions/*/seat.json")):
        name = path.parent.name
        if name == SEAT or name in known:
            continue
        who, beat, taken = occupant(folder, name), read_beat(folder, name), is_taken(folder, name)
        pid = int(who.get("pid") or 0) if taken else 0
        silent_s = round((time.monotonic_ns() - beat.beaten_ns) / 1e9, 3) if beat is not None and taken else None
        known[name] = {
            "name": name, "phase": "up" if taken else "down", "why": "", "pid": pid, "account": who.get("account"),
            "life": beat.life.name if beat else None, "epoch": who.get("epoch"), "silent_s": silent_s, "rss_mb": rss_mb(pid),
            "restarts": 0,
        }  # fmt: skip
    for name, one in known.items():
        told = read_status(folder, name)
        runs = one["phase"] in ("up", "stopping") and told.get("epoch") == one["epoch"]
        for fact in ("state", "gate", "positions", "profit", "fills", "orders_open", "mode", "strategy"):
            one[fact] = told.get(fact) if runs else None
        one["why"] = one["why"] or (told.get("why") if runs else "") or ""
    return list(known.values())


def logs(
    name: Annotated[str, NAME],
    folder: Annotated[Path, FOLDER] = FOLDER_DEFAULT,
    last: Annotated[int, typer.Option(help="So many lines, from the end.")] = 50,
    alarms: Annotated[bool, typer.Option("--alarms", help="Only what somebody must look at.")] = False,
    json: Annotated[bool, JSON] = False,
) -> None:
    """The last lines of one process' log, and of what the supervisor says of it; `supervisor` for its own."""
    from b25.runner.log_lines import line_text, log_lines

    kept = log_lines(folder, name, last=last, alarms=alarms)
    answer({"name": name, "lines": kept}, json=json, lines=[line_text(row) for row in kept] or ["nothing"])
