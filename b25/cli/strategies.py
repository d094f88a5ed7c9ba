"""List, show and check the promoted versions of strategies."""

from datetime import UTC, datetime
from typing import Annotated, Any

import typer

from b25.cli.output import JSON, answer
from b25.cli.strategies_new import add_new
from b25.model.errors import Misuse

Reference = Annotated[str, typer.Argument(metavar="NAME@NUMBER", help="A promoted version.")]


def register(app: typer.Typer) -> None:
    """Add the group."""
    group = typer.Typer(help="List, show and check the promoted versions of strategies.", no_args_is_help=True)
    group.command("list", epilog="Example: b25 strategies list")(listed)
    group.command("show", epilog="Example: b25 strategies show market_maker@1")(show)
    group.command("verify", epilog="Example: b25 strategies verify market_maker@1")(verified)
    add_new(group)
    app.add_typer(group, name="strategies")


def listed(json: Annotated[bool, JSON] = False) -> None:
    """Every version: who made it, when, and whether it is as it was signed."""
    from b25.promote.version import LIVE, versions

    rows = [_row(one) for one in versions(LIVE)]
    lines = [
        f"{one['reference']:<28} {one['content_id'][:12]}  {one['created']}  {one['by']:<12} "
        f"{one['orders']:>6} orders  {'as signed' if not one['fault'] else one['fault']}"
        for one in rows
    ]
    answer({"versions": rows}, json=json, lines=lines or ["nothing was promoted yet: b25 promote NOTEBOOK.ipynb:Class"])


def show(reference: Reference, json: Annotated[bool, JSON] = False) -> None:
    """What a version is made of, and what was proven."""
    from b25.promote.version import LIVE, SOURCE, find

    version = find(LIVE, reference)
    held = version.manifest
    lines = [
        f"{version.reference}: class {held['class']}, content {held['content_id']}",
        f"from {held['source']['file']} ({held['source']['sha256'][:12]}), cells {', '.join(held['source']['cells'])}",
        f"parameters {held['parameters'] or 'as declared'}; {held['conditions']['fees']}",
        *(f"proven on {one['venue']} {one['symbol']} {one.get('timeframe', '')} ({one['hash'][:12]})" for one in held["data"]),
        f"  {held['evidence']['counts']}",
        *(f"  changed on purpose: {what}: {how}" for what, how in held["evidence"]["controls"].items()),
        "",
        *(version.folder / SOURCE).read_text(encoding="utf-8").splitlines(),
    ]
    answer({**held, "reference": version.reference}, json=json, lines=lines)


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


def _row(version: Any) -> dict[str, Any]:
    from b25.config.settings import read_settings
    from b25.promote.version import verify

    held = version.manifest
    try:
        verify(version, read_settings().secrets_folder)
        fault = ""
    except Misuse as found:
        fault = found.what
    made = datetime.fromtimestamp(held["created"]["at_ns"] / 1e9, UTC).strftime("%Y-%m-%d %H:%M")
    return {
        "reference": version.reference, "content_id": version.content_id, "created": made, "by": held["created"]["by"],
        "orders": held["evidence"]["counts"]["orders"], "fault": fault,
    }  # fmt: skip
