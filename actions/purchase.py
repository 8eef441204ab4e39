"""What a new policy and a renewal share: plans side by side, choosing and adjusting, disclosure, formal quote, start,
exclusions, read-back, application, payment."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from typing import Any

from chebao.insurance import covers as cover_names
from chebao.insurance.amounts import parse_amount
from chebao.insurance.moments import parse_moment

from actions.fields import choice, confirm_field
from actions.forms import AskAgain, Draft, Field, Finish, Form, Miss, Prompt, Step
from actions.services import backoffice
from actions.turn import Button, Turn, option

CLAUSES_VERSION = "2026-09"
_ESTIMATE_NOTE = "以平台查询和核保为准"

#: How a customer may name each plan; the button shows the plan's own name.
_PLANS: dict[str, str] = {
    "last_year": r"去年|上年|原来|照旧|老样子|不变|原方案|一样",
    "suggested": r"建议|听你的|按你说的",
    "custom": r"调整后|就(按)?这个|这样(就)?(行|可以|好)|可以了",
    "standard": r"标准|推荐|中间|第二",
    "basic": r"基础|最便宜|便宜|最低|第一",
    "full": r"全面|最全|全保|都要|最贵|第三个|全险",
}
_ORDER = list(_PLANS)
_REMOVE = re.compile(r"不要|去掉|取消|不买|删|减掉|不用|去除|不保")
_MORE = re.compile(r"调|改|加|提高|升|增|换|要|买|降|减|保额|万")


def plan_prompt(turn: Turn, draft: Draft) -> Prompt:
    """Asks for a plan; the card with the prices was shown by the estimate step."""
    plans = sorted(draft["plans"], key=lambda p: _ORDER.index(p["code"]))
    only_new = not any(p["code"] == "last_year" for p in plans)
    titles = {p["code"]: p["name"] + ("（推荐）" if only_new and p["code"] == "standard" else "") for p in plans}
    return Prompt(
        "想改险种或保额，直接说就行，比如“三者调到300万”“不要划痕”。您选哪个方案？",
        [option(title, "plan", code) for code, title in titles.items()],
    )


def parse_plan(turn: Turn, draft: Draft) -> Any:
    """A plan's code; or changed covers, which make a plan of the customer's own."""
    codes = {p["code"] for p in draft["plans"]}
    if "plan" in turn.pressed:
        return turn.pressed["plan"] if turn.pressed["plan"] in codes else None
    adjusted = _adjusted(turn, draft)
    if adjusted is not None:
        return adjusted
    for code, words in _PLANS.items():
        if code in codes and re.search(words, turn.text):
            return code
    if turn.is_intent("affirm", least=0.6) and codes:
        return next(c for c in ("custom", "last_year", "standard", *codes) if c in codes)
    return None


def _base_plan(draft: Draft) -> Mapping[str, Any]:
    by_code = {p["code"]: p for p in draft["plans"]}
    return next(by_code[c] for c in ("custom", "last_year", "standard", *by_code) if c in by_code)


def _adjusted(turn: Turn, draft: Draft) -> Any:
    """ "三者调到200万，不要划痕" → the covers wanted, as a Miss-free new estimate; None where nothing is adjusted."""
    found = cover_names.find_coverages(turn.text)
    found = [f for f in found if f.value in cover_names.COVERS and f.value not in ("compulsory", "commercial", "full")]
    if not found or not (_REMOVE.search(turn.text) or _MORE.search(turn.text)):
        return None
    wanted = dict(_base_plan(draft)["covers"])
    for n, cover in enumerate(found):
        until = found[n + 1].start if n + 1 < len(found) else len(turn.text)
        before = turn.text[(found[n - 1].end if n else 0) : cover.start]
        around = turn.text[cover.start : until]
        if _REMOVE.search(before[-6:]) or _REMOVE.search(around):
            wanted.pop(cover.value, None)
            if cover.value == "passenger":
                wanted.pop("passengers", None)
                wanted.pop("driver", None)
            continue
        amount = parse_amount(re.sub(r"^[^\d一二两三四五六七八九十百]*", "", turn.text[cover.end : until]))
        key = "passengers" if cover.value == "passenger" else cover.value
        default = {"third_party": 2000000, "passengers": 10000, "driver": 10000, "scratch": 5000}
        wanted[key] = int(amount) if amount and amount >= 1000 else wanted.get(key) or default.get(key, True)
    return {"covers": wanted}


async def adjust(turn: Turn, draft: Draft) -> Any:
    """After the plan is chosen: changed covers are re-estimated and shown at once, then the choice is asked for again."""
    if not isinstance(draft["plan"], dict):
        return draft["plan"]
    body = {**draft["estimate_body"], "covers": draft["plan"]["covers"]}
    answer = await backoffice().estimate(body)
    custom = {**answer["plans"][0], "code": "custom", "name": "您调整的方案"}
    draft["plans"] = [slim(custom), *(p for p in draft["plans"] if p["code"] != "custom")]
    show_plans(turn, [custom], "按您说的调整后")
    raise AskAgain("plan")


def slim(plan: Mapping[str, Any]) -> dict[str, Any]:
    """What the draft keeps of a plan; the rest is in the back office."""
    return {"code": plan["code"], "name": plan["name"], "covers": plan["covers"], "total": plan["total"]}


def money(value: Any) -> str:
    """Yuan with separators: 1,234.50."""
    return f"{Decimal(str(value)):,.2f}"


def sum_text(code: str, amount: Any) -> str:
    """A sum insured as customers say it: 200万, 每座1万, 已含."""
    if amount in (True, None):
        return "已含"
    value = Decimal(str(amount))
    if value < 1:
        return f"{value:.0%}"
    words = f"{(value / 10000).normalize():f}万" if value >= 10000 else f"{value.normalize():f}元"
    return f"每座{words}" if code in ("passengers",) else words


def show_plans(turn: Turn, plans: list[dict[str, Any]], title: str, *, told: int = 3) -> None:
    """The plans side by side on a card, and the first `told` of them in words."""
    lines, cards = [], []
    for plan in plans:
        commercial = plan.get("commercial") or {}
        listed = [{"name": line["name"], "sum": sum_text(line["code"], line.get("sum"))} for line in commercial.get("lines", [])]
        missing = "、".join(plan.get("not_covered", [])[:4])
        lines.append(
            f"【{plan['name']}】合计 {money(plan['total'])} 元："
            + "、".join(["交强险", *(f"{c['name']}{c['sum']}" for c in listed)])
            + (f"。不含：{missing}" if missing else "")
        )
        cards.append({
            "code": plan["code"], "name": plan["name"], "total": money(plan["total"]),
            "compulsory": money(plan["compulsory"]["premium"]), "commercial": money(commercial.get("premium", "0")),
            "vehicle_tax": money(plan.get("vehicle_tax", "0")), "covers": listed,
            "not_covered": plan.get("not_covered", []),
            "payload": option("", "plan", plan["code"]).payload,
            "recommended": plan["code"] in ("standard", "last_year"),
        })
    turn.say(f"{title}（{_ESTIMATE_NOTE}，含交强险和车船税）：\n" + "\n".join(lines[:told]))
    turn.card({"type": "plans", "title": title, "note": _ESTIMATE_NOTE, "plans": cards})


# --- disclosure, start, quote, clauses, application ------------------------------------------------------------


def _parse_disclosure(turn: Turn, draft: Draft) -> Any:
    if turn.pressed.get("disclosure") == "none":
        return {}
    if "disclosure" in turn.pressed:
        return Miss("好的，请说一下是哪一种：跑网约车或营运、改装过、还是在贷款抵押？")
    said = turn.text
    if re.search(r"^(都|全)?(没有?|无|否|不是|木有)|都没|没有(这些|以上)|以上(都)?没", said):
        return {}
    told = {
        "ride_hailing": bool(re.search(r"(?<!没跑)(?<!不跑)(网约车|滴滴|营运|跑车拉客|拉货|顺风车|货拉拉)", said)),
        "modified": bool(re.search(r"改装|改过|加装|换了", said)),
        "loan": bool(re.search(r"贷款|按揭|抵押|车贷|月供", said)),
    }
    for name, words in (("ride_hailing", r"网约车|营运|滴滴"), ("modified", r"改装|改过"), ("loan", r"贷款|抵押|按揭")):
        if re.search(rf"(没有?|不|无)[^，。,]{{0,3}}({words})", said):
            told[name] = False
    return {k: v for k, v in told.items() if v} | {"text": said[:200]} if any(told.values()) else None


def _show_disclosure(value: Mapping[str, Any]) -> str:
    names = {"ride_hailing": "网约车/营运", "modified": "有改装", "loan": "有贷款或抵押"}
    return "、".join(names[k] for k in names if value.get(k)) or "无网约车、营运、改装、贷款抵押"


def disclosure_body(draft: Draft) -> dict[str, Any]:
    told = draft.get("disclosure") or {}
    return {
        "ride_hailing": bool(told.get("ride_hailing")), "modified": bool(told.get("modified")),
        "modification_text": told.get("text") if told.get("modified") else None, "loan": bool(told.get("loan")),
    }


def _start_prompt(turn: Turn, draft: Draft) -> Prompt:
    day = date.fromisoformat(draft["quote"]["start"][:10])
    buttons = [option("可以", "start", "default"), Button("换个日期", '/inform{"start": "other"}')]
    if draft["quote"].get("immediate_allowed"):
        buttons.insert(1, option("即时生效", "start", "immediate"))
    return Prompt(f"保险默认从 {day.year}年{day.month}月{day.day}日 0 点生效，可以吗？", buttons)


def _parse_start(turn: Turn, draft: Draft) -> Any:
    pressed = turn.pressed.get("start")
    if pressed == "other":
        return Miss("好的，您希望从哪天开始？请说日期，比如“12月15日”。")
    if pressed:
        return pressed
    if re.search(r"即时|马上生效|立刻|现在就生效|立即", turn.text):
        return "immediate" if draft["quote"].get("immediate_allowed") else Miss("这台车现在还有保障，不能即时生效，默认接着上一张保单开始，可以吗？")
    moment = parse_moment(turn.text, turn.now)
    earliest = date.fromisoformat(draft["quote"]["earliest_start"][:10])
    if moment is not None and moment.precision != "month":
        day = moment.start.date()
        if day < earliest:
            return Miss(f"最早可以从 {earliest.month}月{earliest.day}日 0 点开始（不能和现有保障重叠），就从这天起可以吗？")
        return "default" if day == date.fromisoformat(draft["quote"]["start"][:10]) else day.isoformat()
    agreed = turn.is_intent("affirm", least=0.5) or re.search(r"可以|好|行|默认|没问题|同意|就这|嗯|OK|ok|是", turn.text)
    return "default" if agreed else None


def quote_body(turn: Turn, draft: Draft) -> dict[str, Any]:
    """The formal quote's body: the estimate's facts, the identified customer, the disclosure, the chosen covers."""
    chosen = next(p for p in draft["plans"] if p["code"] == draft["plan"])
    body = {
        **draft["estimate_body"],
        "customer_id": turn.customer_id,
        "owner": {"name": draft.get("owner_name") or (turn.verified or {}).get("name"), "relation": draft.get("relation", "self")},
        "disclosure": disclosure_body(draft),
        "plan": draft["plan"],
        "covers": chosen["covers"],
    }
    if draft.get("start") not in (None, "default"):
        body["start"] = draft["start"]
    return body


async def make_quote(turn: Turn, draft: Draft) -> dict[str, Any]:
    row = await backoffice().create_quote(quote_body(turn, draft), turn.key("create_quote"))
    _tell_quote(turn, draft, row)
    return _quote_kept(row)


def _quote_kept(row: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "quote_no": row["quote_no"], "total": row["total"], "start": row["start"],
        "earliest_start": row["earliest_start"], "immediate_allowed": bool(row.get("immediate_allowed")),
        "underwriting": row["underwriting"],
    }


def _tell_quote(turn: Turn, draft: Draft, row: Mapping[str, Any]) -> None:
    parts = [f"交强险 {money(row['compulsory']['premium'])} 元"]
    if row.get("commercial"):
        parts.append(f"商业险 {money(row['commercial']['premium'])} 元")
    parts.append(f"车船税 {money(row['vehicle_tax'])} 元")
    said = f"正式报价出来了：合计 {money(row['total'])} 元（{'、'.join(parts)}），{row['expires_at'][:10]} 前有效。"
    if row.get("declared"):
        said += "平台暂时没查到这台车，先按您说的情况计算。"
    decision = row["underwriting"]["commercial"]
    reasons = "；".join(row["underwriting"].get("reasons", []))
    notes = {
        "inspection_required": f"商业险要先验车（{reasons}），交强险不受影响，可以先买。",
        "referred": f"商业险要请核保同事看一下（{reasons}），交强险不受影响，可以先买。",
        "declined": f"商业险这次没能承保（{reasons}），交强险照常可以买；也可以请人工同事再看看。",
    }
    turn.say(said + notes.get(decision, ""))


async def requote(turn: Turn, draft: Draft) -> dict[str, Any]:
    """Another start than the default makes another quote."""
    if draft["start"] == "default":
        return draft["quote"]
    row = await backoffice().create_quote(quote_body(turn, draft), turn.key("create_quote_again"))
    draft["quote"] = _quote_kept(row)
    turn.say(f"好的，按新的起保时间，合计 {money(row['total'])} 元。")
    return draft["quote"]


_EXCLUSIONS = (
    "酒驾、无证、逃逸、故意造成的事故，商业险不赔",
    "家用车跑网约车等改变用途没告知的，可能不赔",
    "改装没告知、年检过期等情形，可能影响赔付",
    "车上财物丢失、自然磨损、机械故障不在保障内",
)


def _clauses_prompt(turn: Turn, draft: Draft) -> Prompt:
    lines = "\n".join(f"· {line}" for line in _EXCLUSIONS)
    return Prompt(
        f"投保前有几条责任免除要跟您说清楚：\n{lines}\n全文见保险条款（版本 {CLAUSES_VERSION}），哪一条想细问都可以。"
        "请您看完条款后确认。",
        [option("我已阅读并同意", "clauses", "yes"), Button("有疑问，转人工", "/human_agent")],
    )


def _parse_clauses(turn: Turn, draft: Draft) -> Any:
    if turn.pressed.get("clauses") == "yes" or re.search(r"^(?!.*(不同意|没看|没读|还没)).*(同意|已阅读|看完|知晓|知道了|没问题|明白|清楚了|确认|看过|了解|可以|好的?|OK|ok|嗯)", turn.text):
        return {"version": CLAUSES_VERSION, "at_message_id": turn.message_id}
    return None


def read_back_question(form: type[Form]) -> Any:
    def question(turn: Turn, draft: Draft) -> str:
        start = draft["quote"]["start"]
        chosen = next(p for p in draft["plans"] if p["code"] == draft["plan"])
        items = "、".join(
            f"{cover_names.COVERS.get(c, c)}{sum_text(c, s)}" for c, s in chosen["covers"].items() if c != "compulsory"
        )
        lines = [*form().read_back(turn, draft), f"保障：交强险、{items}" if items else "保障：交强险",
                 f"生效：{start[:16].replace('T', ' ')}", f"合计：{money(draft['quote']['total'])} 元"]
        return "最后核对一遍：\n" + "\n".join(lines) + "\n都对的话请确认，我就提交并发付款链接。"

    return question


async def submit(turn: Turn, draft: Draft, kind: str) -> None:
    """Files the application and shows how to pay; the policy numbers come by themselves once it is paid."""
    verified = turn.verified or {}
    body = {
        "kind": kind,
        "quote_no": draft["quote"]["quote_no"],
        "policyholder": {
            "name": verified.get("name"), "phone": verified.get("phone"), "customer_id": turn.customer_id,
        },
        "owner": {"name": draft.get("owner_name") or verified.get("name")},
        "relation": draft.get("relation", "self"),
        "clauses_acknowledged": draft["clauses"],
        "documents_missing": ["车架号"] if draft.get("vin") == "later" else [],
        "reference": turn.sender,
    }
    row = await backoffice().create_application(body, f"{turn.sender}:{draft['confirm']['at']}:create_application")
    _tell_payment(turn, row)
    raise Finish


def _tell_payment(turn: Turn, row: Mapping[str, Any]) -> None:
    compulsory, commercial = row["compulsory"], row.get("commercial") or {}
    waits = {
        "inspection_required": "商业险要先验车，验车通过后再单独付款生效；交强险现在就能付款。",
        "referred": "商业险已转核保同事，结果会在这里通知您；交强险现在就能付款。",
        "declined": "商业险这次没能承保，交强险现在就能付款。",
    }
    lines = [{"name": "交强险", "amount": money(compulsory["price"])}]
    total = Decimal(str(compulsory["price"])) + Decimal(str(row.get("vehicle_tax") or 0))
    if commercial and commercial["status"] == "awaiting_payment":
        lines.append({"name": "商业险", "amount": money(commercial["price"])})
        total += Decimal(str(commercial["price"]))
    if Decimal(str(row.get("vehicle_tax") or 0)):
        lines.append({"name": "车船税（代收）", "amount": money(row["vehicle_tax"])})
    turn.say(
        f"投保单 {row['application_no']} 已提交。" + waits.get(commercial.get("status", ""), "核保已通过。")
        + f"请在付款页面支付 {money(total)} 元：{row['pay_url']} 付款后保单号会自动发到这里。"
    )
    turn.card({
        "type": "payment", "application_no": row["application_no"], "total": money(total), "url": row["pay_url"],
        "expires_at": row.get("pay_expires_at") or "", "lines": lines,
    })


def plan_field(depends: tuple[str, ...]) -> Field:
    return Field("plan", "方案", plan_prompt, parse_plan,
                 "回复方案名字就行，比如“标准方案”；想改保额可以说“三者调到300万”，去掉某项可以说“不要划痕”。",
                 words=("方案", "险种", "保额", "套餐"), depends=depends)


def disclosure_field() -> Field:
    return Field(
        "disclosure", "告知事项",
        lambda t, d: Prompt("这台车有没有跑网约车或营运、改装过，或者还在贷款抵押？",
                            [option("都没有", "disclosure", "none"), option("有其中一项", "disclosure", "some")]),
        _parse_disclosure, "都没有就回复“都没有”；有的话说是哪一种，比如“有车贷”“加装了行李架”“跑滴滴”。",
        words=("网约车", "改装", "贷款", "抵押", "营运"), show=_show_disclosure)


def start_field() -> Field:
    return Field("start", "起保时间", _start_prompt, _parse_start,
                 "同意默认时间就回复“可以”；想换就说日期，比如“12月15日”。",
                 words=("生效", "起保", "开始", "日期"), depends=("quote",))


def clauses_field() -> Field:
    return Field("clauses", "条款确认", _clauses_prompt, _parse_clauses,
                 "这几条关系到以后能不能赔，需要您本人看过。看完请回复“我已阅读并同意”；有疑问可以直接问我，或转人工。",
                 depends=("quote", "requote"))


def relation_field(question: str) -> Field:
    return choice("relation", "投保人", question,
                  [("是我本人", "self", r"本人|是我|我是|自己|我的|^是|^对|^嗯"), ("替家人办理", "family", r"家人|老婆|老公|爱人|父|母|爸|妈|儿|女|朋友|代|替|别人|公司|单位")],
                  explain="车主就是您，回复“是我本人”；替家人办，回复“替家人办理”。", words=("投保人", "车主", "本人"))


def tail(kind: str, form: Any) -> tuple[Field | Step, ...]:
    """The nodes from the disclosure on."""

    async def file(turn: Turn, draft: Draft) -> None:
        await submit(turn, draft, kind)

    return (
        disclosure_field(),
        Step("quote", make_quote, depends=("plan", "disclosure", "relation")),
        start_field(),
        Step("requote", requote, depends=("start", "quote")),
        clauses_field(),
        confirm_field(lambda t, d: read_back_question(form())(t, d), "确认投保" if kind == "new_policy" else "确认续保",
                      depends=("plan", "disclosure", "start", "quote", "requote", "clauses", "relation")),
        Step("submitted", file, depends=("confirm",)),
    )
