"""The few facts of a car that a price needs, as customers say them."""

from __future__ import annotations

import re
from typing import Any

from actions.fields import choice
from actions.nodes import Draft, Field, Miss, Prompt
from actions.plans_talk import money
from actions.turn import Turn, option
from chebao.insurance import cars, plate
from chebao.insurance.amounts import parse_amount
from chebao.insurance.moments import parse_moment
from chebao.insurance.numbers_zh import chinese_to_int
from chebao.insurance.regions import CITIES
from chebao.insurance.vin import find_vins


def _number(text: str) -> int | None:
    """An integer in figures or Chinese numerals."""
    return int(text) if text.isascii() and text.isdigit() else chinese_to_int(text.replace("两", "二"))


# --- model ------------------------------------------------------------------------------------------------------


def _take_model(turn: Turn, draft: Draft) -> str | None:
    found = cars.find_car_models(turn.text)
    return found[0].value if found else None


def parse_model(turn: Turn, draft: Draft) -> Any:
    """The model in the customer's words; whole answers are taken where the catalogue does not know them."""
    if "model" in turn.pressed:
        return turn.pressed["model"]
    said = re.sub(r"^(是|我的是|我的车是|车型|我开的?是?|开的是?|一辆|一台|一部)+[是:：]?", "", turn.text.strip())
    bare = plate.find_plates(said) or re.fullmatch(r"[\d.\s]+|(嗯|好的?|是的?|不知道|不清楚|忘了)[。.]?", said)
    if bare or (turn.looks_like_question and not cars.find_car_models(said)):
        return None
    clauses = [part.strip() for part in re.split(r"[，,。；;]", said) if part.strip()]
    named = next((part[found[0].start :] for part in clauses if (found := cars.find_car_models(part))), None)
    said = named or (clauses[0] if clauses else "")
    return said[:60] if len(said) >= 2 else None


def _model_prompt(turn: Turn, draft: Draft) -> Prompt:
    """The open question; after a brand alone, which of its series."""
    series = draft.get("series") or ()
    if series:
        return Prompt(
            "同一个牌子的车价格差得多。您的车是哪一款车型？", [option(name, "model", name) for name in series]
        )
    return Prompt("比如“大众朗逸 2023款 1.5L”。您的车是什么品牌和车型？")


def model_field() -> Field:
    return Field(
        "model",
        "车型",
        _model_prompt,
        parse_model,
        "看行驶证上的品牌型号，或者说“丰田卡罗拉”“比亚迪秦PLUS”这样的车型名字就行。",
        words=("车型", "品牌", "车系"),
        take=_take_model,
        free=True,
        show=str,
    )


# --- price ------------------------------------------------------------------------------------------------------


def parse_price(turn: Turn, draft: Draft) -> Any:
    """The price as new in yuan; a bare number below 1,000 is meant in 万."""
    said = turn.text.strip()
    value = parse_amount(said)
    if value is None and (match := re.fullmatch(r"(?:大概|大约|约|差不多|是)?([\d.]+)(?:左右|吧)?", said)):
        value = parse_amount(match[1] + "元")
    if value is None:
        return None
    if value < 1000:
        value *= 10000
    if not 5000 <= value <= 20_000_000:
        return Miss("这个价格看着不太对，新车购置价说个大概就行，比如“十二万八”。请问新车价格大概是多少？")
    return f"{value:f}"


def _take_price(turn: Turn, draft: Draft) -> str | None:
    """A price that is said to be the car's own, in passing."""
    found = re.search(
        r"(?:购置价|裸车价?|车价|新车价格?|落地价?|开票价?|发票价?|指导价|买的时候|价格|官方价)(?:改成|改为|应该|大概|差不多|其实|不对|说错了|[是为:：，,\s])*([^，,。；;？?]{1,12})|([\d.一二两三四五六七八九十]+万[^，,。；;块元]{0,4})(?:块|元)?(?:钱)?(?:买|提|落地|入手)",
        turn.text,
    )
    if not found:
        return None
    value = parse_price(turn.saying(found[1] or found[2]), draft)
    return value if isinstance(value, str) else None


def price_field() -> Field:
    return Field(
        "price",
        "新车购置价",
        lambda t, d: Prompt("这款车我这儿没有参考价。新车购置价大概是多少钱？"),
        parse_price,
        "新车购置价说个大概就行，比如“十二万八”“128000”。",
        words=("购置价", "价格", "车价", "多少钱买"),
        take=_take_price,
        depends=("model",),
        show=lambda v: f"{money(v)} 元",
    )


# --- energy and seats -------------------------------------------------------------------------------------------

