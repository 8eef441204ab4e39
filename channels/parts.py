"""What a message of ours consists of, for channels that have no cards and pages of their own; pure.

A reply is written once, by an action or the hub. The web chat draws it as it is; every other channel renders these parts to
its platform's calls. A card's text stands in the bubbles beside it (`actions.turn.Turn.card`), so its part holds what those
bubbles do not say: numbers to copy, prices by kind, steps, things to press.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import urljoin
from zoneinfo import ZoneInfo

_SHANGHAI = ZoneInfo("Asia/Shanghai")
_ISO_MOMENT = re.compile(r"\d{4}-\d{2}-\d{2}T")
_KINDS = {"compulsory": "交强险", "commercial": "商业险"}
_STATUS = {
    "reported": "已报案",
    "surveying": "查勘中",
    "documents_missing": "待补材料",
    "loss_assessed": "已定损",
    "adjudicating": "核赔中",
    "agreed": "已达成协议",
    "paid": "已赔付",
    "refused": "不予赔付",
    "withdrawn": "已撤案",
}


@dataclass(frozen=True)
class Choice:
    """Something to press; the token goes back to the hub as the customer's message."""

    title: str
    token: str


@dataclass(frozen=True)
class Link:
    """A page to open."""

    title: str
    url: str


@dataclass(frozen=True)
class Text:
    """Plain text, maybe of several lines."""

    text: str


@dataclass(frozen=True)
class Choices:
    """A question with answers to press; typing an answer or its number works as well."""

    text: str
    choices: tuple[Choice, ...]


@dataclass(frozen=True)
class Card:
    """A titled list of lines."""

    title: str
    lines: tuple[str, ...] = ()
    choices: tuple[Choice, ...] = ()
    link: Link | None = None


@dataclass(frozen=True)
class Image:
    """A picture at an absolute address."""

    url: str


@dataclass(frozen=True)
class File:
    """A picture or document from our upload store, sent by an agent."""

    upload_id: str
    content_type: str


@dataclass(frozen=True)
class LocationRequest:
    """A question whose best answer is a shared position; words and choices do as well."""

    text: str
    choices: tuple[Choice, ...] = ()


@dataclass(frozen=True)
class PhoneRequest:
    """A question for the customer's own phone number; where the platform cannot share one, it is a text with choices."""

    text: str
    choices: tuple[Choice, ...] = ()


Part = Text | Choices | Card | Image | File | Link | LocationRequest | PhoneRequest


def parts_of(shown: Mapping[str, Any], public_url: str = "") -> list[Part]:
    """The parts of one outgoing message, in order.

    Args:
        shown: the message as `chebao.conversations.api.shown` gives it, so that it carries tokens and no payloads.
        public_url: what relative addresses of pictures belong to.
    """
    custom = _record(shown.get("custom"))
    card = _record(custom.get("card"))
    parts = [*_question(str(shown.get("text") or ""), _choices(shown.get("buttons")), custom.get("wants"))]
    if draw := _CARDS.get(str(card.get("type"))):
        parts += draw(card)
    if shown.get("image"):
        parts.append(Image(urljoin(public_url, str(shown["image"]))))
    parts += [File(str(a["id"]), str(a.get("content_type") or "")) for a in _records(shown.get("attachments"))]
    return parts


def card_text(card: Card) -> str:
    """A card in plain text, without its choices."""
    tail = [f"{card.link.title}：{card.link.url}"] if card.link else []
    return "\n".join([f"【{card.title}】", *card.lines, *tail])


def _choices(raw: Any) -> tuple[Choice, ...]:
    return tuple(
        Choice(str(b["title"]), str(b["payload"])) for b in _records(raw) if b.get("title") and b.get("payload")
    )


