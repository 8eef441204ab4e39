"""Telegram's routes and polling: verify, parse, ledger, acknowledge; and the hub's messages out to the chats."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Coroutine
from contextlib import suppress
from dataclasses import replace
from typing import Annotated, Any

from fastapi import APIRouter, Header, Request, Response
from telegram.error import TelegramError

from channels.parts import parts_of
from channels.speech import Speech, Transcriber
from channels.telegram import protocol
from channels.telegram.bubbles import Bubble, render
from channels.telegram.client import Client, NotSent, Refused, Unreachable, Unsure, derived, webhook_secret
from channels.telegram.order import Order
from channels.telegram.presses import Presses
from channels.telegram.protocol import Event, Pressed, Said
from chebao.conversations.api import MAX_BYTES, Conversation, DeliveryJob, Hub, Incoming, Reply, Uploads, judge, shown
from chebao.errors import InputRefused
from chebao.logs import line
from chebao.settings import Settings

log = logging.getLogger(__name__)

CHANNEL = "telegram"
_FILE_LOST = "这个文件没有收到，请再发一次；一直不行，可以在网页上发。"
_TRIES = 3
_HEAR_WITHIN = 15.0
_POLL_PAUSE = 2.0
_LONGEST_REGISTER_PAUSE = 300.0


class Telegram:
    """One bot between Telegram and the hub."""

    name = CHANNEL

    def __init__(
        self, hub: Hub, uploads: Uploads, client: Client, *, settings: Settings, transcriber: Transcriber | None = None
    ) -> None:
        self._hub, self._uploads, self._client = hub, uploads, client
        self._settings = settings
        self._secret = webhook_secret(settings)
        self._order = Order()
        self._judging = asyncio.Semaphore(2)
        self._left: set[int] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._speech = Speech(transcriber, within=_HEAR_WITHIN)
        self._presses = Presses(client, self._ours, self._begin)

    def router(self) -> APIRouter:
        """The webhook."""
        routes = APIRouter(tags=["telegram"])

        @routes.post("/telegram")
        async def take(request: Request, x_telegram_bot_api_secret_token: Annotated[str, Header()] = "") -> Response:
            """One update; answered once it stands in the ledger."""
            if not protocol.from_telegram(x_telegram_bot_api_secret_token, self._secret):
                log.warning(line("telegram_refused", reason="secret"))
                return Response(status_code=403)
            try:
                event = protocol.parse(await request.body())
            except InputRefused as refused:
                log.warning(line("telegram_refused", reason=refused.code))
                return Response(status_code=400)
            await self.take(event)
            return Response(status_code=200)

        return routes

    def start(self) -> None:
        """Begins to receive; that Telegram is away does not keep the app from starting."""
        polls = self._settings.telegram_receive == "polling"
        self._begin(self._poll() if polls else self._register())

    async def stop(self) -> None:
        """Receives nothing more."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def close(self) -> None:
        """Ends the connections, after the last delivery."""
        await self._client.close()

    # --- in -------------------------------------------------------------------------------------------------------

    async def take(self, event: Event) -> None:
        """Writes what happened to the ledger; a second update of the same number changes nothing."""
        async with self._order.turn(event.chat_id, event.update_id):
            chat = str(event.chat_id)
            match event.what:
                case Said() as said:
                    await self._accept(event, await self._heard(event, said))
                case Pressed() as pressed:
                    if self._presses.counts(event, pressed):
                        await self._accept(event, self._incoming(event, pressed.token))
                case protocol.Edited(message_id, text):
                    known = await self._hub.edit(CHANNEL, self._client.account, chat, str(message_id), text)
                    log.info(line("telegram_edited", update=event.update_id, known=known))
                case protocol.Reach(reachable):
                    await self._hub.set_reachable(CHANNEL, self._client.account, chat, reachable=reachable)
                case protocol.InGroup():
                    self._begin(self._leave(event.chat_id))
                case protocol.Ignored(query_id, words):
                    if query_id:
                        self._begin(self._client.answer_press(query_id, words))
                    log.info(line("telegram_ignored", update=event.update_id))

    async def _accept(self, event: Event, incoming: Incoming) -> None:
        if not incoming.answer and (words := self._hub.refusal(incoming)):
            incoming = replace(incoming, answer=Reply(words))
        await self._hub.accept(incoming)

    def _incoming(self, event: Event, text: str, **more: Any) -> Incoming:
        return Incoming(
            channel=CHANNEL,
            account=self._client.account,
            peer=str(event.chat_id),
            # Telegram starts at a random number after a quiet week, so a number alone may come back one day.
            key=f"{event.update_id}:{event.chat_id}",
            text=text,
            conversation_id=self._conversation_of(event.chat_id),
            **more,
        )

    async def _heard(self, event: Event, said: Said) -> Incoming:
        more: dict[str, Any] = {
            "ref": str(said.message_id),
            "location": said.location,
            "answer": Reply(said.refusal) if said.refusal else None,
        }
        if said.file is None:
            return self._incoming(event, said.text, **more)
        if said.file.speech:
            recording = said.file
            words, more["answer"] = await self._speech.heard(
                lambda: self._downloaded(recording), recording.speech, recording.size
            )
            return self._incoming(event, "\n".join(part for part in (said.text, words) if part), **more)
        try:
            more["attachments"] = [await self._fetched(event.chat_id, said.file)]
        except InputRefused as refused:
            more["answer"] = Reply(refused.message)
        text = said.text or ("" if "attachments" in more else "（没有收到的文件）")
        return self._incoming(event, text, **more)

    async def _fetched(self, chat_id: int, file: protocol.SentFile) -> dict[str, Any]:
        """The file in our store, judged by its content.

        Raises:
            InputRefused: too large, of no known kind, or not to be had.
        """
        if file.size > MAX_BYTES:
            raise InputRefused("文件超过 10 MB，请压缩后再发送。", code="file_too_large")
        content = await self._downloaded(file)
        if content is None:
            raise InputRefused(_FILE_LOST, code="file_lost")
        async with self._judging:
            judged = await asyncio.to_thread(judge, content)
        upload = await self._uploads.add(self._conversation_of(chat_id), judged)
        return {
            "id": upload.id,
            "content_type": upload.content_type,
            "width": upload.width,
            "height": upload.height,
            "url": f"/api/web/uploads/{upload.id}",
        }

    async def _downloaded(self, file: protocol.SentFile) -> bytes | None:
        """The bytes of a file; None where Telegram does not give them."""
        for attempt in range(_TRIES):
            try:
                return await self._client.download(file.file_id)
            except TelegramError as error:
                log.warning(line("telegram_file_failed", error=type(error).__name__, attempt=attempt))
        return None

    def _conversation_of(self, chat_id: int) -> str:
        """The conversation's id: the same for every process, and telling nothing of the chat."""
        return derived(self._settings, f"{self._client.account}:{chat_id}")

    def _ours(self, chat_id: int, token: str) -> bool:
        return self._hub.tokens.read(self._conversation_of(chat_id), token) is not None

    async def _leave(self, chat_id: int) -> None:
        """Says once why not here, and goes."""
        if chat_id in self._left:
            return
        self._left.add(chat_id)
        with suppress(NotSent, Unsure, Unreachable, Refused, TelegramError):
            await self._client.send(str(chat_id), Bubble([], protocol.GROUP))
            await self._client.leave(chat_id)

    # --- out ------------------------------------------------------------------------------------------------------

    async def takes(self, conversation: Conversation) -> bool:
        """Always; who blocked us is not reachable, which the hub knows."""
        return True

    async def deliver(self, job: DeliveryJob) -> None:
        """Sends the job's messages in as few bubbles as hold them."""
        if not job.conversation.reachable:
            await job.parked(*job.ids, reason="blocked", until=None)
            return
        await self._presses.shown(job.conversation.peer)
        public_url = self._settings.public_url
        parts = [(m.id, parts_of(shown(self._hub.tokens, m), public_url)) for m in job.messages]
        await self._send_all(job, render(parts), silent=[number for number, found in parts if not found])

    async def _send_all(self, job: DeliveryJob, bubbles: list[Bubble], silent: list[int]) -> None:
        if silent:
            await job.sent(*silent)
        last = {number: place for place, bubble in enumerate(bubbles) for number in bubble.ids}
        begun: set[int] = set()
        for place, bubble in enumerate(bubbles):
            fresh = [number for number in bubble.ids if number not in begun]
            file = await self._file(bubble)
            await self._client.pace.wait(job.conversation.peer)
            if fresh:
                await job.sending(*fresh, noted=True)
            begun.update(fresh)
            try:
                ref = await self._sent(job, bubble, file, whole=len(fresh) == len(bubble.ids))
            except NotSent as refused:
                log.warning(line("telegram_later", conversation=job.conversation.id, reason=refused.reason))
                job.retry_after(refused.seconds or 1.0)
                return
            except Unsure as unsure:
                # stays `sending`, so that it becomes unconfirmed; the rest waits for the next job
                log.warning(line("telegram_unsure", conversation=job.conversation.id, error=str(unsure)))
                return
            except Unreachable:
                await job.parked(*(n for n, at in last.items() if at >= place), reason="blocked", until=None)
                await self._hub.set_reachable(CHANNEL, self._client.account, job.conversation.peer, reachable=False)
                return
            except Refused as refused:
                await job.failed(*bubble.ids, reason=str(refused))
                continue
            if done := [number for number in bubble.ids if last[number] == place]:
                await job.sent(*done, ref=ref)

    async def _sent(self, job: DeliveryJob, bubble: Bubble, file: bytes | None, *, whole: bool) -> str:
        """Sends a bubble; the second half of a long message is tried again here, since the first stands in the chat."""
        chat = job.conversation.peer

        def leaving() -> None:
            job.leaving(*bubble.ids)

        for _ in range(0 if whole else _TRIES):
            try:
                return await self._client.send(chat, bubble, file, leaving=leaving)
            except NotSent as refused:
                await asyncio.sleep(min(refused.seconds or 1.0, 15.0))
        try:
            return await self._client.send(chat, bubble, file, leaving=leaving)
        except NotSent:
            if whole:
                raise
            raise Refused("second_half") from None

    async def _file(self, bubble: Bubble) -> bytes | None:
        if bubble.upload is None:
            return None
        upload = await self._uploads.get(bubble.upload.upload_id)
        return await asyncio.to_thread(self._uploads.path(upload).read_bytes)

    # --- receiving ------------------------------------------------------------------------------------------------

    async def _register(self) -> None:
        """Tells Telegram where we are, until it has heard."""
        url, pause = f"{self._settings.public_url}/telegram", 1.0
        while True:
            try:
                await self._client.receive_by_webhook(url, self._secret)
                log.info(line("telegram_webhook_set", url=url))
                return
            except TelegramError as error:
                log.error(line("telegram_webhook_failed", error=type(error).__name__, reason=str(error)[:200]))
            await asyncio.sleep(pause)
            pause = min(pause * 2, _LONGEST_REGISTER_PAUSE)

    async def _poll(self) -> None:
        """Fetches updates; the next fetch confirms those that stand in the ledger."""
        offset, listening = 0, False
        while True:
            try:
                if not listening:
                    await self._client.receive_by_polling()
                    listening = True
                for update in await self._client.updates(offset):
                    with suppress(InputRefused):
                        await self.take(protocol.read(update))
                    offset = update.update_id + 1
            except Exception as error:
                # Telegram or the database is away: the same updates are fetched again
                log.error(line("telegram_poll_failed", error=type(error).__name__))
                await asyncio.sleep(_POLL_PAUSE)

    def _begin(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        async def guarded() -> None:
            try:
                await work
            except TelegramError as error:
                log.warning(line("telegram_call_failed", error=type(error).__name__))

        task = asyncio.create_task(guarded(), name="telegram")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task


def connect(hub: Hub, uploads: Uploads, settings: Settings, transcriber: Transcriber | None = None) -> Telegram | None:
    """The channel, taken into service by the hub; None where no bot is set up."""
    token = settings.telegram_token.get_secret_value()
    if not token:
        return None
    client = Client(token, settings.telegram_api)
    channel = Telegram(hub, uploads, client, settings=settings, transcriber=transcriber)
    hub.delivery.add(channel)
    return channel
