"""What arrives from WeChat as messages of the hub: events with their meaning, media fetched at once, words for what we cannot read."""

from __future__ import annotations

import asyncio
import logging
import re
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

from channels.speech import Speech, Transcriber
from channels.wechat import menu
from channels.wechat.client import Client, NotReached, Unanswered, WeChatError
from channels.wechat.notices import ref_of
from channels.wechat.protocol import Inbound
from chebao.conversations.api import MAX_BYTES, Consents, Hub, Incoming, Reply, Uploads, judge
from chebao.errors import InputRefused, NotFound
from chebao.logs import line

log = logging.getLogger(__name__)

CHANNEL = "wechat"
_FETCH_WITHIN = 3.0
_HEAR_WITHIN = 4.0
_INTENT = re.compile(r"intent:([a-z_]{1,60})")
_RENEWAL_CODE = re.compile(r"renew_([0-9A-Za-z-]{1,40})")

WELCOME = "欢迎关注！车险报价、续保、报案和进度查询都可以在这里办，直接打字告诉我就行。您想办哪一件？"
_NO_VIDEO = "视频我看不了，请拍几张照片发给我，再用一句话说说情况。"
_NO_LINK = "链接我打不开，请把要问的内容直接打字发给我。"
_NOT_READABLE = "这种消息我看不懂，请打字告诉我，照片和位置也可以发。"
_PICTURE_LOST = "这张图片没有收到，请再发一次。"

_BUTTONS = [
    {"title": "我要报案", "payload": "/report_claim"},
    {"title": "车险报价", "payload": "/new_policy"},
    {"title": "续保", "payload": "/renewal"},
]


