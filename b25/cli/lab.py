"""Open JupyterLab on this machine only, with a random token, and kernels that have no key of an exchange."""

from pathlib import Path
from typing import Annotated

import typer

from b25.cli.output import progress
from b25.model.errors import Misuse

EXAMPLE = "Example: b25 lab notebooks/tutorials/01_order_book.ipynb"


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("lab", epilog=EXAMPLE, context_settings={"ignore_unknown_options": True, "allow_extra_args": True})(lab)


def lab(
    ctx: typer.Context,
    opens: Annotated[str, typer.Argument(metavar="PATH", help="A notebook or folder; left out: the tutorials.")] = "",
    port: Annotated[int, typer.Option(help="Where it listens, on 127.0.0.1; 0 for any.")] = 8888,
    browser: Annotated[bool, typer.Option("--browser/--no-browser", help="Open a browser.")] = True,
    allow_root: Annotated[bool, typer.Option("--allow-root", help="Run it as root, and so whatever a notebook runs.")] = False,
) -> None:
    """Start JupyterLab; further options of the form --Name.option=value are its own, and refused where they open a door."""
    from b25.cli.bar_options import usage
    from b25.notebook.lab import address, hint, prepared, server_words

    with usage():
        own = [*([opens] if opens.startswith("--") else []), *ctx.args]  # what is not known here may stand first
        root, path = _folder_of("" if opens.startswith("--") else opens)
        words = server_words(root, port=port, opens=path, browser=browser, allow_root=allow_root, more=_own_words(own))
        server = prepared(words, allow_root=allow_root)
    if missing := hint():
        progress(f"b25: {missing}")
    progress(f"b25: JupyterLab on {root}, for this machine only; Ctrl-C ends it")
    typer.echo(address(server))
    server.start()


def _own_words(words: list[str]) -> list[str]:
    for word in words:
        if not word.startswith("--"):
            raise Misuse(f"{word!r} is one thing too many to open", remedy="open one; the others from the list at the left")
    return words


def _folder_of(opens: str) -> tuple[Path, str]:
    """The folder that is shown, and what is opened in it."""
    notebooks = Path("notebooks")
    root = (notebooks if notebooks.is_dir() else Path()).resolve()
    if not opens:
        return root, "tutorials" if (root / "tutorials").is_dir() else ""
    path = Path(opens)
    if not path.exists() and not (root / opens).exists():
        raise Misuse(f"there is no {opens}", remedy="give a notebook or a folder that is there")
    whole = (path if path.exists() else root / opens).resolve()
    if whole.is_relative_to(root):
        return root, whole.relative_to(root).as_posix()
    return (whole, "") if whole.is_dir() else (whole.parent, whole.name)
