"""道路救援 and 预约."""

from __future__ import annotations

import re
from typing import Any

from actions.fields import choice, confirm_field, moment_text, phone_field, plate_field
from actions.forms import Form
from actions.new_policy import city_in
from actions.nodes import Draft, Field, Finish, GoTo, Miss, Prompt, Step
from actions.services import backoffice
from actions.turn import Turn, option
from actions.whereabouts import place_in, shared_place
from actions.wording import is_filler, is_polite_no
from chebao.insurance import accidents
from chebao.insurance.moments import parse_coming

_HELP = (
    (
        "搭电",
        "jump_start",
        r"搭(个|下|一下)?电|亏电|打不着|电瓶|^(?!.*(电车|电动|新能源|跑到|高速)).*没电(?!了?.{0,4}(续航|充电|送电))",
    ),
    ("换胎", "tyre", r"胎|扎了|瘪"),
    ("送油/送电", "fuel", r"没油|送.{0,3}油|汽油|没电|送电|续航"),
    ("拖车", "tow", r"拖|抛锚|趴窝|动不了|坏在|走不了|事故"),
    ("其他", "other", r"其他|别的|掉沟|钥匙|困"),
)


def _take_kind(turn: Turn, draft: Draft) -> str | None:
    return next((value for _, value, words in _HELP if re.search(words, turn.text)), None)


def _take_place(turn: Turn, draft: Draft) -> str | None:
    found = place_in(turn.text)
    return shared_place(turn) or (found if len(found) >= _EXACT_PLACE else None)


_EXACT_PLACE = 8
"""Fewer characters name a road ("绕城高速上"), on which nobody is found."""


def _parse_place(turn: Turn, draft: Draft) -> Any:
    said = turn.text.strip()
    if turn.location:
        return shared_place(turn)
    return None if len(said) < 2 or is_filler(said) or is_polite_no(said) or _ACCIDENT.search(said) else said[:200]


_ACCIDENT = re.compile(r"报(个|一下)?案|出(了)?(事故|车祸|险)|走保险|(其实|原来)是?[^，。]{0,4}(撞|追尾|刮|蹭)")
_AT_HOME = re.compile(
    r"小区|地库|车库|家(里|门口|楼下)|楼下|停车(场|位)|单位|(放|停)了|锁(在)?(车|后备)|(早上|今早|下班)"
)


async def _safety(turn: Turn, draft: Draft) -> None:
    if _AT_HOME.search(turn.text) and "高速" not in turn.text:
        return
    turn.say("先注意安全：打开双闪，人到路边护栏外等，警示牌放到车后（高速 150 米外，普通道路 50 到 100 米）。")


async def _rescue(turn: Turn, draft: Draft) -> None:
    body = {
        "plate": draft.get("plate") or None,
        "phone": draft["phone"],
        "place": draft["place"],
        "kind": draft["kind"],
        "reference": turn.sender,
    }
    row = await backoffice().create_rescue(body, f"{turn.sender}:{draft['confirm']['at']}:create_rescue")
    turn.say(f"救援已安排，救援单号 {row['rescue_no']}。{row.get('eta') or ''}救援电话：{row.get('hotline') or ''}。")
    raise Finish


class RoadsideAssistanceForm(Form):
    """Towing, jump start, tyre, fuel."""

    task = "roadside_assistance"
    stop_text = "好的，救援先不叫了。注意安全，需要时随时叫我。"

    async def respond(self, turn: Turn, draft: Draft) -> bool:
        """Who turns out to have had an accident reports it; that report asks for the tow truck too."""
        if turn.text and _ACCIDENT.search(turn.text) and accidents.accident_type_of(turn.text):
            turn.say("原来是出了事故，那先报案，拖车在报案里一起安排。")
            raise GoTo("report_claim")
        return False

    nodes = (
        Step("safety", _safety),
        choice(
            "kind",
            "救援项目",
            "需要哪种救援？",
            _HELP,
            explain="拖车、搭电、换胎、送油，选一个就行。",
            take=_take_kind,
            words=("救援",),
        ),
        Field(
            "place",
            "所在位置",
            lambda t, d: Prompt("可以打字，也可以点定位按钮（只用于这次救援）。车现在在哪里？", wants="location"),
            _parse_place,
            "车的位置说道路和附近的标志就行，比如“京港澳高速进京方向 32 公里处”。",
            words=("位置", "地点"),
            take=_take_place,
            free=True,
            show=str,
        ),
        plate_field("车牌号是多少？", none_title="记不清车牌"),
        phone_field("师傅打哪个电话联系您？请发手机号。"),
        confirm_field(
            lambda t, d: "\n".join(["我这样安排：", *RoadsideAssistanceForm().read_back(t, d), "没问题请确认提交。"]),
            "确认提交",
            depends=("kind", "place", "plate", "phone"),
        ),
        Step("submitted", _rescue, depends=("confirm",)),
    )


