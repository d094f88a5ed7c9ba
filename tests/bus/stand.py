"""What the tests of the bus share: messages to send, and waiting for states."""

import asyncio
from dataclasses import fields
from types import UnionType
from typing import Union, get_args, get_origin, get_type_hints

LONGEST_S = 30.0


async def seen(holds, longest_s=LONGEST_S):
    """Wait for a state, which nobody announces."""
    async with asyncio.timeout(longest_s):
        while not holds():  # noqa: ASYNC110 - whoever makes it true tells nobody
            await asyncio.sleep(0.01)


def sample(cls):
    """A record of a class, every field filled, with what its type allows."""
    hints = get_type_hints(cls)
    return cls(**{field.name: _sample(hints[field.name]) for field in fields(cls)})


def _sample(kind):
    if get_origin(kind) in (Union, UnionType):
        return _sample(next(one for one in get_args(kind) if one is not type(None)))
    if get_origin(kind) is tuple:
        parts = get_args(kind)
        return (_sample(parts[0]),) if parts[-1] is Ellipsis else tuple(_sample(part) for part in parts)
    if get_origin(kind) is dict:
        return {"what": "resume"}
    if hasattr(kind, "__dataclass_fields__"):
        return sample(kind)
    return {str: "1.5", int: 3, float: 0.25, bool: True}[kind]


def quiet(text):
    """Take what is said, and keep it to itself."""
