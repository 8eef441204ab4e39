"""Car makes and series: the reference catalogue and how customers name a car."""

from __future__ import annotations

import re
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import NamedTuple

from chebao.insurance.files import DamagedFile, csv_rows
from chebao.insurance.found import Found, fold


class CarModel(NamedTuple):
    """One series; `price` is the order of magnitude of the manufacturer's guide price in yuan (reference data)."""

    series: str
    aliases: tuple[str, ...]
    brand: str
    energy: str
    seats: int
    price: Decimal


BRAND_ALIASES: dict[str, str] = {
    "一汽大众": "大众", "上汽大众": "大众", "一汽丰田": "丰田", "广汽丰田": "丰田", "东风本田": "本田", "广汽本田": "本田", "广本": "本田",
    "东风日产": "日产", "尼桑": "日产", "上汽通用别克": "别克", "长安福特": "福特", "北京现代": "现代", "东风悦达起亚": "起亚", "悦达起亚": "起亚",
    "长安马自达": "马自达", "一汽马自达": "马自达", "北京奔驰": "奔驰", "梅赛德斯奔驰": "奔驰", "梅赛德斯": "奔驰", "华晨宝马": "宝马",
    "一汽奥迪": "奥迪", "上汽通用五菱": "五菱", "长安汽车": "长安", "吉利汽车": "吉利", "长城汽车": "长城", "奇瑞汽车": "奇瑞",
    "上汽荣威": "荣威", "一汽红旗": "红旗", "一汽奔腾": "奔腾", "BYD": "比亚迪", "TESLA": "特斯拉", "蔚来汽车": "蔚来", "小鹏汽车": "小鹏",
    "理想汽车": "理想", "小米汽车": "小米", "AITO": "问界", "零跑汽车": "零跑", "哪吒汽车": "哪吒", "威马汽车": "威马", "广汽埃安": "埃安",
    "广汽传祺": "传祺", "北京汽车": "北汽", "北汽新能源": "北汽", "上汽大通": "大通", "东风标致": "标致", "东风雪铁龙": "雪铁龙", "上汽斯柯达": "斯柯达",
    "江铃福特": "福特", "WEY": "魏牌", "BMW": "宝马", "BENZ": "奔驰", "AUDI": "奥迪", "VOLVO": "沃尔沃", "LEXUS": "雷克萨斯", "迷你": "MINI",
    "凌志": "雷克萨斯", "保时捷汽车": "保时捷", "比亚迪汽车": "比亚迪", "深蓝汽车": "深蓝", "奥迪汽车": "奥迪",
    "长安启源": "长安", "吉利银河": "吉利", "奇瑞新能源": "奇瑞", "北京越野": "北汽", "一汽": "解放", "阿尔法·罗密欧": "阿尔法罗密欧",
    "阿斯顿·马丁": "阿斯顿马丁", "POLESTAR": "极星", "SERES": "赛力斯", "FIREFLY": "蔚来", "ZEEKR": "极氪", "AVATR": "阿维塔",
}  # fmt: skip

_BRANDS_WITHOUT_SERIES_TEXT = (
    "鸿蒙智行 广汽 长安凯程 吉祥 瑞驰 开瑞 观致 宝沃 汉腾 君马 比速 幻速 潍柴 黄海 中兴 猎豹 捷尼赛思 路特斯 迈凯伦 迈巴赫 菲亚特 "
    "阿斯顿马丁 阿尔法罗密欧 庆铃 凯马 夏利 克莱斯勒 GMC 凌宝 雷丁 云度 国机智骏 大运 曹操 赛麟 自游家 恒驰 合创 天际 爱驰 远航 野马 柳汽 上汽红岩 "
    "宝腾 华泰 福迪 金龙 金旅 纳智捷 悍马 光冈 莲花 红岩 欧宝 东风奕派 东风纳米 启源 银河 奕派 风云 iCAR"
)
"""Makes that customers name, of which the catalogue has no series: customers then say the series in their own words."""

_ORDINARY_BRANDS_TEXT = (
    "MINI 东南 乐道 仰望 创维 启辰 坦克 大通 小米 时代 星途 朋克 海马 深蓝 现代 理想 知豆 解放 迷你 长城 陆风 高合 "
    "吉祥 瑞驰 开瑞 观致 潍柴 黄海 中兴 猎豹 夏利 凌宝 大运 曹操 天际 远航 野马 金龙 莲花 悍马 一汽 广汽 猛士 恒驰 GMC 银河 风云 华泰 合创 奕派"
)
_ORDINARY_BRANDS = frozenset(_ORDINARY_BRANDS_TEXT.split())
"""Brand names that are everyday words too: they count only before a series or before 汽车, 牌 or 车."""

_ORDINARY_SERIES_TEXT = (
    "之光 云朵 佳辰 元 冒险家 冰淇淋 凌云 几何 初恋 卫士 发现 唐 夏 多多 大V 大圣 大狗 大蚂蚁 天语 好猫 宋 宝典 小康 小马 "
    "幻影 开拓者 彩虹 征程 得意 总裁 悦也 悦动 拿铁 探险者 揽月 摩卡 旅行者 无界 无限 时代 星 星光 星愿 星辰 梦想家 欧陆 汉 海狮 "
    "海豚 海豹 海鸥 熊猫 猛禽 玛奇朵 白猫 神兽 秦 糯玉米 缤果 考拉 航海家 花仙子 荣光 蓝山 追风 野马 阳光 雨燕 领航员 风云 飞行家 飞驰 "
    "高山 魔方 黑猫 萤火虫 昆仑"
)
_ORDINARY_SERIES = frozenset(_ORDINARY_SERIES_TEXT.split())
"""Series that are everyday words too: they count only after their brand."""


