"""The client of the API, for notebooks, dashboards and the command line; it knows nothing of how the server is made."""

from b25.client.bots import AsyncBot, Bot, Bots
from b25.client.client import AsyncClient, Client
from b25.client.connect import connect
from b25.client.live import LiveState, LiveThread
from b25.client.mirror import Mirror

__all__ = ["AsyncBot", "AsyncClient", "Bot", "Bots", "Client", "LiveState", "LiveThread", "Mirror", "connect"]
