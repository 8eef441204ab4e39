"""The hub's fixtures: the real app on a real PostgreSQL with a dialogue service of behaviour."""

from __future__ import annotations

from tests.contract.hub.conftest import app, rasa, sender, settings, start

__all__ = ["app", "rasa", "sender", "settings", "start"]
