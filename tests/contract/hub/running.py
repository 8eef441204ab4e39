"""A started app as the hub's tests use it."""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Any

import httpx
from fastapi import FastAPI

from chebao.conversations.api import Hub


@dataclass
class Running:
    """A started app and a client of its open chat door."""

    app: FastAPI
    http: httpx.AsyncClient

    @property
    def hub(self) -> Hub:
        hub: Hub = self.app.state.hub
        return hub

    async def say(self, sender: str, message: str, **metadata: Any) -> list[dict[str, Any]]:
        body = {"sender": sender, "message": message} | ({"metadata": metadata} if metadata else {})
        headers = {"Content-Type": "application/json"}
        answer = await self.http.post("/webhooks/rest/webhook", content=json.dumps(body), headers=headers)
        assert answer.status_code == 200, answer.text
        replies: list[dict[str, Any]] = answer.json()
        return replies

    async def texts(self, sender: str, message: str, **metadata: Any) -> list[str]:
        return [reply.get("text", "") for reply in await self.say(sender, message, **metadata)]

    async def state(self, sender: str) -> dict[str, Any]:
        answer = await self.http.get(f"/api/conversations/{sender}")
        assert answer.status_code == 200, answer.text
        state: dict[str, Any] = answer.json()
        return state

    async def stream(self, sender: str, after: int = 0) -> list[dict[str, Any]]:
        answer = await self.http.get(f"/api/conversations/{sender}/messages", params={"after": after})
        messages: list[dict[str, Any]] = answer.json()["messages"]
        return messages

    async def conversation_id(self, sender: str) -> str:
        conversation, _ = await self.hub.find("door", "", sender)
        return conversation.id

    async def agent_takes(self, sender: str, agent: str = "agent1", name: str = "林晓") -> str:
        """An agent takes the sender's conversation; what the customer hears of it."""
        await self.hub.give(await self.conversation_id(sender), agent, name=name, reason="taken")
        return TAKEN.format(name=name)


TAKEN = "客服{name}已接入，接下来由{name}为您服务。"

Start = Callable[..., AbstractAsyncContextManager[Running]]
