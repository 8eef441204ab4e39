"""From the disclosure to the formal quote and its start: what new policies and renewals share."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date
from typing import Any

from actions.nodes import AskAgain, Draft, Field, Miss, Prompt
from actions.plans_talk import by_code, money
from actions.previous_cover import cover_end
from actions.services import backoffice
from actions.turn import Turn, option
from chebao.errors import RuleForbids
from chebao.insurance.moments import parse_coming

_DISCLOSED = {
    "ride_hailing": r"网约车|滴滴|营运|拉客|拉货|顺风车|货拉拉|跑车",
    "modified": r"改装|改过|加装|换了|改了|贴了?改色|刷了?ECU",
    "loan": r"贷|按揭|抵押|月供|分期",
}
_DISCLOSED_NAMES = {"ride_hailing": "网约车/营运", "modified": "有改装", "loan": "有贷款或抵押"}
_BARE_NO = re.compile(
    r"((都|全|也|这些|以上|三样|三项|啥|什么)*(没有?|无|否|不是|木有|冇)(的|了|啊|哦|呢|过)?[，, ]?)+[。.!！]*"
)
_NONE = re.compile(r"都(没|不是|无)|没有(这些|以上)|以上(都)?没|(这些|三样|哪样|一样)(都|也)?没")
_DENIED = r"(没|不|无|未|非|别)[^，,。；;！!但]{0,5}"
_SETTLED = r"[^，,。；;！!]{0,6}(还清|结清|还完|解押|没有$|没$)"
_OWED = re.compile(r"(没|未)有?(还清|还完|结清|解押)")


def parse_disclosure(turn: Turn, draft: Draft) -> Any:
    """``{}`` for none, else which of ride_hailing, modified, loan, with the customer's words."""
    told = _parse_told(turn)
    if isinstance(told, dict) and draft.get("usage") == "ride_hailing":
        return {"ride_hailing": True, **told}
    return told


def _parse_told(turn: Turn) -> Any:
    pressed = turn.pressed.get("disclosure")
    if pressed == "none":
        return {}
    if pressed is not None:
        return Miss("好的，是哪一种呢：跑网约车或营运、改装过，还是在贷款抵押？")
    if turn.looks_like_question and not _BARE_NO.fullmatch(turn.text.strip()):
        return None
    told = {name for name, words in _DISCLOSED.items() if _told(words, turn.text)}
    if told:
        return {name: True for name in _DISCLOSED if name in told} | {"text": turn.text[:200]}
    denied = any(re.search(words, turn.text) for words in _DISCLOSED.values())
    bare = _BARE_NO.fullmatch(turn.text.strip())
    return {} if denied or bare or _NONE.search(turn.text) else None


def _take_disclosure(turn: Turn, draft: Draft) -> Any:
    """Taken unasked only where the message speaks of all that would be asked."""
    if turn.pressed or not all(re.search(words, turn.text) for words in _DISCLOSED.values()):
        return None
    told = parse_disclosure(turn.saying(re.sub(r"[?？]", "", turn.text)), draft)
    return told if isinstance(told, dict) else None


def _told(words: str, text: str) -> bool:
    """Whether one of `words` is said and not denied ("没改装过", "贷款已经还清了")."""
    for clause in re.split(r"[，,。；;！!\s]|但是?|不过|就是|只有?", text):
        denied = re.search(_DENIED + f"({words})", clause) or re.search(f"({words}){_SETTLED}", clause)
        if re.search(words, clause) and (not denied or _OWED.search(clause)):
            return True
    return False


def _show_disclosure(value: Mapping[str, Any]) -> str:
    return (
        "、".join(name for key, name in _DISCLOSED_NAMES.items() if value.get(key)) or "无网约车、营运、改装、贷款抵押"
    )


