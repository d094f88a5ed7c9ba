"""Keys `namespace/component/environment/name`, and what each inherits from: a part called `default` stands for any.

For a session the namespace is its account, the component its name, the environment its mode. What is said of the component goes
before what is said of the environment, and that before what is said of the namespace:

    default/default/default/limits < main/default/default/limits < default/default/live/limits < … < main/mm/live/limits
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, Final

from b25.model.errors import Misuse

ANY: Final = "default"
PART: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}")
PARTS: Final = ("namespace", "component", "environment", "name")
_WEIGHT: Final = (1, 4, 2)  # of namespace, component, environment


@dataclass(frozen=True, slots=True)
class Key:
    """A key in its parts."""

    namespace: str
    component: str
    environment: str
    name: str

    @classmethod
    def of(cls, text: str) -> Key:
        """Read a key. Raises Misuse for what is none."""
        parts = text.split("/")
        if len(parts) != len(PARTS):
            raise Misuse(
                f"the key {text!r} has {len(parts)} parts, not {len(PARTS)}",
                remedy=f"write {'/'.join(PARTS)}, e.g. default/mm/live/limits; {ANY} stands for any",
            )
        for name, part in zip(PARTS, parts, strict=True):
            if not PART.fullmatch(part):
                raise Misuse(f"the key {text!r}: {part!r} is no {name}", remedy="use letters, digits, `_`, `.` and `-`")
        namespace, component, environment, name = parts
        return Key(namespace, component, environment, name)

    def __str__(self) -> str:
        return "/".join((self.namespace, self.component, self.environment, self.name))

    def chain(self) -> list[Key]:
        """Every key that it inherits from, the most general first, itself last."""
        own = (self.namespace, self.component, self.environment)
        found: dict[int, Key] = {}
        for bits in range(8):
            namespace, component, environment = (part if bits >> k & 1 else ANY for k, part in enumerate(own))
            taken = (namespace, component, environment)
            rank = sum(w for w, part in zip(_WEIGHT, taken, strict=True) if part != ANY)
            found[rank] = Key(namespace, component, environment, self.name)
        return [found[rank] for rank in sorted(found)]

    def covers(self, other: Key) -> bool:
        """Whether another key inherits from this one, or is it."""
        pairs = zip(
            (self.namespace, self.component, self.environment), (other.namespace, other.component, other.environment), strict=True
        )
        return self.name == other.name and all(mine in (ANY, theirs) for mine, theirs in pairs)


def merged(values: list[dict[str, Any]]) -> dict[str, Any]:
    """Return values laid over each other: tables part by part, anything else as the last one says."""
    found: dict[str, Any] = {}
    for value in values:
        for name, one in value.items():
            held = found.get(name)
            found[name] = merged([held, one]) if isinstance(held, dict) and isinstance(one, dict) else one
    return found
