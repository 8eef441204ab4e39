"""The covers of Chinese car insurance: their names, and how customers speak of them.

Since the reform of September 2020 (China Insurance Association model terms for commercial motor insurance, 2020) theft, glass,
self-ignition, water damage of the engine and the deductible waiver are part of the vehicle damage cover. Customers still
use the old names, so they are understood here but are never sold apart.
"""

from __future__ import annotations

import re

from chebao.insurance.found import Found, fold

COVERS: dict[str, str] = {
    "compulsory": "交强险",
    "commercial": "商业险",
    "full": "全险",
    "third_party": "第三者责任险",
    "vehicle_damage": "车损险",
    "driver": "司机座位险",
    "passengers": "乘客座位险",
    "passenger": "车上人员责任险",
    "scratch": "车身划痕损失险",
    "glass": "玻璃单独破碎险",
    "theft": "盗抢险",
    "deductible_waiver": "不计免赔险",
    "medical_extra": "医保外医疗费用责任险",
    "holiday_double": "法定节假日限额翻倍险",
    "driver_accident": "驾乘人员意外险",
    "wheel": "车轮单独损失险",
    "self_ignition": "自燃险",
    "flood": "涉水险",
    "equipment": "新增设备损失险",
    "repair_period": "修理期间费用补偿险",
    "cargo": "车上货物责任险",
    "mental_distress": "精神损害抚慰金责任险",
    "engine_water_exclusion": "发动机进水损坏除外特约条款",
    "absolute_deductible": "绝对免赔率特约条款",
    "grid_failure": "外部电网故障损失险",
    "charger_loss": "自用充电桩损失保险",
    "charger_liability": "自用充电桩责任保险",
}
"""Code to Chinese name. `driver` and `passengers` are the two halves of `passenger` on a policy; messages yield only `passenger`."""

CUSTOMER_WORDS_ONLY = frozenset({"theft", "glass", "self_ignition", "flood", "deductible_waiver"})
"""Old covers that are part of `vehicle_damage` since 2020 and are never sold apart."""

