"""Checks reports.toml with everything that it names, before anything runs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from b25.config.settings import Settings
from b25.reports.definition import read_reports
from b25.reports.parameters import parameters_of
from b25.reports.paths import within
from b25.reports.secrets import find


def check_reports(settings: Settings) -> list[dict[str, Any]]:
    """Return every report with the parameters of its notebook.

    Raises
    ------
    BadReport
        For the first definition, notebook or parameter that is wrong.
    Misuse
        When a secret is nowhere, or others may read it.
    """
    rows = []
    for one in read_reports(settings.reports_file).values():
        known = parameters_of(within(Path.cwd() / one.notebook, Path.cwd()), one.notebook)
        values = known.checked(one.params)
        for name in one.secrets:
            find(name, settings.secrets_folder)
        rows.append({"name": one.name, "notebook": one.notebook, "schedule": one.schedule, "parameters": values})
    return rows
