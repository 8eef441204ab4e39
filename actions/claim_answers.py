"""What customers say while they report an accident, made into values."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from actions import photos
from actions.nodes import Draft, Miss, Prompt
from actions.turn import SHANGHAI, Turn, option
from actions.whereabouts import place_in, shared_place
from actions.wording import is_filler, is_polite_no
from chebao.insurance import people, phone, places, plate
from chebao.insurance.moments import Moment, find_moments, parse_moment

# --- when ---------------------------------------------------------------------------------------------------------

_HAS_DAY = re.compile(r"[天日号周月前昨今]|星期|礼拜|刚|现在|凌晨|\d{1,2}[./-]\d{1,2}")
_HAS_DAYPART = re.compile(r"[早晚夜]|上午|中午|下午|傍晚|凌晨")
_NO_IDEA = re.compile(r"记不|不记得|不清楚|不知道|不确定|忘|说不(好|准)|没注意")


_ROUGH_HOUR = re.compile(r"(一两|一二|两三|二三|三四|四五|五六|六七|七八|八九|九十)点")
_DAYPART = re.compile(r"早上|早晨|清早|上午|中午|晌午|下午|傍晚|晚上|夜里|半夜|凌晨")
_SMALL_HOURS = 5
"""Until then "今天" is the day that one has not slept after yet."""
_JUST_NOW = re.compile(r"刚(?![好开买提打接听拿学考领换洗修贴做])|方才|这会儿")
_LONG_AGO = re.compile(r"前几天|前阵|好几天|很久|好久|上次|之前|一直没|拖到")


def moment_of(turn: Turn, draft: Draft) -> Moment | None:
    """The time told; a bare "下午三点" belongs to the day that was told before."""
    told = _moment_of(turn.saying(_ROUGH_HOUR.sub(lambda rough: rough[1][0] + "点", turn.text)), draft)
    early = turn.now.hour < _SMALL_HOURS and told is not None and told.start.date() == turn.now.date()
    if told is not None and early and told.start > turn.now:
        return replace(told, start=told.start - timedelta(days=1), end=told.end - timedelta(days=1))
    return told


def _moment_of(turn: Turn, draft: Draft) -> Moment | None:
    day = draft.get("occurred_day")
    if day and not _HAS_DAY.search(turn.text):
        words = draft["occurred_words"]
        if _HAS_DAYPART.search(turn.text):
            words = words.partition("日")[0] + "日"
        told = parse_moment(f"{day[:4]}年{words}{turn.text}", turn.now, -1)
        if told is not None:
            return told
    told = first_moment(turn.text, turn.now)
    if told is None and len(turn.text) <= 10 and _DAYPART.search(turn.text):
        return parse_moment(f"今天{turn.text}", turn.now, -1)
    return told


def first_moment(said: str, now: datetime) -> Moment | None:
    """The time told; of several ("上周五撞的，今天才想起来") the first."""
    told = parse_moment(said, now, -1)
    if told is None and len(found := find_moments(said, now, -1)) > 1:
        told = parse_moment(said[found[0].start : found[0].end], now, -1)
    return told


def _as_value(moment: Moment) -> dict[str, str]:
    whole_day = moment.precision == "day" and moment.end - moment.start >= timedelta(days=1)
    precision = "hour" if moment.precision == "day" and not whole_day else moment.precision
    return {"at": moment.start.isoformat(timespec="seconds"), "precision": precision}


def take_moment(turn: Turn, draft: Draft) -> dict[str, str] | None:
    just = _JUST_NOW.search(turn.text) and not _LONG_AGO.search(turn.text)
    moment = moment_of(turn, draft) if just or find_moments(turn.text, turn.now, -1) else None
    if moment is None or moment.start > turn.now or moment.precision == "month":
        return None
    if moment.precision == "day":
        draft.setdefault("occurred_day", moment.start.isoformat())
        draft.setdefault("occurred_words", _day_words(moment))
        return None
    return _as_value(moment)


def parse_moment_answer(turn: Turn, draft: Draft) -> Any:
    day, asked = draft.get("occurred_day"), draft.get("occurred_asked")
    if day and _NO_IDEA.search(turn.text):
        return {"at": day, "precision": "day"}
    moment = moment_of(turn.saying("刚刚") if turn.pressed else turn, draft)
    if moment is None:
        return _day_unknown(turn, draft) if _NO_IDEA.search(turn.text) else None
    if moment.start > turn.now:
        if moment.start.date() == turn.now.date() and draft.get("occurred_ahead"):
            return {"at": turn.now.replace(hour=0, minute=0, second=0, microsecond=0).isoformat(), "precision": "day"}
        draft["occurred_ahead"] = True
        return Miss("这个时间还没到呢，请再核对一下：事故是几号、大概几点发生的？")
    if moment.precision == "month":
        return Miss("能再具体一点吗？事故大概是几号、几点发生的？")
    if moment.precision == "day" and not asked:
        draft["occurred_day"], draft["occurred_words"] = moment.start.isoformat(), _day_words(moment)
        draft["occurred_asked"] = True
        return Miss(ask_moment(turn, draft).text)
    return _as_value(moment)


def _day_unknown(turn: Turn, draft: Draft) -> Any:
    """Who does not know the day is asked for the one on which he noticed; who insists noticed it today."""
    if draft.setdefault("occurred_unknown", turn.message_id) == turn.message_id:
        return Miss("不用很准，说发现的那天就行，比如“今天早上”“昨天”。大概是什么时间发现的？")
    return {"at": turn.now.replace(hour=0, minute=0, second=0, microsecond=0).isoformat(), "precision": "day"}


def _day_words(moment: Moment) -> str:
    parts = {5: "早上", 6: "早上", 8: "上午", 11: "中午", 12: "下午", 13: "下午", 17: "傍晚", 18: "晚上", 22: "深夜"}
    part = parts.get(moment.start.hour, "")
    return f"{moment.start.month}月{moment.start.day}日{part}"


def ask_moment(turn: Turn, draft: Draft) -> Prompt:
    if words := draft.get("occurred_words"):
        draft["occurred_asked"] = True
        return Prompt(f"您说是{words}，记不清几点就回复“记不清”。事故大概是几点发生的？")
    return Prompt("事故大概是什么时间发生的？", [option("刚刚", "occurred_at", "刚刚")])


def occurred(draft: Draft) -> datetime:
    """The accident's time."""
    return datetime.fromisoformat(draft["occurred_at"]["at"]).astimezone(SHANGHAI)