_CHOSEN = r"(?=(?:[和跟、](?:划痕|玻璃|座位|盗抢|涉水|自燃|轮胎))?[也就都这那个 ,，]{0,3}(?:不要|不加|不买|别加|别要|去掉|取消|拿掉|要不要|加上|买不买|留着|保留))"
"""What follows a short name where a customer composes his covers: "划痕不要" is no accident."""
_NAMES: dict[str, tuple[str, ...]] = {
    "compulsory": (r"(?:机动车)?交通事故责任强制(?:保险|险)", r"交强险?", r"强制(?:保险|险)", r"强险", r"强制三者险?"),
    "commercial": (r"(?:机动车|汽车)?商业(?:车险|保险|险)", r"商业(?=[和跟加+]交强)", r"(?<=交强[和跟加+])商业"),
    "full": (r"全险", r"全保(?!障)", r"全套(?:保险|险)?(?=都|的保险|$)", r"全部险种"),
    "third_party": (
        r"(?:商业)?第三[者方](?:综合)?(?:商业)?(?:责任)?(?:保险|险)",
        r"商业三[者责]险?",
        r"三[者责](?:责任)?险?",
        r"3[者责]险?",
    ),
    "vehicle_damage": (
        r"(?:机动车|车辆|汽车|新能源汽车)损失(?:保险|险)",
        r"车(?:辆)?损(?:失)?(?:保险|险)",
        r"车损(?!失|坏|照(?!旧|样|常|原)|程)",
    ),
    "passenger": (
        r"车上(?:人员|座位|乘客|司机)(?:责任)?(?:保险|险)",
        r"(?:司机|驾驶员|乘客|车上|司乘)?座位(?:责任)?险",
        r"(?:司机|驾驶员|乘客|司乘|车上人员)责任险",
        r"(?:司机|乘客|司乘|乘坐)险",
    ),
    "scratch": (
        r"(?:车身|车漆|单独)?(?:划痕|刮痕|剐痕)(?:损失)?(?:保险|险)",
        r"车身划痕损失",
        rf"划痕{_CHOSEN}",
        r"(?<=[加带买上要退投个])划痕(?![了花])",
    ),
    "glass": (r"(?:单独)?玻璃(?:单独)?(?:破碎|碎裂)?(?:损失)?(?:保险|险)(?!杠)", r"玻璃单独破碎", rf"玻璃{_CHOSEN}"),
    "theft": (r"(?:全车|机动车)?(?:盗抢|盗窃|偷盗)(?:损失)?(?:保险|险)", r"全车盗抢", r"防盗险"),
    "deductible_waiver": (r"(?:附加)?不计免赔(?:率|额)?(?:特约)?(?:保险|险|条款)?", r"不计免陪(?:险)?"),
    "medical_extra": (
        r"(?:附加)?医保(?:外|以外|目录外)(?:的)?(?:医疗)?(?:费用|用药|药)?(?:责任)?(?:保险|险)?",
        r"非医保(?:用药)?(?:责任)?(?:保险|险)?",
        r"外购药险?",
    ),
    "holiday_double": (
        r"(?:法定)?(?:节假日|假日|节日)(?:期间)?(?:限额|保额|三者)?(?:翻倍|双倍|加倍)(?:保险|险)?",
        r"(?:限额)?翻倍险",
    ),
    "driver_accident": (
        r"驾乘(?:人员|座位)?(?:人身)?意外(?:伤害)?(?:保险|险)?",
        r"驾乘(?:保险|险|无忧)",
        r"驾意险",
        r"驾驶(?:人|员)意外(?:伤害)?(?:保险|险)",
        r"司乘意外险?",
    ),
    "wheel": (r"车轮(?:单独)?(?:损失|损坏)(?:保险|险)?", r"(?:轮胎|车轮|轮毂)(?:单独)?(?:损失|破损|损坏)?(?:保险|险)"),
    "self_ignition": (r"自燃(?:损失)?(?:保险|险)",),
    "flood": (r"(?:发动机)?(?:涉水|水淹|泡水)(?:行驶)?(?:损失|损坏)?(?:保险|险)", r"发动机(?:特别)?损失险"),
    "equipment": (r"新增(?:加)?设备(?:损失)?(?:保险|险)?", r"(?:改装|加装)(?:设备)?险"),
    "repair_period": (r"修理期间(?:费用)?(?:补偿)?(?:保险|险)?", r"(?:代步车?|代步费)(?:费用)?(?:补偿)?险"),
    "cargo": (r"(?:车上|车载)?货物(?:责任|损失)?(?:保险|险)", r"货[运物]险"),
    "mental_distress": (r"精神(?:损害|损失)(?:抚慰金)?(?:责任)?(?:保险|险|抚慰金)", r"精神抚慰金(?:责任)?(?:保险|险)?"),
    "engine_water_exclusion": (
        r"发动机(?:进水|涉水)?(?:损坏|损失)?(?:除外|免责|不赔)(?:特约)?(?:条款|责任)?",
        r"发动机进水(?:损坏)?除外",
    ),
    "absolute_deductible": (r"绝对免赔(?:率|额)?(?:特约)?(?:条款)?", r"可选免赔额"),
    "grid_failure": (r"(?:外部)?电网(?:故障)?(?:损失)?(?:保险|险)", r"外部电网(?:故障)?"),
    "charger_liability": (r"(?:自用|家用)?充电桩(?:第三者)?责任(?:保险|险)?",),
    "charger_loss": (r"(?:自用|家用)?充电桩(?:损失|损坏)?(?:保险|险)", r"自用充电桩损失"),
}

# One pass over the text: the alternatives that start a longer name stand before those that start a shorter one.
_ORDER_TEXT = (
    "engine_water_exclusion absolute_deductible deductible_waiver charger_liability charger_loss grid_failure "
    "medical_extra holiday_double driver_accident mental_distress repair_period equipment cargo wheel self_ignition "
    "flood theft glass scratch passenger third_party vehicle_damage compulsory commercial full"
)
_PATTERN = re.compile("|".join(f"(?P<{code}>{'|'.join(_NAMES[code])})" for code in _ORDER_TEXT.split()))


def find_coverages(text: str) -> list[Found]:
    """Covers that the message names; the value is the code of `COVERS`."""
    return [
        Found("coverage", str(match.lastgroup), match.start(), match.end()) for match in _PATTERN.finditer(fold(text))
    ]
