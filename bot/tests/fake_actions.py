"""An action server with behaviour: two dialogues that ask, switch and end, and an action that fails when told to."""

from __future__ import annotations

import asyncio
import threading
from typing import Any

from aiohttp import web


class FakeActions:
    """Serves ``/webhook`` in a thread of its own; `calls` holds every request body."""

    def __init__(self) -> None:
        self.calls: list[dict[str, Any]] = []
        self.failing = False
        self.slow = 0.0
        self.port = 0
        self._loop = asyncio.new_event_loop()
        self._started = threading.Event()
        self._thread = threading.Thread(target=self._serve, daemon=True)

    def start(self) -> FakeActions:
        """Returns once the port is open."""
        self._thread.start()
        assert self._started.wait(10)
        return self

    def stop(self) -> None:
        """Stops the loop and waits for the thread."""
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)

    @property
    def url(self) -> str:
        """Address for ``CHEBAO_ACTIONS_URL``."""
        return f"http://127.0.0.1:{self.port}/webhook"

    def _serve(self) -> None:
        asyncio.set_event_loop(self._loop)
        app = web.Application()
        app.router.add_post("/webhook", self._answer)
        runner = web.AppRunner(app)
        self._loop.run_until_complete(runner.setup())
        site = web.TCPSite(runner, "127.0.0.1", 0)
        self._loop.run_until_complete(site.start())
        self.port = runner.addresses[0][1]
        self._started.set()
        self._loop.run_forever()
        self._loop.run_until_complete(runner.cleanup())

    async def _answer(self, request: web.Request) -> web.Response:
        call = await request.json()
        self.calls.append(call)
        await asyncio.sleep(self.slow)
        if self.failing:
            return web.json_response({"error": "told to"}, status=500)
        return web.json_response(answer(call))


def answer(call: dict[str, Any]) -> dict[str, Any]:
    """What the action named in the call says and changes."""
    name, message = call["next_action"], call["tracker"]["latest_message"]
    if name == "action_thank":
        return said("不客气")
    if name == "action_default_fallback":
        return said("没有听懂")
    intent = message["intent"]["name"]
    if intent == "cancel":
        return said("已停下", loop(None), slot("draft", None))
    if name == "claim_form" and intent == "renewal":
        return said("先办续保，到期日是？", loop("renewal_form"))
    draft = dict(call["tracker"]["slots"].get("draft") or {})
    draft |= {e["entity"]: e["value"] for e in message["entities"]}
    step = len(draft)
    if name == "claim_form" and step >= 3:
        return said("报案完成", loop(None), slot("draft", None))
    question = f"{name} 第{step}项：请回答"
    return {
        "events": [loop(name), slot("draft", draft), slot("requested_slot", f"field{step}")],
        "responses": [{"text": question, "buttons": [{"title": "好", "payload": '/inform{"plate": "京A12345"}'}]}],
    }


def said(text: str, *events: dict[str, Any]) -> dict[str, Any]:
    """One utterance and some events."""
    return {"events": list(events), "responses": [{"text": text}]}


def loop(name: str | None) -> dict[str, Any]:
    """The event that a dialogue begins or ends."""
    return {"event": "active_loop", "name": name, "timestamp": None}


def slot(name: str, value: Any) -> dict[str, Any]:
    """The event that a slot is set."""
    return {"event": "slot", "name": name, "value": value, "timestamp": None}
