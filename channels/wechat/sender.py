"""Handing our messages to WeChat: within the allowance, no bubble too long, nothing twice, nothing lost without a trace."""

from __future__ import annotations

import asyncio
import hashlib
import io
import logging
import time
from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import timedelta
from functools import partial
from typing import Any

import httpx
from PIL import Image as Pictures

from channels.leaving import Leaving
from channels.parts import parts_of
from channels.wechat import bubbles
from channels.wechat.bubbles import Bubble, Picture, Words
from channels.wechat.client import Action, Client, NotReached, Unanswered, WeChatError
from channels.wechat.notices import Notices
from chebao.conversations.api import (
    MESSAGE,
    Allowances,
    Conversation,
    DeliveryJob,
    Hub,
    MediaCache,
    Message,
    Rule,
    Uploads,
    Window,
    shown,
)
from chebao.errors import NotFound
from chebao.logs import line

log = logging.getLogger(__name__)

RULES = {
    MESSAGE: Rule(5, timedelta(hours=48)),
    "click": Rule(3, timedelta(minutes=1)),
    "subscribe": Rule(3, timedelta(minutes=1)),
    "scan": Rule(3, timedelta(minutes=1)),
}
"""https://developers.weixin.qq.com/doc/service/api/customer/message/api_sendcustommessage, in force since 2023-06-12."""

_MEDIA_KEPT = timedelta(days=2, hours=20)
_PAUSES = (0.5, 1.5)
_ACCOUNT_PAUSE = 300.0


class _Stop(Exception):
    """No further bubble of this job is sent."""


