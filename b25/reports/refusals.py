"""What is refused of reports, with the exit code of a command that ends for it."""

from __future__ import annotations

from b25.model.errors import Misuse


class BadReport(Misuse):
    """A definition, a notebook or a parameter that a person must correct."""

    exit_code = 4


class NoReport(Misuse):
    """A report, a run, or a file of one that is not there."""

    exit_code = 2
