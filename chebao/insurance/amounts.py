"""Sums of money in yuan, as customers write and say them."""

from __future__ import annotations

import re
from decimal import Decimal

from chebao.insurance.found import Found, fold
from chebao.insurance.numbers_zh import NUMERAL_CLASS, chinese_to_decimal

_ARABIC = r"[0-9]{1,3}(?:,[0-9]{3})+(?:\.[0-9]{1,2})?|[0-9]+(?:\.[0-9]+)?"
_ZH_DIGIT = "一二两三四五六七八九"
_NUMERAL = rf"[{_ZH_DIGIT}壹贰叁肆伍陆柒捌玖十拾][{NUMERAL_CLASS}]*(?:点[零{_ZH_DIGIT}]+[百千万亿]*)?"
_MULTIPLIED = rf"(?:{_ARABIC})[ ]?(?:[百千万亿]+(?:零?(?:[0-9]{{1,4}}|[{_ZH_DIGIT}]{{1,4}})(?:[百千](?:[0-9{_ZH_DIGIT}](?![0-9]))?)?)?|[WK][0-9]?(?![0-9A-Z.]))"
_MORE = r"(?:[多来余几]|好几)?"
_YUAN = r"(?:元整?|块钱|块|圆|人民币|RMB|CNY)"
_NOT_MONEY = (
    r"(?!\s*(?:公里|千米|公斤|里|米|KM|码|迈|像素|个|人|次|天|年|月|日|号|点|时|分钟|分|秒|小时|星期|周|辆|台|条|件|位|种|公分|斤|吨|度|%|％|字|遍|倍|家|"
    r"名|座|岁|升|L(?![A-Z])|T(?![A-Z])|毫|瓦|转|匹|期|步|平|成|只|层|路|环|国道|省道|高速|款|系|楼|栋|室|弄|线|把|场|火|笔|张|份|页|单|一(?!个?[年月天])))"
)
_AMOUNT = re.compile(
    rf"(?P<vague>[几数]|十几|好几|(?<![加提调升])上|(?<![调改变换提加升写])成|若干)?(?P<sign>[¥￥]\s?)?"
    rf"(?P<number>{_MULTIPLIED}|{_ARABIC}|{_NUMERAL})(?P<more>{_MORE})(?P<scale>[百千万]?)(?:(?P<unit>{_YUAN})(?P<tail>[0-9{_ZH_DIGIT}](?:毛|角)?(?![0-9{NUMERAL_CLASS}]))?)?"
)
_UNITLESS_NUMERAL = re.compile(rf"(?:{_ARABIC}|[{NUMERAL_CLASS}点]+)[ ]?[百千万亿WK]|[{NUMERAL_CLASS}]*[百千万亿]")
_SAID = re.compile(
    r"(?:赔付?|赔偿|定损|核损|花|报价|保费|保额|价格|售价|裸车价|车价|购置价|落地价?|开票价|发票价|修车费?|维修费?|修理费?|医药费|医疗费|罚款|扣|交|付|退|收|"
    r"多收|报销|要价|金额|补|转|只给|给|定|认|批|减了?|到账|值|总价|合计|共计|总共|一共|保险费|车船税)(?:了|的是|是|为|我|款|到|到了|了我|出|出了|:|才|只有|只|也就|大概|差不多|大约|约|在|金额)*[ ]?$"
)
_RANGE = re.compile(rf"[{_ZH_DIGIT}][{_ZH_DIGIT}](?=[十百千万])|[{_ZH_DIGIT}]、[{_ZH_DIGIT}]")
_ADJACENT = ("一二", "两三", "二三", "三四", "三五", "四五", "五六", "六七", "七八", "八九")
_SHORT = re.compile(r"(?P<head>[0-9.]+)(?P<unit>[WK])(?P<tail>[0-9]?)")
_HUNDREDS = re.compile(r"[一二两三四五六七八九1-9][百千]个(?=$|[，。,!！?？~])")
_OF_BILL = re.compile(r"的?(?:发?票|保费|保单|账单)")
_LARGEST_BARE = 10**9
_AFTER = re.compile(_NOT_MONEY)
_SPOKEN_FRACTION = re.compile(r"(?:百分之|千分之|万分之|第|[0-9]-|[A-Z])$")


