"""Looks at each cell before it runs, and warns of what would make its result worth less. It stops nothing."""

from __future__ import annotations

import ast
import re
import sys
from pathlib import Path
from typing import Any, Final

from b25.model.errors import B25Error

RECORDS: Final = re.compile(
    r"\b(?:backtest|sweep|walk_forward|promote\w*)\s*\(|^\s*%{1,2}(?:backtest|sweep|promote)\b", re.MULTILINE
)
DEFINES: Final = re.compile(r"^\s*class\s+(\w+)", re.MULTILINE)


class CellWatch:
    """The hook of one kernel.

    Parameters
    ----------
    shell : InteractiveShell
    root : Path, optional
        Folder of the promoted versions.
    """

    def __init__(self, shell: Any, root: Path | None = None) -> None:
        self.shell, self.root = shell, root
        self._told: set[str] = set()

    def before_cell(self, info: Any) -> None:
        """Warn, once for each reason."""
        text = str(info.raw_cell or "")
        try:
            if RECORDS.search(text) and is_autoreload_on(self.shell):
                self._warn(
                    "autoreload",
                    "autoreload is on while a result is recorded: the code that ran may be no longer the code in the file; "
                    "remedy: %autoreload 0, then Restart & Run All",
                )
            if DEFINES.search(text):
                for name, reference in self._redefined(text):
                    self._warn(
                        f"{reference} {name}",
                        f"{name} is promoted as {reference}, and this cell defines another {name}: the version that runs is not "
                        "changed by it; remedy: promote the new one, or look at the old: %b25 checkout " + reference,
                    )
        except (B25Error, OSError, ValueError):  # a warning that cannot be made is none: the cell is the reader's
            return

    def _redefined(self, text: str) -> list[tuple[str, str]]:
        names = set(DEFINES.findall(text))
        found = []
        for version in self._versions():
            name = str(version.manifest.get("class", ""))
            if name in names and not _is_as_promoted(text, name, version):
                found.append((name, version.reference))
        return found

    def _versions(self) -> list[Any]:
        """The newest version of each strategy."""
        from b25.promote.version import LIVE, versions

        newest = {version.manifest["name"]: version for version in versions(self.root or LIVE)}
        return list(newest.values())

    def _warn(self, key: str, text: str) -> None:
        if key not in self._told:
            self._told.add(key)
            print(f"b25: {text}", file=sys.stderr)


def is_autoreload_on(shell: Any) -> bool:
    """Whether IPython reloads modules that changed before each cell."""
    held = shell.magics_manager.registry.get("AutoreloadMagics")
    reloader = getattr(held, "_reloader", None)
    return bool(reloader is not None and (getattr(reloader, "enabled", False) or getattr(reloader, "check_all", False)))


def _is_as_promoted(text: str, name: str, version: Any) -> bool:
    """Whether a cell's class is written as the promoted one is."""
    from b25.promote.version import SOURCE

    promoted = class_text((version.folder / SOURCE).read_text(encoding="utf-8"), name)
    return promoted is not None and promoted == class_text(text, name)


def class_text(text: str, name: str) -> str | None:
    """The parsed form of a class in a text; None where it is not there, or the text is no Python."""
    code = "\n".join("" if re.match(r"\s*[%!]", line) else line for line in text.splitlines())
    try:
        tree = ast.parse(code)
    except SyntaxError:
        return None
    for node in tree.body:
        if isinstance(node, ast.ClassDef) and node.name == name:
            return ast.dump(node)
    return None
