"""事故报案: safety first, then only what is missing, then always a number."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from typing import Any

from chebao.insurance import accidents, clocks, fraud, materials, places, plate, scene
from chebao.insurance.moments import parse_moment

from actions import handoff
from actions.fields import (
    NO,
    choice,
    confirm_field,
    moment_text,
    phone_field,
    plate_field,
    text,
)
from actions.forms import Draft, Field, Finish, Form, Miss, Prompt, Step
from actions.services import backoffice
from actions.turn import HUMAN, SHANGHAI, Turn, numbered, option

_HURT = re.compile(
    r"(有人|人|乘客|司机|行人|老人|孩子|小孩|我|他|她|对方|后排|副驾|骑手|腿|头|胳膊|手|腰|脖子)[^，。！？没不无未]{0,6}(受伤|伤了|流血|出血|骨折|昏迷|晕|疼|痛|起不来|动不了|去世|死)"
    r"|撞伤|伤者|伤员|受了?伤(?!吗)|压伤|有人伤|人伤了|救护车"
)
_NOT_HURT = re.compile(r"(没|无|未|不)(有)?(人)?(员)?(受)?伤|没人(受)?伤|人(都)?没事|人员?(都)?(平安|安全)|没有?人员?伤|人没(什么)?(大)?事|都没事|没伤")
_EXPRESSWAY = re.compile(r"高速")
_NO_OTHERS = frozenset({"flood", "theft", "glass", "falling_object", "fire", "charging", "animal", "single_vehicle"})
_CONSENT_VERSION = "2026-11"


def _injury_in(said: str) -> str | None:
    if _NOT_HURT.search(said):
        return "no"
    return "yes" if _HURT.search(said) else None


def _take_injury(turn: Turn, draft: Draft) -> str | None:
    return _injury_in(turn.text)


def _take_type(turn: Turn, draft: Draft) -> str | None:
    found = accidents.accident_type_of(turn.text)
    return None if found == "injury" else found


def _take_moment(turn: Turn, draft: Draft) -> dict[str, str] | None:
    moment = parse_moment(turn.text, turn.now)
    if moment is None or moment.start > turn.now or (moment.precision == "month"):
        return None
    return {"at": moment.start.isoformat(timespec="seconds"), "precision": moment.precision}


def _parse_moment(turn: Turn, draft: Draft) -> Any:
    moment = parse_moment(turn.text, turn.now)
    if moment is None:
        return None
    if moment.start > turn.now:
        return Miss("这个时间还没到呢，请再核对一下，事故大概是几号几点发生的？")
    if moment.precision == "month":
        return Miss("能再具体一点吗？事故大概是几号、几点发生的？")
    return {"at": moment.start.isoformat(timespec="seconds"), "precision": moment.precision}


_EXACT_PLACE = 8
"""Fewer characters name an area ("北三环"), which a surveyor cannot drive to."""


def _ask_place(turn: Turn, draft: Draft) -> Prompt:
    rough = draft.get("place_hint")
    if rough:
        return Prompt(f"您说在{rough}，方便再具体点吗？附近的路口或标志都行，也可以点定位按钮（只用于这次查勘）。事故地点在{rough}哪里？")
    return Prompt("可以打字，也可以点定位按钮（只用于这次查勘）。事故地点在哪里？")


def _take_place(turn: Turn, draft: Draft) -> str | None:
    if turn.location:
        return str(turn.location.get("label") or f"{turn.location['latitude']},{turn.location['longitude']}")
    found = max((f.value for f in places.find_locations(turn.text)), key=len, default="")
    if 0 < len(found) < _EXACT_PLACE:
        draft.setdefault("place_hint", found)
    return found if len(found) >= _EXACT_PLACE else None


def _parse_place(turn: Turn, draft: Draft) -> Any:
    said = turn.text.strip()
    if turn.location:
        return _take_place(turn, draft)
    cleaned = re.sub(r"^(我)?(是|在|就在|地点|位置|地址)(是|在|[:：])?", "", said).strip("。.")
    if re.fullmatch(r"[\d\s:：点分]+", said) or parse_moment(said, turn.now) and len(said) <= 6:
        return None
    if len(cleaned) < 2:
        return None
    rough = draft.get("place_hint", "")
    return cleaned[:200] if rough in cleaned else f"{rough} {cleaned}"[:200]


def _take_police(turn: Turn, draft: Draft) -> str | None:
    if re.search(r"(没|未|不)(有)?(报警|报交警|叫交警)|还没报", turn.text):
        return "no"
    return "yes" if re.search(r"(已经?)?报(了|过)?警了?|交警(已|来|到|在|处理)|打了?(110|122)", turn.text) else None


def _take_drivable(turn: Turn, draft: Draft) -> str | None:
    if re.search(r"(开|走|动|发动|启动|打)不(了|动|起来|着)|不能(开|走|动)|没法开|要?拖车|趴窝", turn.text):
        return "no"
    return "yes" if re.search(r"(还|能|可以|正常)(能|可以)?(正常)?(开|行驶|走)", turn.text) else None


def _police_asked(turn: Turn, draft: Draft) -> bool:
    return draft.get("injury") == "yes" or draft.get("accident_type") not in ("glass", "charging", "flood", "falling_object")


def _others_asked(turn: Turn, draft: Draft) -> bool:
    return draft.get("accident_type") not in _NO_OTHERS


def _others_question(turn: Turn, draft: Draft) -> str:
    if draft.get("accident_type") == "parked_hit":
        return "知道对方是谁、是什么车吗？"
    return "一共几辆车？对方车是什么样的？"


def _other_contact_asked(turn: Turn, draft: Draft) -> bool:
    others = str(draft.get("other_parties") or "")
    return _others_asked(turn, draft) and bool(others) and not re.search(r"不知道|找不到|跑了|没有|不清楚|就我|逃|没看", others)


def _parse_contact(turn: Turn, draft: Draft) -> Any:
    if "other_contact" in turn.pressed or NO.match(turn.text.strip()) or re.search(r"没留|没记|不知道|不清楚|稍后|跳过|没要|没有", turn.text):
        return {}
    plates = [f.value for f in plate.find_plates(turn.text) if f.value != draft.get("plate")]
    digits = re.search(r"1\d{10}", turn.text)
    return {"plate": plates[0] if plates else None, "phone": digits.group() if digits else None, "text": turn.text[:100]}


def _driver_question(turn: Turn, draft: Draft) -> str:
    if draft.get("accident_type") in ("parked_hit", "theft", "falling_object", "charging", "flood"):
        return "请问您怎么称呼？和车主是什么关系？"
    return "当时是谁开的车？请问您怎么称呼？"


async def _advise(turn: Turn, draft: Draft) -> None:
    """Says what to do on the spot, once, as soon as the kind of accident is known."""
    lines = scene.scene_advice(_scene_facts(turn, draft)).lines
    if lines:
        turn.say("现在请先注意：\n" + numbered(lines) if len(lines) > 1 else lines[0])


def _told(draft: Draft) -> str:
    return " ".join(str(draft.get(k) or "") for k in ("opening", "description", "other_parties", "place"))


def _scene_facts(turn: Turn, draft: Draft) -> scene.SceneFacts:
    told = _told(draft)
    moment = parse_moment(told, turn.now)
    return scene.SceneFacts(
        accident_type=draft["accident_type"],
        injury=draft.get("injury") == "yes",
        situations=scene.situations_of(told),
        drivable={"yes": True, "no": False}.get(str(draft.get("drivable"))),
        expressway=bool(_EXPRESSWAY.search(told)),
        energy="electric" if plate.is_nev(draft.get("plate") or "") else None,
        burning=draft["accident_type"] in ("fire", "charging"),
        flooded=draft["accident_type"] == "flood",
        police_reported=draft.get("police_reported") == "yes",
        on_scene=moment is None or turn.now - moment.start < timedelta(hours=3),
    )


def _staff_notes(turn: Turn, draft: Draft) -> list[str]:
    """Signs for the anti-fraud team; recorded, never shown."""
    facts = fraud.ReportFacts(
        description=_told(draft),
        accident_type=draft["accident_type"],
        occurred_at=occurred(draft),
        reported_at=turn.now,
        injury=draft["injury"] == "yes",
        drivable=draft.get("drivable") == "yes",
        police_reported=draft.get("police_reported") == "yes",
    )
    return fraud.staff_notes(fraud.signs(facts))


async def _late_notice(turn: Turn, draft: Draft) -> None:
    if turn.now - occurred(draft) > timedelta(hours=48):
        turn.say("事故已超过 48 小时。晚报不等于不赔，只是因拖延而查不清的部分可能难以认定，我们先登记，请把能证明经过的材料都留好。")


def occurred(draft: Draft) -> datetime:
    """The accident's time."""
    return datetime.fromisoformat(draft["occurred_at"]["at"]).astimezone(SHANGHAI)


