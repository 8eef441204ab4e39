"""A customer whom the desk serves, or cannot serve right now."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from chebao.conversations.api import Incoming
from tests.contract.desk.office import Office


@dataclass
class Talk:
    """A customer at the open door and what he hears."""

    office: Office
    conversation_id: str = ""
    peer: str = ""

    async def say(self, text: str) -> list[dict[str, Any]]:
        found = await self.office.hub.converse(Incoming("door", "", self.peer, None, text))
        return [reply for reply in found if reply["from"] != "customer"]

    async def texts(self, text: str) -> list[str]:
        return [reply["text"] for reply in await self.say(text)]


async def tickets(office: Office, conversation_id: str) -> list[dict[str, Any]]:
    return await office.rows("SELECT * FROM desk.tickets WHERE conversation_id = %s ORDER BY number", conversation_id)
