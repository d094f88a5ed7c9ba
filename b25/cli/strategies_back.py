"""Commands of `b25 strategies` that lead back to research: a version as a notebook, and what differs from it."""

from pathlib import Path
from typing import Annotated

import typer

from b25.cli.diff import compare
from b25.cli.output import JSON, answer

Reference = Annotated[str, typer.Argument(metavar="NAME@NUMBER", help="A promoted version.")]


def add_back(group: typer.Typer) -> None:
    """Add the commands to the group."""
    group.command("checkout", epilog="Example: b25 strategies checkout lean@1 -o lean_again.ipynb")(checked_out)
    group.command("diff", epilog="Example: b25 strategies diff lean@1 notebooks/tutorials/02_first_strategy.ipynb")(compare)


def checked_out(
    reference: Reference,
    out: Annotated[Path | None, typer.Option("-o", "--out", help="By default NAME_vNUMBER.ipynb here.")] = None,
    force: Annotated[bool, typer.Option("--force", help="Write over what is there.")] = False,
    json: Annotated[bool, JSON] = False,
) -> None:
    """Write a notebook with the version's source, parameters, data and conditions; promoted again it is the same version."""
    from b25.promote.checkout import checkout

    found = checkout(reference)
    path = found.write(out, force=force)
    facts = {
        "reference": found.reference,
        "notebook": str(path),
        "class": found.class_name,
        "cells": [one.id for one in found.cells],
    }
    answer(facts, json=json, lines=[f"{found.reference} is in {path}: {len(found.cells)} cells; run all of them"])
