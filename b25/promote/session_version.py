"""Which promoted version a session ran, told from its journal; and the class, from the very bytes that the journal holds."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

from b25.model.errors import Misuse
from b25.promote.side import class_of_text
from b25.promote.version import FOLDER, LIVE, REFERENCE, SOURCE, Version, versions
from b25.research.strategy_file import load_strategy
from b25.strategy.strategy import Strategy


def claimed(header: dict[str, Any]) -> str:
    """``NAME@NUMBER`` as the session says, whether or not that is true; empty for a class of another file."""
    told = header.get("more", {}).get("version") or {}
    if isinstance(told, dict) and REFERENCE.fullmatch(str(told.get("reference", ""))):
        return str(told["reference"])
    path = Path(header["strategy"]["file"])
    match = FOLDER.fullmatch(path.parent.name)
    return f"{path.parent.parent.name}@{int(match[1])}" if match is not None and path.name == SOURCE else ""


def version_of(header: dict[str, Any], root: Path = LIVE) -> Version | None:
    """Return the version whose source the session ran, byte for byte; None when it ran no promoted version.

    Of several versions with the same source it is the one that the session's file names, else the latest.
    """
    digest = hashlib.sha256(header["strategy"]["source"].encode()).hexdigest()
    same = [one for one in versions(root) if one.manifest["files"].get(SOURCE) == digest]
    named = claimed(header)
    return next((one for one in same if one.reference == named), same[-1] if same else None)


def class_of_session(header: dict[str, Any], root: Path = LIVE) -> type[Strategy]:
    """Return the class that a session ran: the journal's own bytes, under the name that its version's machine code has.

    Raises
    ------
    Misuse
        When the journal holds no source, or it cannot be run.
    """
    told = header["strategy"]
    if not told["source"]:
        path = Path(told["file"])
        if not path.is_file():
            raise Misuse(f"the strategy's file {path} is gone, and the journal holds no source", remedy="name a version")
        return load_strategy(f"{path}:{told['class']}")
    version, path = version_of(header, root), Path(told["file"])
    if version is not None:
        held = version.manifest
        module, file = f"b25_live_{held['name']}_v{held['version']:04d}", str(version.folder / SOURCE)
    elif path.is_file() and path.read_text(encoding="utf-8") == told["source"]:
        return load_strategy(f"{path}:{told['class']}")  # beside the modules that it imports
    else:
        module, file = f"b25_recorded_{hashlib.sha256(told['source'].encode()).hexdigest()[:12]}", ""
    return class_of_text(told["source"], told["class"], module, file=file)
