"""What customers say while they report an accident, made into values."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from typing import Any

from actions import photos
from actions.nodes import Draft, Miss, Prompt
from actions.turn import SHANGHAI, Turn, option
from actions.whereabouts import place_in, shared_place
from actions.wording import is_correction, is_filler, is_polite_no
from chebao.insurance import accidents, people, phone, places, plate
from chebao.insurance.moments import Moment, find_moments, parse_moment

_WHO = r"(有人|(?<!没)人|乘客|司机|行人|路人|老人|大爷|大妈|孩子|小孩|骑手|我|他|她|对方|后排|副驾|老婆|老公|朋友|腿|(?<!车)头|胳膊|手(?!机)|脚|腰|脖子|膝盖)"
_HURT = re.compile(
    _WHO
    + r"[^，。！？没不无未车狗猫]{0,7}(受了?[轻重点]*伤|伤[了到着]|流血|出血|骨折|昏迷|晕|疼|痛|破皮|擦破|磕破|青了|肿了?|起不来|动不了|去世|死亡|没了呼吸)"
    r"|撞伤|伤者|伤员|(?<!车)(?<!车也)受了?[轻重]?伤(?!吗)|压伤|擦伤|人伤|救护车|送(去|到|往|进)?了?医院|(?<!不用)住院|急诊"
)
_NOT_HURT = re.compile(
    r"(没|无|未|不)(有|造成|发生)?(任何)?(人)?(员)?(受)?伤|没人(受)?伤|人(都)?没(什么|啥)?大?事|人员?(都)?(平安|安全|还好)|没有?人员?(受)?伤|(都|大家)没事|没伤|无人"
)
_SUPPOSED = re.compile(r"如果|要是|万一|假如|假设|的话")


def injury_in(said: str) -> str | None:
    """ "yes" where anybody is hurt, "no" where nobody is, None where nothing is said; a question "如果…受伤" says nothing."""
    if _SUPPOSED.search(said):
        return None
    parts = re.split(r"[，。；,;!！?？\n]|但是?|不过|就是", said)
    told = ["no" if _NOT_HURT.search(part) else "yes" for part in parts if _NOT_HURT.search(part) or _HURT.search(part)]
    if told and is_correction(said):
        return told[-1]
    return "yes" if "yes" in told else told[0] if told else None


def take_injury(turn: Turn, draft: Draft) -> str | None:
    return injury_in(turn.text)


#: What a whole sentence tells beyond its single words: (type, sign, types of single words that it outweighs).
_TOLD_TYPES: tuple[tuple[str, re.Pattern[str], frozenset[str | None]], ...] = (
    (
        "animal",
        re.compile(r"(狗|猫|野猪|兔子|鹿|牛|羊|动物)[^，。]{0,8}(窜|冲|跑|蹿|蹦)(出|过|到)|(猫|狗|老鼠)(抓|咬|挠|啃)"),
        frozenset({None, "collision", "scratch", "sideswipe", "single_vehicle"}),
    ),
    (
        "parked_hit",
        re.compile(r"停[^。]{0,16}(开门|车门)[^。]{0,6}(磕|碰|撞|刮|砸)"),
        frozenset({None, "collision", "scratch"}),
    ),
    (
        "single_vehicle",
        re.compile(
            r"(倒|开|掉|翻|冲|滑|陷)[^，。]{0,3}(沟|坑|河|田)|(护栏|栏杆|灯杆|电线杆|柱子?|墙|树|花坛|墩子?|路沿|路牙|石头|杆子?)[^，。]{0,3}(撞|刮|蹭|剐|碰|怼)"
        ),
        frozenset({None, "collision", "scratch"}),
    ),
    (
        "sideswipe",
        re.compile(r"(跟|和|与|被)[^，。]{0,10}(车|公交|摩托|大巴|三轮)[^，。]{0,4}(刮|剐|蹭|擦|挤)"),
        frozenset({None, "scratch"}),
    ),
    ("rear_end", re.compile(r"(没|刹不|来不及)刹住?|急刹"), frozenset({None})),
    ("collision", re.compile(r"挤了|磕(了|到|上)|顶了|怼了"), frozenset({None})),
)


def type_in(said: str) -> str | None:
    """The kind of accident that a sentence tells, or None; "injury" alone is no kind."""
    found = accidents.accident_type_of(said)
    found = None if found == "injury" else found
    for code, sign, outweighed in _TOLD_TYPES:
        if found in outweighed and sign.search(said):
            return code
    return found


def take_type(turn: Turn, draft: Draft) -> str | None:
    return type_in(turn.text)


def parse_type(turn: Turn, draft: Draft) -> Any:
    found = take_type(turn, draft)
    if found is None and len(turn.text) >= 6 and not turn.looks_like_question:
        found = "collision" if re.search(r"撞|碰|对方|车", turn.text) else None
    if found:
        draft["description"] = turn.text[:500]
    return found


# --- when ---------------------------------------------------------------------------------------------------------

_HAS_DAY = re.compile(r"[天日号周月前昨今]|星期|礼拜|刚|现在|凌晨|\d{1,2}[./-]\d{1,2}")
_HAS_DAYPART = re.compile(r"[早晚夜]|上午|中午|下午|傍晚|凌晨")
_NO_IDEA = re.compile(r"记不|不记得|不清楚|不知道|不确定|忘|说不(好|准)|没注意")


def moment_of(turn: Turn, draft: Draft) -> Moment | None:
    """The time told; a bare "下午三点" belongs to the day that was told before."""
    day = draft.get("occurred_day")
    if day and not _HAS_DAY.search(turn.text):
        words = draft["occurred_words"]
        if _HAS_DAYPART.search(turn.text):
            words = words.partition("日")[0] + "日"
        told = parse_moment(f"{day[:4]}年{words}{turn.text}", turn.now, -1)
        if told is not None:
            return told
    return first_moment(turn.text, turn.now)


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
    moment = moment_of(turn, draft)
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
        return None
    if moment.start > turn.now:
        return Miss("这个时间还没到呢，请再核对一下：事故是几号、大概几点发生的？")
    if moment.precision == "month":
        return Miss("能再具体一点吗？事故大概是几号、几点发生的？")
    if moment.precision == "day" and not asked:
        draft["occurred_day"], draft["occurred_words"] = moment.start.isoformat(), _day_words(moment)
        draft["occurred_asked"] = True
        return Miss(ask_moment(turn, draft).text)
    return _as_value(moment)


def _day_words(moment: Moment) -> str:
    part = {6: "早上", 8: "上午", 12: "中午", 13: "下午", 18: "晚上"}.get(moment.start.hour, "")
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
    rough = draft.pop("place_hint", "")
    whole = rough in cleaned or re.search(r"[市省县区]", cleaned)
    return cleaned[:200] if whole else _joined(rough, cleaned)[:200]


def _joined(rough: str, exact: str) -> str:
    """ "杭州文一路" and "文一路学院路口" → 杭州文一路学院路口."""
    shared = next((n for n in range(min(len(rough), len(exact)), 1, -1) if rough.endswith(exact[:n])), 0)
    return rough + exact[shared:] if shared else f"{rough} {exact}"


# --- police, other party, car -------------------------------------------------------------------------------------


def take_police(turn: Turn, draft: Draft) -> str | None:
    if re.search(r"(没|未|不)(有)?(报警|报交警|叫交警|报)|还没报", turn.text):
        return "no"
    told = r"(已经?)?报(了|过)?警了?(?!吗|么|要|没|不)|交警(已|来|到|在|处理)|打了?(110|122)"
    return "yes" if re.search(told, turn.text) and not turn.looks_like_question else None


def take_drivable(turn: Turn, draft: Draft) -> str | None:
    if re.search(r"(开|走|动|发动|启动|打)不(了|动|起来|着|出)|不能(开|走|动)|没法开|要?拖车|趴窝", turn.text):
        return "no"
    return "yes" if re.search(r"(还|能|可以|正常)(能|可以)?(正常)?(开(?!始)|行驶|走)", turn.text) else None


_OTHERS_BEFORE = re.compile(
    r"(对方|前车|后车|那辆?车?|他|她|肇事车?|对面|人家|撞了|追尾了?|撞我的?)(一?辆)?[^，。；,]{0,6}$"
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


_CAR_PART = re.compile(
    r"杠|灯|门|盖|箱|镜|玻璃|漆|胎|轮|底盘|叶子板|翼子板|车[头尾身顶]|座|水箱|坏|凹|裂|碎|瘪|刮|花|掉|破|变形|左|右|前|后"
)


def parse_damage(turn: Turn, draft: Draft) -> str | None:
    """Any words but those that only say whether the car drives."""
    said = turn.text.strip()
    if is_polite_no(said) or (is_filler(said) and not re.match(r"没|无|不", said)):
        return None
    return None if take_drivable(turn, draft) and not _CAR_PART.search(said) else said[:500] or None


def parse_driver(turn: Turn, draft: Draft) -> str | None:
    said = turn.text.strip()
    unfit = phone.find_phones(said) or is_polite_no(said) or (is_filler(said) and said != "是")
    return None if unfit or len(said) > 60 or not said else said


def reporter_name(draft: Draft) -> str | None:
    """The name in "我自己开的，我叫李敏"."""
    said = str(draft.get("driver") or "")
    found = people.find_person_names(said)
    called = re.search(r"(?:我叫|叫|姓名是?|名字是?)([\u4e00-\u9fff·]{2,4})(?=[，。,\s]|$)", said)
    return found[0].value if found else called.group(1) if called else said[:30] or None
