"""The command line `b25 …`: one file in this folder is one command, imported only when it is asked for.

A command's file begins with the sentence that `b25 --help` shows, and has `register(app)`, which adds the command (or a
group of the same name) to the typer application. Every fault of a command ends here, as one message and an exit code:

0 done · 1 error · 2 not found · 3 not running · 4 configuration or usage · 5 timeout · 130 interrupted
"""

import ast
import difflib
import importlib
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Annotated, cast

import typer
from typer.exceptions import TyperException

from b25.cli import output
from b25.model.errors import B25Error

# numpy asks for huge pages for its larger arrays; an import touches each of them once, and the kernel then clears memory for
# longer than the reading takes. Read when numpy is imported, which no command has done yet.
os.environ.setdefault("NUMPY_MADVISE_HUGEPAGE", "0")

FOLDER = Path(__file__).resolve().parent
NOT_COMMANDS = {
    "__init__", "bar_options", "config_desk", "demo_live", "live_view", "output", "session_commands", "session_control",
    "session_orders", "session_trace", "strategies_back", "strategies_moves", "strategies_new", "versions",
}  # fmt: skip
USAGE_EXIT_CODE = 4
INTERRUPTED_EXIT_CODE = 130
TYPER_USAGE_EXIT_CODE = 2  # taken by "not found" here

Register = Callable[[typer.Typer], None]


class UnknownCommand(TyperException):
    """The first word is no command."""

    exit_code = TYPER_USAGE_EXIT_CODE


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command.

    Parameters
    ----------
    arguments : sequence of str, optional
        The words after `b25`; those of this process when left out.

    Returns
    -------
    int
        The exit code.
    """
    words = list(sys.argv[1:] if arguments is None else arguments)
    as_json = "--json" in words
    try:
        return int(_application(words)(words, prog_name="b25", standalone_mode=False) or 0)
    except B25Error as fault:
        code = getattr(fault, "exit_code", 1)
        return output.refuse(code, type(fault).__name__.lower(), fault.what, fault.remedy, json=as_json)
    except TyperException as fault:
        code = USAGE_EXIT_CODE if fault.exit_code == TYPER_USAGE_EXIT_CODE else fault.exit_code
        return output.refuse(code, "usage", fault.format_message(), f"see: {_help_command(words)}", json=as_json)
    except (typer.Abort, KeyboardInterrupt):
        return output.refuse(INTERRUPTED_EXIT_CODE, "interrupted", "interrupted", "start it again", json=as_json)


def command_names() -> list[str]:
    """Names of all commands, in alphabetical order."""
    return sorted(path.stem.replace("_", "-") for path in FOLDER.glob("*.py") if path.stem not in NOT_COMMANDS)


def _application(words: list[str]) -> typer.Typer:
    app = typer.Typer(name="b25", add_completion=False, pretty_exceptions_enable=False, rich_markup_mode=None)
    wanted = next((word for word in words if not word.startswith("-")), None)
    names = command_names()
    app.callback(invoke_without_command=True, help=_overview() if wanted is None else None)(_overall)
    if wanted in names:
        module = importlib.import_module(f"b25.cli.{wanted.replace('-', '_')}")
        cast("Register", module.register)(app)
    elif wanted is not None:
        near = difflib.get_close_matches(wanted, names, n=1)
        meant = f"; did you mean `b25 {near[0]}`?" if near else ""
        raise UnknownCommand(f"there is no command {wanted!r}{meant}")
    return app


def _overall(
    ctx: typer.Context,
    version: Annotated[bool, typer.Option("--version", help="Print the version and stop.")] = False,
) -> None:
    if version:
        from importlib.metadata import version as installed

        typer.echo(f"b25 {installed('b25')}")
    elif ctx.invoked_subcommand is None:
        typer.echo(ctx.get_help())


def _overview() -> str:
    """Text of `b25 --help`: the commands with their first sentences, read without importing them."""
    width = max(map(len, command_names()), default=0)
    rows = [f"  {name:<{width}}  {_first_sentence(name)}" for name in command_names()]
    return "\n".join(["From a strategy in a notebook cell to a supervised live bot.\n", "\b", "Commands:", *rows])


def _first_sentence(name: str) -> str:
    source = (FOLDER / f"{name.replace('-', '_')}.py").read_text(encoding="utf-8")
    return (ast.get_docstring(ast.parse(source)) or "").partition("\n")[0]


def _help_command(words: list[str]) -> str:
    known = [word for word in words[:1] if word in command_names()]
    return " ".join(["b25", *known, "--help"])