_ENERGIES = (
    ("汽油/柴油车", "fuel", r"汽油|柴油|燃油|油车|加油|纯油|^油"),
    ("纯电动", "electric", r"纯电|电动|电车|^电"),
    ("插电混动/增程", "phev", r"插电|插混|增程|PHEV|phev|DM"),
    ("普通混动", "hybrid", r"油电|混动|双擎|不(能|用)充电"),
)


def _take_energy(turn: Turn, draft: Draft) -> str | None:
    said = re.search(r"纯电(动)?|插电|插混|增程|油电混动|汽油车|柴油车|燃油车|电动车|电车", turn.text)
    return next((v for _, v, words in _ENERGIES if said and re.search(words, said.group())), None)


def energy_field() -> Field:
    return choice(
        "energy",
        "能源类型",
        "是汽油车还是新能源车？",
        _ENERGIES,
        explain="加油的回复“汽油车”，绿牌纯电回复“纯电动”，绿牌能加油也能充电回复“插电混动”。",
        words=("汽油", "新能源", "能源", "燃油", "纯电", "插电"),
        take=_take_energy,
        depends=("model",),
    )


def _seats_in(text: str) -> int | None:
    found = re.search(r"([\d一二两三四五六七八九])\s*座(?!位?险)", text) or re.fullmatch(
        r"\s*([2-9二两三四五六七八九])\s*个?\s*", text
    )
    return _number(found[1]) if found else None


def seats_field() -> Field:
    def parse(turn: Turn, draft: Draft) -> Any:
        return turn.pressed.get("seats") or _seats_in(turn.text)

    return Field(
        "seats",
        "座位数",
        lambda t, d: Prompt("车是几座的？", [option("5 座", "seats", 5), option("7 座", "seats", 7)]),
        parse,
        "行驶证上写着核定载人数，比如“五座”“七座”。",
        words=("几座", "座位数"),
        take=lambda t, d: _seats_in(t.text) if "座" in t.text else None,
        depends=("model",),
        show=lambda v: f"{v} 座",
    )


# --- registration -----------------------------------------------------------------------------------------------

_YEARS_AGO = re.compile(
    r"(\d{1,2}|[一二两三四五六七八九十]{1,3})\s*年(了|前|多|左右|车龄|的车)|车龄(?:有|是|大概)?(\d{1,2}|[一二两三四五六七八九十]{1,3})年|(?:开了|用了|买了)(\d{1,2}|[一二两三四五六七八九十]{1,3})年"
)
_YEAR_MONTH = re.compile(
    r"((?:19|20)?\d{2})\s*年(?:\s*(\d{1,2}|[一二三四五六七八九十]{1,2})\s*月)?|((?:19|20)\d{2})(?:\s*[-./]\s*(\d{1,2}))?(?!\d)"
)
_SHORT_YEAR_MONTH = re.compile(r"(\d{2})[-./](0?[1-9]|1[0-2])")
"""The whole answer "21.9"."""


def parse_registered(turn: Turn, draft: Draft) -> Any:
    """Year and month of the first registration, e.g. "2023-05"; a year alone counts from its middle."""
    if turn.pressed.get("first_registered") == "new" or re.search(r"新车|刚(买|提|上牌)|没上牌|未上牌|还没", turn.text):
        return turn.now.strftime("%Y-%m")
    if age := _YEARS_AGO.search(turn.text):
        years = _number(next(g for g in (age[1], age[3], age[4]) if g))
        return f"{turn.now.year - years}-{turn.now.month:02d}" if years is not None and years <= 40 else None
    if match := _YEAR_MONTH.search(turn.text):
        return _past_month(turn, int(match[1] or match[3]), match[2] or match[4])
    if short := _SHORT_YEAR_MONTH.fullmatch(turn.text.strip()):
        return _past_month(turn, int(short[1]), short[2])
    moment = parse_moment(turn.text, turn.now)
    return moment.start.strftime("%Y-%m") if moment is not None and moment.start <= turn.now else None


def _past_month(turn: Turn, year: int, month: str | None) -> Any:
    year += 2000 if year < 100 else 0
    number = _number(month) if month else None
    told = f"{year}-{number:02d}" if number else f"{year}-{6 if year < turn.now.year else 1:02d}"
    if told > turn.now.strftime("%Y-%m"):
        return Miss("这个日期还没到，上牌时间看行驶证上的注册日期，比如“2023年5月”。车是哪年哪月上牌的？")
    return told if 1 <= (number or 1) <= 12 and year >= 1980 else None


def _take_registered(turn: Turn, draft: Draft) -> str | None:
    if re.search(r"(上的?牌|登记|注册|买的|提的|买了|开了|车龄)", turn.text) and not re.search(
        r"没上牌|未上牌|没有?上牌|过户", turn.text
    ):
        found = parse_registered(turn, draft)
        return found if isinstance(found, str) else None
    return None