def _confirm_question(turn: Turn, draft: Draft) -> str:
    lines = ReportClaimForm.lines(turn, draft)
    return "我把报案内容念一遍：\n" + "\n".join(lines) + "\n内容正确的话请确认提交。"


def _photo_question(turn: Turn, draft: Draft) -> Prompt:
    got = len(draft.get("photo_ids", []))
    head = f"已收到 {got} 张。" if got else ""
    return Prompt(
        head + "现场和车损照片可以现在发，也可以稍后上传。",
        [option("稍后上传", "photos", "later")] if not got else [option("传完了", "photos", "done"), option("其余稍后上传", "photos", "later")],
    )


def _parse_photos(turn: Turn, draft: Draft) -> Any:
    if turn.attachments:
        draft["photo_ids"] = [*draft.get("photo_ids", []), *(a["id"] for a in turn.attachments)]
        return Miss(_photo_question(turn, draft).text)
    if "photos" in turn.pressed:
        return turn.pressed["photos"]
    if re.search(r"稍后|晚点|等会|一会|以后|跳过|没有?(照片|拍)?|不(传|用|拍)|回头|待会|没拍", turn.text):
        return "later"
    return "done" if re.search(r"传完|发完|完了|好了|就这些|没了", turn.text) else None


def _claim_body(turn: Turn, draft: Draft) -> dict[str, Any]:
    """The report as the back office takes it; nothing in it comes from the clock."""
    contact = draft.get("other_contact") or {}
    return {
        "plate": draft.get("plate") or None,
        "reporter": {
            "name": draft.get("driver"),
            "phone": draft["phone"],
            "customer_id": turn.customer_id,
        },
        "occurred_at": draft["occurred_at"]["at"],
        "occurred_precision": draft["occurred_at"]["precision"],
        "place": draft["place"],
        "location": draft.get("location"),
        "accident_type": draft["accident_type"],
        "description": draft.get("description") or draft.get("opening") or "",
        "injury": draft["injury"] == "yes",
        "injury_text": draft.get("injury_text") if draft.get("consent_injury") == "yes" else None,
        "other_parties": draft.get("other_parties"),
        "other_plate": contact.get("plate"),
        "other_phone": contact.get("phone"),
        "damage": draft.get("damage"),
        "drivable": {"yes": True, "no": False}.get(str(draft.get("drivable"))),
        "tow": draft.get("drivable") == "no",
        "driver": draft.get("driver"),
        "car_location": draft.get("car_location"),
        "police_reported": {"yes": True, "no": False}.get(str(draft.get("police_reported"))),
        "photos": draft.get("photo_ids", []),
        "consents": draft.get("consents", []),
        "staff_notes": _staff_notes(turn, draft),
        "reference": turn.sender,
    }


