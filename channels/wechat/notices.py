"""When no window is open: a short notice that something waits, as a subscription message (one for each consent), else as a template message.

The message itself is parked before anything is sent and follows whole when the customer writes, so that nothing can vanish with a notice.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from channels.wechat.client import Action, Client, NotReached, Unanswered, WeChatError
from channels.wechat.templates import Form, Setting, Template, Unusable, form
from chebao.conversations.api import Consents, DeliveryJob, Message
from chebao.logs import line

log = logging.getLogger(__name__)

_SHANGHAI = ZoneInfo("Asia/Shanghai")
_NUMBER = re.compile(r"\s*（?\b([A-Z]{1,4}[-0-9]{6,})\b）?\s*", re.ASCII)
_HOW_TO_SEE = "发任意一条消息查看全文"
_AGAIN = timedelta(minutes=1)
_NOT_AS_DESCRIBED = (40037, 47003)
_TOLD = ("notice_sent", "notice_delivered", "notice_unconfirmed")


def matters(message: Message) -> bool:
    """Whether the customer has to hear of it: news of his claim, payment or ticket, and an agent's answer."""
    return message.sender == "agent" or bool(message.platform_key and message.text)


def facts(message: Message, at: datetime) -> dict[str, str]:
    """What a notice can say of a message; what it is about stands without the number, which has a field of its own perhaps."""
    first = message.text.strip().split("\n")[0]
    number = _NUMBER.search(first)
    subject = _NUMBER.sub("", first)
    if message.sender == "agent":
        subject = f"客服回复：{subject}" if subject else "客服给您发来了文件"
    return {
        "subject": subject,
        "number": number[1] if number else "",
        "time": f"{at.year}年{at.month}月{at.day}日 {at:%H:%M}",
        "hint": _HOW_TO_SEE,
        "status": "请查看",
    }


def ref_of(template: str, openid: str) -> str:
    """What a subscription message is known by until WeChat reports on it: it is given no number when it is sent."""
    return f"subscription:{template}:{openid}"


class Shelf:
    """The templates of one kind that are set, as the account has them: asked for once, and anew when one proved to be another.

    Args:
        texts: the operator's settings, the preferred one first.
    """

    def __init__(self, texts: Sequence[str], fetch: Callable[[], Awaitable[list[dict[str, Any]]]]) -> None:
        self._texts, self._fetch = tuple(text for text in texts if text), fetch
        self._forms: list[Form] | None = None

    def __bool__(self) -> bool:
        return bool(self._texts)

    async def forms(self) -> list[Form]:
        """Those that can be filled."""
        if self._forms is None and self._texts:
            try:
                known = {one.id: one for one in map(Template.of, await self._fetch())}
            except (WeChatError, NotReached, Unanswered) as error:
                log.warning(line("wechat_templates_unknown", reason=error))
                return []
            self._forms = []
            for text in self._texts:
                try:
                    self._forms.append(form(Setting.of(text), known))
                except Unusable as problem:
                    log.error(line("wechat_template_unusable", reason=problem.english, see="chebao doctor"))
        return self._forms or []

    def told(self, error: WeChatError) -> None:
        """What WeChat said to one of them."""
        if error.code in _NOT_AS_DESCRIBED:
            self._forms = None


class Notices:
    """Announces messages that have to wait.

    Args:
        subscriptions: templates for subscription messages, the preferred one first.
        template: a template for template messages; both as `chebao.settings` holds them.
    """

    def __init__(self, client: Client, consents: Consents, *, subscriptions: Sequence[str], template: str) -> None:
        self._client, self._consents = client, consents
        self._subscriptions = Shelf(subscriptions, client.subscription_templates)
        self._template = Shelf([template], client.message_templates)

    async def park(self, job: DeliveryJob, message: Message, reason: str) -> None:
        """Lets a message wait for the customer's next one, and tells him of it meanwhile if there is a way."""
        if (message.delivery_reason or "").startswith(_TOLD):
            await job.parked(message.id, reason=str(message.delivery_reason), until=None, ref=message.delivery_ref)
            return
        await job.parked(message.id, reason=reason, until=None)
        if not (self._subscriptions or self._template) or not matters(message):
            return
        try:
            ref = await self._by_subscription(job, message) or await self._by_template(job, message)
        except Unanswered:
            # perhaps he was told: not twice, and the whole text is still to come
            await job.parked(message.id, reason="notice_unconfirmed", until=None)
        except (NotReached, WeChatError) as error:
            log.warning(line("wechat_notice_refused", conversation=job.conversation.id, reason=error))
            later = isinstance(error, NotReached) or error.action in (Action.LATER, Action.RENEW)
            await job.parked(message.id, reason=reason, until=datetime.now(UTC) + _AGAIN if later else None)
        else:
            if ref:
                way = "subscription" if ref.startswith("subscription:") else "template"
                log.info(
                    line(
                        "wechat_notice_sent",
                        conversation=job.conversation.id,
                        message=message.id,
                        way=way,
                        reason=reason,
                    )
                )
                await job.parked(message.id, reason="notice_sent", until=None, ref=ref)

    async def _by_subscription(self, job: DeliveryJob, message: Message) -> str | None:
        """Uses a consent; None where there is none, or where no template would be taken."""
        to, said = job.conversation, facts(message, datetime.now(_SHANGHAI))
        for one in await self._subscriptions.forms():
            template = one.template.id
            if not await self._consents.take(to, template, message.id, lasting=one.template.lasting):
                continue
            try:
                await self._client.send_subscription(to.peer, template, one.filled(said))
            except NotReached:
                await self._consents.give_back(to, template, message.id)
                raise
            except WeChatError as error:
                log.warning(line("wechat_subscription_refused", conversation=to.id, code=error.code))
                self._subscriptions.told(error)
                if error.action is Action.WITHDRAWN:
                    await self._consents.withdraw(to.account, to.peer, template)
                    continue
                await self._consents.give_back(to, template, message.id)
                if error.action in (Action.LATER, Action.RENEW):
                    raise
            else:
                return ref_of(template, to.peer)
        return None

    async def _by_template(self, job: DeliveryJob, message: Message) -> str | None:
        said = facts(message, datetime.now(_SHANGHAI))
        for one in await self._template.forms():
            try:
                return await self._client.send_template(job.conversation.peer, one.template.id, one.filled(said))
            except WeChatError as error:
                self._template.told(error)
                raise
        return None
