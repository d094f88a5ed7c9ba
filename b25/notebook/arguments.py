"""The words after a magic, read as a command line is; what is wrong with them is told as any other misuse."""

from __future__ import annotations

import argparse
import shlex
from typing import Any, Never

from b25.model.errors import Misuse


class AskedForHelp(Exception):
    """The words were ``--help``: the help was printed, and there is nothing to do."""


class Words(argparse.ArgumentParser):
    """Reads the words of one magic.

    Parameters
    ----------
    magic : str
        As it is written, e.g. ``"%%backtest"``.
    about : str
        What it does, one sentence.
    example : str
    """

    def __init__(self, magic: str, about: str, example: str) -> None:
        super().__init__(
            prog=magic, description=about, epilog=f"Example: {example}", add_help=False, allow_abbrev=False,
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )  # fmt: skip
        self.example = example
        self.add_argument("-h", "--help", action="store_true", help="Show this.")

    def read(self, line: str) -> argparse.Namespace:
        """Read a line.

        Raises
        ------
        Misuse
            For a word that is not known, or one that is missing.
        AskedForHelp
            When help was asked for, and was printed.
        """
        try:
            words = shlex.split(line)
        except ValueError as fault:
            raise Misuse(f"{self.prog} {line}: {fault}", remedy="close the quotation marks") from None
        if {"-h", "--help"} & set(words):
            print(self.format_help())
            raise AskedForHelp
        return self.parse_args(words)

    def error(self, message: str) -> Never:
        """Raise Misuse in place of ending the process."""
        raise Misuse(f"{self.prog}: {message}", remedy=f"write e.g. {self.example}; {self.prog} --help tells all")

    def exit(self, status: int = 0, message: str | None = None) -> Never:
        """Raise Misuse in place of ending the process."""
        raise Misuse(f"{self.prog}: {(message or 'nothing to do').strip()}", remedy=f"{self.prog} --help")


def given(options: argparse.Namespace, *names: str) -> dict[str, Any]:
    """Options of these names that were given, by name."""
    return {name: value for name in names if (value := getattr(options, name)) is not None}