async def _submit(turn: Turn, draft: Draft) -> None:
    key = f"{turn.sender}:{draft['confirm']['at']}:create_claim"
    row = await backoffice().create_claim(_claim_body(turn, draft), key)
    _tell_receipt(turn, draft, row)
    if draft["injury"] != "yes" and scene.scene_advice(_scene_facts(turn, draft)).needs_person:
        handoff.request(turn, "policy_restriction", f"报案 {row['claim_no']} 需要人工跟进现场情况。", draft)
    raise Finish


def _tell_receipt(turn: Turn, draft: Draft, row: dict[str, Any]) -> None:
    needed = materials.materials_for(
        draft["accident_type"],
        injury=draft["injury"] == "yes",
        third_party=bool(draft.get("other_parties")),
        police=draft.get("police_reported") == "yes",
    )
    next_steps = _next_steps(row)
    joined = "这次事故之前已经报过案，您补充的内容已并入原案。" if row.get("joined") else "报案成功，已为您登记。"
    surveyor = f"查勘员 {row['surveyor']}（{row['surveyor_phone']}）会尽快联系您。" if row.get("surveyor") else ""
    notice = f"\n{row['coverage_notice']}" if row.get("coverage_notice") and turn.verified else ""
    turn.say(f"{joined}报案号：{row['claim_no']}。{surveyor}{notice}")
    turn.card({
        "type": "claim_receipt",
        "claim_no": row["claim_no"],
        "plate": row.get("plate"),
        "occurred_at": moment_text(draft["occurred_at"]),
        "place": draft["place"],
        "accident": accidents.ACCIDENT_TYPES[draft["accident_type"]],
        "surveyor": row.get("surveyor"),
        "surveyor_phone": row.get("surveyor_phone"),
        "materials": needed,
        "next": next_steps,
    })
    turn.say("接下来：\n" + numbered(next_steps) + "\n要准备的材料：\n" + numbered(needed))
    if draft.get("injury") != "yes" and draft.get("other_parties"):
        turn.say("和对方协商前，请先不要签放弃索赔的文件，也先别答应赔多少，以免影响理赔；拿不准随时问我。")


