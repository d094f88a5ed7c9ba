"""A frozen version of a strategy: a folder that is written once, and loaded only when every byte is as it was signed.

strategies/live/<name>/v0007/   strategy.py  source.ipynb|source.py  proof.json  bias.json  MANIFEST.json  MANIFEST.sig
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any, Final

import orjson

from b25.model.errors import Misuse
from b25.promote.signing import is_signed, promotion_key, sign
from b25.strategy.strategy import Strategy

MANIFEST, SIGNATURE, SOURCE = "MANIFEST.json", "MANIFEST.sig", "strategy.py"
LIVE: Final = Path("strategies/live")
REFERENCE: Final = re.compile(r"(?P<name>[a-z][a-z0-9_]*)@(?P<version>[1-9][0-9]*)")
FOLDER: Final = re.compile(r"v([0-9]{4,})")


@dataclass(frozen=True, slots=True)
class Version:
    """A frozen version.

    Attributes
    ----------
    manifest : dict
    """

    folder: Path
    manifest: dict[str, Any]

    @property
    def reference(self) -> str:
        """Name and number: ``mean_rev@7``."""
        return f"{self.manifest['name']}@{self.manifest['version']}"

    @property
    def content_id(self) -> str:
        """What is approved: hash over strategy, parameters, lock and engine."""
        return str(self.manifest["content_id"])


def snake(name: str) -> str:
    """Name of a class as that of a folder: ``MarketMaker`` is ``market_maker``."""
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", name).lower()


def canonical(held: Mapping[str, Any]) -> bytes:
    """Return the one text of a mapping: keys sorted, no blanks."""
    return orjson.dumps(dict(held), option=orjson.OPT_SORT_KEYS)


def versions(root: Path, name: str = "") -> list[Version]:
    """Every version in a folder, by name and number; what is half written is none."""
    found = []
    for path in sorted(root.glob(f"{name or '*'}/v*/{MANIFEST}")):
        if FOLDER.fullmatch(path.parent.name):
            found.append(Version(path.parent, orjson.loads(path.read_bytes())))
    return sorted(found, key=lambda one: (one.manifest["name"], one.manifest["version"]))


def freeze(root: Path, name: str, files: Mapping[str, bytes], facts: Mapping[str, Any], secrets_folder: Path) -> Version:
    """Write the next version: beside, flushed, then one rename; nothing is there before, everything after.

    Parameters
    ----------
    name : str
        Of the folder.
    files : mapping
        By name; their hashes go into the manifest.
    facts : mapping
        What else the manifest says.

    Raises
    ------
    Misuse
        When somebody else made that version at the same time.
    """
    before = versions(root, name)
    number = before[-1].manifest["version"] + 1 if before else 1
    predecessor = _digest((before[-1].folder / MANIFEST).read_bytes()) if before else None
    folder = root / name / f"v{number:04d}"
    hashes = {file: _digest(held) for file, held in files.items()}
    manifest = {**facts, "name": name, "version": number, "predecessor": predecessor, "files": hashes}
    text = canonical(manifest)
    signature = sign(promotion_key(secrets_folder, make=True), text)
    beside = folder.with_name(f".{folder.name}.{os.getpid()}")
    beside.mkdir(parents=True)
    try:
        for file, held in {**files, MANIFEST: text, SIGNATURE: signature.encode()}.items():
            _write(beside / file, held)
        _flush(beside)
        os.rename(beside, folder)
    except OSError as fault:
        raise Misuse(f"{folder} could not be made: {fault.strerror}", remedy="see that it is free, and promote again") from None
    finally:
        if beside.exists():
            shutil.rmtree(beside)
    _flush(folder.parent)
    folder.chmod(0o555)
    return Version(folder, orjson.loads(text))


def find(root: Path, reference: str) -> Version:
    """Return a version by ``name@number``. Raises Misuse when there is none."""
    match = REFERENCE.fullmatch(reference)
    if match is None:
        raise Misuse(f"{reference!r} names no version", remedy="give NAME@NUMBER, e.g. market_maker@1")
    found = [one for one in versions(root, match["name"]) if one.manifest["version"] == int(match["version"])]
    if not found:
        known = ", ".join(one.reference for one in versions(root)) or "none"
        raise Misuse(f"there is no version {reference}", remedy=f"known are: {known}; see b25 strategies list")
    return found[0]


def verify(version: Version, secrets_folder: Path) -> None:
    """Check signature and every file.

    Raises
    ------
    Misuse
        Names the first thing that is not as it was frozen.
    """
    folder = version.folder
    try:
        text, signature = (folder / MANIFEST).read_bytes(), (folder / SIGNATURE).read_text(encoding="ascii")
    except (OSError, UnicodeDecodeError):
        raise _changed(version, SIGNATURE, "cannot be read") from None
    if not is_signed(promotion_key(secrets_folder), text, signature):
        raise _changed(version, MANIFEST, "is not what this installation signed")
    held = orjson.loads(text)
    if f"v{held['version']:04d}" != folder.name or held["name"] != folder.parent.name:
        raise _changed(version, MANIFEST, f"is that of {held['name']}@{held['version']}")
    for file, digest in held["files"].items():
        try:
            found = _digest((folder / file).read_bytes())
        except OSError:
            raise _changed(version, file, "is gone") from None
        if found != digest:
            raise _changed(version, file, f"is {found[:12]}, the manifest says {digest[:12]}")
    if strange := sorted(one.name for one in folder.iterdir() if one.name not in {*held["files"], MANIFEST, SIGNATURE}):
        raise _changed(version, strange[0], "was put there")


def load(version: Version, secrets_folder: Path) -> type[Strategy]:
    """Return the class of a version: the bytes that were hashed are the bytes that run.

    Raises
    ------
    Misuse
        As `verify`; there is no way round it.
    """
    verify(version, secrets_folder)
    path = version.folder / SOURCE
    source = path.read_bytes()
    if _digest(source) != version.manifest["files"][SOURCE]:
        raise _changed(version, SOURCE, "changed while it was loaded")
    module = ModuleType(f"b25_live_{version.manifest['name']}_v{version.manifest['version']:04d}")
    module.__file__ = str(path)
    sys.modules[module.__name__] = module  # several versions live side by side
    exec(compile(source, str(path), "exec"), module.__dict__)  # noqa: S102 - the signed bytes
    cls = getattr(module, version.manifest["class"])
    assert isinstance(cls, type)
    assert issubclass(cls, Strategy)
    return cls


def _changed(version: Version, file: str, what: str) -> Misuse:
    return Misuse(
        f"{version.reference}: {file} {what}", remedy="it does not run; promote it again, or restore its folder from a backup"
    )


def _digest(held: bytes) -> str:
    return hashlib.sha256(held).hexdigest()


def _write(path: Path, held: bytes) -> None:
    with path.open("xb") as file:
        file.write(held)
        file.flush()
        os.fsync(file.fileno())
    path.chmod(0o444)


def _flush(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
