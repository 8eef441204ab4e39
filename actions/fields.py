"""Fields that several dialogues ask for."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any

from actions.nodes import Draft, Field, Miss, Parsed, Prompt, always, nothing
from actions.turn import Button, Turn, option
from actions.wording import is_filler, is_polite_no
from chebao.insurance import people, phone, plate

#: "No" and "yes" as short answers.
NO = re.compile(
    r"^(都|还|目前|现在|暂时|我|我们)?(没有?|无|不|否|木有|冇|没得)(了|的|呢|啊|呀|哦|有)?[。.!！]*$|^(都)?没有?(这些)?(情况)?$|不需要|不用|没这个|不存在"
)
YES = re.compile(
    r"^(是|对|有|好|嗯|行|可以|没错|确认|同意|要|需要|OK|ok|恩|是的|对的|好的|可以的)[的啊呀吧了哦。.!！]*$"
)


def choice(
    name: str,
    label: str,
    question: str | Callable[[Turn, Draft], str],
    options: Sequence[tuple[str, Any, str]],
    *,
    explain: str,
    show: bool = True,
    take: Callable[[Turn, Draft], Any] = nothing,
    **more: Any,
) -> Field:
    """A field with buttons. `options`: (title, value, regex of what a customer may type instead), tried in order."""

    def ask(turn: Turn, draft: Draft) -> Prompt:
        text = question(turn, draft) if callable(question) else question
        return Prompt(text, [option(title, name, value) for title, value, _ in options])

    def parse(turn: Turn, draft: Draft) -> Any:
        if name in turn.pressed:
            return turn.pressed[name]
        if (told := take(turn, draft)) is not None:
            return told
        return next(
            (value for title, value, pattern in options if turn.text == title or re.search(pattern, turn.text)), None
        )

    titles = {value: title for title, value, _ in options}
    return Field(
        name, label, ask, parse, explain, take=take, show=(lambda v: titles.get(v, str(v))) if show else None, **more
    )


def text(
    name: str,
    label: str,
    question: str | Callable[[Turn, Draft], str],
    *,
    explain: str,
    least: int = 2,
    most: int = 500,
    buttons: Sequence[Button] = (),
    **more: Any,
) -> Field:
    """A field that takes free text of `least` to `most` characters."""

    def ask(turn: Turn, draft: Draft) -> Prompt:
        return Prompt(question(turn, draft) if callable(question) else question, buttons)

    def parse(turn: Turn, draft: Draft) -> Any:
        if name in turn.pressed:
            return turn.pressed[name]
        said = turn.text.strip()
        if (is_polite_no(said) and len(said) <= 4) or (is_filler(said) and least > 1):
            return None
        if len(said) > most:
            return Miss(f"内容有点长，请控制在{most}字以内，挑要紧的说就行。")
        return said if len(said) >= least else None

    more.setdefault("show", str)
    return Field(name, label, ask, parse, explain, free=True, **more)


_NO_PLATE = re.compile(
    r"没有?(上|挂)?牌|没上|未上|新车|临牌|临时牌|还没|没有|不记得|记不(清|得|住|起)|想不起|忘|不知道|不清楚"
)
_LIKE_A_PLATE = re.compile(r"[\u4e00-\u9fa5][A-Za-z]\s*[·.-]?\s*\w{3,}")
_ODD_PLATE = "这个车牌看着少了或多了一位。普通车是 7 位，比如 京A12345；新能源车是 8 位，比如 沪AD12345。请按行驶证再发一次车牌号。"


def plate_in(turn: Turn, draft: Draft) -> str | None:
    """The first plate of the message."""
    found = plate.find_plates(turn.text)
    return found[0].value if found else None


_DIGITS = str.maketrans("零〇一二三四五六七八九幺", "001234567891")


def _spoken_plate(said: str) -> str | None:
    """A plate in words: "苏E的六K二一P"."""
    found = plate.find_plates(re.sub(r"[的杠点，, ]", "", said).translate(_DIGITS)) if len(said) <= 24 else ()
    return found[0].value if found else None


def told_plate(turn: Turn, draft: Draft, name: str) -> Parsed:
    """The plate that answers field `name`; one with a wrong sign is asked about, and taken after a yes."""
    meant = f"{name}_meant"
    asked = draft.pop(meant, None)
    if name in turn.pressed:
        return turn.pressed[name]
    value = plate_in(turn, draft) or _spoken_plate(turn.text)
    if value is not None or (asked and YES.match(turn.text.strip())):
        return value or asked
    if guess := plate.meant_plate(turn.text):
        draft[meant] = guess
        why = f"这个车牌有一位好像不对，您是说 {guess} 吗？不是的话，请按行驶证再发一次车牌号。"
        return Miss(why, [option(guess, name, guess)])
    return None


def plate_field(
    question: str | Callable[[Turn, Draft], str],
    *,
    name: str = "plate",
    none_value: str = "",
    none_title: str = "",
    needed: Callable[[Turn, Draft], bool] = always,
    depends: tuple[str, ...] = (),
    choices: Callable[[Turn, Draft], Sequence[str]] = lambda turn, draft: (),
    take: Callable[[Turn, Draft], Any] | None = None,
    licence: bool = False,
    why: str = "",
) -> Field:
    """The plate; with `none_title` a car without one (or an unknown plate) is accepted as "" too.

    Args:
        licence: a photo of the vehicle licence answers it too.
    """

    def ask(turn: Turn, draft: Draft) -> Prompt:
        buttons = [option(p, name, p) for p in choices(turn, draft)]
        if none_title:
            buttons.append(option(none_title, name, none_value))
        return Prompt(question(turn, draft) if callable(question) else question, buttons, "licence" if licence else "")

    def parse(turn: Turn, draft: Draft) -> Any:
        told = told_plate(turn, draft, name)
        if told is None and none_title and _NO_PLATE.search(turn.text):
            return none_value
        return Miss(_ODD_PLATE) if told is None and _LIKE_A_PLATE.search(turn.text) else told

    return Field(
        name,
        "车牌号",
        ask,
        parse,
        "车牌号写在行驶证首页和车牌上，比如 京A12345；新能源车是 8 位，比如 沪AD12345。",
        words=("车牌", "牌照", "车号"),
        take=take or plate_in,
        needed=needed,
        depends=depends,
        show=lambda v: v or "暂无车牌",
        why=why,
    )


def phone_field(
    question: str,
    *,
    name: str = "phone",
    needed: Callable[[Turn, Draft], bool] = always,
    take: Callable[[Turn, Draft], Any] | None = None,
) -> Field:
    """A phone number for being called back (no proof of identity)."""

    def anywhere(turn: Turn, draft: Draft) -> Any:
        found = phone.find_phones(turn.text)
        if found:
            return found[0].value
        return turn.verified["phone"] if turn.verified and name not in draft else None

    def parse(turn: Turn, draft: Draft) -> Any:
        found = phone.find_phones(turn.text)
        if found:
            return found[0].value
        if len(re.sub(r"\D", "", turn.text)) >= 7:
            return Miss("这个手机号位数不太对，请发 11 位手机号，比如 13812345678。")
        return None

    return Field(
        name,
        "联系电话",
        lambda turn, draft: Prompt(question, wants="phone"),
        parse,
        "请发一个能打通的 11 位手机号，方便同事联系您，比如 13812345678。",
        words=("手机", "电话", "号码"),
        take=take or anywhere,
        needed=needed,
        show=lambda v: f"{v[:3]}****{v[-4:]}",
    )


_LATIN_NAME = re.compile(r"[A-Za-z][A-Za-z.'-]*( [A-Za-z][A-Za-z.'-]*){1,4}")


def name_field(
    question: str | Callable[[Turn, Draft], str],
    *,
    name: str,
    label: str = "姓名",
    needed: Callable[[Turn, Draft], bool] = always,
    offer: str = "",
    take: Callable[[Turn, Draft], Any] = nothing,
) -> Field:
    """A person's full name, in Chinese characters or, as passports have it, in Latin letters.

    Args:
        offer: key of the draft under which a name stands that may be the one.
    """

    def ask(turn: Turn, draft: Draft) -> Prompt:
        known = str(draft.get(offer) or "")
        buttons = [option(f"是{known}", name, known)] if known else []
        return Prompt(question(turn, draft) if callable(question) else question, buttons)

    def parse(turn: Turn, draft: Draft) -> Any:
        if name in turn.pressed:
            return turn.pressed[name]
        if (told := take(turn, draft)) is not None:
            return told
        found = people.find_person_names(turn.text)
        if found:
            return found[0].value
        if is_filler(turn.text):
            return None
        bare = re.sub(r"^(我叫|我是|叫|姓名|车主|是|名字)[是:：]?", "", turn.text.strip())
        if _LATIN_NAME.fullmatch(bare.strip()):
            return bare.strip()
        return bare if re.fullmatch(r"[\u4e00-\u9fa5·]{2,12}", bare) and not turn.looks_like_question else None

    return Field(
        name,
        label,
        ask,
        parse,
        "请发身份证上的姓名，比如 张三。",
        words=("姓名", "名字"),
        take=take,
        needed=needed,
        show=str,
    )


def confirm_field(
    question: Callable[[Turn, Draft], str],
    title: str,
    *,
    depends: tuple[str, ...],
    needed: Callable[[Turn, Draft], bool] = always,
) -> Field:
    """The read-back before something is written; every field that it shows makes it void when corrected."""

    def ask(turn: Turn, draft: Draft) -> Prompt:
        return Prompt(question(turn, draft), [option(title, "confirm", "yes"), Button("改一下", "/change_answer")])

    def parse(turn: Turn, draft: Draft) -> Any:
        if turn.pressed.get("confirm") == "yes" or (
            (turn.is_intent("affirm", least=0.6) and len(turn.text) <= 12)
            or re.search(r"^(确认|提交|没问题|没错|对的?|是的?|可以|好的?|正确|都对|嗯|行|OK|ok)", turn.text)
            or re.search(r"确认(提交|投保|续保|无误)|无误|就这样|提交吧", turn.text)
        ):
            turn_key = turn.message_id
        else:
            return None
        return {"at": turn_key}

    return Field(
        "confirm",
        "确认",
        ask,
        parse,
        f"内容没问题就回复“{title}”；要改哪一项，直接说，比如“时间改成昨天晚上八点”。",
        depends=depends,
        needed=needed,
    )


def moment_text(value: Mapping[str, Any] | str) -> str:
    """``2026-11-21T20:00…`` as 11月21日 20:00, as exact as it was told."""
    start = datetime.fromisoformat(value["at"] if isinstance(value, Mapping) else value)
    precision = value.get("precision", "minute") if isinstance(value, Mapping) else "minute"
    day = f"{start.month}月{start.day}日"
    if precision == "month":
        return f"{start.year}年{start.month}月"
    if precision == "day":
        return day
    return f"{day} {start:%H:%M}" + ("左右" if precision == "hour" else "")