def _disclosure_prompt(turn: Turn, draft: Draft) -> Prompt:
    first = (
        "除了已经说的营运，这台车"
        if draft.get("usage") == "ride_hailing"
        else "投保前要如实告知几项，会影响以后的理赔。这台车有没有跑网约车或营运、"
    )
    rest = "有没有改装过，或者还在贷款抵押？" if draft.get("usage") == "ride_hailing" else "改装过，或者还在贷款抵押？"
    return Prompt(first + rest, [option("都没有", "disclosure", "none"), option("有其中一项", "disclosure", "some")])


def disclosure_field() -> Field:
    return Field(
        "disclosure",
        "告知事项",
        _disclosure_prompt,
        parse_disclosure,
        "都没有就回复“都没有”；有的话说是哪一种，比如“有车贷”“加装了行李架”“跑滴滴”。",
        words=("网约车", "改装", "贷款", "抵押", "营运"),
        take=_take_disclosure,
        depends=("usage",),
        show=_show_disclosure,
    )


def _modified(turn: Turn, draft: Draft) -> bool:
    return bool((draft.get("disclosure") or {}).get("modified"))


def _take_modification(turn: Turn, draft: Draft) -> str | None:
    if not _modified(turn, draft):
        return None
    for clause in re.split(r"[，,。；;！!]", turn.text):
        what = re.sub(r"就是|有|我|车|改装|改|换|过|了|的|一下|是", "", clause)
        if re.search(_DISCLOSED["modified"], clause) and len(what) >= 2 and not re.search(r"没|不|无", clause):
            return clause.strip()[:200]
    return None


def modification_field() -> Field:
    def parse(turn: Turn, draft: Draft) -> Any:
        said = turn.text.strip()
        return said[:200] if len(said) >= 2 else None

    return Field(
        "modification",
        "改装内容",
        lambda t, d: Prompt("改装要请核保同事看一下。具体改了哪里？"),
        parse,
        "说一下改的部位就行，比如“换了轮毂”“加装了行李架”。",
        words=("改装内容",),
        take=_take_modification,
        needed=_modified,
        depends=("disclosure",),
        free=True,
        show=str,
    )


def _loaned(turn: Turn, draft: Draft) -> bool:
    return bool((draft.get("disclosure") or {}).get("loan"))


_LENDER = re.compile(
    r"[\u4e00-\u9fa5A-Za-z]{2,16}?(银行|汽车金融|金融(公司)?|租赁(公司)?|信用社|财务公司)([\u4e00-\u9fa5]{2,8}(支行|分行))?"
)


def _take_lender(turn: Turn, draft: Draft) -> str | None:
    found = _LENDER.search(turn.text) if _loaned(turn, draft) else None
    return re.sub(r"^.*(有|是|在|找|跟|从|贷款|车贷|按揭)", "", found.group()) or None if found else None


def beneficiary_field() -> Field:
    """The lender, who is named on the policy as first beneficiary."""

    def parse(turn: Turn, draft: Draft) -> Any:
        if "first_beneficiary" in turn.pressed:
            return turn.pressed["first_beneficiary"]
        if re.search(r"稍后|不清楚|不知道|忘|不记得|以后|回头|晚点|手边", turn.text):
            return "later"
        said = re.sub(r"^(是|贷款的?是?|在|叫)", "", turn.text.strip())
        return _take_lender(turn, draft) or (
            said[:60] if re.fullmatch(r"[\u4e00-\u9fa5A-Za-z（）()]{2,30}", said) else None
        )

    return Field(
        "first_beneficiary",
        "第一受益人",
        lambda t, d: Prompt(
            "有贷款的车，一般会把放款机构写成第一受益人。是哪家银行或金融公司？",
            [option("稍后补", "first_beneficiary", "later")],
        ),
        parse,
        "贷款合同上有全称，比如“招商银行”“大众汽车金融”；手边没有就回复“稍后补”。",
        words=("受益人", "银行"),
        take=_take_lender,
        needed=_loaned,
        depends=("disclosure",),
        show=lambda v: "稍后补" if v == "later" else str(v),
    )


