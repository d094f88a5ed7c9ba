"""Secrets are never values of a configuration: `secretref://NAME` says where one is found; what looks like one is refused."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterator
from typing import Any, Final

SCHEME: Final = "secretref://"
REFERENCE: Final = re.compile(r"secretref://[A-Za-z0-9][A-Za-z0-9_.-]*(?:/[A-Za-z0-9][A-Za-z0-9_.-]*)*")
HIDDEN: Final = "***"
# Last words of a field whose value is a secret, whatever it looks like.
NAMES: Final = re.compile(
    r"(?:^|_)(?:password|passwd|passphrase|secret|secrets|token|api_?key|private_?key|credentials?|webhook_url|dsn)$",
    re.IGNORECASE,
)
SHAPES: Final = tuple(
    re.compile(pattern)
    for pattern in (
        r"-----BEGIN [A-Z ]*PRIVATE KEY-----",
        r"\beyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}",  # JWT
        r"\bb25_[A-Za-z0-9]+_[A-Za-z0-9_-]{16,}",  # our own API keys
        r"\b(?:ghp|gho|ghs|github_pat|glpat|xox[abps]|sk|pk|rk)[-_][A-Za-z0-9_-]{16,}",
        r"\bAKIA[0-9A-Z]{12,}",
        r"\b\d{8,10}:[A-Za-z0-9_-]{30,}",  # Telegram's bots
        r"\bhooks\.slack\.com/services/\S+",
        r"[a-z][a-z0-9+.-]*://[^/\s:@]+:[^/\s@]+@",  # a password in an address
        r"(?i)\b(?:signature|x-mbx-apikey|listenkey|authorization)\s*[=:]\s*\S+",
    )
)
RUN: Final = re.compile(r"[A-Za-z0-9+/_=-]{32,}")
BITS_MIN: Final = 3.6  # a character: words and names have less, keys more


def is_reference(value: str) -> bool:
    """Whether a text says where a secret is found."""
    return REFERENCE.fullmatch(value) is not None


def looks_secret(name: str, value: Any) -> bool:
    """Whether a value is a secret, by the name of its field or by its shape; a reference to one is not."""
    if not isinstance(value, str) or not value or is_reference(value):
        return False
    if NAMES.search(name.rpartition(".")[2]):
        return True
    if any(shape.search(value) for shape in SHAPES):
        return True
    return any(_is_random(run) for run in RUN.findall(value))


def _is_random(run: str) -> bool:
    kinds = sum(any(test(c) for c in run) for test in (str.islower, str.isupper, str.isdigit))
    counts = Counter(run)
    bits = -sum(n / len(run) * math.log2(n / len(run)) for n in counts.values())
    hexadecimal = all(c in "0123456789abcdefABCDEF" for c in run)
    return (kinds == 3 and bits >= BITS_MIN) or (hexadecimal and len(run) >= 32 and bits >= 3.0)


def secrets_in(value: Any, path: str = "") -> Iterator[str]:
    """Give the field of every value that is a secret; keys that look like one are told of by where they stand."""
    if isinstance(value, dict):
        for name, one in value.items():
            if looks_secret("", str(name)):
                yield f"{path}.{HIDDEN}" if path else HIDDEN
                continue
            yield from secrets_in(one, f"{path}.{name}" if path else str(name))
    elif isinstance(value, list | tuple):
        for k, one in enumerate(value):
            yield from secrets_in(one, f"{path}.{k}" if path else str(k))
    elif looks_secret(path, value):
        yield path


def shown(name: str, value: Any) -> Any:
    """A value as it may be told: what is a secret is hidden, what is long is cut."""
    if isinstance(value, dict):
        return {HIDDEN if looks_secret("", str(key)) else key: shown(str(key), one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [shown(name, one) for one in value]
    if looks_secret(name, value):
        return HIDDEN
    if isinstance(value, str) and len(value) > 120:
        return value[:117] + "..."
    return value
