"""The venue's wire: Binance's REST and WebSocket protocols in front of the exchange, with every fault on a switch."""