# --- where --------------------------------------------------------------------------------------------------------

_EXACT_PLACE = 8
"""Fewer characters name an area ("北三环"), which a surveyor cannot drive to."""


_ANYWHERE = re.compile(
    r"(我们?|自家|公司|单位)?(的)?(小区|地下|地面)?(里|内)?(停车场|停车位|车库|地库|小区|路边|路口|楼下|门口|高速|高架|路上)(里|内)?"
)


_NO_PLACE = re.compile(r"[撞刮蹭磕剐怼轧]|追尾|轮毂|轮胎|保险杠")


def ask_place(turn: Turn, draft: Draft) -> Prompt:
    return photos.place_prompt(draft) or _open_place_question(draft)


def _open_place_question(draft: Draft) -> Prompt:
    if rough := draft.get("place_hint"):
        return Prompt(
            f"您说在{rough}。说附近的路口或标志都行，也可以点定位按钮（只用于这次查勘）。事故地点在{rough}哪里？",
            wants="location",
        )
    return Prompt("可以打字，也可以点定位按钮（只用于这次查勘）。事故地点在哪里？", wants="location")


def take_place(turn: Turn, draft: Draft) -> str | None:
    if turn.location:
        return shared_place(turn)
    found = place_in(turn.text)
    if _NO_PLACE.search(found):
        return None
    if 0 < len(found) < _EXACT_PLACE and not _ANYWHERE.fullmatch(found):
        draft.setdefault("place_hint", found)
    return found if len(found) >= _EXACT_PLACE else None


def parse_place(turn: Turn, draft: Draft) -> Any:
    if (offered := photos.place_answer(turn, draft, _open_place_question(draft).text)) is not None:
        return offered
    if turn.location:
        return shared_place(turn)
    said = turn.text.strip()
    cleaned = re.sub(r"^(我)?(是|在|就在|地点|位置|地址)(是|在|[:：])?", "", said).strip("。.")
    if re.fullmatch(r"[\d\s:：点分]+", said) or (parse_moment(said, turn.now) and len(said) <= 6):
        return None
    if len(cleaned) < 2 or is_filler(said) or is_polite_no(said) or not re.search(r"[\u4e00-\u9fff\d]", said):
        return None
    if phone.find_phones(said) or (plate.find_plates(said) and len(said) <= 10):
        return None
    if _NO_IDEA.search(said) and not places.find_locations(said):
        return (
            Miss("说个大概就行，比如哪个城市、哪条路，或者点定位按钮。事故地点在哪里？")
            if not draft.get("place_hint")
            else draft["place_hint"]
        )
    asked = draft.setdefault("place_asked", turn.message_id) == turn.message_id
    if asked and _ANYWHERE.fullmatch(cleaned) and not draft.get("place_hint"):
        return Miss(f"查勘员要找得到您，请说一下城市、路名或附近的标志。具体是哪里的{cleaned}，事故地点在哪里？")
    rough = draft.pop("place_hint", "")
    whole = rough in cleaned or re.search(r"[市省县区]", cleaned)
    return cleaned[:200] if whole else _joined(rough, cleaned)[:200]


