"""Move a promoted version from state to state: approve, pause, retire, roll back; and tell what was done with it."""

import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from b25.cli.output import JSON, answer

if TYPE_CHECKING:
    from b25.promote.moves import Came, Promotions, Wanted

Reference = Annotated[str, typer.Argument(metavar="NAME@NUMBER", help="A promoted version.")]
STORE = typer.Option("--store", help="URL of the store; left out: as the settings say.")
AS = typer.Option("--as", help="Who does it; left out: the user of this machine.")
REASON = typer.Option("--reason", help="Why; it is kept.")
FOLDER = typer.Option(
    "--folder", help="The run folder: its sessions, and the drills of its kill switch; left out: as the settings say."
)


def add_moves(group: typer.Typer) -> None:
    """Add the commands to the group `b25 strategies`."""
    group.command("approve", epilog="Example: b25 strategies approve market_maker@1 --to paper --reason 'watched a day'")(approve)
    group.command("pause", epilog="Example: b25 strategies pause market_maker@1 --reason 'odd fills'")(pause)
    group.command("retire", epilog="Example: b25 strategies retire market_maker@1 --reason 'replaced by 2'")(retire)
    group.command("rollback", epilog="Example: b25 strategies rollback market_maker --reason 'version 2 loses'")(rollback)
    group.command("history", epilog="Example: b25 strategies history market_maker@1")(history)


def approve(
    reference: Reference,
    to: Annotated[str, typer.Option(help="validated, observe, paper, canary, live; of a paused one, where it was.")],
    reason: Annotated[str, REASON] = "",
    skip: Annotated[bool, typer.Option("--skip", help="Pass over steps and what is not met; role risk, and a reason.")] = False,
    size: Annotated[float | None, typer.Option(help="Of a canary: its limits times this, lower than the setting.")] = None,
    confirm: Annotated[str, typer.Option(help="Alone: what is asked to be typed, after a minute.")] = "",
    by: Annotated[str, AS] = "",
    store: Annotated[str, STORE] = "",
    folder: Annotated[Path | None, FOLDER] = None,
    json: Annotated[bool, JSON] = False,
) -> None:
    """Move a version up, when it has shown what the step needs; all that is missing is told."""
    from b25.cli.versions import actor_of, promotions_at
    from b25.model.errors import Misuse
    from b25.promote.moves import Wanted
    from b25.promote.states import LADDER, State

    if to not in LADDER:
        raise Misuse(f"there is no state {to!r} to approve", remedy=f"use one of {', '.join(LADDER[1:])}")
    promotions = promotions_at(store, folder)
    if not confirm and sys.stdin.isatty() and _waits(promotions, reference, to):
        confirm = input(f"type exactly {reference} to {to}: ")
    wanted = Wanted(to=State(to), reason=reason, skip=skip, typed=confirm, size_factor=size)
    _move(promotions, reference, wanted, actor_of(promotions, by), json=json)


def pause(
    reference: Reference,
    reason: Annotated[str, REASON] = "",
    by: Annotated[str, AS] = "",
    store: Annotated[str, STORE] = "",
    json: Annotated[bool, JSON] = False,
) -> None:
    """Have no session of a version trade: none starts, and those that run pause within seconds."""
    _stop(reference, "paused", reason, by, store, json=json)


def retire(
    reference: Reference,
    reason: Annotated[str, REASON],
    by: Annotated[str, AS] = "",
    store: Annotated[str, STORE] = "",
    json: Annotated[bool, JSON] = False,
) -> None:
    """Put a version away for good; its files and records stay."""
    _stop(reference, "retired", reason, by, store, json=json)


