"""WebSocket frames of a server: unmasked and uncompressed, so that one run of bytes serves every socket."""

import struct

TEXT, CLOSE, PING, PONG = 0x1, 0x8, 0x9, 0xA
_FINAL = 0x80


def frame(payload: bytes, opcode: int = TEXT) -> bytes:
    """A whole message as the bytes that go to the transport (RFC 6455, 5.2)."""
    length = len(payload)
    first = _FINAL | opcode
    if length < 126:
        return bytes((first, length)) + payload
    if length < 65536:
        return struct.pack("!BBH", first, 126, length) + payload
    return struct.pack("!BBQ", first, 127, length) + payload


def wrapped(stream: str, payload: bytes) -> bytes:
    """The message of a combined socket: the stream's name around the payload. Names hold no character that JSON escapes."""
    return b'{"stream":"' + stream.encode() + b'","data":' + payload + b"}"
