"""Messages as bytes, in JSON or msgpack: what many are to be sent is encoded once, and put together for each from its parts."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import msgpack  # type: ignore[import-untyped]
import orjson


@dataclass(frozen=True, slots=True)
class Changes:
    """Encoded changes: pairs of path and value, and paths that are there no more, each with their number."""

    pairs: bytes = b""
    pair_count: int = 0
    removed: bytes = b""
    removed_count: int = 0

    @property
    def is_empty(self) -> bool:
        """Whether nothing changed."""
        return not self.pair_count and not self.removed_count


class Wire(ABC):
    """One way to write messages."""

    name: str
    is_text: bool

    @abstractmethod
    def value(self, value: Any) -> bytes:
        """Encode a plain value."""

    @abstractmethod
    def read(self, data: bytes) -> Any:
        """Decode a message of a client. Raises ValueError for what is none."""

    @abstractmethod
    def pair(self, path: str, value: bytes) -> bytes:
        """Encode a path with its encoded value."""

    @abstractmethod
    def joined(self, parts: Sequence[bytes]) -> bytes:
        """Put encoded pairs, or encoded paths, one after the other."""

    @abstractmethod
    def body(self, changes: Changes, time_ns: int) -> bytes:
        """Encode the part of an update that is the same for all."""

    @abstractmethod
    def data(self, channels: Mapping[str, bytes], time_ns: int) -> bytes:
        """Encode the part of a snapshot that follows its number: encoded channels by name."""

    @abstractmethod
    def numbered(self, kind: str, seq: int, rest: bytes) -> bytes:
        """Encode a whole update or snapshot."""

    def changes(self, pairs: Sequence[bytes], removed: Iterable[str]) -> Changes:
        """Put changes together."""
        gone = [self.value(path) for path in removed]
        return Changes(self.joined(pairs), len(pairs), self.joined(gone), len(gone))

    def together(self, parts: Sequence[Changes]) -> Changes:
        """Put changes of several channels together."""
        return Changes(
            self.joined([one.pairs for one in parts if one.pairs]), sum(one.pair_count for one in parts),
            self.joined([one.removed for one in parts if one.removed]), sum(one.removed_count for one in parts),
        )  # fmt: skip


class Json(Wire):
    """JSON, as text frames."""

    name, is_text = "json", True

    def value(self, value: Any) -> bytes:
        """Encode a plain value."""
        return orjson.dumps(value)

    def read(self, data: bytes) -> Any:
        """Decode a message of a client."""
        return orjson.loads(data)

    def pair(self, path: str, value: bytes) -> bytes:
        """Encode a path with its encoded value."""
        return orjson.dumps(path) + b":" + value

    def joined(self, parts: Sequence[bytes]) -> bytes:
        """With commas."""
        return b",".join(parts)

    def body(self, changes: Changes, time_ns: int) -> bytes:
        """Encode the part of an update that is the same for all."""
        return b'"time_ns":%d,"changes":{%b},"removed":[%b]}' % (time_ns, changes.pairs, changes.removed)

    def data(self, channels: Mapping[str, bytes], time_ns: int) -> bytes:
        """Encode the part of a snapshot that follows its number."""
        pairs = b",".join(self.pair(name, whole) for name, whole in channels.items())
        return b'"time_ns":%d,"data":{%b}}' % (time_ns, pairs)

    def numbered(self, kind: str, seq: int, rest: bytes) -> bytes:
        """Encode a whole update or snapshot."""
        return b'{"type":"%b","seq":%d,%b' % (kind.encode(), seq, rest)


class Msgpack(Wire):
    """msgpack, as binary frames."""

    name, is_text = "msgpack", False

    def __init__(self) -> None:
        self._heads = msgpack.Packer()

    def value(self, value: Any) -> bytes:
        """Encode a plain value."""
        return bytes(msgpack.packb(value))

    def read(self, data: bytes) -> Any:
        """Decode a message of a client."""
        try:
            return msgpack.unpackb(data)
        except Exception as fault:
            raise ValueError(str(fault)) from None

    def pair(self, path: str, value: bytes) -> bytes:
        """Encode a path with its encoded value."""
        return self.value(path) + value

    def joined(self, parts: Sequence[bytes]) -> bytes:
        """Without anything between."""
        return b"".join(parts)

    def body(self, changes: Changes, time_ns: int) -> bytes:
        """Encode the part of an update that is the same for all."""
        return b"".join(
            (
                self.value("time_ns"), self.value(time_ns), self.value("changes"), self._map(changes.pair_count), changes.pairs,
                self.value("removed"), bytes(self._heads.pack_array_header(changes.removed_count)), changes.removed,
            )
        )  # fmt: skip

    def data(self, channels: Mapping[str, bytes], time_ns: int) -> bytes:
        """Encode the part of a snapshot that follows its number."""
        pairs = b"".join(self.pair(name, whole) for name, whole in channels.items())
        return b"".join((self.value("time_ns"), self.value(time_ns), self.value("data"), self._map(len(channels)), pairs))

    def numbered(self, kind: str, seq: int, rest: bytes) -> bytes:
        """Encode a whole update or snapshot."""
        fields = 4 if kind == "snapshot" else 5
        return b"".join((self._map(fields), self.value("type"), self.value(kind), self.value("seq"), self.value(seq), rest))

    def _map(self, count: int) -> bytes:
        return bytes(self._heads.pack_map_header(count))


WIRES: Final[dict[str, Wire]] = {"json": Json(), "msgpack": Msgpack()}