_MEETINGS = (
    ("去网点办理", "branch", r"网点|门店|柜台|营业|过去|上门去"),
    ("电话回访", "callback", r"回电|回访|打给|电话|联系我"),
    ("上门查勘", "survey", r"查勘|定损|上门|看车"),
)


def _take_meeting(turn: Turn, draft: Draft) -> str | None:
    return next((value for _, value, words in _MEETINGS if re.search(words, turn.text)), None)


def _parse_when(turn: Turn, draft: Draft) -> Any:
    """The time; "上午十点半" belongs to the day that was told before."""
    moment = parse_coming(turn.text, turn.now)
    if moment is not None and (day := draft.get("when_day")) and not _NAMES_A_DAY.search(turn.text):
        moment = parse_coming(day + turn.text, turn.now) or moment
    if moment is None:
        return None
    if moment.start <= turn.now:
        return Miss("这个时间已经过了，请说一个之后的时间，比如“明天下午三点”。")
    if moment.precision in ("month", "day"):
        if moment.precision == "month":
            return None
        draft["when_day"] = f"{moment.start.year}年{moment.start.month}月{moment.start.day}日"
        return Miss(f"{moment.start.month}月{moment.start.day}日几点方便？比如“上午十点”。")
    return {"at": moment.start.isoformat(timespec="seconds"), "precision": moment.precision}


_NAMES_A_DAY = re.compile(r"[天日号周月]|星期|礼拜|[明后今]早|\d{1,2}[./-]\d{1,2}")


def _ask_when(turn: Turn, draft: Draft) -> Prompt:
    if day := draft.get("when_day"):
        return Prompt(f"{day.partition('年')[2]}几点方便？比如“上午十点”。")
    days = ("明天上午十点", "明天下午三点")
    return Prompt("约在什么时间？", [option(day, "when", day) for day in days])


def _take_when(turn: Turn, draft: Draft) -> Any:
    found = _parse_when(turn, draft)
    return found if isinstance(found, dict) else None


async def _book(turn: Turn, draft: Draft) -> None:
    body = {
        "kind": draft["meeting"],
        "city": draft.get("city"),
        "at": draft["when"]["at"],
        "phone": draft["phone"],
        "customer_id": turn.customer_id,
        "reference": turn.sender,
    }
    row = await backoffice().create_appointment(body, f"{turn.sender}:{draft['confirm']['at']}:create_appointment")
    turn.say(
        f"约好了，预约号 {row['appointment_no']}，{moment_text(draft['when'])}。时间要调整的话，跟我说一声重新约就行。"
    )
    raise Finish


class AppointmentForm(Form):
    """A branch visit, a call back or a survey."""

    task = "appointment"
    nodes = (
        choice(
            "meeting",
            "预约方式",
            "想约哪一种？",
            _MEETINGS,
            explain="去网点、让我们回电、上门查勘，选一个就行。",
            take=_take_meeting,
            words=("方式",),
        ),
        Field(
            "city",
            "城市",
            lambda t, d: Prompt("在哪个城市？"),
            lambda t, d: city_in(t.text),
            "说城市名就行，比如“北京”。",
            words=("城市",),
            take=lambda t, d: city_in(t.text),
            needed=lambda t, d: d.get("meeting") != "callback",
            show=str,
        ),
        Field(
            "when",
            "时间",
            _ask_when,
            lambda t, d: _parse_when(t.saying(str(t.pressed["when"])) if "when" in t.pressed else t, d),
            "说日期和钟点，比如“明天下午三点”“周五上午十点”。",
            words=("时间", "几点"),
            take=_take_when,
            show=moment_text,
        ),
        phone_field("留个联系电话吧，请发手机号。"),
        confirm_field(
            lambda t, d: "\n".join(["我这样预约：", *AppointmentForm().read_back(t, d), "没问题请确认提交。"]),
            "确认提交",
            depends=("meeting", "city", "when", "phone"),
        ),
        Step("submitted", _book, depends=("confirm",)),
    )
