"""Why a configuration was not changed: each kind has the code and the HTTP status that it is told by."""

from __future__ import annotations

from typing import Any

from b25.model.errors import Misuse


class Refused(Misuse):
    """A change that was not made."""

    code, status = "CONFLICT", 409


class NotFound(Refused):
    """There is no such configuration, version or request."""

    code, status = "NOT_FOUND", 404


class Duplicate(Refused):
    """Another configuration has the key."""

    code = "DUPLICATE_KEY"


class VersionConflict(Refused):
    """Somebody changed it after it was read."""

    code = "VERSION_CONFLICT"


class NotAllowed(Refused):
    """Not this person, or not yet."""

    code, status = "FORBIDDEN", 403


def missing(key: str) -> NotFound:
    """No configuration has this key."""
    return NotFound(f"there is no configuration {key}", remedy="see b25 config list")


def stale(key: str, read: int, now: Any) -> VersionConflict:
    """It is another version by now."""
    return VersionConflict(f"{key} is at version {now} by now, not {read}", remedy="read it again, and change that")