def _record(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _records(value: Any) -> list[Mapping[str, Any]]:
    """The objects of a list; a card of another shape than ours shows as nothing, the text beside it stands."""
    return [item for item in value if isinstance(item, Mapping)] if isinstance(value, list) else []


def _question(text: str, choices: tuple[Choice, ...], wants: Any) -> Iterator[Part]:
    if wants == "location":
        yield LocationRequest(text, choices)
    elif wants == "phone":
        yield PhoneRequest(text, choices)
    elif choices:
        yield Choices(text or "请选择：", choices)
    elif text:
        yield Text(text)


# --- cards: the same fields as web/src/chat/cards.ts reads -------------------------------------------------------


def _plans(card: Mapping[str, Any]) -> Iterator[Part]:
    plans = [p for p in _records(card.get("plans")) if p.get("name")]
    lines = []
    for plan in plans:
        amounts = (("交强险", "compulsory"), ("商业险", "commercial"), ("车船税", "vehicle_tax"))
        split = " + ".join(f"{name} {plan[key]}" for name, key in amounts if plan.get(key))
        lines.append(f"{plan['name']} {plan.get('total', '')} 元" + (f" = {split}" if split else ""))
    choices = tuple(Choice(f"选{p['name']}", str(p["payload"])) for p in plans if p.get("payload"))
    if plans:
        yield Card(str(card.get("title") or "方案对比"), tuple(lines), choices)


def _receipt(card: Mapping[str, Any]) -> Iterator[Part]:
    surveyor = " ".join(str(card[k]) for k in ("surveyor", "surveyor_phone") if card.get(k))
    facts = (
        ("报案号", card.get("claim_no")),
        ("车牌", card.get("plate")),
        ("事故类型", card.get("accident")),
        ("出险时间", _moment(card.get("occurred_at"))),
        ("出险地点", card.get("place")),
        ("查勘员", surveyor),
    )
    if card.get("claim_no"):
        yield Card("报案回执", _facts(facts))


def _payment(card: Mapping[str, Any]) -> Iterator[Part]:
    lines = [f"{line.get('name')} {line.get('amount')} 元" for line in _records(card.get("lines"))]
    if card.get("expires_at"):
        lines.append(f"请在 {_moment(card['expires_at'])} 前完成付款")
    if str(card.get("url") or "").startswith(("http://", "https://")):
        yield Card(f"待付款 {card.get('total', '')} 元", tuple(lines), link=Link("去付款", str(card["url"])))


def _policy(card: Mapping[str, Any]) -> Iterator[Part]:
    for item in _records(card.get("items")):
        if not item.get("policy_no"):
            continue
        kind = str(item.get("kind") or "保单")
        covers = "、".join(f"{c.get('name')}{c.get('sum') or ''}" for c in _records(item.get("covers")))
        period = " 至 ".join(_day(item[k]) for k in ("start", "end") if item.get(k))
        facts = (
            ("保单号", item["policy_no"]),
            ("保险期间", period),
            ("保费", f"{item['premium']} 元" if item.get("premium") else ""),
            ("保障", covers),
        )
        yield Card(f"{_KINDS.get(kind, kind)} {item.get('plate') or ''}".strip(), _facts(facts))


def _progress(card: Mapping[str, Any]) -> Iterator[Part]:
    status = str(card.get("status") or "")
    lines = [
        f"{'✓' if step.get('done') else '○'} {step.get('name')} {_moment(step.get('at'))}".rstrip()
        for step in _records(card.get("steps"))
    ]
    if card.get("amount"):
        lines.append(f"定损金额：{card['amount']} 元")
    if lines:
        yield Card(f"报案号 {card.get('claim_no', '')} {_STATUS.get(status, status)}".rstrip(), tuple(lines))


_CARDS = {
    "plans": _plans,
    "claim_receipt": _receipt,
    "payment": _payment,
    "policy": _policy,
    "progress": _progress,
}


def _facts(facts: tuple[tuple[str, Any], ...]) -> tuple[str, ...]:
    return tuple(f"{name}：{value}" for name, value in facts if value)


def _moment(value: Any) -> str:
    """An ISO time as 11月22日 14:05; finished words as they are."""
    text = str(value or "")
    if not _ISO_MOMENT.match(text):
        return text
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        return text
    at = at.astimezone(_SHANGHAI) if at.tzinfo else at
    return f"{at.month}月{at.day}日 {at:%H:%M}"


def _day(value: Any) -> str:
    text = str(value)
    return text[:10] if re.match(r"\d{4}-\d{2}-\d{2}", text) else text
