"""Promoted versions of strategies: list, show and check them, and move them from state to state."""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from b25.cli.output import JSON, answer
from b25.cli.strategies_back import add_back
from b25.cli.strategies_moves import STORE, Reference, add_moves, time_text
from b25.cli.strategies_new import add_new

if TYPE_CHECKING:
    from b25.promote.moves import Promotions


def register(app: typer.Typer) -> None:
    """Add the group."""
    group = typer.Typer(help=__doc__, no_args_is_help=True)
    group.command("list", epilog="Example: b25 strategies list")(listed)
    group.command("show", epilog="Example: b25 strategies show market_maker@1")(show)
    group.command("verify", epilog="Example: b25 strategies verify market_maker@1")(verified)
    add_moves(group)
    add_back(group)
    add_new(group)
    app.add_typer(group, name="strategies")


def listed(store: Annotated[str, STORE] = "", json: Annotated[bool, JSON] = False) -> None:
    """Every version: state, who made and who moved it, when, what it did, its drift, and what its name stands for."""
    from b25.cli.versions import promotions_at
    from b25.promote.overview import overview

    rows = overview(promotions_at(store))
    lines = []
    for one in rows:
        points = f" ← {one['name']} ({', '.join(one['pointers'])})" if one["pointers"] else ""
        by = (
            f"{one['moved_by']} {time_text(one['moved_ns'])}"
            if one["moved_ns"]
            else f"{one['by']} {time_text(one['created_ns'])}"
        )
        did = f"{one['sessions']} sessions, {one['fills']} fills" if one["sessions"] else f"{one['orders']} orders proven"
        lines.append(
            f"{one['reference']:<28} {one['state']:<10} {one['content_id'][:12]}  {by:<30} {did:<26} drift {one['drift']}{points}"
        )
        lines += [f"  {one['fault']}"] if one["fault"] else []
    answer({"versions": rows}, json=json, lines=lines or ["nothing was promoted yet: b25 promote NOTEBOOK.ipynb:Class"])


def show(reference: Reference, store: Annotated[str, STORE] = "", json: Annotated[bool, JSON] = False) -> None:
    """What a version is made of, what was proven, where it stands, and what its next step needs."""
    from b25.cli.versions import promotions_at
    from b25.promote.overview import shown
    from b25.promote.version import SOURCE

    promotions = promotions_at(store)
    version = promotions.find(reference)
    held, told = version.manifest, shown(promotions, version)
    source = held.get("source", {})
    lines = [
        f"{version.reference}: class {held['class']}, content {held['content_id']}, state {told['state']}",
        f"from {source.get('file')} ({str(source.get('sha256'))[:12]}), cells {', '.join(source.get('cells', ()))}",
        f"parameters {held.get('parameters') or 'as declared'}; {held.get('conditions', {}).get('fees', '')}",
        *(
            f"proven on {one['venue']} {one['symbol']} {one.get('timeframe', '')} ({one['hash'][:12]})"
            for one in held.get("data", ())
        ),
        f"  {held['evidence']['counts']}",
        *(f"  changed on purpose: {what}: {how}" for what, how in held["evidence"]["controls"].items()),
        *(
            f"session {one['session']} ({one['mode']}): {one['hours']:.2f} h, {one['fills']} fills {one['fault']}"
            for one in told["runs"]
        ),
        f"drift {told['drift']}",
        *_next_lines(promotions, version.reference, told),
        "",
        *(version.folder / SOURCE).read_text(encoding="utf-8").splitlines(),
    ]
    answer({**held, "reference": version.reference, "standing": told}, json=json, lines=lines)


def _next_lines(promotions: "Promotions", reference: str, told: dict[str, Any]) -> list[str]:
    if told["fault"]:
        return [told["fault"]]
    if told["next"] is None:
        return []
    needs = [f"  {'✓' if one['met'] else '✗'} {one['name']}: {one['told']}" for one in told["needs"]]
    return [f"next: b25 strategies approve {reference} --to {told['next']}, by {' or '.join(told['next_roles'])}", *needs]


def verified(reference: Reference, json: Annotated[bool, JSON] = False) -> None:
    """Hash every file anew, and check the signature; the first thing that is not as it was frozen is named."""
    from b25.config.settings import read_settings
    from b25.promote.version import LIVE, find, verify

    version = find(LIVE, reference)
    verify(version, read_settings().secrets_folder)
    facts = {"reference": version.reference, "content_id": version.content_id, "files": len(version.manifest["files"])}
    answer(
        facts, json=json, lines=[f"{version.reference} is as it was signed: {facts['files']} files, {version.content_id[:12]}"]
    )
