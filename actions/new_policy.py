"""投保: few facts, an estimate, three plans side by side; then who, a formal quote, and payment on the insurer's own page."""

from __future__ import annotations

import re
from typing import Any

from chebao.errors import NotFound
from chebao.insurance import cars, idcard, plate
from chebao.insurance.amounts import parse_amount
from chebao.insurance.masking import mask_id_card
from chebao.insurance.moments import parse_moment
from chebao.insurance.vin import find_vins

from actions import identity, purchase
from actions.fields import choice, name_field, plate_field
from actions.forms import Draft, Field, Finish, Form, Miss, Prompt, Step
from actions.services import backoffice
from actions.turn import HUMAN, Turn, option


def _take_model(turn: Turn, draft: Draft) -> str | None:
    found = cars.find_car_models(turn.text)
    return found[0].value if found else None


def _parse_model(turn: Turn, draft: Draft) -> Any:
    said = re.sub(r"^(是|我的是|车型|我开的?是?|一辆|一台)[是:：]?", "", turn.text.strip())
    if plate.find_plates(said) or re.fullmatch(r"[\d.\s]+", said):
        return None
    return said[:60] if len(said) >= 2 else None


async def _look_up_model(turn: Turn, draft: Draft) -> dict[str, Any]:
    """Price, seats and energy of the model; an unknown one is asked about."""
    rows = await backoffice().models(draft["model"])
    if not rows:
        return {}
    best = rows[0]
    return {"model": best["model"], "price": best["price"], "seats": best["seats"], "energy": best["energy"]}


def _model_unknown(turn: Turn, draft: Draft) -> bool:
    return not draft.get("model_known")


def _parse_price(turn: Turn, draft: Draft) -> Any:
    said = turn.text.strip()
    value = parse_amount(said)
    if value is None and (match := re.fullmatch(r"(?:大概|约|差不多)?([\d.]+)", said)):
        value = parse_amount(match[1] + "元")
    if value is None:
        return None
    if value < 1000:
        value *= 10000
    if not 5000 <= value <= 20_000_000:
        return Miss("这个价格看着不太对，请按新车购置价说一下，比如“十二万八”。")
    return str(value)


def _parse_registered(turn: Turn, draft: Draft) -> Any:
    if re.search(r"新车|刚(买|提)|没上牌|未上牌|还没", turn.text) or turn.pressed.get("first_registered") == "new":
        return turn.now.strftime("%Y-%m")
    match = re.search(r"((?:19|20)?\d{2})\s*年(?:\s*(\d{1,2})\s*月)?|((?:19|20)\d{2})(?:[-./](\d{1,2}))?(?!\d)", turn.text)
    if match:
        year = int(match[1] or match[3])
        year += 2000 if year < 100 else 0
        month = int(match[2] or match[4] or 6)
        if f"{year}-{month:02d}" > turn.now.strftime("%Y-%m"):
            return Miss("这个日期还没到，请看一下行驶证上的注册日期，比如“2023年5月”。")
        return f"{year}-{month:02d}"
    moment = parse_moment(turn.text, turn.now)
    if moment is not None and moment.start <= turn.now:
        return moment.start.strftime("%Y-%m")
    if age := re.search(r"(\d+|[一二两三四五六七八九十])\s*年(了|前|多)?", turn.text):
        years = "零一二三四五六七八九十".find(age[1].replace("两", "二")) if not age[1].isdigit() else int(age[1])
        return f"{turn.now.year - years}-{turn.now.month:02d}"
    return None


def _take_registered(turn: Turn, draft: Draft) -> str | None:
    if re.search(r"(上牌|登记|注册|买的|提的)", turn.text) and not re.search(r"没上牌|未上牌", turn.text):
        found = _parse_registered(turn, draft)
        return found if isinstance(found, str) else None
    return turn.now.strftime("%Y-%m") if re.search(r"刚(买|提)(的)?新?车|新车", turn.text) else None


def _take_city(turn: Turn, draft: Draft) -> str | None:
    return city_in(turn.text) or (plate.city_of(draft["plate"]) if draft.get("plate") else None)


def city_in(said: str) -> str | None:
    from chebao.insurance.regions import CITIES

    return next((c for c in CITIES if c in said), None)


def _parse_city(turn: Turn, draft: Draft) -> Any:
    bare = re.sub(r"^(在|我在|就在|平时在)|(开|用|这边|市)?[。.]?$", "", turn.text.strip())
    return city_in(turn.text) or (bare if re.fullmatch(r"[\u4e00-\u9fa5]{2,8}", bare) else None)


