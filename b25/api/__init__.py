"""The gateway: the one door for people and programs. REST, WebSocket, sign-in; it decides nothing about trading."""
