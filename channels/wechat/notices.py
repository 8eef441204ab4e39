"""When no window is open: a short notice that something waits, as a subscription message (one for each consent), else as a template message.

The message itself is parked before anything is sent and follows whole when the customer writes, so that nothing can vanish with a notice.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from channels.wechat.client import Action, Client, NotReached, Unanswered, WeChatError
from chebao.conversations.api import Consents, DeliveryJob, Message
from chebao.logs import line

log = logging.getLogger(__name__)

_SHANGHAI = ZoneInfo("Asia/Shanghai")
_FIELD = re.compile(r"\{\{(([a-z_]+)[0-9]+)\.DATA\}\}")
_NUMBER = re.compile(r"\s*（?\b[A-Z]{1,4}[-0-9]{6,}\b）?\s*", re.ASCII)
_MOST = 20
"""Characters of a ``thing`` field."""

_HOW_TO_SEE = "发任意一条消息查看全文"
_LASTING = 3
_AGAIN = timedelta(minutes=1)
_TOLD = ("notice_sent", "notice_delivered", "notice_unconfirmed")


@dataclass(frozen=True)
class Subscription:
    """A template for subscription messages.

    Args:
        lasting: one consent is good for any number of messages.
        fields: their names with their kinds, ``{"thing3": "thing", "time5": "time"}``.
    """

    template: str
    lasting: bool
    fields: Mapping[str, str]

    @classmethod
    def of(cls, row: Mapping[str, Any]) -> Subscription:
        """The template of a row of WeChat's list."""
        fields = dict(_FIELD.findall(str(row.get("content") or "")))
        return cls(str(row.get("priTmplId") or ""), row.get("type") == _LASTING, fields)

    @property
    def usable(self) -> bool:
        """Whether we can fill it: with what it is about, when, and how to see the rest."""
        kinds = list(self.fields.values())
        return "thing" in kinds and not set(kinds) - {"thing", "time", "date", "phrase"}

    def filled(self, headline: str, at: datetime) -> dict[str, str]:
        """Its fields; the first one that takes words says what it is about."""
        things = iter([headline])
        words = {"phrase": "请查看", "time": f"{at:%Y-%m-%d %H:%M}", "date": f"{at:%Y-%m-%d %H:%M}"}
        return {name: words.get(kind) or next(things, _HOW_TO_SEE) for name, kind in self.fields.items()}


def matters(message: Message) -> bool:
    """Whether the customer has to hear of it: news of his claim, payment or ticket, and an agent's answer."""
    return message.sender == "agent" or bool(message.platform_key and message.text)


def headline(message: Message) -> str:
    """What a notice says of a message, without its numbers, for which there is no room; a ``thing`` field takes no line breaks."""
    first = _NUMBER.sub("", message.text.strip().split("\n")[0])
    if message.sender == "agent":
        first = f"客服回复：{first}" if first else "客服给您发来了文件"
    return first if len(first) <= _MOST else f"{first[: _MOST - 1]}…"


def ref_of(template: str, openid: str) -> str:
    """What a subscription message is known by until WeChat reports on it: it is given no number when it is sent."""
    return f"subscription:{template}:{openid}"


class Notices:
    """Announces messages that have to wait.

    Args:
        subscriptions: templates for subscription messages, the preferred one first.
        template: a template with the fields ``thing1`` (what) and ``time2`` (when) for template messages.
    """

    def __init__(self, client: Client, consents: Consents, *, subscriptions: Sequence[str], template: str) -> None:
        self._client, self._consents, self._template = client, consents, template
        self._wanted = tuple(subscriptions)
        self._known: list[Subscription] | None = None

    async def park(self, job: DeliveryJob, message: Message, reason: str) -> None:
        """Lets a message wait for the customer's next one, and tells him of it meanwhile if there is a way."""
        if (message.delivery_reason or "").startswith(_TOLD):
            await job.parked(message.id, reason=str(message.delivery_reason), until=None, ref=message.delivery_ref)
            return
        await job.parked(message.id, reason=reason, until=None)
        if not (self._wanted or self._template) or not matters(message):
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
        to, at = job.conversation, datetime.now(_SHANGHAI)
        for subscription in await self._subscriptions():
            template = subscription.template
            if not await self._consents.take(to, template, message.id, lasting=subscription.lasting):
                continue
            try:
                await self._client.send_subscription(to.peer, template, subscription.filled(headline(message), at))
            except NotReached:
                await self._consents.give_back(to, template, message.id)
                raise
            except WeChatError as error:
                log.warning(line("wechat_subscription_refused", conversation=to.id, code=error.code))
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
        if not self._template:
            return None
        data = {"thing1": headline(message), "time2": f"{datetime.now(_SHANGHAI):%Y-%m-%d %H:%M}"}
        return await self._client.send_template(job.conversation.peer, self._template, data)

    async def _subscriptions(self) -> list[Subscription]:
        """The templates that are set, as WeChat describes them; asked for once."""
        if self._known is None and self._wanted:
            try:
                rows = {row.get("priTmplId"): row for row in await self._client.subscription_templates()}
            except (WeChatError, NotReached, Unanswered) as error:
                log.warning(line("wechat_templates_unknown", reason=error))
                return []
            found = [Subscription.of(rows[name]) for name in self._wanted if name in rows]
            self._known = [one for one in found if one.usable]
            if len(self._known) < len(self._wanted):
                log.error(
                    line(
                        "wechat_template_unusable", templates=len(self._wanted) - len(self._known), see="chebao doctor"
                    )
                )
        return self._known or []
