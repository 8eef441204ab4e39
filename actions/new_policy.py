"""投保: few facts, an estimate, three plans side by side; then who, a formal quote, and payment on the insurer's own page."""

from __future__ import annotations

import re
from typing import Any, NoReturn

from actions import car_facts, handoff, identity, plans_talk, previous_cover, purchase
from actions.car_facts import city_in
from actions.fields import choice, name_field, plate_field
from actions.kept import Wait
from actions.nodes import AskAgain, Draft, Field, Finish, Miss, Prompt, Step
from actions.purchase import PurchaseForm
from actions.services import backoffice
from actions.turn import HUMAN, Turn, command
from chebao.errors import InputRefused, NotFound, RuleForbids
from chebao.handoff import Summary
from chebao.insurance import cars, idcard, people, plate
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
    plans_talk.take_up_wish(turn, draft)
    return {"done": True}


def _parse_id_card(turn: Turn, draft: Draft) -> Any:
    found = idcard.find_id_cards(turn.text)
    if found:
        return found[0].value
    if _OTHER_PAPERS.search(turn.text):
        _tell_papers(turn, draft)
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
        why="保单上要写明投保人是谁，身份证号只用来核对身份、出保单，不作别的用。",
        words=("身份证",),
        take=lambda t, d: next((f.value for f in idcard.find_id_cards(t.text)), None),
        needed=_not_known,
        show=mask_id_card,
    )


def _not_known(turn: Turn, draft: Draft) -> bool:
    """The insurer has no record of this person yet."""
    return turn.customer_id is None or "enrolled" in draft


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
        if "enrolled" in draft:
            turn.say("姓名要和证件上的一致，改名字请同事核对证件后更正，方案都给您留着。")
            _hand_over(turn, draft, "投保人姓名要更正")
        turn.say(refused.message)
        draft.pop("holder_name", None)
        raise AskAgain("id_card") from None
    identity_now = {"customer_id": row["id"], "phone": phone_no, "name": draft["holder_name"]}
    turn.effect("verified", identity_now)
    draft["enrolled"] = True
    return {"verified": identity_now}


def _hand_over(turn: Turn, draft: Draft, wants: str) -> NoReturn:
    """A colleague goes on with what is filled in."""
    told = Summary(wants, NewPolicyForm().known(turn, draft), [], wants)
    handoff.request(turn, "policy_restriction", told, draft, task="new_policy")
    raise Wait


_SPECIAL = re.compile(
    r"货车|卡车|轻卡|重卡|微卡|中卡|厢货|箱货|冷藏车|平板车|挂车|牵引车|拖拉机|摩托|三轮|叉车|吊车|挖机|挖掘机|铲车|工程车|渣土车|搅拌车|油罐车|农用车|大巴|中巴|大客车|校车|皮卡"
)
_OTHER_PAPERS = re.compile(
    r"护照|外国人|外籍|老外|永居|永久居留|台胞证|回乡证|来往(内地|大陆)通行证|军官证|passport", re.IGNORECASE
)


async def _check_papers(turn: Turn, draft: Draft) -> None:
    _tell_papers(turn, draft)


def _tell_papers(turn: Turn, draft: Draft) -> NoReturn:
    """The back office knows resident identity cards; a colleague looks at other documents."""
    turn.say("用护照、通行证这类证件也可以投保，证件要同事核对一下，车和方案都给您带过去，不用再说一遍。")
    _hand_over(turn, draft, "用身份证以外的证件投保")


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
        take=_take_consent,
    )


def _take_consent(turn: Turn, draft: Draft) -> str | None:
    """ "我同意，接着办": said after a refusal, or before the question."""
    return "yes" if re.search(r"(我|那就?|行吧?[，,]?)同意|^同意", turn.text) and "不同意" not in turn.text else None