def _next_steps(row: dict[str, Any]) -> list[str]:
    kinds = [kind for kind, number in (("compulsory", "compulsory_policy_no"), ("commercial", "policy_no")) if row.get(number)]
    legal = [line for kind in kinds or ["commercial"] for line in clocks.claim_clocks(kind, row)]
    return ["查勘员联系您核对现场和车损", "按定损结果修车，交齐材料", *legal]


class ReportClaimForm(Form):
    """Reports an accident; works for a caller who is not identified."""

    task = "report_claim"
    stop_text = "好的，报案先停在这里，没有提交。人和车要紧，需要时随时回来找我，也可以拨打客服热线。"

    async def begin(self, turn: Turn, draft: Draft) -> None:
        if turn.text:
            draft["opening"] = turn.text[:500]
            if accidents.accident_type_of(turn.text) and len(turn.text) >= 8:
                draft["description"] = turn.text[:500]

    async def watch(self, turn: Turn, draft: Draft) -> None:
        if turn.location:
            draft["location"] = {"lat": turn.location["latitude"], "lon": turn.location["longitude"]}
            draft["consents"] = [*draft.get("consents", []), {"kind": "location", "version": _CONSENT_VERSION, "message": turn.message_id}]
        told_injury = _injury_in(turn.text) == "yes" or turn.pressed.get("injury") == "yes"
        if told_injury and not draft.get("injury_handoff"):
            draft["injury"], draft["injury_handoff"], draft["injury_text"] = "yes", True, turn.text[:200]
            turn.say("先顾人：请马上拨打 120 救人，并拨打 122 报警；保护好现场，要移动车辆救人的话先标明位置。")
            handoff.request(turn, "injury", f"有人受伤的报案。客户说：{turn.text[:120]}", draft, keep_bot=True)

    @staticmethod
    def lines(turn: Turn, draft: Draft) -> list[str]:
        return ReportClaimForm().read_back(turn, draft)

    nodes = (
        choice("injury", "人员伤亡", "别着急，人最要紧。现场有人受伤吗？",
               [("没有人受伤", "no", r"没|无|都好|平安|安全|^不"), ("有人受伤", "yes", r"有|伤|疼|流血|骨折|是|嗯|昏")],
               explain="只要有一个人不舒服，都请回复“有人受伤”，我马上安排人伤专员；都没事就回复“没有人受伤”。",
               take=_take_injury, words=("受伤", "伤亡", "伤情")),
        choice("consent", "信息使用同意", "为了登记报案，需要使用您提供的联系方式、车辆和事故信息，只用于理赔。您同意吗？",
               [("同意", "yes", r"^(?!不).*(同意|可以|好|行|嗯|没问题|是|授权|OK|ok)"), ("不同意", "no", r"不|拒绝|别")],
               explain="登记报案要用到联系方式、车牌和事故情况，只用于这次理赔。回复“同意”就继续；不同意也可以拨打客服热线报案。",
               show=False),
        Step("consent_check", lambda turn, draft: _check_consent(turn, draft), depends=("consent",)),
        Field("accident_type", "事故类型",
              lambda t, d: Prompt("简单说一下事故经过，车是怎么碰的？"),
              lambda t, d: _parse_type(t, d),
              "比如：追尾前车、倒车撞柱子、停着被刮、玻璃被石子崩裂、被水淹，说一句就行。",
              words=("事故类型", "类型", "经过"), take=_take_type,
              show=lambda v: accidents.ACCIDENT_TYPES.get(v, v)),
        Step("advice", _advise, depends=("accident_type",)),
        choice("consent_injury", "伤情记录同意", "伤情属于敏感信息，为安排人伤理赔想把您说的伤情记入报案，单独征得您同意。",
               [("同意记录", "yes", r"^(?!不).*(同意|可以|好|行|嗯|记)"), ("先不记录", "no", r"不|先别|拒绝")],
               explain="记录伤情只为安排人伤理赔；回复“同意记录”或“先不记录”都可以，不影响报案。",
               needed=lambda t, d: d.get("injury") == "yes", show=False),
        choice("police_reported", "是否报警", "报警了吗？",
               [("已经报警", "yes", r"^(?!.*(没|未|不)).*(报|打|叫|来|是|有|嗯|已)"), ("还没报警", "no", r"没|未|不|否|无")],
               explain="报过警就回复“已经报警”，没有就回复“还没报警”，都不影响先报案。",
               take=_take_police, needed=_police_asked, words=("报警", "交警")),
        plate_field("出险的车，车牌号是多少？", none_title="记不清车牌"),
        Field("occurred_at", "出险时间",
              lambda t, d: Prompt("事故大概是什么时间发生的？", [option("刚刚", "occurred_at", "刚刚")]),
              lambda t, d: _parse_moment(t.saying("刚刚") if t.pressed else t, d),
              "说个大概就行，比如“今天上午十点”“昨晚八点多”“半小时前”。",
              words=("时间", "几点", "日期", "时候"), take=_take_moment, show=moment_text),
        Step("late", _late_notice, depends=("occurred_at",)),
        Field("place", "出险地点",
              _ask_place,
              _parse_place, "说城市、道路和附近的标志就行，比如“北京市海淀区北三环西路蓟门桥附近”。",
              words=("地点", "地方", "位置", "地址"), take=_take_place, free=True, show=str),
        text("other_parties", "对方情况", _others_question,
             explain="说一句就行，比如“两辆车，对方是白色大众”；不知道是谁，就回复“不知道”。",
             needed=_others_asked, words=("对方", "几辆车"), depends=("accident_type",), least=1),
        Field("other_contact", "对方联系方式",
              lambda t, d: Prompt("方便的话，请发对方的车牌和电话；没有就回复“没有”。", [option("没有", "other_contact", "")]),
              _parse_contact, "对方车牌或电话，有哪个发哪个；都没有就回复“没有”。",
              needed=_other_contact_asked, depends=("other_parties",), free=True),
        text("damage", "受损部位", "您的车哪些部位受损了？",
             explain="说看得见的就行，比如“前保险杠和左大灯”；还不清楚就回复“待查勘”。",
             words=("部位", "受损", "损坏"), needed=lambda t, d: d.get("accident_type") != "theft"),
        choice("drivable", "车辆能否行驶", "车现在还能正常开吗？",
               [("还能开", "yes", r"^(?!.*(不能|不了|不动|没法|拖)).*(能|可以|正常|好|没问题|开)"),
                ("不能开，要拖车", "no", r"不|拖|没法|趴|坏")],
               explain="能自己开走就回复“还能开”；开不了就回复“不能开”，我会记下要拖车。",
               take=_take_drivable, words=("能开", "拖车", "行驶"), needed=lambda t, d: d.get("accident_type") != "theft"),
        text("car_location", "车辆停放位置", "车现在停在哪里？和事故地点一样就回复“原地”。",
             explain="拖车要知道去哪儿接车，比如“原地”“路边应急车道”“小区地库”。",
             needed=lambda t, d: d.get("drivable") == "no", depends=("drivable",), words=("停在",)),
        text("driver", "驾驶人", _driver_question, explain="比如“我自己开的，我姓王”“我爱人开的，叫李敏”。",
             words=("驾驶人", "谁开", "姓"), most=60),
        Field("photos", "照片", _photo_question, _parse_photos,
              "点输入框旁的相机就能发照片；现在不方便，就回复“稍后上传”。",
              words=("照片",), show=lambda v: "稍后上传" if v == "later" else "已上传"),
        phone_field("最后留个联系电话，查勘员好联系您，请发手机号。"),
        confirm_field(_confirm_question, "确认提交",
                      depends=("injury", "accident_type", "police_reported", "plate", "occurred_at", "place",
                               "other_parties", "other_contact", "damage", "drivable", "car_location", "driver",
                               "photos", "phone")),
        Step("submitted", _submit, depends=("confirm",)),
    )


def _parse_type(turn: Turn, draft: Draft) -> Any:
    found = _take_type(turn, draft)
    if found is None and len(turn.text) >= 6 and not turn.looks_like_question:
        found = "collision" if re.search(r"撞|碰|对方|车", turn.text) else None
    if found:
        draft["description"] = turn.text[:500]
    return found


async def _check_consent(turn: Turn, draft: Draft) -> None:
    if draft["consent"] != "yes":
        raise Finish("好的，不同意就不登记，您的内容不会保存。您也可以拨打客服热线报案，或者请人工同事帮您。", [HUMAN])
    draft["consents"] = [*draft.get("consents", []), {"kind": "claim", "version": _CONSENT_VERSION, "message": turn.message_id}]
