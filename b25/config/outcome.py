"""Who changes a configuration, what came of it, and what holds."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from b25.config.loosening import Loosened
from b25.store.config_desk import Pending
from b25.store.configurations import Head, Version


@dataclass(frozen=True, slots=True)
class Author:
    """Who changes something; `facts` (address, request) go into the audit."""

    name: str
    facts: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of a change.

    Attributes
    ----------
    pending : Pending or None
        What waits for a second person: nothing holds yet.
    """

    head: Head
    version: Version
    loosened: tuple[Loosened, ...] = ()
    pending: Pending | None = None


@dataclass(frozen=True, slots=True)
class Active:
    """What holds under a key."""

    head: Head
    version: Version

    @property
    def value(self) -> dict[str, Any]:
        """As it was configured, without what it inherits."""
        return self.version.value