def rollback(
    name: Annotated[str, typer.Argument(help="Of a strategy.")],
    reason: Annotated[str, REASON],
    to: Annotated[int | None, typer.Option(help="Number of the version; left out: the one before.")] = None,
    stage: Annotated[str, typer.Option(help="live, canary, paper or observe; left out: the highest that there is.")] = "",
    by: Annotated[str, AS] = "",
    store: Annotated[str, STORE] = "",
    folder: Annotated[Path | None, FOLDER] = None,
    json: Annotated[bool, JSON] = False,
) -> None:
    """Have a name stand for an older version again; the one that it leaves is paused."""
    from b25.cli.versions import actor_of, promotions_at, running

    promotions = promotions_at(store, folder)
    takes, left = promotions.rollback(name, actor_of(promotions, by), to=to, stage=stage, reason=reason)
    found = running(folder, f"{name}@{left}")
    facts = {"name": name, "from": f"{name}@{left}", "to": takes.reference, "running": found}
    lines = [f"{name} stands for {takes.reference}; {name}@{left} is paused"]
    for one in found:
        name_of, mode = one["session"], one["mode"]
        lines.append(f"session {name_of} still runs {name}@{left}, and pauses. End it, then start the other:")
        lines.append(f"  b25 session stop {name_of}; b25 run {name} --mode {mode}")
        lines.append(f"  under b25 up, with the plan naming {name} or {takes.reference}: b25 session start {name_of}")
    answer(facts, json=json, lines=lines)


def history(reference: Reference, store: Annotated[str, STORE] = "", json: Annotated[bool, JSON] = False) -> None:
    """Tell every move of a version: who, when, by which role, why, and on what evidence."""
    from b25.cli.versions import promotions_at
    from b25.promote.overview import move_facts

    promotions = promotions_at(store)
    _, moves = promotions.standing(promotions.find(reference))
    rows = [move_facts(one) for one in moves]
    lines = []
    for row in rows:
        how = ", alone" if row["alone"] else ""
        lines.append(
            f"{time_text(row['when_ns'])}  {row['from']} → {row['to']}  {row['who']} ({row['role']}{how}): {row['reason']}"
        )
        lines.append(
            f"  evidence {row['evidence_sha256'][:12]}"
            + (f"; passed over: {', '.join(row['skipped'])}" if row["skipped"] else "")
        )
    answer({"reference": reference, "moves": rows}, json=json, lines=lines or [f"{reference} was never moved: it is draft"])


def time_text(time_ns: int) -> str:
    """Return a time in UTC, to the minute."""
    return datetime.fromtimestamp(time_ns / 1e9, UTC).strftime("%Y-%m-%d %H:%M")


def _waits(promotions: "Promotions", reference: str, to: str) -> bool:
    """Whether this very move was asked for before, and is to be confirmed now."""
    from b25.store.promotion_pointers import requests

    return any(f"{one.name}@{one.version}" == reference and one.to_state == to for one in requests(promotions.store))


def _stop(reference: str, to: str, reason: str, by: str, store: str, *, json: bool) -> None:
    from b25.cli.versions import actor_of, promotions_at
    from b25.promote.moves import Wanted
    from b25.promote.states import State

    promotions = promotions_at(store)
    _move(promotions, reference, Wanted(to=State(to), reason=reason), actor_of(promotions, by, stops=True), json=json)


def _move(promotions: "Promotions", reference: str, wanted: "Wanted", by: Any, *, json: bool) -> None:
    came = promotions.move(reference, wanted, by)
    answer(_facts(came), json=json, lines=_lines(promotions, came, wanted))


def _facts(came: "Came") -> dict[str, Any]:
    from b25.promote.overview import move_facts

    return {
        "reference": came.version.reference, "state": str(came.standing.state), "moved": came.move is not None,
        "waits_until_ns": None, "move": None if came.move is None else move_facts(came.move),
        "needs": [one.facts() for one in came.needs],
    }  # fmt: skip


def _lines(promotions: "Promotions", came: "Came", wanted: "Wanted") -> list[str]:
    reference = came.version.reference
    if came.request is not None:
        typed = promotions.confirmation(came.version, wanted.to)
        again = f"b25 strategies approve {reference} --to {wanted.to} --reason '{wanted.reason}'" + (
            " --skip" if wanted.skip else ""
        )
        return [
            f"{reference} is still {came.standing.state}: you work alone, so agree with yourself after "
            f"{promotions.asked.cool_off_s:.0f} s, by typing:",
            f"  {again} --confirm '{typed}'",
        ]
    assert came.move is not None
    lines = [f"{reference} is {came.standing.state} (was {came.move.from_state}), by {came.move.who}"]
    lines += [f"  passed over: {one.name}: {one.told}" for one in came.needs if not one.met]
    if came.move.to_state == "canary":
        lines.append(f"  its limits are times {came.move.size_factor:g}: b25 run {reference} --mode live")
    return lines
