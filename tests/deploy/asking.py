"""Whether a command line is one that `b25` takes, without running it."""

import importlib

import typer

from b25.cli import command_names
from b25.cli import main as b25_main

# Commands of parts that are not in every checkout of a branch; when their file is there, they are looked at as all others.
LATER = {"gateway", "analytics", "alerts", "user", "token", "audit", "config"}


def is_there(words):
    return words[0] in command_names()


def faults(words):
    """What is wrong with some words after `b25`; empty when nothing is."""
    if not is_there(words):
        return [] if words[0] in LATER else [f"there is no command {words[0]}"]
    app = typer.Typer(add_completion=False)
    app.callback()(lambda: None)
    importlib.import_module(f"b25.cli.{words[0].replace('-', '_')}").register(app)
    command, rest = typer.main.get_command(app).commands[words[0]], list(words[1:])
    while hasattr(command, "commands") and rest and rest[0] in command.commands:
        command, rest = command.commands[rest[0]], rest[1:]
    if hasattr(command, "commands") and rest and not rest[0].startswith("-") and not command.invoke_without_command:
        return [f"{words[0]} has no command {rest[0]}"]
    known = {option for parameter in command.params for option in (*parameter.opts, *parameter.secondary_opts)} | {"--help"}
    return [
        f"{' '.join(words)}: there is no {word}" for word in rest if word.startswith("--") and word.partition("=")[0] not in known
    ]


def help_works(words):
    return b25_main([*words, "--help"]) == 0
