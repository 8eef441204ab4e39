"""An agent's side of a running stack: a hub of the test's own, as another replica has one, on the stack's database."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from actions import forms_desk
from chebao.conversations.api import Company, Conversation, Hub, Rasa, Reply
from chebao.db import make_engine
from tests.running import RunningStack

NAME = "林晓"


class Agent:
    """Agent1 and what he does in the conversation of one sender at the open chat door."""

    def __init__(self, stack: RunningStack, sender: str) -> None:
        environment = stack.children()["app"].environ()
        self._database = environment["DATABASE_URL"]
        self._ports = environment["CHEBAO_RASA_PORT"], environment["CHEBAO_ACTIONS_PORT"]
        self._sender = sender

    def takes(self) -> None:
        """Takes the conversation."""
        self._does(lambda hub, c: hub.give(c.id, "agent1", name=NAME, reason="taken"))

    def says(self, text: str) -> None:
        """Says something."""
        self._does(lambda hub, c: hub.agent_says(c.id, "agent1", Reply(text), key=text, name=NAME))

    def gives_back(self, **words: str) -> None:
        """Changes the form and gives the conversation back."""

        async def back(hub: Hub, conversation: Conversation) -> None:
            case = conversation.handoff or {}
            edits = await forms_desk.check(case["task"], case["slots"], words) if words else {}
            await hub.return_to_bot(conversation.id, "agent1", edits=edits)

        self._does(back)

    def closes(self) -> None:
        """Ends the conversation."""
        self._does(lambda hub, c: hub.close(c.id, "agent1"))

    def case(self) -> dict[str, Any]:
        """What the hand-off says."""
        found: list[dict[str, Any]] = []

        async def look(hub: Hub, conversation: Conversation) -> None:
            found.append(
                {**(conversation.handoff or {}), "skill": conversation.skill, "priority": conversation.priority}
            )

        self._does(look)
        return found[0]

    def _does(self, act: Callable[[Hub, Conversation], Awaitable[object]]) -> None:
        async def run() -> None:
            engine = make_engine(self._database)
            rasa = Rasa(*(f"http://127.0.0.1:{port}" for port in self._ports), budget=8)
            hub = Hub(engine, self._database, rasa, Company("车保", "95000", 10), secret="demo", sweep_every=60)
            await hub.start()
            try:
                conversation, _ = await hub.find("door", "", self._sender)
                await act(hub, conversation)
                while hub.turns.works_on(conversation.id):
                    await asyncio.sleep(0.02)
            finally:
                await hub.stop()
                await engine.dispose()

        asyncio.run(run())
