"""What a notice says, put into the fields of the account's own templates; pure.

A field is named by its kind and a number (``thing3``); every kind has its limits, by WeChat's table 订阅消息参数值内容限制说明, and a
value beyond them is refused with the whole message (47003). So a value is cut or reduced to what its field takes.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

_FIELD = re.compile(r"\{\{(\w+)\.DATA\}\}")
_SETTING = re.compile(r"([\w-]+)(?::(.+))?", re.ASCII)
_TEXT = "text:"
_LASTING = 3

FACTS = {
    "subject": "what it is about",
    "number": "number of the claim, policy or ticket, - where there is none",
    "time": "now",
    "hint": "how to see the rest",
    "status": "请查看",
}
"""What a field can be given, besides words of the operator's own (``text:理赔``)."""

_CHOICE = f"可填 {'、'.join(FACTS)}，或 text:文字"

_BY_KIND = {
    "thing": ("subject", "hint"),
    "keyword": ("subject", "time", "hint"),
    "time": ("time",),
    "date": ("time",),
    "phrase": ("status",),
    "character_string": ("number",),
    "first": ("subject",),
    "remark": ("hint",),
}
"""What fields of a kind get where the operator says nothing: the first of them the first, and so on."""

_TIMES = frozenset({"time", "date"})


@dataclass(frozen=True)
class _Limit:
    most: int = 200
    unfit: str = r"[^\S ]+"
    empty: str = "-"


_LIMITS = {
    "thing": _Limit(20),
    "const": _Limit(20),
    "character_string": _Limit(32, "[^!-~]"),
    "number": _Limit(32, "[^0-9.]", "0"),
    "letter": _Limit(32, "[^A-Za-z]", "N"),
    "symbol": _Limit(5, r"[\w\s]"),
    "phrase": _Limit(5, "[^一-鿿]", "请查看"),
    "name": _Limit(10, r"[^一-鿿A-Za-z·]", "客户"),
    "phone_number": _Limit(17, "[^0-9+-]"),
    "car_number": _Limit(8, "[^一-鿿A-Z0-9]"),
    "amount": _Limit(12, "[^0-9.¥￥元]", "0"),
}  # fmt: skip
"""Characters that a field of a kind takes, what is left out, and what stands there where nothing is left."""


class Unusable(Exception):
    """A template cannot be filled as it is set, in Chinese and English."""

    def __init__(self, chinese: str, english: str) -> None:
        super().__init__(english)
        self.chinese, self.english = chinese, english


@dataclass(frozen=True)
class Setting:
    """A template as the operator sets it: ``ID`` or ``ID:thing3=subject,time5=time,const2=text:理赔``.

    Attributes:
        given: field → fact; empty: by the kinds of the fields.
    """

    template: str
    given: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, text: str) -> Setting:
        """The setting of a text.

        Raises:
            Unusable: it is not of that form.
        """
        found = _SETTING.fullmatch(text.strip())
        pairs = [pair.strip().partition("=") for pair in (found[2] or "").split(",")] if found and found[2] else []
        if not found or not all(name and value for name, _, value in pairs):
            raise Unusable(
                f"{text!r} 的写法不对，应为 模板ID 或 模板ID:thing3=subject,time5=time",
                f"{text!r} is not of the form ID:thing3=subject,time5=time",
            )
        return cls(found[1], {name: value for name, _, value in pairs})


@dataclass(frozen=True)
class Template:
    """A template of the account.

    Attributes:
        lasting: one consent is good for any number of messages.
        fields: their names, in order.
        content: as the account's page shows it.
    """

    id: str
    title: str
    lasting: bool
    fields: tuple[str, ...]
    content: str

    @classmethod
    def of(cls, row: Mapping[str, Any]) -> Template:
        """The template of a row of one of WeChat's lists, of subscription or of template messages."""
        content = str(row.get("content") or "")
        number = str(row.get("priTmplId") or row.get("template_id") or "")
        return cls(
            number, str(row.get("title") or ""), row.get("type") == _LASTING, tuple(_FIELD.findall(content)), content
        )


@dataclass(frozen=True)
class Form:
    """A template with what goes into each of its fields."""

    template: Template
    given: Mapping[str, str]

    def filled(self, facts: Mapping[str, str]) -> dict[str, str]:
        """The fields with their values, each as its kind takes it."""
        return {
            name: fitted(kind_of(name), what.removeprefix(_TEXT) if what.startswith(_TEXT) else facts[what])
            for name, what in self.given.items()
        }


def form(setting: Setting, templates: Mapping[str, Template]) -> Form:
    """How a template of the account is filled.

    Raises:
        Unusable: the account has no such template, or its fields are not those of the setting.
    """
    template = templates.get(setting.template)
    if template is None:
        raise Unusable(f"账号里没有模板 {setting.template}", f"the account has no template {setting.template}")
    given = dict(setting.given) or _by_kind(template)
    for chinese, english in _problems(template, given):
        raise Unusable(f"模板 {template.id}：{chinese}", f"template {template.id}: {english}")
    return Form(template, {name: given[name] for name in template.fields})


def _by_kind(template: Template) -> dict[str, str]:
    left = {kind: list(facts) for kind, facts in _BY_KIND.items()}
    given: dict[str, str] = {}
    for name in template.fields:
        facts = left.get(kind_of(name), [])
        if facts:
            given[name] = facts.pop(0) if len(facts) > 1 else facts[0]
    return given


def _problems(template: Template, given: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    for name in given:
        if name not in template.fields:
            yield f"没有字段 {name}（它的字段：{'、'.join(template.fields)}）", f"it has no field {name}"
    for name in template.fields:
        if name not in given:
            yield (
                f"字段 {name} 没有说填什么：请在设置里写 {name}=…（{_CHOICE}）",
                f"nothing is set for its field {name}",
            )
    for name, what in given.items():
        yield from _mismatch(name, what)
    if "subject" not in given.values():
        yield "没有字段写 subject（事由）", "no field says what it is about (subject)"


def _mismatch(name: str, what: str) -> Iterator[tuple[str, str]]:
    kind, words = kind_of(name), what.removeprefix(_TEXT)
    if what not in FACTS and not what.startswith(_TEXT):
        yield f"{name}={what}：{what} 不认识（{_CHOICE}）", f"{name}={what}: {what} is not known"
    elif (kind in _TIMES and what != "time") or (what == "time" and kind in _LIMITS and kind != "thing"):
        yield f"{name} 和 {what} 不配：时间字段填 time，别的字段不填", f"{name} does not take {what}"
    elif what.startswith(_TEXT) and fitted(kind, words) != words:
        yield f"{name} 填不下“{words}”", f"{name} does not take that text"


def kind_of(name: str) -> str:
    """``thing3`` → ``thing``."""
    return name.rstrip("0123456789")


def fitted(kind: str, value: str) -> str:
    """A value as a field of this kind takes it: cut, and without what it refuses."""
    if kind in _TIMES:
        return value
    limit = _LIMITS.get(kind, _Limit())
    words = re.sub(limit.unfit, " " if limit.unfit == _Limit.unfit else "", value).strip()
    if len(words) > limit.most:
        words = f"{words[: limit.most - 1]}…" if limit.unfit == _Limit.unfit else words[: limit.most]
    return words or limit.empty
