"""事故报案: safety first, then only what is missing, then always a number."""

from __future__ import annotations

import re
from dataclasses import replace

from actions import answers, identity, photos
from actions.claim_answers import (
    ask_moment,
    ask_place,
    parse_driver,
    parse_moment_answer,
    parse_place,
    take_moment,
    take_own_phone,
    take_own_plate,
    take_place,
    take_police,
)
from actions.claim_receipt import submit
from actions.claim_scene import advise, help_injured, in_danger, late_notice
from actions.claim_signs import look_up, remember
from actions.claim_story import (
    injury_in,
    only_of_people,
    parse_damage,
    parse_type,
    take_damage,
    take_drivable,
    take_injury,
    take_type,
    type_in,
)
from actions.continued import proof_wished
from actions.fields import choice, confirm_field, moment_text, phone_field, plate_field, text
from actions.forms import Form
from actions.nodes import Draft, Field, Finish, Parsed, Prompt, Step
from actions.services import backoffice
from actions.turn import HUMAN, Turn
from actions.whereabouts import coordinates
from chebao.insurance import accidents
from chebao.insurance.policy_numbers import find_claim_nos

_EARLIER_CLAIM = re.compile(r"上次|之前|以前|上个|另一|那个|那笔|进度|到哪|查")
_CONSENT_VERSION = "2026-11"
_AGREED = (
    r"^(?!.*不(同|可|行|想|愿|要|好|能)).*(同意|可以|没问题|授权|没意见)"
    r"|^(好|行|嗯|恩|是|要|对|ok|OK|成|中)[的啊呀吧呢哈了嗯好行。!！，, ]*$|^(好|行|嗯)[的啊]?[，, ]"
)
#: Nobody else's car or person belongs to these.
_NO_OTHERS = frozenset({"flood", "theft", "glass", "falling_object", "fire", "charging", "animal", "single_vehicle"})
#: No case for the traffic police unless somebody is hurt.
_NO_POLICE = frozenset({"glass", "charging", "flood", "falling_object"})
#: Questions that a message about somebody hurt does not answer.
_NOT_OF_PEOPLE = frozenset({"damage", "place", "car_location", "driver"})
_PARKED = frozenset({"parked_hit", "theft", "falling_object", "charging", "flood"})


def _police_asked(turn: Turn, draft: Draft) -> bool:
    stolen_from = re.search(r"偷|盗|被人砸|故意", str(draft.get("opening") or draft.get("description") or ""))
    return draft.get("injury") == "yes" or draft.get("accident_type") not in _NO_POLICE or stolen_from is not None


def _others_asked(turn: Turn, draft: Draft) -> bool:
    return draft.get("accident_type") not in _NO_OTHERS


def _is_hurt(turn: Turn, draft: Draft) -> bool:
    return draft.get("injury") == "yes"


def _car_is_there(turn: Turn, draft: Draft) -> bool:
    return draft.get("accident_type") != "theft"


def _others_question(turn: Turn, draft: Draft) -> str:
    if draft.get("accident_type") == "parked_hit":
        return "对方的车牌、电话知道的话一起发；不清楚就说“不知道”。知道是谁碰的、对方车是什么样的吗？"
    if draft.get("accident_type") == "pedestrian":
        return "对方的姓名、电话记下了可以一起发。现场一共几辆车，对方现在情况怎么样？"
    return "对方的车牌、电话记下了可以一起发。一共几辆车，对方车是什么样的？"


def _others() -> Field:
    """The other party; who tells here that there is none ("我自己蹭的墙") had an accident of his own."""
    field = text(
        "other_parties",
        "对方情况",
        _others_question,
        explain="对方情况说一句就行，比如“两辆车，对方是白色大众”；不知道是谁，就回复“不知道”。",
        needed=_others_asked,
        words=("对方", "辆车"),
        depends=("accident_type",),
        least=1,
    )

    def parse(turn: Turn, draft: Draft) -> Parsed:
        if draft.get("accident_type") == "collision" and (kind := type_in(turn.text)) in _NO_OTHERS:
            draft["accident_type"] = kind
        return field.parse(turn, draft)

    return replace(field, parse=parse)


def _driver_question(turn: Turn, draft: Draft) -> str:
    if draft.get("accident_type") in _PARKED:
        return "请问您怎么称呼？和车主是什么关系？"
    return "当时是谁开的车？请问您怎么称呼？"


def _confirm_question(turn: Turn, draft: Draft) -> str:
    lines = ReportClaimForm().read_back(turn, draft)
    return "我把报案内容念一遍：\n" + "\n".join(lines) + "\n内容正确的话请确认提交。"