_RELATIVE = r"(?:车主|[他她]|爸爸?|妈妈?|父亲|母亲|老婆|老公|爱人|妻子|丈夫|儿子|女儿|朋友|岳父|岳母)的?(?:名字|姓名)?(?:叫|是|[:：])"
_COMPANY = re.compile(
    r"[\u4e00-\u9fa5（）()A-Za-z0-9]{2,40}(公司|集团|厂|商行|中心|学校|医院|合作社|事务所|协会|经营部|工作室)"
)


def _take_owner(turn: Turn, draft: Draft) -> str | None:
    """The owner's name beside his relation to the customer: "我妈的，她叫吴秀兰", "是苏州云帆科技有限公司的"."""
    if found := _COMPANY.search(turn.text):
        said = re.sub(r"^.*?(车主是|单位是|公司叫|名下是|叫|是|在)(?=.{4})", "", found.group())
        return said if len(said) >= 6 else None
    named = re.search(_RELATIVE, turn.text)
    return people.find_person_names(turn.text)[0].value if named and people.find_person_names(turn.text) else None


def _take_holder(turn: Turn, draft: Draft) -> str | None:
    """A name that the customer gives as his own, in passing."""
    if not re.search(r"(我叫|我是|姓名|名字|投保人)[是:：]?", turn.text) or re.search(_RELATIVE, turn.text):
        return None
    found = people.find_person_names(turn.text)
    return found[0].value if found else None


def _owner_question(turn: Turn, draft: Draft) -> str:
    if draft.get("usage") == "company":
        return "行驶证上的所有人写的是哪家单位？请发单位全称。"
    return "车主的姓名是？"


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
            why="车龄和出险记录都跟着车牌走，有车牌价格才算得准；这里只用来报价，看完不买也没关系。",
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
        previous_cover.previous_end_field(),
        previous_cover.transferred_field(),
        previous_cover.lapse_step(),
        Step("estimate", _estimate, depends=(*_CAR, "model_known", "branch")),
        plans_talk.plan_field(depends=("estimate",)),
        Step("adjusted", plans_talk.adjust, depends=("plan",)),
        previous_cover.window_step(),
        purchase.relation_field("想投保的话，接着往下办；只看价格到这里就可以了。您是车主本人吗？"),
        *identity.nodes("出保单要验证一下手机。请问您的手机号是多少？", on_file=False),
        Step("papers", _check_papers, needed=lambda t, d: bool(d.get("other_papers")) and _not_known(t, d)),
        name_field("请问您的姓名是？", name="holder_name", label="投保人姓名", needed=_not_known, take=_take_holder),
        _id_card_field(),
        Step("customer", _enrol, needed=_not_known, depends=("holder_name", "id_card", "id_code")),
        name_field(
            _owner_question,
            name="owner_name",
            label="车主姓名",
            needed=_for_family,
            offer="licence_owner",
            take=_take_owner,
        ),
        Step("platform", _look_up_car, depends=("owner_name", "id_card", "estimate")),
        car_facts.vin_field(),
        *purchase.tail("new_policy", lambda: NewPolicyForm),
    )

    async def watch(self, turn: Turn, draft: Draft) -> None:
        await super().watch(turn, draft)
        if _OTHER_PAPERS.search(turn.text) and "other_papers" not in draft:
            draft["other_papers"] = True
            if "consent" not in draft:
                turn.say("可以的，外籍和港澳台客户也能投保，证件由同事核对；价格我先给您算出来。")
        if "plans" not in draft and _SPECIAL.search(turn.text):
            turn.say("这类车（货车、摩托车、客车、工程车等）按吨位、排量或座位另外定价，我这里算不准；交强险一定能买。")
            _hand_over(turn, draft, f"特种车型投保：{turn.text[:60]}")
        if "plans" not in draft and re.search(r"全险|全保(?!障)|保全套", turn.text):
            draft["wants_full"] = True
        if "plate" not in draft and re.search(r"(还没|没有?|未|没来得及)(上|挂)牌|没牌照|临牌|临时牌", turn.text):
            draft["plate"] = ""