def find_amounts(text: str) -> list[Found]:
    """Sums with a unit (元, 块, 万 …) or after a word like 赔, 保费; vague ones (几百块, 十几万) are left out."""
    folded = fold(text)
    found: list[Found] = []
    for match in _AMOUNT.finditer(folded):
        value = _value(match)
        if value is None or value <= 0 or not _is_money(match, folded):
            continue
        start = match.start("sign") if match["sign"] else match.start("number")
        found.append(Found("amount", _plain(value), start, match.end()))
    return found


def parse_amount(text: str) -> Decimal | None:
    """The one sum in an answer to a question about money, also without a unit ("5000"); None when none or vague."""
    found = find_amounts(text)
    if len(found) == 1:
        return Decimal(found[0].value)
    if found:
        return None
    candidates = [match for match in _AMOUNT.finditer(fold(text)) if match["number"]]
    values = [value for value in map(_value, candidates) if value is not None and value > 0]
    if len(candidates) == 1 and len(values) == 1 and not _before_is_code(candidates[0], fold(text)):
        plausible = (text.strip().isdigit() or values[0] >= 100) and values[0] <= _LARGEST_BARE
        return values[0] if plausible and _AFTER.match(fold(text), candidates[0].end()) else None
    return None


def _plain(value: Decimal) -> str:
    text = format(value, "f")
    return text.rstrip("0").rstrip(".") if "." in text else text


def _value(match: re.Match[str]) -> Decimal | None:
    number = match["number"].replace(",", "").replace(" ", "")
    if match["vague"] or _vague_range(number) or (match["more"] and match["more"] in "几好几"):
        return None
    if short := _SHORT.fullmatch(number):
        unit = 10_000 if short["unit"] == "W" else 1000
        value: Decimal | None = Decimal(short["head"]) * unit + int(short["tail"] or 0) * unit // 10
    else:
        value = chinese_to_decimal(number)
    if value is None:
        return None
    if match["scale"]:
        if not match["more"] or value < 1:
            return None
        value *= {"百": 100, "千": 1000, "万": 10_000}[match["scale"]]
    if match["tail"]:
        value += _tail(match)
    return value


def _tail(match: re.Match[str]) -> Decimal:
    digit = chinese_to_decimal(match["tail"].rstrip("毛角"))
    return (digit or Decimal(0)) / 10 if match["unit"] and "块" in match["unit"] else Decimal(0)


def _vague_range(number: str) -> bool:
    hit = _RANGE.search(number)
    return hit is not None and hit.group()[:2] in _ADJACENT


def _before_is_code(match: re.Match[str], folded: str) -> bool:
    head = folded[max(0, match.start() - 4) : match.start()]
    return bool(_SPOKEN_FRACTION.search(head)) or head[-1:] in {".", "-", "_"}


def _is_money(match: re.Match[str], folded: str) -> bool:
    if _before_is_code(match, folded):
        return False
    said = bool(_SAID.search(folded[max(0, match.start() - 12) : match.start()]))
    if match["unit"] or match["sign"]:
        # "一块玻璃", "两块漆": a piece, not a coin
        piece = (
            match["unit"] == "块"
            and not match["sign"]
            and re.match(r"[去儿来走]|玻璃|漆|补|板|石|砖|电池|地方|的?[料铁]", folded[match.end() :])
        )
        one = match["unit"] == "块" and match["number"] == "一" and not match["tail"]
        return not piece and (said or not one)
    if said and _HUNDREDS.match(folded, match.start()):
        return True
    if not _AFTER.match(folded, match.end()) or folded[match.end() : match.end() + 1] in {"-", "/", ":", ".", "年"}:
        return False
    if match["scale"] or _UNITLESS_NUMERAL.match(match["number"]):
        return _big_enough(match)
    return match["number"][0].isdigit() and (said or bool(_OF_BILL.match(folded, match.end())))


def _big_enough(match: re.Match[str]) -> bool:
    value = _value(match)
    return value is not None and value >= 100
