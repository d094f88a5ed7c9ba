"""Takes secrets out of what is about to be written: by the name that they bear, by their form, and by what they are.

The last is the strongest: whoever reads a secret says `hide(secret)`, and from then on this process writes it nowhere, however
it got into a text: an exception of a library, an address, a header.
"""

from __future__ import annotations

import os
import re
import sys
import threading
import traceback
from collections.abc import Mapping
from types import TracebackType
from typing import Any, Final

MASK: Final = "***"
CHARS_MIN: Final = 8  # of a secret that is looked for anywhere; a shorter one would be found in words
KEPT_MAX: Final = 1_000
DEPTH_MAX: Final = 8
HIDDEN: Final = frozenset(
    "key api_key apikey secret api_secret client_secret password passwd passphrase token access_token refresh_token id_token "
    "bearer authorization cookie set_cookie private_key signature listenkey listen_key totp otp seed pepper credentials "
    "x_mbx_apikey x_api_key".split()
)
_ENDS: Final = ("_secret", "_password", "_passwd", "_token", "_api_key", "_private_key")
# By form: each keeps its first group and masks the rest.
_FORMS: Final = (
    re.compile(r"(-----BEGIN [A-Z ]*PRIVATE KEY-----).*?(?:-----END [A-Z ]*PRIVATE KEY-----|\Z)", re.DOTALL),
    re.compile(r"()\beyJ[\w-]{8,}\.[\w-]{8,}\.[\w-]*"),  # a signed token
    re.compile(r"(://[^\s:/@]*:)[^\s@/]+(?=@)"),  # a password in an address
    re.compile(r"(\bAuthorization\W{1,6}(?:Bearer|Basic)?\s*)[^\s\"',}]+", re.IGNORECASE),
    re.compile(r"(\b(?:Bearer|Basic)\s+)[\w.~+/=-]{8,}"),
    re.compile(
        r"((?:signature|listen_?key|x-mbx-apikey|x-api-key|api_?key|api_?secret|client_?secret|secret|passw(?:or)?d|passphrase"
        r"|(?:access|refresh)?_?token|cookie)[\"']?\s*[=:]\s*[\"']?)[^\s&\"',;}]+",
        re.IGNORECASE,
    ),
)
_FROM_ENVIRONMENT: Final = re.compile(r"(TOKEN|SECRET|PASSWORD|PASSWD|API_?KEY|PRIVATE_?KEY|PASSPHRASE)$")

_known: dict[str, None] = {}
_pattern: re.Pattern[str] | None = None
_lock = threading.Lock()


def hide(*secrets: str) -> None:
    """Have this process write these nowhere; what is shorter than eight characters can only be hidden by its name."""
    global _pattern
    with _lock:
        for secret in secrets:
            if len(secret) >= CHARS_MIN:
                _known.pop(secret, None)
                _known[secret] = None
        while len(_known) > KEPT_MAX:
            del _known[next(iter(_known))]
        longest = sorted(_known, key=len, reverse=True)
        _pattern = re.compile("|".join(map(re.escape, longest))) if longest else None


def hide_environment(environment: Mapping[str, str]) -> None:
    """Hide what stands in an environment under the name of a secret, and passwords in addresses."""
    found = [value for name, value in environment.items() if _FROM_ENVIRONMENT.search(name)]
    found += [part for value in environment.values() for part in re.findall(r"://[^\s:/@]*:([^\s@/]+)@", value)]
    hide(*found)


def redacted(text: str) -> str:
    """A text without secrets."""
    if (known := _pattern) is not None:
        text = known.sub(MASK, text)
    for form in _FORMS:
        text = form.sub(rf"\1{MASK}", text)
    return text


def is_hidden(name: str) -> bool:
    """Whether what bears this name is a secret, whatever it looks like."""
    plain = name.lower().replace("-", "_")
    return plain in HIDDEN or plain.endswith(_ENDS)


def shown(name: str, value: Any, depth: int = 0) -> Any:
    """A value as it may be written."""
    if is_hidden(name) and value is not None and not isinstance(value, bool) and not (isinstance(value, str) and not value):
        return MASK
    if isinstance(value, str):
        return redacted(value)
    if isinstance(value, bytes | bytearray):
        return redacted(bytes(value).decode(errors="replace"))
    if isinstance(value, BaseException):
        return redacted(f"{type(value).__name__}: {value}")
    if depth >= DEPTH_MAX:
        return redacted(repr(value))
    if isinstance(value, Mapping):
        return {redacted(str(inner)): shown(str(inner), held, depth + 1) for inner, held in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [shown("", held, depth + 1) for held in value]
    if value is None or isinstance(value, bool | int | float):
        return value
    return redacted(str(value))


def redact_tracebacks() -> None:
    """Have what nobody caught printed without secrets: what a library says of a request may hold them."""

    def told(kind: type[BaseException], fault: BaseException, trace: TracebackType | None) -> None:
        print(redacted("".join(traceback.format_exception(kind, fault, trace))), file=sys.stderr, end="", flush=True)

    sys.excepthook = told


hide_environment(os.environ)
