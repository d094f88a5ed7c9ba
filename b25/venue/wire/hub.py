"""The WebSocket front: one hub knows the sockets, who listens to what, and when something is due.

The venue calls `advance` after the exchange has advanced; the exchange calls the sink's three methods; REST asks for
`statistics` and `listen_keys`.
"""
