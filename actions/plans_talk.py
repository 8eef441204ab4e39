"""Plans side by side: showing, choosing and adjusting them, and questions about their prices."""

from __future__ import annotations

import re
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from actions.cover_words import CoverWish, find_wish, only_compulsory
from actions.nodes import AskAgain, Draft, Field, Prompt
from actions.services import backoffice
from actions.turn import Turn, option
from chebao.errors import InputRefused
from chebao.insurance import covers as cover_names

ESTIMATE_NOTE = "以平台查询和核保为准"

#: How a customer may name each plan; the button shows the plan's own name.
_PLANS: dict[str, str] = {
    "last_year": r"去年|上年|原来|照旧|老样子|不变|原方案|跟以前一样|和以前一样",
    "suggested": r"建议|听你|按你说的|采纳",
    "custom": r"自选|调整后|就(按)?这个|就这样|这样(就)?(行|可以|好|吧)|可以了|改后",
    "standard": r"标准|推荐|中间|中等|中档",
    "basic": r"基础|便宜|最低|省钱",
    "full": r"全面|最全|全保(?!障)|都要|最贵|全险|保得全",
}
_ORDINALS = (r"第一|1号|一号|^1$|头一个", r"第二|2号|二号|^2$", r"第三|3号|三号|^3$|最后一个", r"第四|^4$")
_ASKS_FOR_CHANGE = re.compile(
    r"(加|去掉|不要|提|调|改|换|降|减|只买).*(多少钱|可以吗|行吗|行不行|能不能|怎么样|呢|吗)|(能|可以|可不可以|帮我|想)[^，。？?]*(加|去|提|调|改|换|降|减|只买)"
)


def by_code(draft: Draft) -> dict[str, Mapping[str, Any]]:
    return {p["code"]: p for p in draft.get("plans") or ()}


def plan_prompt(turn: Turn, draft: Draft) -> Prompt:
    """Asks for a plan; the card with the prices was shown by the estimate step."""
    plans = draft["plans"]
    alone = not any(p["code"] in ("last_year", "custom") for p in plans)
    titles = {p["code"]: p["name"] + ("（推荐）" if alone and p["code"] == "standard" else "") for p in plans}
    return Prompt(
        "想改险种或保额，直接说就行，比如“三者调到300万”“不要划痕”。您选哪个方案？",
        [option(title, "plan", code) for code, title in titles.items()],
    )


def named_plan(text: str, draft: Draft) -> str | None:
    """The plan that the words name, by its name or its place in the list."""
    codes = list(by_code(draft))
    for code, words in _PLANS.items():
        if code in codes and re.search(words, text):
            return code
    return next((code for code, words in zip(codes, _ORDINALS, strict=False) if re.search(words, text)), None)


def wish_of(turn: Turn, draft: Draft) -> CoverWish | None:
    """Changed covers that the message asks for, on top of the plan that it names or that was last looked at."""
    if not draft.get("plans") or (turn.looks_like_question and not _ASKS_FOR_CHANGE.search(turn.text)):
        return None
    plans = by_code(draft)
    chosen = draft.get("plan") if isinstance(draft.get("plan"), str) else None
    base = next(
        plans[c]
        for c in (named_plan(turn.text, draft), chosen, "custom", "last_year", "standard", *plans)
        if c in plans
    )
    return find_wish(turn.text, base["covers"])


_AS_LAST_YEAR = re.compile(
    r"(按|照|跟|和|同)着?(去年|上年|原来|以前)|(去年|上年|原来)的?那?个?方案|老样子|照旧|方案不变"
)


def early_wish(turn: Turn) -> str | None:
    """Words that choose a plan or covers before there is a price; they are taken up once there is one."""
    text = turn.text
    if only_compulsory(text):
        return text
    if turn.looks_like_question:
        return None
    return text if _AS_LAST_YEAR.search(text) or find_wish(text, {}) is not None else None


def take_up_wish(turn: Turn, draft: Draft) -> None:
    """Chooses what the customer wished before the prices were known."""
    wished = draft.pop("wished", None)
    if not wished or "plan" in draft:
        return
    taken = {"covers": {}} if only_compulsory(wished) else take_plan(turn.saying(wished), draft)
    if taken is not None:
        draft["plan"] = taken


def take_plan(turn: Turn, draft: Draft) -> Any:
    """What can be read as a choice beyond doubt: changed covers, or a plan's name outside a question."""
    wish = wish_of(turn, draft)
    if wish is not None:
        custom = by_code(draft).get("custom")
        if custom is not None and _same(wish.covers, custom["covers"]) and not wish.included:
            return "custom"
        return {"covers": wish.covers, "dropped": list(wish.dropped), "included": list(wish.included)}
    return None if turn.looks_like_question else named_plan(turn.text, draft)


