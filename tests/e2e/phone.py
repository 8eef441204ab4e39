"""A customer's phone in the fake Telegram, steered over HTTP as the fake's own page does it."""

from __future__ import annotations

import time
from typing import Any

import httpx

from tests.e2e.journeys import Step


class Phone:
    """One chat.

    Args:
        url: the fake's address.
    """

    def __init__(self, url: str, chat: int) -> None:
        self._http = httpx.Client(base_url=url, params={"chat": chat}, trust_env=False, timeout=30)

    def close(self) -> None:
        self._http.close()

    def heard(self) -> list[dict[str, Any]]:
        """What our side sent, oldest first."""
        log: list[dict[str, Any]] = self._http.get("/sim/chat").raise_for_status().json()["log"]
        return [message for message in log if message["from"]["is_bot"]]

    def text(self) -> str:
        return "\n".join(m.get("text") or m.get("caption") or "" for m in self.heard())

    def do(self, step: Step) -> None:
        """One step of a journey; returns when it was answered."""
        kind, *words = step
        before = len(self.heard())
        if kind == "place":
            self._post("location", f"{words[0]},{words[1]}")
        else:
            self._post({"phone": "contact"}.get(kind, kind), words[0])
        self.until(lambda: len(self.heard()) > before, str(step))

    def until(self, true: Any, what: str, seconds: float = 30) -> None:
        """Waits until something is so."""
        until = time.monotonic() + seconds
        while not true():
            assert time.monotonic() < until, f"nothing came of {what}; heard so far:\n{self.text()}"
            time.sleep(0.05)

    def _post(self, what: str, words: str) -> None:
        self._http.post(f"/sim/{what}", content=words.encode()).raise_for_status()