def _take_usage(turn: Turn, draft: Draft) -> str | None:
    if re.search(r"网约车|滴滴|营运|出租|拉货|货运", turn.text):
        return "ride_hailing"
    return "family" if re.search(r"家用|私家车|自己开|上下班|代步|家里用", turn.text) else None


async def _estimate(turn: Turn, draft: Draft) -> dict[str, Any]:
    known = draft.get("model_known") or {}
    registered = draft["first_registered"]
    body = {
        "plate": draft["plate"] or None, "city": draft["city"], "usage": draft["usage"],
        "model": known.get("model") or draft["model"], "price": draft.get("price") or known.get("price"),
        "first_registered": registered, "seats": draft.get("seats") or known.get("seats") or 5,
        "energy": draft.get("energy") or known.get("energy") or "fuel",
        "history": draft.get("history"),
    }
    body = {k: v for k, v in body.items() if v is not None}
    answer = await backoffice().estimate(body)
    draft["plans"] = [purchase.slim(p) for p in answer["plans"]]
    draft["estimate_body"] = body
    purchase.show_plans(turn, answer["plans"], f"{body['model']}（{draft['city']}）三个方案的预估价")
    return {"done": True}


def _parse_id_card(turn: Turn, draft: Draft) -> Any:
    found = idcard.find_id_cards(turn.text)
    if found:
        return found[0].value
    if re.search(r"[\dXx]{15,}", turn.text.replace(" ", "")):
        return Miss("这个身份证号校验没通过，可能有一位写错了，请对着证件再发一次 18 位号码。")
    return None


def _not_known(turn: Turn, draft: Draft) -> bool:
    """The insurer has no record of this person yet."""
    return turn.customer_id is None


def _for_family(turn: Turn, draft: Draft) -> bool:
    return draft.get("relation") == "family"


async def _enrol(turn: Turn, draft: Draft) -> dict[str, Any]:
    """Makes the verified stranger a customer, so that quote and application have a policyholder."""
    phone_no = (turn.verified or {})["phone"]
    row = await backoffice().upsert_customer(
        draft["holder_name"], draft["id_card"], phone_no, draft["city"], turn.key("upsert_customer")
    )
    identity_now = {"customer_id": row["id"], "phone": phone_no, "name": draft["holder_name"]}
    turn.effect("verified", identity_now)
    return {"verified": identity_now}


async def _look_up_car(turn: Turn, draft: Draft) -> dict[str, Any]:
    """The industry platform's record; an unknown plate goes on with the customer's own data, marked as declared."""
    if not draft["plate"]:
        return {"declared": True}
    try:
        found = await backoffice().platform_lookup(
            draft["plate"], draft.get("owner_name") or (turn.verified or {}).get("name"), draft.get("id_card"),
            turn.customer_id,
        )
    except NotFound:
        turn.say("平台暂时没查到这台车的记录，先按您说的信息来办。")
        return {"declared": True}
    body = draft["estimate_body"]
    vehicle = found["vehicle"]
    for name in ("model", "price", "first_registered", "seats", "energy"):
        if vehicle.get(name) is not None:
            body[name] = vehicle[name]
    body["history"] = found["history"]
    turn.say(f"平台查到这台车的记录：{vehicle['model']}，价格按平台记录重新核算。")
    return {"declared": False}


def _unregistered(turn: Turn, draft: Draft) -> bool:
    return draft.get("plate") == ""


def _parse_vin(turn: Turn, draft: Draft) -> Any:
    if turn.attachments:
        return "photo"
    found = find_vins(turn.text)
    if found:
        return found[0].value
    if turn.pressed.get("vin") == "later" or re.search(r"稍后|以后|晚点|不在|没有|手边|不知道|跳过|回头|没带", turn.text):
        return "later"
    if re.search(r"[A-Za-z0-9]{11,}", turn.text):
        return Miss("车架号是 17 位字母数字（没有 I、O、Q），请再核对一次；不在手边也可以回复“稍后补”。")
    return None