class Intake:
    """Turns pushes into messages of the hub."""

    def __init__(
        self, client: Client, hub: Hub, uploads: Uploads, consents: Consents, transcriber: Transcriber | None = None
    ) -> None:
        self._client, self._hub, self._uploads, self._consents = client, hub, uploads, consents
        self._speech = Speech(transcriber, within=_HEAR_WITHIN)
        self._judging = asyncio.Semaphore(2)  # a large picture takes some 500 MB while it is judged
        self._labels = menu.labels(menu.load())

    async def incoming(self, inbound: Inbound) -> Incoming | None:
        """The message for the ledger; None for what nobody has to know."""
        values = await self._event(inbound) if inbound.kind == "event" else await self._message(inbound)
        if values is None:
            return None
        address: dict[str, Any] = {
            "channel": CHANNEL,
            "account": inbound.account,
            "peer": inbound.openid,
            "key": inbound.key,
        }
        found = Incoming(**address, **values)
        refusal = self._hub.refusal(found)
        return Incoming(**address, text=found.text[:200], answer=Reply(refusal)) if refusal else found

    async def _message(self, inbound: Inbound) -> dict[str, Any]:
        match inbound.kind:
            case "text" if inbound.menu_id:
                # a pressed item opens the short window of a click, not that of a message
                return {"text": inbound.menu_id, "event": "click"}
            case "text":
                return {"text": inbound.text}
            case "image":
                return await self._picture(inbound)
            case "voice":
                return await self._voice(inbound)
            case "location":
                place = {"latitude": inbound.latitude, "longitude": inbound.longitude, "label": inbound.label or None}
                # WeChat's maps are shifted by some hundred metres against WGS-84, as the law wants it
                return {"text": "", "location": place | {"datum": "GCJ-02"}}
            case "video":
                return {"text": "（视频）", "answer": Reply(_NO_VIDEO)}
            case "link":
                return {"text": f"（链接）{inbound.text}"[:500], "answer": Reply(_NO_LINK)}
            case _:
                return {"text": "（不支持的消息）", "answer": Reply(_NOT_READABLE)}

    async def _voice(self, inbound: Inbound) -> dict[str, Any]:
        if inbound.text:  # WeChat's own recognition, where it still has it
            return {"text": inbound.text}
        words, answer = await self._speech.heard(lambda: self._fetched(inbound), inbound.media_format)
        return {"text": words, "answer": answer}

    async def _picture(self, inbound: Inbound) -> dict[str, Any]:
        content = await self._fetched(inbound)
        if content is None:
            return {"text": "（图片）", "answer": Reply(_PICTURE_LOST)}
        try:
            conversation, _ = await self._hub.find(CHANNEL, inbound.account, inbound.openid)
            conversation_id = conversation.id
        except NotFound:
            conversation_id = uuid4().hex
        try:
            async with self._judging:
                judged = await asyncio.to_thread(judge, content)
            upload = await self._uploads.add(conversation_id, judged)
        except InputRefused as refused:
            return {"text": "（图片）", "answer": Reply(refused.message)}
        kept = {"id": upload.id, "content_type": upload.content_type, "width": upload.width, "height": upload.height}
        attachment = kept | {"url": f"/api/web/uploads/{upload.id}"}
        return {"text": "", "attachments": [attachment], "conversation_id": conversation_id}

    async def _fetched(self, inbound: Inbound) -> bytes | None:
        """The file, if WeChat gives it while there is time: it asks again after five seconds."""
        try:
            async with asyncio.timeout(_FETCH_WITHIN):
                return await self._client.download(inbound.media_id, limit=MAX_BYTES)
        except (WeChatError, NotReached, Unanswered, TimeoutError) as error:
            log.warning(line("wechat_media_lost", kind=inbound.kind, error=f"{type(error).__name__} {error}".strip()))
            return None

    async def _event(self, inbound: Inbound) -> dict[str, Any] | None:
        match inbound.event:
            case "subscribe" | "scan":
                return self._arrival(inbound)
            case "unsubscribe":
                await self._hub.set_reachable(CHANNEL, inbound.account, inbound.openid, reachable=False)
            case "click":
                return self._click(inbound.event_key)
            case "templatesendjobfinish" | "subscribe_msg_sent_event":
                problem = None if inbound.status == "success" else f"notice_failed {inbound.status or 'unknown'}"
                log.info(line("wechat_notice_report", ref=inbound.message_ref, problem=problem))
                known_by = ref_of(inbound.template, inbound.openid) if inbound.template else inbound.message_ref
                await self._hub.delivery.announced(CHANNEL, known_by, problem=problem)
            case "subscribe_msg_popup_event" | "subscribe_msg_change_event":
                await self._decided(inbound)
            case _:
                log.info(line("wechat_event_ignored", name=re.sub(r"\W", "", inbound.event)[:40]))
        return None

    async def _decided(self, inbound: Inbound) -> None:
        """The customer agreed to be told by subscription messages, or wants no more of them."""
        at = datetime.fromtimestamp(inbound.created, UTC)
        for template, status in inbound.decisions:
            if status.startswith("accept"):  # also acceptWithAlert and the like
                await self._consents.give(inbound.account, inbound.openid, template, inbound.key, at)
            elif inbound.event == "subscribe_msg_change_event":
                # closing the dialog asks for nothing new and takes nothing back
                await self._consents.withdraw(inbound.account, inbound.openid, template, at)
            log.info(line("wechat_subscription", template=template, status=re.sub(r"\W", "", status)[:20]))

    def _arrival(self, inbound: Inbound) -> dict[str, Any]:
        """A follower or a scanned code; the code of a renewal letter opens the renewal of its policy."""
        if letter := _RENEWAL_CODE.fullmatch(inbound.scene):
            payload = {"intent": "renewal", "entities": {"policy_no": letter[1].upper()}}
            return {"text": f"（扫码续保，保单号 {letter[1].upper()}）", "event": inbound.event, "payload": payload}
        words = "（关注了公众号）" if inbound.event == "subscribe" else "（扫描了二维码）"
        return {"text": words, "event": inbound.event, "answer": Reply(WELCOME, buttons=_BUTTONS)}

    def _click(self, event_key: str) -> dict[str, Any]:
        """A menu key of ours stands for an intent; any other is taken as words."""
        label = self._labels.get(event_key, event_key)[:100]
        if intent := _INTENT.fullmatch(event_key):
            return {"text": label, "event": "click", "payload": {"intent": intent[1], "entities": {}}}
        return {"text": label or "（菜单）", "event": "click"}
