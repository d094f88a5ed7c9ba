"""The guard itself: what leaves the machine is refused, what stays is not."""

import socket

import pytest

from tests.offline import OutsideConnection, is_local


@pytest.mark.parametrize("address", [("127.0.0.1", 80), ("127.8.8.8", 1), ("::1", 80, 0, 0), ("localhost", 80), "/tmp/socket"])  # noqa: S108
def test_an_address_of_this_machine_is_local(address):
    assert is_local(address)


@pytest.mark.parametrize("address", [("192.0.2.1", 443), ("2001:db8::1", 443, 0, 0), ("exchange.invalid", 443)])
def test_any_other_address_is_not(address):
    assert not is_local(address)


def test_a_connection_to_the_outside_is_refused():
    with socket.socket() as outside, pytest.raises(OutsideConnection):
        outside.connect(("192.0.2.1", 443))


def test_a_name_is_not_looked_up():
    with pytest.raises(OutsideConnection):
        socket.create_connection(("exchange.invalid", 443))


def test_a_connection_on_loopback_is_made():
    with socket.create_server(("127.0.0.1", 0)) as server, socket.create_connection(server.getsockname()) as client:
        assert client.getpeername() == server.getsockname()