class Sender:
    """The WeChat side of `chebao.conversations.delivery`."""

    name = "wechat"

    def __init__(
        self,
        client: Client,
        hub: Hub,
        uploads: Uploads,
        notices: Notices,
        *,
        public_url: str,
        gap: float = 0.3,
    ) -> None:
        self._client, self._hub, self._uploads, self._notices = client, hub, uploads, notices
        self._public_url, self._gap = public_url, gap
        self._allowances = Allowances(hub.engine, RULES)
        self._media = MediaCache(hub.engine, self.name)
        self._menus = True
        self._closed_until = 0.0

    def plan(self, messages: Iterable[Message]) -> list[Bubble]:
        """The bubbles of some messages."""
        tokens = self._hub.tokens
        return bubbles.plan((m.id, parts_of(shown(tokens, m), self._public_url)) for m in messages)

    async def takes(self, conversation: Conversation) -> bool:
        """Whether a window is open in which we may write."""
        return bool(await self._allowances.windows(conversation.id))

    async def deliver(self, job: DeliveryJob) -> None:
        """Hands over all that waits in a conversation."""
        if not job.conversation.reachable:
            await job.failed(*job.ids, reason="unfollowed")
            return
        if (closed := self._closed_until - time.monotonic()) > 0:
            job.retry_after(closed)
            return
        planned = self.plan(job.messages)
        drawn = {i for bubble in planned for i in bubble.ids}
        if nothing := [i for i in job.ids if i not in drawn]:
            await job.sending(*nothing, noted=True)
            await job.sent(*nothing)
        await self.hand_over(job, planned)

    async def hand_over(self, job: DeliveryJob, planned: Sequence[Bubble], begun: Iterable[int] = ()) -> None:
        """Sends bubbles in order, as far as the allowance goes; the rest waits for the customer's next message.

        Args:
            begun: messages whose first bubble went out as the passive reply.
        """
        windows = await self._allowances.windows(job.conversation.id)
        left = sum(window.left for window in windows)
        # One message is kept back for an answer that may still come, as long as that costs only joining bubbles.
        rest = bubbles.squeeze(planned, max(1, left - 1))
        started = set(begun)
        try:
            while rest:
                bubble, *rest = rest
                open_ids = [i for i in bubble.ids if i not in started]
                window = next((w for w in windows if w.left > 0), None)
                left = sum(w.left for w in windows)
                # begun and not finished, it would have to be said again from its beginning
                torn = len(open_ids) == len(bubble.ids) and left < _needed(bubble, rest) and left < RULES[MESSAGE].count
                if window is None or torn:
                    await self._no_window(job, [i for b in (bubble, *rest) for i in b.ids], "no_window")
                    return
                await job.sending(*open_ids, noted=True)
                started |= set(open_ids)
                await self._allowances.use(job.conversation.id, window)
                windows = [replace(w, left=w.left - (w is window)) for w in windows]
                await self._one(job, bubble, rest, window, started)
                if rest:
                    await asyncio.sleep(self._gap)  # calls that follow at once may arrive out of order
        except _Stop:
            return

    async def _one(
        self, job: DeliveryJob, bubble: Bubble, rest: Sequence[Bubble], window: Window, started: set[int]
    ) -> None:
        """Sends one bubble and says what became of the messages that it completes."""
        later = {i for b in rest for i in b.ids}
        complete = [i for i in bubble.ids if i not in later]
        try:
            await self._send(job.conversation.peer, bubble, partial(job.leaving, *bubble.ids))
        except Unanswered as error:
            log.warning(line("wechat_unanswered", conversation=job.conversation.id, reason=error))
            await job.unconfirmed(*bubble.ids)
        except NotReached as error:
            log.warning(line("wechat_not_reached", conversation=job.conversation.id, reason=error))
            await self._allowances.use(job.conversation.id, window, -1)
            job.retry_after(2)
            raise _Stop from None
        except WeChatError as error:
            await self._allowances.use(job.conversation.id, window, -1)
            await self._refused(job, error, bubble, rest)
        else:
            await job.sent(*complete)

    async def _refused(self, job: DeliveryJob, error: WeChatError, bubble: Bubble, rest: Sequence[Bubble]) -> None:
        """What an error means for this bubble and those behind it."""
        waiting = list(dict.fromkeys(i for b in (bubble, *rest) for i in b.ids))
        reason = f"wechat_{error.code}"
        if error.action is Action.PARK:
            await self._allowances.close(job.conversation.id)
            await self._no_window(job, waiting, reason)
        elif error.action is Action.UNREACHABLE:
            await job.failed(*waiting, reason=reason)
        elif error.action in (Action.LATER, Action.RENEW):
            job.retry_after(2)
        elif error.action in (Action.TOMORROW, Action.CONFIGURE):
            log.error(line("wechat_account_problem", code=error.code, see="chebao doctor"))
            # the account's trouble is everybody's: until then nobody asks
            self._closed_until = time.monotonic() + _ACCOUNT_PAUSE
            job.retry_after(_ACCOUNT_PAUSE)
        else:
            await job.failed(*bubble.ids, reason=reason)
            return
        raise _Stop

    async def _no_window(self, job: DeliveryJob, ids: Iterable[int], reason: str) -> None:
        by_id = {m.id: m for m in job.messages}
        for message_id in dict.fromkeys(ids):
            await self._notices.park(job, by_id[message_id], reason)

    # one bubble

    async def _send(self, openid: str, bubble: Bubble, leaving: Leaving) -> None:
        if isinstance(bubble, Picture):
            await self._send_picture(openid, bubble, leaving)
            return
        call = bubbles.as_call(bubble) if self._menus else bubbles.as_text(bubble)
        try:
            await self._patiently(openid, call, leaving)
        except WeChatError as error:
            if error.action is Action.NO_MENU and self._menus:
                log.warning(line("wechat_menus_off", code=error.code))
                self._menus = False
                await self._patiently(openid, bubbles.as_text(bubble), leaving)
            elif error.action is Action.SPLIT:
                for piece in bubbles.split(bubble.text, bubbles.LIMIT // 2):
                    await self._patiently(openid, bubbles.as_text(Words(bubble.ids, piece)), leaving)
                if bubble.choices:
                    await self._patiently(openid, bubbles.as_call(replace(bubble, text="请选择：")), leaving)
            else:
                raise

    async def _patiently(self, openid: str, call: dict[str, Any], leaving: Leaving) -> None:
        """Sends, and again after a moment where WeChat says that it is busy or was not reached."""
        for pause in _PAUSES:
            try:
                await self._client.send(openid, call, leaving)
                return
            except NotReached:
                await asyncio.sleep(pause)
            except WeChatError as error:
                if error.action is not Action.LATER:
                    raise
                await asyncio.sleep(pause)
        await self._client.send(openid, call, leaving)

    async def _send_picture(self, openid: str, picture: Picture, leaving: Leaving) -> None:
        content = await self._content(picture)
        if content is None:
            words = (
                f"图片：{picture.url}" if picture.url else "（客服发来一个文件，微信里暂时无法查看，请联系客服另发）"
            )
            await self._patiently(openid, {"msgtype": "text", "text": {"content": words}}, leaving)
            return
        for again in (True, False):
            media_id = await self._media_id(content)
            try:
                await self._patiently(openid, {"msgtype": "image", "image": {"media_id": media_id}}, leaving)
                return
            except WeChatError as error:
                if error.action is not Action.MEDIA_GONE or not again:
                    raise
                await self._media.drop(media_id)

    async def _media_id(self, content: bytes) -> str:
        digest = hashlib.sha256(content).hexdigest()
        known = await self._media.get(digest)
        if known is None:
            known = await self._client.upload(content, "image/jpeg")
            await self._media.put(digest, known, _MEDIA_KEPT)
        return known

    async def _content(self, picture: Picture) -> bytes | None:
        """The picture as JPEG, or None where there is none."""
        try:
            if picture.upload_id:
                upload = await self._uploads.get(picture.upload_id)
                raw = await asyncio.to_thread(self._uploads.path(upload).read_bytes)
            else:
                async with httpx.AsyncClient(timeout=5, trust_env=False) as http:
                    raw = (await http.get(picture.url)).raise_for_status().content
            return await asyncio.to_thread(_as_jpeg, raw)
        except (NotFound, OSError, httpx.HTTPError) as error:
            log.warning(line("wechat_picture_unavailable", error=type(error).__name__))
            return None


def _needed(bubble: Bubble, rest: Sequence[Bubble]) -> int:
    """How many bubbles it takes until the messages that begin in this one are said."""
    return 1 + max((n for n, later in enumerate(rest, 1) if set(later.ids) & set(bubble.ids)), default=0)


def _as_jpeg(raw: bytes) -> bytes:
    """WeChat takes no WebP, and pictures up to 2 MB everywhere."""
    with Pictures.open(io.BytesIO(raw)) as picture:
        small = picture.convert("RGB")
    small.thumbnail((1600, 1600))
    out = io.BytesIO()
    small.save(out, "JPEG", quality=85)
    return out.getvalue()
