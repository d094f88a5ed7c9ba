"""Compare a promoted version with a notebook, a file or another version: source, parameters, conditions, behaviour."""

from pathlib import Path
from typing import Annotated

import typer

from b25.cli.output import JSON, answer

Left = Annotated[str, typer.Argument(metavar="NAME@NUMBER", help="A version, or NOTEBOOK.ipynb:Class, or FILE.py:Class.")]
Right = Annotated[str, typer.Argument(metavar="OTHER", help="Likewise; a file without a class has that of the other side.")]
DIFFERS_EXIT_CODE = 1


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("diff", epilog="Example: b25 diff lean@1 notebooks/tutorials/02_first_strategy.ipynb:Lean")(compare)


def compare(
    left: Left,
    right: Right,
    html: Annotated[Path | None, typer.Option("--html", help="Write it as a page as well.")] = None,
    json: Annotated[bool, JSON] = False,
) -> None:
    """Tell what differs; exit code 1 when they do not behave the same or have other parameters."""
    from b25.promote.diff import diff

    found = diff(left, right)
    if html is not None:
        page = f"<!doctype html><meta charset='utf-8'><meta name='color-scheme' content='light dark'>{found.html()}"
        html.write_text(page, encoding="utf-8")
    answer(found.facts(), json=json, lines=found.lines())
    if not found.is_same:
        raise typer.Exit(DIFFERS_EXIT_CODE)
