"""Write a new strategy with everything in place: a file, or a notebook that runs as it is."""

from pathlib import Path
from typing import Annotated

import typer

from b25.cli.output import JSON, answer

EXAMPLE = "Example: b25 strategies new MeanReversion --template full --notebook"


def add_new(group: typer.Typer) -> None:
    """Add `new` to the group `b25 strategies`."""
    group.command("new", epilog=EXAMPLE)(new)


def new(
    name: Annotated[str, typer.Argument(metavar="NAME", help="Of the class, e.g. MeanReversion.")],
    template: Annotated[str, typer.Option(help="minimal or full.")] = "minimal",
    notebook: Annotated[bool, typer.Option("--notebook", help="A notebook in place of a Python file.")] = False,
    folder: Annotated[Path | None, typer.Option(help="Left out: strategies, or notebooks/research.")] = None,
    force: Annotated[bool, typer.Option("--force", help="Write over what is there.")] = False,
    json: Annotated[bool, JSON] = False,
) -> None:
    """Write a strategy that backtests on the sample market and can be promoted."""
    from b25.cli.bar_options import usage
    from b25.notebook.skeleton import write_skeleton

    with usage():
        path = write_skeleton(name, template, notebook=notebook, folder=folder, force=force)
    run = f"b25 lab {path}" if notebook else f"b25 backtest {path}:{name}"
    lines = [f"written  {path}", f"next     {run}; b25 promote {path}:{name} --dry-run"]
    answer({"name": name, "path": str(path), "template": template}, json=json, lines=lines)