class NewPolicyForm(Form):
    """Quotes and sells cover for a car that we do not insure yet."""

    task = "new_policy"
    stop_text = "好的，先不办了，没有提交任何内容。想再看价格随时找我。"

    nodes = (
        choice("consent", "信息使用同意", "报价和投保要用到车辆信息，确定投保时还会用到身份和联系方式，只用于这次投保。您同意吗？",
               [("同意", "yes", r"^(?!不).*(同意|可以|好|行|嗯|没问题|是|授权|OK|ok)"), ("不同意", "no", r"不|拒绝|别")],
               explain="只看价格也要用到车型和城市，不会要您的电话。回复“同意”就开始；不同意也可以先问我车险问题。", show=False),
        Step("consent_check", lambda turn, draft: _check_consent(turn, draft), depends=("consent",)),
        plate_field("新车没有牌照的话，点下面的按钮。请问车牌号是多少？", none_title="还没上牌"),
        Field("model", "车型", lambda t, d: Prompt("比如“大众朗逸 2023款 1.5L”。您的车是什么品牌和车型？"), _parse_model,
              "看行驶证上的品牌型号，或者说“丰田卡罗拉”“比亚迪秦PLUS”这样的名字就行。",
              words=("车型", "品牌", "车系"), take=_take_model, free=True, show=str),
        Step("model_known", _look_up_model, depends=("model",)),
        Field("price", "新车购置价", lambda t, d: Prompt("这款车我这儿没有价格，新车购置价大概是多少钱？"), _parse_price,
              "说个大概就行，比如“十二万八”“128000”。", words=("购置价", "价格", "多少钱买"),
              needed=_model_unknown, depends=("model",), show=lambda v: f"{purchase.money(v)} 元"),
        choice("energy", "能源类型", "是汽油车还是新能源车？",
               [("汽油/柴油车", "fuel", r"油|汽|柴|燃"), ("纯电动", "electric", r"纯电|电动|电车"), ("插电混动/增程", "phev", r"插电|插混|增程|混动|新能源"), ("普通混动", "hybrid", r"油电")],
               explain="加油的回复“汽油车”，绿牌纯电回复“纯电动”，绿牌能加油也能充电回复“插电混动”。",
               words=("汽油", "新能源", "能源"), needed=_model_unknown),
        Field("first_registered", "上牌时间",
              lambda t, d: Prompt("车是哪年哪月上牌登记的？", [option("新车", "first_registered", "new")]), _parse_registered,
              "看行驶证上的注册日期，说年月就行，比如“2023年5月”。",
              words=("上牌", "登记", "注册", "哪年"), take=_take_registered, show=str),
        Field("city", "用车城市", lambda t, d: Prompt("车平时主要在哪个城市开？"), _parse_city,
              "说城市名就行，比如“杭州”。", words=("城市", "地区"), take=_take_city, show=str),
        choice("usage", "用途", "车的用途是家用，还是营运（比如网约车）？",
               [("家用", "family", r"家|自|私|代步|上下班|非营"), ("网约车/营运", "ride_hailing", r"网约|滴滴|营运|出租|拉货"), ("单位用车", "company", r"公司|单位|企业|商务")],
               explain="自家代步就回复“家用”，跑网约车或拉货回复“营运”，公司名下的回复“单位用车”。",
               words=("用途", "使用性质"), take=_take_usage),
        Step("estimate", _estimate, depends=("plate", "model", "price", "energy", "first_registered", "city", "usage")),
        purchase.plan_field(depends=("estimate",)),
        Step("adjusted", purchase.adjust, depends=("plan",)),
        purchase.relation_field("想投保的话，接着核对身份。您是车主本人吗？"),
        *identity.nodes(),
        name_field("请问您的姓名是？", name="holder_name", label="投保人姓名", needed=_not_known),
        Field("id_card", "身份证号", lambda t, d: Prompt("请发您的 18 位身份证号，出保单要用。"), _parse_id_card,
              "身份证号是 18 位，最后一位可能是 X；只用于核对身份和出保单。",
              words=("身份证",), needed=_not_known, show=mask_id_card),
        Step("customer", _enrol, needed=_not_known, depends=("holder_name", "id_card", "id_code")),
        name_field("车主的姓名是？", name="owner_name", label="车主姓名", needed=_for_family),
        Step("platform", _look_up_car, depends=("plate", "owner_name", "id_card", "estimate")),
        Field("vin", "车架号",
              lambda t, d: Prompt("请发车架号（17 位），或者拍合格证/发票的照片；不在手边可以稍后补。", [option("稍后补", "vin", "later")]),
              _parse_vin, "车架号在合格证和购车发票上，17 位；现在没有就回复“稍后补”，不影响付款。",
              words=("车架号", "VIN"), needed=_unregistered, depends=("plate",),
              show=lambda v: {"later": "稍后补", "photo": "已发照片"}.get(v, v)),
        *purchase.tail("new_policy", lambda: NewPolicyForm),
    )


async def _check_consent(turn: Turn, draft: Draft) -> None:
    if draft["consent"] != "yes":
        raise Finish("好的，不同意就不收集信息，也不影响您问车险问题；需要时可以请人工同事。", [HUMAN])
