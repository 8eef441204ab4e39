"""Web chat: sessions, the socket, uploads."""