def _load() -> tuple[CarModel, ...]:
    path = Path(__file__).with_name("car_models.csv")
    rows = csv_rows(path, "series", "brand", "energy", "seats", "price")
    try:
        return tuple(
            CarModel(
                row["series"],
                tuple(filter(None, row["aliases"].split("/"))),
                row["brand"],
                row["energy"],
                int(row["seats"]),
                Decimal(row["price"]),
            )
            for row in rows
        )
    except (KeyError, ValueError, InvalidOperation) as error:
        raise DamagedFile(f"{path}: a row is damaged ({error})") from error


MODELS: tuple[CarModel, ...] = _load()
"""The catalogue of `car_models.csv`: a dated reference table, not a price list."""


def _written(name: str) -> str:
    folded = re.escape(fold(name)).replace(r"\ ", " ?").replace(r"\-", "[- ]?")
    return folded + (r"(?![0-9A-Z])" if re.search(r"[0-9A-Z]$", fold(name)) else "")


def _any_of(names: set[str]) -> str:
    return "|".join(_written(name) for name in sorted(names, key=lambda name: (-len(name), name)))


def _spoken_alone(name: str) -> bool:
    """Whether a series name is understood without its brand: Chinese words, or codes longer than "A6" or "308"."""
    if name in _ORDINARY_SERIES or (name.isascii() and (name.isdigit() or len(name) <= 2)):
        return False
    return not name.isascii() or len(name) >= 4 or fold(name) in {"GL8", "CRV", "SU7", "YU7", "Q5L", "A6L", "A4L"}


def _names(model: CarModel) -> tuple[str, ...]:
    return (model.series, *model.aliases)


_ALL_BRANDS = {model.brand for model in MODELS} | set(BRAND_ALIASES) | set(_BRANDS_WITHOUT_SERIES_TEXT.split())
_BRAND_SERIES: dict[str, set[str]] = {}
for _model in MODELS:
    _BRAND_SERIES.setdefault(_model.brand, set()).update(_names(_model))
_YEAR = r"(?:(?:20)?[0-9]{2}年?款|(?:19|20)[0-9]{2}年(?:产|出厂)?的?(?=[^0-9月]))"
_TRIM = r"(?: ?(?:PLUS|PRO|MAX|ULTRA|DM-?I|DM-?P|EV|PHEV|双擎|锐放|混动|三厢|两厢|新能源)(?![0-9A-Z])(?:版)?)*"


_NO_PLACE = "(?!大?[路街桥]|大道|广场|大厦|花园|小区|酒店|[东南西北中]路|新?村|镇)"
"""东风大桥 is no car."""


def _with_brand() -> str:
    pairs, alone = [], []
    for brand in sorted(_ALL_BRANDS, key=lambda name: (-len(name), name)):
        if series := _any_of(_BRAND_SERIES.get(BRAND_ALIASES.get(brand, brand), set())):
            pairs.append(f"{_written(brand).removesuffix('(?![0-9A-Z])')}(?:牌|汽车)?[ 的·]?(?:{series})")
        tail = "(?:汽车|牌|的?车(?!险|主|辆|损|牌|子?被))" if brand in _ORDINARY_BRANDS else ""
        other = "(?!点评|化|社会|生活|款)" if brand in {"大众", "现代"} else ""
        alone.append(f"{_written(brand)}{tail}{_NO_PLACE}{other}")
    return "|".join(pairs + alone)


_ALONE = _any_of({name for model in MODELS for name in _names(model) if _spoken_alone(name)})
_ALL_NAMES = _ALL_BRANDS | {name for model in MODELS for name in _names(model)}
_FIRST = "".join(sorted({re.escape(fold(name)[0]) for name in _ALL_NAMES}))
_SECOND = "".join(sorted({re.escape(sign) for name in _ALL_NAMES for sign in fold(name)[1:2]}))
"""Signs that a name can begin with, and go on with: most places in a text are no car by these two alone."""
_BEGIN_WITH_BRAND = _any_of(
    {n for m in MODELS for n in _names(m) if n not in _ALL_BRANDS and n.startswith(tuple(_ALL_BRANDS))}
)
_PATTERN = re.compile(
    rf"(?=[{_FIRST}12])(?:(?<![0-9A-Z])|(?=[\u4e00-\u9fff]))(?:{_YEAR} ?)?(?=[{_FIRST}][{_SECOND} 牌汽的·])(?:{_BEGIN_WITH_BRAND}|{_with_brand()}|{_ALONE}){_TRIM}(?: ?{_YEAR})?"
)


def find_car_models(text: str) -> list[Found]:
    """Make, series and model year in the customer's words ("大众朗逸 2023款")."""
    return [
        Found("car_model", text[match.start() : match.end()], match.start(), match.end())
        for match in _PATTERN.finditer(fold(text))
    ]


def lookup(words: str) -> CarModel | None:
    """The series of the catalogue that the words name, or None; where brands share a name the brand decides."""
    folded = fold(words)
    brand = next((BRAND_ALIASES.get(name, name) for name in _BRANDS_LONGEST_FIRST if fold(name) in folded), None)
    best: tuple[int, CarModel] | None = None
    for model in MODELS:
        if brand is not None and model.brand != brand:
            continue
        for name in _names(model):
            if (brand or _spoken_alone(name)) and fold(name) in folded and (best is None or len(name) > best[0]):
                best = (len(name), model)
    return best[1] if best else None


_BRANDS_LONGEST_FIRST = sorted(_ALL_BRANDS, key=len, reverse=True)