async def _check_consent(turn: Turn, draft: Draft) -> None:
    if draft["consent"] != "yes":
        raise Finish("好的，不同意就不登记，您的内容不会保存。您也可以拨打客服热线报案，或者请人工同事帮您。", [HUMAN])
    _note_consent(turn, draft, "claim")


async def _own_cars(turn: Turn, draft: Draft) -> list[str]:
    """Plates of an identified customer, to choose from."""
    rows = await backoffice().vehicles(customer_id=turn.customer_id)
    return [str(row["plate"]) for row in rows if row.get("plate")][:5]


def _note_consent(turn: Turn, draft: Draft, kind: str) -> None:
    consent = {"kind": kind, "version": _CONSENT_VERSION, "message": turn.message_id}
    draft["consents"] = [*draft.get("consents", []), consent]


class ReportClaimForm(Form):
    """Reports an accident; works for a caller who is not identified."""

    task = "report_claim"
    collects_photos = True
    hears_grief = True
    stop_text = "好的，报案先停在这里，没有提交。人和车要紧，需要时随时回来找我，也可以拨打客服热线。"

    async def begin(self, turn: Turn, draft: Draft) -> None:
        if turn.emotion == "angry":
            turn.say("遇上这种事确实窝火，我马上帮您登记。")
        if turn.text:
            draft["opening"] = turn.text[:500]
            if type_in(turn.text) and len(turn.text) >= 8:
                draft["description"] = turn.text[:500]

    async def watch(self, turn: Turn, draft: Draft) -> None:
        if turn.location:
            draft["location"] = coordinates(turn.location)
            _note_consent(turn, draft, "location")
        if turn.attachments:
            photos.receive(turn, draft)
        if injury_in(turn.text) == "yes" and draft.get("injury") != "yes":
            draft["injury"], draft["injury_text"] = "yes", turn.text[:200]
            draft["hurt_told"] = turn.message_id
            draft.pop("confirm", None)

    async def respond(self, turn: Turn, draft: Draft) -> bool:
        """ "什么时候赔" is about this accident, and "孩子说头晕" is no answer to a question about the car."""
        asked_for = turn.tracker.slots.get("requested_slot")
        if draft.get("hurt_told") == turn.message_id and asked_for in _NOT_OF_PEOPLE and only_of_people(turn.text):
            return True
        asked = turn.is_intent("claim_progress") and turn.looks_like_question
        if not asked or find_claim_nos(turn.text) or _EARLIER_CLAIM.search(turn.text):
            return False
        await answers.answer(turn, draft)
        return True

    nodes = (
        *identity.nodes("先核对一下身份。请发您的手机号。", on_file=False, when=proof_wished),
        Step("danger", advise, needed=in_danger),
        choice(
            "injury",
            "人员伤亡",
            "别着急，人最要紧。现场有人受伤吗？",
            [
                (
                    "有人受伤",
                    "yes",
                    r"^(?!.*(没|无|都好|平安|安全|不清楚|不知道|^不(?!舒服))).*(有|是|嗯|对|伤|疼|痛|血|骨折|破|肿|晕|昏|吐|麻|酸|难受|不舒服|医院|120|救护|躺|断|不了)",
                ),
                ("没有人受伤", "no", r"没|无|都好|平安|安全|^不|^(no|none|nobody)\b"),
            ],
            explain="只要有一个人不舒服，都请回复“有人受伤”，我马上安排人伤专员；都没事就回复“没有人受伤”。",
            take=take_injury,
            words=("受伤", "伤亡", "伤情", "人伤"),
        ),
        Step("injury_help", help_injured, needed=_is_hurt),
        choice(
            "consent",
            "信息使用同意",
            "为了登记报案，需要使用您提供的联系方式、车辆和事故信息，只用于理赔。您同意吗？",
            [
                (
                    "同意",
                    "yes",
                    _AGREED,
                ),
                ("不同意", "no", r"不|拒绝|别"),
            ],
            explain="登记报案要用到联系方式、车牌和事故情况，只用于这次理赔。回复“同意”就继续；不同意也可以拨打客服热线报案。",
            show=False,
        ),
        Step("consent_check", _check_consent, depends=("consent",)),
        Field(
            "accident_type",
            "事故类型",
            lambda turn, draft: Prompt("简单描述一下事故经过，是怎么发生的？"),
            parse_type,
            "比如：追尾前车、倒车撞柱子、停着被刮、玻璃被石子崩裂、被水淹，说一句经过就行。",
            open_until="advice",
            words=("事故类型", "类型", "经过"),
            take=take_type,
            free=True,
            show=lambda v: accidents.ACCIDENT_TYPES.get(v, v),
        ),
        Step("advice", advise, depends=("accident_type",)),
        choice(
            "consent_injury",
            "伤情记录同意",
            "伤情属于敏感信息，记入报案只为安排人伤理赔，需要单独征得您同意。可以记录吗？",
            [
                ("同意记录", "yes", r"^(?!.*(不|先别)).*(同意|可以|好|行|嗯|记|是)"),
                ("先不记录", "no", r"不|先别|拒绝|没"),
            ],
            explain="记录伤情只为安排人伤理赔；回复“同意记录”或“先不记录”都可以，不影响报案。",
            needed=_is_hurt,
            show=False,
        ),
        choice(
            "police_reported",
            "是否报警",
            "报警了吗？",
            [
                (
                    "已经报警",
                    "yes",
                    r"^(?!.*(没|未|不|[要用]报)).*(报|110|122|交警|警察|[在]打|打[了过]|叫了|来了)|^(是|有|嗯|恩|对|已经?)[的啊呀了。.!！]*$",
                ),
                ("还没报警", "no", r"没|未|不|否|无|正要|马上|等会"),
            ],
            explain="报过警就回复“已经报警”，没有就回复“还没报警”，都不影响先报案。",
            take=take_police,
            needed=_police_asked,
            words=("报警", "交警"),
        ),
        Step("own_cars", _own_cars, needed=lambda turn, draft: bool(turn.customer_id) and "plate" not in draft),
        plate_field(
            "出险的车，车牌号是多少？",
            none_title="记不清车牌",
            take=take_own_plate,
            choices=lambda turn, draft: draft.get("own_cars") or (),
        ),
        Field(
            "occurred_at",
            "出险时间",
            ask_moment,
            parse_moment_answer,
            "说个大概时间就行，比如“今天上午十点”“昨晚八点多”“半小时前”。",
            words=("时间", "几点", "日期", "时候"),
            take=take_moment,
            show=moment_text,
        ),
        Step("late", late_notice, depends=("occurred_at",)),
        Step("time_told", remember, depends=("occurred_at",)),
        Field(
            "place",
            "出险地点",
            ask_place,
            parse_place,
            "说事故地点的城市、道路和附近的标志就行，比如“北京市海淀区北三环西路蓟门桥附近”。",
            words=("地点", "地方", "位置", "地址"),
            take=take_place,
            free=True,
            show=str,
        ),
        Step("place_told", remember, depends=("place",)),
        _others(),
        Field(
            "damage",
            "受损部位",
            lambda turn, draft: Prompt("您的车哪些部位受损了？"),
            parse_damage,
            "受损部位说看得见的就行，比如“前保险杠和左大灯”；还不清楚就回复“待查勘”。",
            words=("部位", "受损", "损坏"),
            take=take_damage,
            needed=_car_is_there,
            free=True,
            show=str,
        ),
        choice(
            "drivable",
            "车辆能否行驶",
            "车现在还能正常开吗？",
            [
                ("还能开", "yes", r"^(?!.*(不能|不了|不动|没法|拖)).*(能|可以|正常|好|没问题|开|嗯|是|对)"),
                ("不能开，要拖车", "no", r"不|拖|没法|趴|坏|没"),
            ],
            explain="能自己开走就回复“还能开”；开不了就回复“不能开”，我会记下要拖车。",
            take=take_drivable,
            words=("能开", "拖车", "行驶"),
            needed=_car_is_there,
        ),
        Step("advice_more", advise, depends=("drivable", "other_parties")),
        text(
            "car_location",
            "车辆停放位置",
            "和事故地点一样就回复“原地”。车现在停在哪里？",
            explain="拖车要知道去哪儿接车，停放位置比如“原地”“路边应急车道”“小区地库”。",
            needed=lambda turn, draft: draft.get("drivable") == "no",
            depends=("drivable",),
            words=("停在", "停放"),
        ),
        Field(
            "driver",
            "驾驶人",
            lambda turn, draft: Prompt(_driver_question(turn, draft)),
            parse_driver,
            "说一下驾驶人和您的称呼，比如“我自己开的，我姓王”“我爱人开的，叫李敏”。",
            words=("驾驶人", "谁开", "姓"),
            free=True,
            show=str,
        ),
        Field(
            "photos",
            "照片",
            photos.ask_photos,
            photos.parse_photos,
            "点输入框旁的相机就能发照片；现在不方便，就回复“稍后上传”。",
            words=("照片",),
            take=photos.take_photos,
            show=lambda v: "稍后上传" if v == "later" else "已上传",
        ),
        phone_field("最后留个联系电话，查勘员好联系您，请发手机号。", take=take_own_phone),
        Step("files", look_up, depends=("plate", "occurred_at")),
        confirm_field(
            _confirm_question,
            "确认提交",
            depends=(
                *("injury", "accident_type", "police_reported", "plate", "occurred_at", "place", "other_parties"),
                *("damage", "drivable", "car_location", "driver", "photos", "phone"),
            ),
        ),
        Step("submitted", submit, depends=("confirm",)),
    )
