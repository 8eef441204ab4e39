"""投保: few facts, an estimate, three plans side by side; then who, a formal quote, and payment on the insurer's own page."""

from __future__ import annotations

import re
from typing import Any

from actions import car_facts, identity, plans_talk, purchase
from actions.car_facts import city_in
from actions.fields import choice, name_field, plate_field
from actions.nodes import AskAgain, Draft, Field, Finish, Miss, Prompt, Step
from actions.purchase import PurchaseForm
from actions.services import backoffice
from actions.turn import HUMAN, Turn, command
from chebao.errors import InputRefused, NotFound, RuleForbids
from chebao.insurance import cars, idcard, plate
from chebao.insurance.masking import mask_id_card

__all__ = ["NewPolicyForm", "city_in"]


async def _check_consent(turn: Turn, draft: Draft) -> None:
    if draft["consent"] != "yes":
        raise Finish("好的，那就不收集信息，也不影响您问车险问题；需要时可以请人工同事。", [HUMAN])


async def _check_branch(turn: Turn, draft: Draft) -> None:
    """A city where we may not sell is told before anything else is asked. One read off the plate is only a guess."""
    try:
        await backoffice().estimate({"city": draft["city"], "price": "100000", "covers": {}})
    except RuleForbids as forbidden:
        guessed = draft.get("plate") and draft["city"] == plate.city_of(draft["plate"]) != city_in(turn.text)
        if guessed and not draft.get("city_asked"):
            draft["city_asked"] = True
            turn.say(f"牌照地{draft['city']}暂时没有我们的网点，要看车在哪里用。")
            raise AskAgain("city") from None
        raise Finish(
            f"{forbidden.message}这次没法给您报价，很抱歉；车换到别的城市用时，欢迎再来问。",
            [command("换个城市问价", "new_policy"), HUMAN],
        ) from None


async def _look_up_model(turn: Turn, draft: Draft) -> dict[str, Any]:
    """Price, seats and energy of the model; an unknown one is asked about, and what the customer told stands."""
    rows = await backoffice().models(draft["model"])
    if rows and cars.lookup(draft["model"]) is None and "series" not in draft:
        draft["series"] = [row["model"] for row in rows[:5]]
        raise AskAgain("model")
    if not rows or cars.lookup(draft["model"]) is None:
        return {}
    best = rows[0]
    draft.setdefault("price", str(best["price"]))
    draft.setdefault("seats", best["seats"])
    green = bool(draft.get("plate")) and plate.is_nev(draft["plate"])
    if not green or best["energy"] in ("electric", "phev"):
        draft.setdefault("energy", best["energy"])
    return {"model": best["model"]}


async def _estimate(turn: Turn, draft: Draft) -> dict[str, Any]:
    body = {
        "plate": draft["plate"] or None,
        "city": draft["city"],
        "usage": draft["usage"],
        "model": draft["model"],
        "price": draft["price"],
        "first_registered": draft.get("first_registered"),
        "seats": int(draft["seats"]),
        "energy": draft["energy"],
    }
    body = {k: v for k, v in body.items() if v is not None}
    answer = await backoffice().estimate(body)
    draft["plans"] = [plans_talk.slim(p) for p in answer["plans"]]
    draft["estimate_body"] = body
    if draft.pop("wants_full", None):
        turn.say("“全险”没有统一的说法，下面每个方案赔什么、不赔什么都写明了；保得最全的是全面方案。")
    priced = f"{draft['model']}（{draft['city']}，新车价按 {plans_talk.money(draft['price'])} 元）"
    plans_talk.show_plans(turn, answer["plans"], f"{priced}三个方案的预估价")
    return {"done": True}


def _parse_id_card(turn: Turn, draft: Draft) -> Any:
    found = idcard.find_id_cards(turn.text)
    if found:
        return found[0].value
    if re.search(r"[\dXx]{15,}", turn.text.replace(" ", "")):
        return Miss("这个号码校验没通过，可能有一位写错了。请对着证件再发一次 18 位身份证号。")
    return None


def _id_card_field() -> Field:
    return Field(
        "id_card",
        "身份证号",
        lambda t, d: Prompt("请发您的 18 位身份证号，出保单要用。"),
        _parse_id_card,
        "身份证号是 18 位，最后一位可能是 X；只用于核对身份和出保单。",
        words=("身份证",),
        take=lambda t, d: next((f.value for f in idcard.find_id_cards(t.text)), None),
        needed=_not_known,
        show=mask_id_card,
    )


def _not_known(turn: Turn, draft: Draft) -> bool:
    """The insurer has no record of this person yet."""
    return turn.customer_id is None


def _for_family(turn: Turn, draft: Draft) -> bool:
    return draft.get("relation") == "family"