def registered_field() -> Field:
    return Field(
        "first_registered",
        "上牌时间",
        lambda t, d: Prompt("车是哪年哪月上牌登记的？", [option("刚上牌", "first_registered", "new")]),
        parse_registered,
        "看行驶证上的注册日期，说年月就行，比如“2023年5月”。",
        words=("上牌", "登记", "注册", "哪年"),
        take=_take_registered,
        needed=lambda t, d: d.get("plate") != "",
        show=lambda v: f"{v[:4]}年{int(v[5:7])}月",
    )


# --- city and use -----------------------------------------------------------------------------------------------


def city_in(said: str) -> str | None:
    """The first city that the text names."""
    return next((c for c in CITIES if c in said), None)


def _take_city(turn: Turn, draft: Draft) -> str | None:
    told = city_in(turn.text)
    if told or draft.get("city_asked"):
        return told
    return plate.city_of(draft["plate"]) if draft.get("plate") else None


def _parse_city(turn: Turn, draft: Draft) -> Any:
    """A city that we know, or what is plainly called a place ("平阳县"): we have no branch there, and say so."""
    other = re.search(r"([\u4e00-\u9fa5]{1,8}[市县区州盟旗])[。.]?$", turn.text.strip())
    return city_in(turn.text) or (other[1] if other and not turn.looks_like_question else None)


def city_field() -> Field:
    return Field(
        "city",
        "用车城市",
        lambda t, d: Prompt("车平时主要在哪个城市开？"),
        _parse_city,
        "说用车的城市名就行，比如“杭州”。",
        words=("城市", "地区"),
        take=_take_city,
        show=str,
    )


_USES = (
    ("家用", "family", r"家|自|私|代步|上下班|非营"),
    ("网约车/营运", "ride_hailing", r"网约|滴滴|营运|出租|拉货"),
    ("单位用车", "company", r"公司|单位|企业|商务|公务"),
)


def _take_usage(turn: Turn, draft: Draft) -> str | None:
    for clause in re.split(r"[，,。；;！!\s]", turn.text):
        denied = re.search(r"不(是|跑|做|用)|没(有|跑|做)|非营", clause)
        if re.search(r"网约车|滴滴|营运|出租车|拉货|货运", clause) and not denied:
            return "ride_hailing"
    if re.search(r"公司(名下)?的?车|单位(名下)?的?车|企业用车|公务用?车|公车", turn.text):
        return "company"
    return "family" if re.search(r"家用|私家车|自己开|上下班|代步|家里用|自用", turn.text) else None


def usage_field() -> Field:
    return choice(
        "usage",
        "用途",
        "车的用途是家用，还是营运（比如网约车）？",
        _USES,
        explain="自家代步就回复“家用”，跑网约车或拉货回复“营运”，公司名下的回复“单位用车”。",
        words=("用途", "使用性质"),
        take=_take_usage,
    )


# --- VIN --------------------------------------------------------------------------------------------------------


def parse_vin(turn: Turn, draft: Draft) -> Any:
    """The VIN, "photo" for a picture of a certificate, "later" where the customer cannot give it yet."""
    if turn.attachments and not turn.text:
        draft["vin_photo"] = turn.attachments[0]["id"]
        return "photo"
    found = find_vins(turn.text)
    if found:
        return found[0].value
    if turn.pressed.get("vin") == "later" or re.search(
        r"稍后|以后|晚点|不在|没有|手边|不知道|跳过|回头|没带|再补|再说|先不", turn.text
    ):
        return "later"
    if re.search(r"[A-Za-z0-9]{11,}", turn.text):
        return Miss("车架号是 17 位字母数字（没有 I、O、Q），不在手边也可以回复“稍后补”。请再核对一次车架号。")
    return None


def vin_field() -> Field:
    return Field(
        "vin",
        "车架号",
        lambda t, d: Prompt(
            "可以打字，也可以拍合格证或购车发票的照片；不在手边就稍后补。请发 17 位车架号。",
            [option("稍后补", "vin", "later")],
            "licence",
        ),
        parse_vin,
        "车架号在合格证和购车发票上，17 位；现在没有就回复“稍后补”，不影响付款。",
        words=("车架号", "VIN"),
        take=lambda t, d: next((f.value for f in find_vins(t.text)), None) if d.get("plate") == "" else None,
        needed=lambda t, d: d.get("plate") == "",
        depends=("plate",),
        show=lambda v: {"later": "稍后补", "photo": "已发照片"}.get(v, v),
    )