def quote_body(turn: Turn, draft: Draft) -> dict[str, Any]:
    """The formal quote's body: the estimate's facts, the identified customer, the disclosure, the chosen covers."""
    covers = by_code(draft)[draft["plan"]]["covers"]
    verified, told = turn.verified or {}, draft.get("disclosure") or {}
    body = {
        **draft["estimate_body"],
        "customer_id": turn.customer_id,
        "owner": {"name": draft.get("owner_name") or verified.get("name"), "relation": draft.get("relation", "self")},
        "disclosure": {
            "ride_hailing": bool(told.get("ride_hailing")) or draft.get("usage") == "ride_hailing",
            "modified": bool(told.get("modified")),
            "modification_text": (draft.get("modification") or told.get("text")) if told.get("modified") else None,
            "loan": bool(told.get("loan")),
            "transferred": bool(draft.get("transferred")),
        },
        "plan": draft["plan"],
        "covers": {code: True if code == "vehicle_damage" else amount for code, amount in covers.items()},
    }
    if draft.get("vin") not in (None, "later", "photo"):
        body["vin"] = draft["vin"]
    if draft.get("start") not in (None, "default"):
        body["start"] = draft["start"]
    if draft.get("previous_end") and "history" not in body:  # what a register tells counts for more
        body["history"] = {"previous_end": draft["previous_end"]}
    return body


async def make_quote(turn: Turn, draft: Draft) -> dict[str, Any]:
    """The formal quote with the default start; its price and what underwriting says are told."""
    row = await backoffice().create_quote(quote_body(turn, draft), turn.key("create_quote"))
    parts = [f"交强险 {money(row['compulsory']['premium'])} 元"]
    if row.get("commercial"):
        parts.append(f"商业险 {money(row['commercial']['premium'])} 元")
    parts.append(f"车船税 {money(row['vehicle_tax'])} 元")
    said = f"正式报价：合计 {money(row['total'])} 元（{'、'.join(parts)}），{row['expires_at'][:10]} 前有效。"
    if row.get("declared"):
        said += "车辆情况是按您申报的计算的。"
    turn.say(said + _underwriting_note(row["underwriting"]))
    _keep_reasons(draft, row)
    return _kept(row)


def _underwriting_note(result: Mapping[str, Any]) -> str:
    reasons = "；".join(str(r).rstrip("。") for r in result.get("reasons", []))
    notes = {
        "inspection_required": f"商业险要先验车（{reasons}），交强险不受影响，可以先买。",
        "referred": f"商业险要请核保同事看一下（{reasons}），交强险不受影响，可以先买。",
        "declined": f"商业险这次没能承保（{reasons}），交强险照常可以买；也可以请人工同事再看看。",
    }
    return notes.get(str(result["commercial"]), "")


def _keep_reasons(draft: Draft, row: Mapping[str, Any]) -> None:
    """Later questions about the price are answered from the quote, no longer from the estimate."""
    if row.get("changes"):
        draft["changes"] = [c["reason"] for c in row["changes"]]
    if row.get("explanation"):
        draft["plans"] = [
            p | {"explanation": row["explanation"]} if p["code"] == draft["plan"] else p for p in draft["plans"]
        ]


def _kept(row: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "quote_no": row["quote_no"],
        "total": row["total"],
        "start": row["start"],
        "earliest_start": row["earliest_start"],
        "immediate_allowed": bool(row.get("immediate_allowed")),
        "declared": bool(row.get("declared")) and bool(row.get("plate")),
    }


async def requote(turn: Turn, draft: Draft) -> dict[str, Any]:
    """Another start than the default makes another quote."""
    quote: dict[str, Any] = draft["quote"]
    if draft["start"] == "default":
        return quote
    try:
        row = await backoffice().create_quote(quote_body(turn, draft), turn.key("create_quote_again"))
    except RuleForbids as forbidden:
        if forbidden.code not in ("start_too_late", "overlap"):
            raise
        turn.say(forbidden.message)
        raise AskAgain("start") from None
    draft["quote"] = _kept(row) | {"earliest_start": quote["earliest_start"]}
    how = "约定付款出单后即时生效" if draft["start"] == "immediate" else "按新的起保时间"
    turn.say(f"好的，{how}，合计 {money(row['total'])} 元。{_gap(quote, row)}")
    kept: dict[str, Any] = draft["quote"]
    return kept


