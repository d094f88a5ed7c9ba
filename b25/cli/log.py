"""Say how much the processes of a run folder log, while they run."""

from pathlib import Path
from typing import Annotated

import typer

from b25.cli.output import JSON, answer

Folder = Annotated[Path, typer.Option(help="The run folder.")]


def register(app: typer.Typer) -> None:
    """Add the group."""
    group = typer.Typer(help=__doc__, no_args_is_help=True)
    group.command("level", epilog="Example: b25 log level debug")(level)
    group.callback()(lambda: None)
    app.add_typer(group, name="log")


def level(
    wanted: Annotated[str, typer.Argument(help="debug, info, warning, error or alarm; left out, the present one is told.")] = "",
    folder: Folder = Path("data/run"),
    json: Annotated[bool, JSON] = False,
) -> None:
    """Tell or change from which level on is logged; every process heeds it within a second."""
    from b25.runner.structured_log import level_of, set_level

    if wanted:
        set_level(folder, wanted)
    told = level_of(folder)
    answer({"level": told, "folder": str(folder)}, json=json, lines=[told])
