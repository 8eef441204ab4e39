"""One open socket: frames of the customer into the hub, the conversation's numbered stream out to the page."""

from __future__ import annotations

import asyncio
import time
from contextlib import suppress
from typing import Any

from fastapi import WebSocket, WebSocketDisconnect

from channels.web import protocol
from chebao.conversations.api import Conversation, Hub, Incoming, Message, Uploads, shown
from chebao.errors import InputRefused, NotFound

CHANNEL = "web"
_HELLO_WITHIN = 10.0
_BATCH = 200


class Socket:
    """Reads and writes one WebSocket until either side ends."""

    def __init__(self, websocket: WebSocket, hub: Hub, uploads: Uploads, sessions: protocol.Sessions) -> None:
        self._socket, self._hub, self._uploads, self._sessions = websocket, hub, uploads, sessions
        self._conversation = ""
        self._cursor = 0
        self._owner: tuple[str, int | None] = ("bot", None)
        self._typing = False
        self._rate = protocol.Rate()
        self._writing = asyncio.Lock()

    async def run(self) -> None:
        """Greets, then carries frames both ways."""
        with suppress(WebSocketDisconnect, RuntimeError):
            if not await self._greet():
                return
            with self._hub.watch(self._conversation) as changed:
                changed.set()
                tasks = {asyncio.create_task(self._read()), asyncio.create_task(self._write(changed))}
                try:
                    await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
                finally:
                    for task in tasks:
                        task.cancel()
                    results = await asyncio.gather(*tasks, return_exceptions=True)
                for result in results:
                    if isinstance(result, Exception):
                        raise result

    async def _send(self, frame: dict[str, Any]) -> None:
        async with self._writing:
            await self._socket.send_json(frame)

    async def _greet(self) -> bool:
        try:
            async with asyncio.timeout(_HELLO_WITHIN):
                frame = protocol.parse(await self._socket.receive_text())
        except (TimeoutError, InputRefused, KeyError):
            frame = None
        conversation = self._sessions.read(frame.token, time.time()) if isinstance(frame, protocol.Hello) else None
        if conversation is None or not isinstance(frame, protocol.Hello):
            await self._send(protocol.error("session_expired", "会话已过期，请刷新页面。"))
            await self._socket.close(4401)
            return False
        self._conversation, self._cursor = conversation, frame.after
        try:
            known, place = await self._hub.find(CHANNEL, "", conversation)
            last_seq, self._owner = known.last_seq, (known.owner, place)
        except NotFound:
            last_seq = 0
        self._cursor = min(self._cursor, last_seq)
        await self._send(protocol.welcome(*self._owner, last_seq))
        return True

    async def _read(self) -> None:
        while True:
            try:
                frame = protocol.parse(await self._socket.receive_text())
                if isinstance(frame, protocol.Say):
                    await self._take(frame)
                elif isinstance(frame, protocol.Vote):
                    await self._hub.vote(self._conversation, frame.seq, frame.helpful)
                elif isinstance(frame, protocol.Typing):
                    self._hub.on_typing(self._conversation, True)
                elif isinstance(frame, protocol.Ping):
                    await self._send({"type": "pong"})
            except InputRefused as refused:
                await self._send(protocol.error(refused.code, refused.message, refused.detail.get("id")))
            except NotFound as missing:
                await self._send(protocol.error("not_found", missing.message))
            except KeyError:
                await self._send(protocol.error("bad_frame", "只接受文本消息。"))

    async def _take(self, frame: protocol.Say) -> None:
        if not self._rate.take(time.monotonic()):
            raise InputRefused("发送得太快了，请稍等几秒再发。", code="rate_limited", detail={"id": frame.id})
        incoming = Incoming(
            channel=CHANNEL,
            account="",
            peer=self._conversation,
            conversation_id=self._conversation,
            key=frame.id,
            text=frame.text,
            location=frame.location,
            attachments=[await self._attachment(upload_id, frame.id) for upload_id in frame.attachments],
        )
        if refusal := self._hub.refusal(incoming):
            raise InputRefused(refusal, code="message_refused", detail={"id": frame.id})
        self._hub.on_typing(self._conversation, False)
        accepted = await self._hub.accept(incoming)
        await self._send(protocol.ack(frame.id, accepted.seq))

    async def _attachment(self, upload_id: str, client_id: str) -> dict[str, Any]:
        try:
            upload = await self._uploads.get(upload_id, conversation_id=self._conversation)
        except NotFound as missing:
            raise InputRefused(missing.message, code="unknown_attachment", detail={"id": client_id}) from missing
        return {
            "id": upload.id,
            "content_type": upload.content_type,
            "width": upload.width,
            "height": upload.height,
            "url": f"/api/web/uploads/{upload.id}",
        }

    async def _write(self, changed: asyncio.Event) -> None:
        while True:
            await changed.wait()
            changed.clear()
            with suppress(NotFound):
                await self._show()

    async def _show(self) -> None:
        """What is new of the conversation: its messages, then its state; most wake-ups find nothing and cost one look."""
        while True:
            conversation, place = await self._hub.find(CHANNEL, "", self._conversation)
            if conversation.last_seq <= self._cursor:
                break
            await self._catch_up()
            if conversation.last_seq >= self._cursor:  # else the state is older than the messages, and is looked up anew
                break
        await self._tell_state(conversation, place)

    async def _catch_up(self) -> None:
        while True:
            rows = await self._hub.messages_after(self._conversation, self._cursor, _BATCH)
            for row in rows:
                await self._send(self._frame(row))
                self._cursor = row.seq
                self._typing = False
            if len(rows) < _BATCH:
                return

    async def _tell_state(self, conversation: Conversation, place: int | None) -> None:
        """Owner and typing dots, when they changed."""
        if (conversation.owner, place) != self._owner:
            self._owner = (conversation.owner, place)
            await self._send(protocol.owner_frame(*self._owner))
        typing = conversation.busy_by is not None
        if typing and not self._typing:
            await self._send({"type": "typing", "from": "bot"})
        self._typing = typing

    def _frame(self, row: Message) -> dict[str, Any]:
        frame = {"type": "message", **shown(self._hub.tokens, row)}
        frame["attachments"] = [self._signed(a) for a in frame["attachments"]]
        if row.sender == "customer" and row.platform_key:
            frame["id"] = row.platform_key.partition(":")[2]
        return frame

    def _signed(self, attachment: dict[str, Any]) -> dict[str, Any]:
        now = time.time()
        path = str(attachment["url"])
        small = self._sessions.sign_file(f"{path}/thumbnail", now) if attachment.get("width") else None
        return attachment | {"url": self._sessions.sign_file(path, now), "thumbnail_url": small}