def _same(one: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    def plain(covers: Mapping[str, Any]) -> dict[str, Any]:
        return {c: True if c == "vehicle_damage" or s is True else Decimal(str(s)) for c, s in covers.items()}

    return plain(one) == plain(other)


_THAT_ONE = re.compile("(我?就?要|我?就?选|就)?[那这](个|款|份|一个|样)(吧|了)?[。.!！]*$|就它吧?$")


def parse_plan(turn: Turn, draft: Draft) -> Any:
    """A plan's code; or changed covers, which make a plan of the customer's own. "就那个" takes the recommended one."""
    codes = by_code(draft)
    if "plan" in turn.pressed:
        return turn.pressed["plan"] if turn.pressed["plan"] in codes else None
    taken = take_plan(turn, draft)
    if taken is not None:
        return taken
    agreed = turn.is_intent("affirm", least=0.6) or _THAT_ONE.match(turn.text.strip())
    if agreed and not turn.looks_like_question:
        return next(c for c in ("custom", "last_year", "standard", *codes) if c in codes)
    return None


def plan_field(depends: tuple[str, ...]) -> Field:
    return Field(
        "plan",
        "方案",
        plan_prompt,
        parse_plan,
        "回复方案名字就行，比如“标准方案”；想改保额可以说“三者调到300万”，去掉某项可以说“不要划痕”。",
        words=("方案", "险种", "保额", "套餐"),
        take=take_plan,
        depends=depends,
    )


async def adjust(turn: Turn, draft: Draft) -> Any:
    """After the plan is chosen: changed covers are re-estimated and shown at once, then the choice is asked for again."""
    wish = draft["plan"]
    if not isinstance(wish, dict):
        return wish
    if wish.get("included"):
        turn.say(f"{'、'.join(wish['included'])}现在都包含在车损险里，不单独卖，选了车损险就有。")
    covers = {code: True if code == "vehicle_damage" else amount for code, amount in wish["covers"].items()}
    try:
        answer = await backoffice().estimate({**draft["estimate_body"], "covers": covers})
    except InputRefused as refused:
        turn.say(refused.message)
        raise AskAgain("plan") from None
    name = "您自选的方案" if covers else "只买交强险（自选）"
    custom = {**answer["plans"][0], "code": "custom", "name": name}
    draft["plans"] = [slim(custom), *(p for p in draft["plans"] if p["code"] != "custom")]
    if wish.get("dropped"):
        turn.say(f"{'、'.join(wish['dropped'])}是附加险，主险去掉后也一并去掉了。")
    show_plans(turn, [custom], "按您说的重新算了")
    if not covers:  # there is nothing left to choose
        turn.say(_COMPULSORY_ALONE)
        draft["plan"] = "custom"
        return "custom"
    raise AskAgain("plan")


_COMPULSORY_ALONE = "提醒一下：交强险赔对方的财物最多 2,000 元，自己车的损失不赔；想补三者险随时跟我说。"


def slim(plan: Mapping[str, Any]) -> dict[str, Any]:
    """What the draft keeps of a plan; the rest is in the back office."""
    return {name: plan.get(name) for name in ("code", "name", "note", "covers", "total", "explanation")}


def money(value: Any) -> str:
    """Yuan with separators: 1,234.50."""
    return f"{Decimal(str(value)):,.2f}"


def sum_text(code: str, amount: Any) -> str:
    """A sum insured as customers say it: 200万, 每座1万, 已含."""
    if amount in (True, None):
        return "已含"
    value = Decimal(str(amount))
    if code == "vehicle_damage":
        value = value.quantize(Decimal("1E+2"))
    if code == "absolute_deductible":
        return f"{value:.0f}%"
    words = f"{(value / 10000).normalize():f}万" if value >= 10000 else f"{value.normalize():f}元"
    if code == "repair_period":
        return f"每天{words}"
    return f"每座{words}" if code == "passengers" else words


def covers_text(covers: Mapping[str, Any]) -> str:
    """``交强险、车损险8.2万、…`` of a choice of covers."""
    return "、".join(
        ["交强险", *(f"{cover_names.COVERS.get(c, c)}{sum_text(c, s)}" for c, s in covers.items() if c != "compulsory")]
    )


def show_plans(turn: Turn, plans: list[dict[str, Any]], title: str, *, told: int = 3) -> None:
    """The plans side by side on a card, and the first `told` of them in words."""
    lines, cards = [], []
    for plan in plans:
        listed = [
            (line["name"], sum_text(line["code"], line.get("sum")))
            for line in (plan.get("commercial") or {}).get("lines", [])
        ]
        missing = "、".join(plan.get("not_covered", [])[:4])
        lines.append(
            f"【{plan['name']}】合计 {money(plan['total'])} 元："
            + "、".join(["交强险", *(f"{name}{amount}" for name, amount in listed)])
            + (f"。不含：{missing}" if missing else "")
        )
        cards.append(_card(plan, listed))
    turn.say(f"{title}（{ESTIMATE_NOTE}，含交强险和车船税）：\n" + "\n".join(lines[:told]))
    turn.card({"type": "plans", "title": title, "note": ESTIMATE_NOTE, "plans": cards})


def _card(plan: Mapping[str, Any], listed: list[tuple[str, str]]) -> dict[str, Any]:
    return {
        "code": plan["code"],
        "name": plan["name"],
        "total": money(plan["total"]),
        "compulsory": money(plan["compulsory"]["premium"]),
        "commercial": money((plan.get("commercial") or {}).get("premium", "0")),
        "vehicle_tax": money(plan.get("vehicle_tax", "0")),
        "covers": [{"name": name, "sum": amount} for name, amount in listed],
        "not_covered": plan.get("not_covered", []),
        "payload": option("", "plan", plan["code"]).payload,
        "recommended": plan["code"] in ("standard", "last_year"),
    }


# --- questions about plans and prices, answered from the numbers themselves --------------------------------------

_WHY = re.compile(
    r"(为什么|为啥|为何|怎么|咋|凭什么|什么原因)[^，。？?]*(贵|便宜|涨|降|多了|少了|高|低|变了|不一样)|比(去年|上年|往年|以前)(贵|高|多|便宜|低)|涨价了|涨了(这么)?多"
)
_HOW = re.compile(r"(怎么|咋|如何)(计?算|来的|定的)|明细|(为什么|为啥|怎么|咋)(要)?(这么|那么)(贵|多|便宜)")
_NOT_OF_PLANS = re.compile(r"投保人|被保险人|车主|受益人|交强|商业|当天|第二天")
_DISCOUNT = re.compile(
    r"(再|能不能|可以|可不可以)[^，。]{0,6}(便宜|少|优惠|降)(?!的|那)|便宜(点|些|一点|一些)(?!的|那|方案)|打(个|点|不打)?[^，。]{0,2}折|优惠|折扣|返现|返点|返利|回扣|送(我|点|个|些|什么|不送)*(礼|油卡|东西|保养|洗车)|赠品|抹零"
)
_NO_DISCOUNT = (
    "价格是按车价、出险记录和定价系数算的，不出险的优惠已经算在里面了；合同以外的好处，法律不允许给（保险法第 116 条）。"
    "想省一些可以调保额、去掉附加险，直接说就行。"
)
_DIFFERENCE = re.compile(
    r"区别|差别|[差贵好多少强]在哪|比[^，。]{1,8}(贵|便宜|好|多)(多少|哪)|多了(什么|啥|哪)|有什么不(同|一样)|哪个(更?好|合适|划算)|(推荐|建议)(我)?(买|选)?哪"
)
_TOTAL = re.compile(r"多少钱|什么价|多钱|几钱|啥价")


def answer_about_plans(turn: Turn, draft: Draft) -> bool:
    """Answers why, how and what differs from what the estimate or quote says. Returns whether it did."""
    plans, text = by_code(draft), turn.text
    if not plans or not text:
        return False
    if _WHY.search(text) and draft.get("changes"):
        turn.say("和去年比，变化在这几处：\n" + "\n".join(f"· {line}" for line in draft["changes"][:5]))
        return True
    if _WHY.search(text) or _HOW.search(text):
        turn.say("这个价格是这样算出来的：\n" + "\n".join(f"· {line}" for line in _looked_at(draft)["explanation"][:6]))
        return True
    if wish_of(turn, draft) is not None:
        return False
    if _DISCOUNT.search(text):
        turn.say(_NO_DISCOUNT)
        return True
    if _DIFFERENCE.search(text) and not _about_something_else(text):
        turn.say(_compare(plans))
        return True
    named = named_plan(text, draft)
    if named and _TOTAL.search(text):
        turn.say(
            f"{plans[named]['name']}合计 {money(plans[named]['total'])} 元（{ESTIMATE_NOTE}），包括{covers_text(plans[named]['covers'])}。"
        )
        return True
    return False


def _about_something_else(text: str) -> bool:
    """Whether a question for a difference compares covers or people, not the plans."""
    return "方案" not in text and bool(_NOT_OF_PLANS.search(text) or cover_names.find_coverages(text))


def _looked_at(draft: Draft) -> Mapping[str, Any]:
    plans = by_code(draft)
    chosen = draft.get("plan") if isinstance(draft.get("plan"), str) else None
    return next(plans[c] for c in (chosen, "custom", "last_year", "standard", *plans) if c in plans)


def _compare(plans: Mapping[str, Mapping[str, Any]]) -> str:
    lines = [
        f"· {p['name']}（{money(p['total'])} 元）：{str(p.get('note') or '').rstrip('。')}" for p in plans.values()
    ]
    return (
        "几个方案的差别：\n"
        + "\n".join(lines)
        + "\n车新、自己修车花费高的，可以看带车损险的；预算紧的，先把三者保额买够。选哪个都由您定。"
    )
