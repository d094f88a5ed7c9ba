"""The matching engine is compiled before a client's timeout runs."""

from tests.venue.contract.conftest import warm

__all__ = ["warm"]
