"""What to do in the first minutes at the place of the accident, in order.

Sources: 道交法 68, 70; 实施条例 60, 86, 88; 道路交通事故处理程序规定 13, 14, 19; 保险法 61.
No opinion on fault, no promise of an outcome.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

KEEP_AND_CALL = frozenset(
    {"drunk", "drugged", "unlicensed", "wrong_licence", "overloaded", "no_plate", "immovable", "hit_and_run", "staging"}
)
"""程序规定 13: keep the scene and call the police."""
MOVE_THEN_CALL = frozenset({"no_inspection_mark", "no_insurance_mark", "facility_hit", "infrastructure_hit"})
"""程序规定 14, 实施条例 88: photograph, move to safety, then call the police."""
SITUATIONS = KEEP_AND_CALL | MOVE_THEN_CALL | {"dispute"}

_WITH_OTHER_CAR = frozenset({"rear_end", "collision", "sideswipe"})
_STANDS_IN_THE_WAY = _WITH_OTHER_CAR | {None, "single_vehicle", "animal", "pedestrian", "injury"}
_ON_ROAD = _WITH_OTHER_CAR | {"single_vehicle", "animal", "pedestrian", "injury"}
_WITH_PERSON = frozenset({"pedestrian", "injury"})
_NEW_ENERGY = frozenset({"electric", "phev", "fuel_cell"})


@dataclass(frozen=True)
class SceneFacts:
    """What is known so far; None means not asked yet.

    Attributes:
        accident_type: code of `accidents.ACCIDENT_TYPES`.
        situations: codes of `SITUATIONS` that the customer told.
        other_vehicle: another vehicle is involved; None → by accident type.
        on_scene: False when the report comes later, from elsewhere.
        private_settlement: the customer speaks of settling privately.
    """

    accident_type: str | None = None
    injury: bool | None = None
    situations: frozenset[str] = frozenset()
    expressway: bool = False
    energy: str | None = None
    burning: bool = False
    flooded: bool = False
    drivable: bool | None = None
    other_vehicle: bool | None = None
    police_reported: bool | None = None
    on_scene: bool = True
    private_settlement: bool = False


@dataclass(frozen=True)
class SceneAdvice:
    """`lines` are short Chinese sentences in order.

    Attributes:
        numbers: emergency numbers that the lines name.
        quick_settlement: the parties may photograph, move and negotiate (快处).
        needs_person: a human agent belongs into this conversation.
    """

    lines: tuple[str, ...]
    must_call_police: bool
    keep_scene: bool
    numbers: tuple[str, ...]
    quick_settlement: bool
    needs_person: bool


def scene_advice(facts: SceneFacts) -> SceneAdvice:
    """Ordered advice for the scene."""
    injury = bool(facts.injury) or facts.accident_type == "injury"
    situations = _situations(facts)
    keep = injury or bool(situations & KEEP_AND_CALL)
    theft = facts.accident_type == "theft"
    pedestrian = facts.accident_type == "pedestrian"
    police = keep or theft or pedestrian or bool(situations)
    other = facts.other_vehicle if facts.other_vehicle is not None else facts.accident_type in _WITH_OTHER_CAR
    quick = other and not police and facts.accident_type not in _WITH_PERSON
    lines: list[str] = []
    if facts.on_scene:
        lines += _danger_lines(facts, injury)
    lines += _police_lines(facts, situations, injury=injury, keep=keep or pedestrian, police=police)
    lines += _special_lines(facts)
    if quick and facts.on_scene:
        lines += _quick_lines(facts)
    if other or pedestrian or facts.private_settlement:
        lines.append("先不要私下承诺赔偿，也不要签放弃向对方索赔的字据，否则可能影响理赔，有疑问随时问我们。")
    text = "".join(lines)
    return SceneAdvice(
        lines=tuple(lines),
        must_call_police=police,
        keep_scene=(keep or pedestrian) and facts.on_scene and not theft,
        numbers=tuple(number for number in ("120", "122", "119", "110") if number in text),
        quick_settlement=quick,
        needs_person=injury or bool(situations & {"drunk", "drugged", "unlicensed", "wrong_licence"}),
    )


def _situations(facts: SceneFacts) -> frozenset[str]:
    unknown = facts.situations - SITUATIONS
    if unknown:
        raise ValueError(f"unknown situations: {sorted(unknown)}")
    on_road = facts.accident_type is None or facts.accident_type in _ON_ROAD
    if not on_road:  # a flooded or parked car that cannot move is no case for the police
        return facts.situations - {"immovable"}
    if facts.drivable is False and facts.accident_type is not None:
        return facts.situations | {"immovable"}
    return facts.situations


def _danger_lines(facts: SceneFacts, injury: bool) -> list[str]:
    lines = []
    if injury:
        lines.append("先救人：请马上拨打120急救和122报警。")
        lines.append("尽量别移动车辆；为救人确需移动时，先拍照并标出车的位置。")
    burning = facts.burning or facts.accident_type == "fire"
    flooded = facts.flooded or facts.accident_type == "flood"
    if burning:
        lines.append("请马上离开车辆，到远处安全的地方，拨打119。")
        if facts.energy in _NEW_ENERGY:
            lines.append("新能源车的电池可能复燃，火灭了也先别靠近。")
    elif facts.accident_type == "charging":
        lines.append("请先远离车辆和充电桩，冒烟或起火就拨打119，别自己去拔枪。")
    if flooded and not burning:
        lines.append("请先保证人身安全，别启动发动机，也别再次点火。")
        if facts.energy in _NEW_ENERGY:
            lines.append("新能源车泡水后请先离车、保持距离，冒烟或有异味时拨打119。")
    if facts.expressway:
        lines.append("在高速上：打开双闪，在车后150米外放警示牌。")
        lines.append("车上的人马上撤到右侧路肩或护栏外，然后报警。")
    elif facts.drivable is False and facts.accident_type in _STANDS_IN_THE_WAY:
        lines.append("车动不了的话，打开双闪，在车后50到100米放警示牌，人到安全的地方。")
    return lines


def _police_lines(
    facts: SceneFacts, situations: frozenset[str], *, injury: bool, keep: bool, police: bool
) -> list[str]:
    if facts.accident_type == "theft":
        return [] if facts.police_reported else ["请马上拨打110报案，保留好车钥匙和停车地点的信息。"]
    lines = []
    if police and not facts.police_reported and not (injury and facts.on_scene):
        lines.append(_call_line(facts, situations, keep=keep))
    elif police and keep and facts.on_scene and not injury:
        lines.append("请保护好现场，等交警到了再移动车辆。")
    if "infrastructure_hit" in situations or "facility_hit" in situations:
        lines.append("撞坏了护栏、路灯等设施，请先别驶离，交警和设施管理方会一起确认损失。")
    if "hit_and_run" in situations:
        lines.append("请记下对方的车牌、车型、颜色和离开方向，留意附近的监控。")
    return lines


def _call_line(facts: SceneFacts, situations: frozenset[str], *, keep: bool) -> str:
    if not facts.on_scene:
        return "这种情况需要交警处理，请尽快拨打122补报警，并保留好现场照片。"
    if keep:
        return "请保护好现场并拨打122，由交警到场处理。"
    if situations & MOVE_THEN_CALL:
        return "先拍照，能移动的话把车移到不妨碍交通的地方，再拨打122报警。"
    return "双方说法不一致时，请拨打122，由交警来认定。"


def _special_lines(facts: SceneFacts) -> list[str]:
    if facts.accident_type == "parked_hit" and "hit_and_run" not in facts.situations:
        return ["拍下车辆位置和受损部位，问问物业或停车场能否调监控。"]
    if facts.accident_type == "falling_object":
        return ["拍下坠落物和受损部位，车周围还有掉落风险的话先别靠近。"]
    if facts.accident_type in ("glass", "scratch"):
        return ["拍下受损部位的远景和近景，带上车牌。"]
    if facts.accident_type == "animal":
        return ["拍下现场和受损部位；动物有主人的话，留下对方的联系方式。"]
    return []


def _quick_lines(facts: SceneFacts) -> list[str]:
    lines = [
        "没有人受伤、双方没有争议时，先拍下全景、碰撞部位和双方车牌，再把车移到路边。",
        "记下时间、地点，双方姓名、电话、车牌、驾驶证号、保单号和碰撞部位，写好协议双方签字。",
        "也可以用“交管12123”快速处理；修车前请先等查勘定损。",
    ]
    if facts.accident_type in ("collision", "sideswipe"):
        lines.append("如果双方都有责任、各自车损都在2000元以内并且都同意，还可以各找自己的保险公司（互碰自赔）。")
    return lines


_WORDS: tuple[tuple[str, str], ...] = (
    ("drunk", r"酒驾|醉驾|喝(?:了|过|的|点|多)?[^，。不没]{0,4}酒|酒后|喝多了|醉酒|一身酒气|酒味"),
    ("drugged", r"毒驾|吸毒|嗑药"),
    (
        "unlicensed",
        r"无证|没有?(?:驾驶证|驾照|本儿?)(?!带|[^，。]{0,2}(?:照片|原件|复印))|驾照(?:被)?吊销|驾驶证(?:被)?(?:吊销|暂扣|扣了)",
    ),
    ("wrong_licence", r"准驾(?:车型)?不符|驾驶证(?:过期|到期了|超期)|驾照(?:过期|到期了|超期)"),
    (
        "hit_and_run",
        r"(?<!没)(?<!没有)(?:肇事)?逃逸|(?:对方|那车|肇事车|司机|人|他|她|(?<![把我])车)(?:直接|就|已经|开车)?(?:跑了|溜了|逃了|开走了)|找不到(?:对方|肇事)",
    ),
    ("hit_and_run", r"(?:他|那车|对方|车)?[不没]停(?:下来?|车)?[^，。]{0,3}(?:跑|开走|溜)|直接就?(?:跑|开走|溜)"),
    (
        "dispute",
        r"有争议|扯皮|不承认|不认(?:账|责)|说是我(?:的|全)责|谈不拢|谈不下来|协商不(?:成|了)|各说各|吵起来|争执",
    ),
    (
        "facility_hit",
        r"(?:撞|碰|刮|蹭|怼)[^，。]{0,6}(?:护栏|栏杆|隔离带|隔离墩|路灯|灯杆|绿化带|花坛|围墙|限高|道闸|岗亭|交通标志|指示牌|桥墩)",
    ),
    ("infrastructure_hit", r"(?:撞|碰|刮|蹭|怼)[^，。]{0,6}(?:电线杆|电杆|变压器|电缆|通信|光缆|消防栓|红绿灯|信号灯)"),
    ("no_plate", r"无牌|没(?:有|挂)?(?:车)?牌照?(?:的车)?(?!号)|套牌|假牌|遮挡(?:号)?牌"),
    ("overloaded", r"(?:校车|客车|大巴|班车)[^，。]{0,8}(?:超员|超载|超速)"),
    ("no_insurance_mark", r"(?:对方|那辆?车|他)[^，。]{0,4}(?:没(?:有|买|上)?|脱)(?:交强险|保险|保)"),
    ("no_inspection_mark", r"(?:年检|检验标志)(?:过期|没过|没有|没贴)|没(?:有)?(?:年检|检验标志)|脱审"),
    ("staging", r"碰瓷"),
    ("immovable", r"(?:车|开|动)[^，。]{0,3}(?:动不了|开不了|不能动|不能开|走不了)|趴窝"),
)
_DENIED = re.compile(r"(?:没有?|不是|不|未|并非|没人|无人)(?:任何)?[^，。,；;]{0,3}$")
_COMPILED = tuple((code, re.compile(pattern)) for code, pattern in _WORDS)


def situations_of(text: str) -> frozenset[str]:
    """Situations that a customer's words tell; "没喝酒" and the like tell none."""
    told = set()
    for code, pattern in _COMPILED:
        for match in pattern.finditer(text):
            own_denial = code in ("unlicensed", "no_plate", "no_insurance_mark", "no_inspection_mark")
            if own_denial or not _DENIED.search(text[: match.start()]):
                told.add(code)
    return frozenset(told)
