"""Looks for secrets in what a run has left: every one that is known here, as it is and in the forms in which texts hold it."""

from __future__ import annotations

import base64
import html
import json
import os
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Final
from urllib.parse import quote

CHARS_MIN: Final = 8  # a shorter one would be found in words
FILE_BYTES_MAX: Final = 65_536
NAMES: Final = re.compile(r"(TOKEN|SECRET|PASSWORD|PASSWD|API_?KEY|PRIVATE_?KEY|PASSPHRASE|CREDENTIALS?)$")
PASSWORD: Final = re.compile(r"://[^\s:/@]*:([^\s@/]+)@")
# What is a secret by its form alone, whoever it belongs to.
FORMS: Final = {
    "a private key": re.compile(rb"-----BEGIN [A-Z ]*PRIVATE KEY-----"),
    "an API key of b25": re.compile(rb"\bb25_[A-Za-z0-9]+_[A-Za-z0-9_-]{24,}"),
    "a signed token": re.compile(rb"\beyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{16,}"),
}


def known_secrets(
    folder: Path, environment: Mapping[str, str] = os.environ, more: Mapping[str, str] | None = None
) -> dict[str, str]:
    """Return every secret that this machine could give away, by a name that says where it is from.

    Parameters
    ----------
    folder : Path
        Files of secrets.
    environment : mapping
        Its variables with the name of a secret, and passwords in addresses.
    more : mapping, optional
        What the run was given, by name.
    """
    found = {f"secret {name}": value for name, value in (more or {}).items()}
    for name, value in environment.items():
        if NAMES.search(name.upper()):
            found[f"variable {name}"] = value
        for number, part in enumerate(PASSWORD.findall(value)):
            found[f"password {number + 1} in variable {name}"] = part
    for path in sorted(folder.rglob("*")) if folder.is_dir() else []:
        try:
            if path.is_file() and path.stat().st_size <= FILE_BYTES_MAX:
                text = path.read_text(encoding="utf-8").strip()
                found |= {f"file {path.name}": text} | _lines(path.name, text)
        except (OSError, UnicodeDecodeError):
            continue  # what cannot be read here cannot have been printed by the notebook either
    return {name: value for name, value in found.items() if len(value) >= CHARS_MIN}


def _lines(name: str, text: str) -> dict[str, str]:
    """Values of a file of several lines, as `KEY=value` or one a line; a key in PEM is found by its form."""
    lines = text.splitlines()
    if len(lines) < 2 or "PRIVATE KEY" in text:
        return {}
    return {f"file {name}, line {k + 1}": line.partition("=")[2].strip() or line.strip() for k, line in enumerate(lines)}


def secrets_in(paths: Iterable[Path], secrets: Mapping[str, str]) -> list[str]:
    """Return which secrets stand in which files, as ``"file SMTP in report.html"``; never the secret itself."""
    found: list[str] = []
    for path in paths:
        try:
            content = path.read_bytes()
        except FileNotFoundError:
            continue
        found += [f"{name} in {path.name}" for name, value in secrets.items() if any(one in content for one in _forms(value))]
        found += [f"{name} in {path.name}" for name, form in FORMS.items() if form.search(content)]
    return found


def _forms(secret: str) -> set[bytes]:
    """The ways in which a text may hold it: plain, as JSON, HTML and address, and in base64."""
    plain = secret.encode()
    words = {
        secret,
        json.dumps(secret)[1:-1],
        json.dumps(json.dumps(secret)[1:-1])[1:-1],
        html.escape(secret),
        quote(secret, safe=""),
    }
    # The first and last characters of base64 depend on what stands beside it.
    return {word.encode() for word in words} | {base64.b64encode(plain), plain.hex().encode()}