def _joined(rough: str, exact: str) -> str:
    """ "杭州文一路" and "文一路学院路口" → 杭州文一路学院路口."""
    if (core := re.sub(r"(上|里|内|附近|那边)$", "", rough)) and core in exact:
        return exact
    shared = next((n for n in range(min(len(rough), len(exact)), 1, -1) if rough.endswith(exact[:n])), 0)
    return rough + exact[shared:] if shared else f"{rough} {exact}"


# --- police, other party, car -------------------------------------------------------------------------------------


_NOT_CALLED = re.compile(
    r"(没|未)(有|来得及)?(报警|报交警|叫交警|叫警察|打122|打110)|还没报(?!案)|不(用|想|打算)?报(交)?警"
)
_CALLED = re.compile(
    r"已经?报警|报(了|过|完)警|报警(了|处理)|交警(已|来|到|在|处理)|(打|叫)(了|过)?(110|122|交警|警察)|公安(局)?立案"
)
_ASKS = re.compile(r"(吗|么|不|呢|[?？])$|要不要|用不用|需不需要|该不该|(要|用)报警吗")


def take_police(turn: Turn, draft: Draft) -> str | None:
    """Whether the police was called; "要报警吗" says nothing of it."""
    told = [part for part in re.split(r"[，。,；;！!\n]", turn.text) if not _ASKS.search(part)]
    asked = turn.tracker.slots.get("requested_slot") == "police_reported"
    if any(_NOT_CALLED.search(part) or (asked and re.match(r"(还|都|我)*(没|未)(有|报)", part)) for part in told):
        return "no"
    return "yes" if any(_CALLED.search(part) for part in told) else None


_OTHERS_BEFORE = re.compile(
    r"(记(下|住|得|到)了?|对方|前车|后车|那辆?车?|他|她|肇事车?|对面|人家|撞了|追尾了?|撞我的?)(一?辆)?[^，。；,]{0,6}$"
)


def take_own_plate(turn: Turn, draft: Draft) -> str | None:
    """A plate in the story that is not said to be the other party's."""
    own = [f for f in plate.find_plates(turn.text) if not _OTHERS_BEFORE.search(turn.text[: f.start])]
    return own[0].value if own else None


def take_own_phone(turn: Turn, draft: Draft) -> str | None:
    """A number to call the customer; what is said of the other party is not."""
    told = turn.text if draft.get("other_parties") != turn.text.strip() else ""
    own = [f for f in phone.find_phones(told) if not _OTHERS_BEFORE.search(told[: f.start])]
    if own:
        return own[0].value
    return str(turn.verified["phone"]) if turn.verified and "phone" not in draft else None


def other_party(draft: Draft) -> dict[str, str | None]:
    """Plate and phone of the other party, as far as told."""
    told = " ".join(str(draft.get(k) or "") for k in ("other_parties", "description", "opening"))
    plates = [f.value for f in plate.find_plates(told) if f.value != draft.get("plate")]
    phones = [f.value for f in phone.find_phones(told) if f.value != draft.get("phone")]
    return {"other_plate": next(iter(plates), None), "other_phone": next(iter(phones), None)}


_ABOUT_A_PERSON = re.compile(
    r"开的|驾驶|本人|自己|司机|姓|叫|先生|女士|小姐|师傅|老公|老婆|爱人|媳妇|爸|妈|父|母|儿|女|哥|弟|姐|妹|朋友|同事|亲戚|车主|名字|是我|我的|我开"
)


def parse_driver(turn: Turn, draft: Draft) -> str | None:
    """Any short words that may name a person; what names none is asked for once more."""
    said = re.sub(
        r"[，,\s]*(我的?)?(联系)?(手机|电话)?(号码?)?(是|[:：])?\s*1[3-9][\d -]{9,}[，,。\s]*", "", turn.text
    ).strip()
    if is_polite_no(said) or (is_filler(said) and said != "是") or len(said) > 60:
        return None
    named = len(said) <= 5 or _ABOUT_A_PERSON.search(said) or people.find_person_names(said)
    again = draft.setdefault("driver_asked", turn.message_id) != turn.message_id
    return said if said and (named or again) else None


def reporter_name(draft: Draft) -> str | None:
    """The name in "我自己开的，我叫李敏"."""
    said = str(draft.get("driver") or "")
    found = people.find_person_names(said)
    called = re.search(r"(?:我叫|叫|姓名是?|名字是?)([\u4e00-\u9fff·]{2,4})(?=[，。,\s]|$)", said)
    return found[0].value if found else called.group(1) if called else said[:30] or None