async def _enrol(turn: Turn, draft: Draft) -> dict[str, Any]:
    """Makes the verified stranger a customer, so that quote and application have a policyholder."""
    phone_no = (turn.verified or {})["phone"]
    try:
        row = await backoffice().upsert_customer(
            draft["holder_name"], draft["id_card"], phone_no, draft["city"], turn.key("upsert_customer")
        )
    except InputRefused as refused:
        turn.say(refused.message)
        draft.pop("holder_name", None)
        raise AskAgain("id_card") from None
    identity_now = {"customer_id": row["id"], "phone": phone_no, "name": draft["holder_name"]}
    turn.effect("verified", identity_now)
    return {"verified": identity_now}


async def _look_up_car(turn: Turn, draft: Draft) -> dict[str, Any]:
    """The industry platform's record; an unknown plate goes on with the customer's own data, marked as declared."""
    if not draft["plate"]:
        return {"declared": True}
    name = draft.get("owner_name") or (turn.verified or {}).get("name")
    try:
        found = await backoffice().platform_lookup(draft["plate"], name, draft.get("id_card"), turn.customer_id)
    except NotFound:
        turn.say("平台暂时没查到这台车的记录，先按您申报的情况来办。")
        return {"declared": True}
    body, vehicle = draft["estimate_body"], found["vehicle"]
    for fact in ("model", "price", "first_registered", "seats", "energy"):
        if vehicle.get(fact) is not None:
            body[fact] = vehicle[fact]
    body["history"] = found["history"]
    turn.say(f"平台查到这台车的记录：{vehicle['model']}，正式报价按平台记录核算。")
    return {"declared": False}


def _consent_field() -> Field:
    return choice(
        "consent",
        "信息使用同意",
        "报价和投保要用到车辆信息，确定投保时还会用到身份和联系方式，只用于这次投保。您同意吗？",
        [
            (
                "同意",
                "yes",
                r"^(?!.*(不同意|不可以|不行|不好|不想|不愿|不授权|拒绝|别)).*(同意|可以|好|行|嗯|没问题|是|授权|OK|ok)",
            ),
            ("不同意", "no", r"不|拒绝|别"),
        ],
        explain="只看价格也要用到车型和城市，不会要您的电话。回复“同意”就开始；不同意也可以先问我车险问题。",
        show=False,
    )


_CAR = ("plate", "model", "price", "energy", "seats", "first_registered", "city", "usage")


class NewPolicyForm(PurchaseForm):
    """Quotes and sells cover for a car that we do not insure yet."""

    task = "new_policy"
    stop_text = "好的，先不办了，没有提交任何内容。想再看价格随时找我。"

    nodes = (
        _consent_field(),
        Step("consent_check", _check_consent, depends=("consent",)),
        plate_field(
            "新车没有牌照就点下面的按钮，有行驶证的话拍一张发来也行。请问车牌号是多少？",
            none_title="还没上牌",
            licence=True,
        ),
        car_facts.city_field(),
        Step("branch", _check_branch, depends=("city",)),
        car_facts.model_field(),
        Step("model_known", _look_up_model, depends=("model",)),
        car_facts.price_field(),
        car_facts.energy_field(),
        car_facts.seats_field(),
        car_facts.registered_field(),
        car_facts.usage_field(),
        Step("estimate", _estimate, depends=(*_CAR, "model_known", "branch")),
        plans_talk.plan_field(depends=("estimate",)),
        Step("adjusted", plans_talk.adjust, depends=("plan",)),
        purchase.relation_field("想投保的话，接着往下办；只看价格到这里就可以了。您是车主本人吗？"),
        *identity.nodes("出保单要验证一下手机。请问您的手机号是多少？", on_file=False),
        name_field("请问您的姓名是？", name="holder_name", label="投保人姓名", needed=_not_known),
        _id_card_field(),
        Step("customer", _enrol, needed=_not_known, depends=("holder_name", "id_card", "id_code")),
        name_field("车主的姓名是？", name="owner_name", label="车主姓名", needed=_for_family, offer="licence_owner"),
        Step("platform", _look_up_car, depends=("owner_name", "id_card", "estimate")),
        car_facts.vin_field(),
        *purchase.tail("new_policy", lambda: NewPolicyForm),
    )

    async def watch(self, turn: Turn, draft: Draft) -> None:
        await super().watch(turn, draft)
        if "plans" not in draft and re.search(r"全险|全保(?!障)|保全套", turn.text):
            draft["wants_full"] = True
        if "plate" not in draft and re.search(r"(还没|没有?|未|没来得及)(上|挂)牌|没牌照|临牌|临时牌", turn.text):
            draft["plate"] = ""