def _gap(quote: Mapping[str, Any], row: Mapping[str, Any]) -> str:
    """A warning where the wish leaves days without cover; a declared car may be covered elsewhere."""
    first, chosen = _day(quote["start"]), _day(row["start"])
    if quote["declared"] or chosen <= first:
        return ""
    return f"提醒一下：{day_text(first)}到{day_text(chosen)}之间没有保障，这段时间请别开车上路。"


def day_text(day: date) -> str:
    return f"{day.year}年{day.month}月{day.day}日"


def _start_prompt(turn: Turn, draft: Draft) -> Prompt:
    quote = draft["quote"]
    buttons = [option("可以", "start", "default"), option("换个日期", "start", "other")]
    said = ""
    if quote["immediate_allowed"]:
        buttons.insert(1, option("即时生效", "start", "immediate"))
        said = "也可以约定付款出单后即时生效。"
    elif quote["declared"]:
        known = "previous_end" in draft
        said = "" if known else "如果现在还有没到期的保险，告诉我哪天到期，我接着往后续。"
    return Prompt(f"{said}保险默认从 {day_text(_day(quote['start']))} 0 点生效，可以吗？", buttons)


_AS_SOON_AS_POSSIBLE = re.compile(r"(越|尽)快|越早越好|最快|最早|赶紧|赶快|早点")
_AFTER_THE_OLD = re.compile(r"(等|到期|老的|原来的|现在的|上一份|旧的)[^，,。]{0,12}(接|再|续上|之后|以后|后)")


def parse_start(turn: Turn, draft: Draft) -> Any:
    """default | immediate | an ISO day; too early a day is explained."""
    quote, pressed = draft["quote"], turn.pressed.get("start")
    which_day = Miss("好的，日期说几月几日就行，比如“12月15日”。您希望从哪天开始？")
    if pressed:
        return which_day if pressed == "other" else pressed
    if (end := cover_end(turn.text, turn.now)) is not None and end > turn.now.date():
        return _wished_day(max(end, _day(quote["earliest_start"])), quote)
    if re.search(r"即时|马上(?!到期)|立刻|现在就|立即|当场|今天(就|能|可以)", turn.text):
        refusal = Miss("即时生效只用于新车或保险已经到期的车；这台车的保障按默认时间开始，可以吗？")
        return "immediate" if quote["immediate_allowed"] else refusal
    if _AS_SOON_AS_POSSIBLE.search(turn.text):
        return "immediate" if quote["immediate_allowed"] else "default"
    if _AFTER_THE_OLD.search(turn.text) and quote["declared"] and not draft.get("previous_end"):
        return Miss("好的，我接着原来的往后续。原来的保险哪天到期？")
    moment = parse_coming(turn.text, turn.now)
    if moment is not None and moment.precision != "month":
        return _wished_day(moment.start.date(), quote)
    if re.search(r"不(行|可以|好|同意|要)|换|改|别的|其他", turn.text):
        return which_day
    if turn.looks_like_question:
        return None
    agreed = turn.is_intent("affirm", least=0.5) or re.search(
        r"可以|好|行|默认|没问题|同意|就这|嗯|OK|ok|是|接着|到期", turn.text
    )
    return "default" if agreed else None


def _wished_day(day: date, quote: Mapping[str, Any]) -> Any:
    earliest = _day(quote["earliest_start"])
    if day < earliest:
        return Miss(f"最早可以从{day_text(earliest)} 0 点开始（不和现有保障重叠，也不往前补）。就从这天起，可以吗？")
    return "default" if day == _day(quote["start"]) else day.isoformat()


def _day(text: str) -> date:
    return date.fromisoformat(text[:10])


def start_field() -> Field:
    return Field(
        "start",
        "起保时间",
        _start_prompt,
        parse_start,
        "同意默认时间就回复“可以”；想换就说日期，比如“12月15日”。",
        words=("生效", "起保", "开始", "日期"),
        depends=("quote",),
    )
