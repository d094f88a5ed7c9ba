"""Every operation of the API, written by `python -m b25.client.generate`: change the routes, not this file."""

from __future__ import annotations

from typing import Final

# name, method, path, parameters of the query after a question mark, and how the body is sent
TABLE: Final = """\
broadcast POST /api/v1/clients/broadcast json
disconnect POST /api/v1/clients/{client_id}/disconnect json
list_clients GET /api/v1/clients
ping GET /api/v1/ping
"""
