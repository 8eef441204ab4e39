"""What customers tell of the accident itself: who is hurt, what kind it is, what is broken, and whether the car still drives."""

from __future__ import annotations

import re
from typing import Any

from actions.nodes import Draft
from actions.turn import Turn
from actions.wording import is_correction, is_filler, is_polite_no
from chebao.insurance import accidents

_WHO = r"(有人|(?<!没)人|乘客|司机|行人|路人|老人|大爷|大妈|孩子|小孩|骑手|我|他|她|对方|后排|副驾|老婆|老公|朋友|腿|(?<!车)头|胳膊|手(?!机)|脚|腰|脖子|膝盖|肚子|胸口?|后背|肋骨|额头|鼻子|骑车的|骑摩托的)"
_HURT = re.compile(
    _WHO
    + r"[^，。！？没不无未车狗猫]{0,7}(受了?[轻重点]*伤|伤[了到着]|流血|出血|骨折|昏迷|晕|疼|痛|破皮|擦破|磕破|青了|肿了?|起不来|抬不起|站不起|动不了|动弹不得|恶心|想吐|酸|麻了?|(?<!心里)不舒服|(撞|磕|碰)(到|了|着)+头|去世|死亡|没了呼吸)"
    r"|((?<![车前后石镜箱])头|脸|嘴|腿|胳膊|膝盖)(都|也|给|被)?(撞|磕|碰|擦|划)?(破|出血)了|躺(在)?(地|路)(上|中间)"
    r"|(人|他|她|骑手|司机|大爷|大妈|阿姨|孩子)[^，。车]{0,4}(趴|倒)(在)?(地|路)(上|中间)|没(有)?(知觉|意识|反应)|(胳膊|腿|手腕?|骨头|肋骨)[^，。车]{0,3}断"
    r"|撞伤|伤者|伤员|(?<!车)(?<!车也)受了?[轻重]?伤(?!吗)|压伤|擦伤|人伤|救护车|送(去|到|往|进)?了?医院|(?<!不用)住院|急诊"
)
_NOT_HURT = re.compile(
    r"(没|无|未|不)(有|造成|发生)?(任何)?(人)?(员)?(受)?伤|没人(受)?伤|人(都)?没(什么|啥)?大?事|人员?(都)?(平安|安全|还好)|没有?人员?(受)?伤|(都|大家)没事|没伤|无人"
    r"|(?<!别)人(也|都|倒|应该|好像|暂时)+没(有)?(什么|啥)?大?(事|碍)|(我们|双方|俩人|两边)(人)?都?没(什么|啥)?大?事|人都好"
    r"|(骑手|司机|对方|他|她|人家)(也|都)?没(什么|啥)?大?事.{0,2}我(也|都)?没|我(也|都)?没(什么|啥)?大?事.{0,2}(骑手|司机|对方|他|她|人家)(也|都)?没"
)
_STARTS = re.compile(r"(不好意思|对了|等(一)?(下|等|会)|刚才|刚刚|忘了?说|还有|那个|我想起来)")
_SUPPOSED = re.compile(r"如果|要是|万一|假如|假设|的话")


def injury_in(said: str) -> str | None:
    """ "yes" where anybody is hurt, "no" where nobody is, None where nothing is said; a question "如果…受伤" says nothing."""
    if _SUPPOSED.search(said):
        return None
    parts = re.split(r"[，。；,;!！?？\n]|但是?|不过|就是", said)
    told = ["no" if _NOT_HURT.search(part) else "yes" for part in parts if _NOT_HURT.search(part) or _HURT.search(part)]
    if told and is_correction(said):
        return told[-1]
    return "yes" if "yes" in told else told[0] if told else None


def only_of_people(said: str) -> bool:
    """Whether a message that tells of somebody hurt tells nothing else ("等下，后座孩子说头晕")."""
    parts = [part for part in re.split(r"[，。；,;!！?？\s]+", said) if part and not _HURT.search(part)]
    return all(len(part) < 4 or _STARTS.match(part) for part in parts)


def take_injury(turn: Turn, draft: Draft) -> str | None:
    return injury_in(turn.text)


#: What a whole sentence tells beyond its single words: (type, sign, types of single words that it outweighs).
_TOLD_TYPES: tuple[tuple[str, re.Pattern[str], frozenset[str | None]], ...] = (
    (
        "glass",
        re.compile(r"^(?!.*(冰雹|雹子|树|高空|落石|坠|掉下)).*(车窗|玻璃|天窗|挡风)[^，。]{0,6}(砸|敲|撬)"),
        frozenset({None, "collision", "falling_object", "theft"}),
    ),
    (
        "flood",
        re.compile(r"(涵洞|积水|水坑|水里|深水|下穿|地下道)[^，。]{0,8}(熄火|趴窝|抛锚|打不着)"),
        frozenset({None}),
    ),
    (
        "theft",
        re.compile(r"^(?!.*(镜|标|牌|胎|钥匙)).*(停|放)[^。]{0,16}(没影|不见了|没了|开走了?$|找不(到|着)车)"),
        frozenset({None}),
    ),
    (
        "pedestrian",
        re.compile(
            r"(把|将|碰|撞|刮|剐|带|蹭)[^，。]{0,8}(行人|走路的|阿姨|大爷|大妈|大娘|老人|老太太|小孩|孩子|骑(自行|单)?车的)[^，。]{0,3}(带|撞|刮|剐|碰|蹭)?(倒|翻|飞)"
        ),
        frozenset({None, "collision", "sideswipe", "scratch"}),
    ),
    (
        "sideswipe",
        re.compile(r"(跟|和|与)(人|别人|人家|谁)[^，。]{0,3}(刮|剐|蹭|擦|挂)"),
        frozenset({None, "collision", "pedestrian"}),
    ),
    (
        "single_vehicle",
        re.compile(
            r"(轮毂|轮胎|胎|轱辘|底盘|底壳|[前后]?杠)[^，。]{0,3}(磕|刮|蹭|剐|碰|擦|撞)[^，。]{0,4}(马路牙子|路沿|路牙|路肩|台阶|石|减速带)"
            r"|(磕|轧|压)[^，。]{0,3}(马路牙子|路沿|路牙|石头)|(轧|压)[^，。]{0,3}坑"
        ),
        frozenset({None, "collision", "scratch", "sideswipe"}),
    ),
    (
        "parked_hit",
        re.compile(
            r"(出来|回来|取车|下楼|早上)[^。]{0,6}(发现|看见|看到|一看|才知道)[^。]{0,14}(磕|碰|撞|刮|蹭|砸|坑)"
            r"|(旁边|隔壁|邻座|别人|人家|有人)[^，。]{0,5}开(车)?门[^，。]{0,4}(磕|碰|撞|怼|刮|砸)"
        ),
        frozenset({None, "collision"}),
    ),
    (
        "animal",
        re.compile(r"(狗|猫|野猪|兔子|鹿|牛|羊|动物)[^，。]{0,8}(窜|冲|跑|蹿|蹦)(出|过|到)|(猫|狗|老鼠)(抓|咬|挠|啃)"),
        frozenset({None, "collision", "scratch", "sideswipe", "single_vehicle"}),
    ),
    (
        "parked_hit",
        re.compile(r"停[^。]{0,16}(开门|车门)[^。]{0,6}(磕|碰|撞|刮|砸)"),
        frozenset({None, "collision", "scratch"}),
    ),
    (
        "single_vehicle",
        re.compile(
            r"(倒|开|掉|翻|冲|滑|陷)[^，。]{0,3}(沟|坑|河|田)|(护栏|栏杆|灯杆|电线杆|柱子?|墙|树|花坛|墩子?|路沿|路牙|石头|杆子?)[^，。]{0,3}(撞|刮|蹭|剐|碰|怼)"
        ),
        frozenset({None, "collision", "scratch"}),
    ),
    (
        "sideswipe",
        re.compile(r"(跟|和|与|被)[^，。]{0,10}(车|公交|摩托|大巴|三轮)[^，。]{0,4}(刮|剐|蹭|擦|挤)"),
        frozenset({None, "scratch"}),
    ),
    (
        "sideswipe",
        re.compile(r"(车|公交|摩托|大巴|三轮)[^，。]{0,3}把我[^，。]{0,8}(刮|剐|蹭|挂)"),
        frozenset({None, "scratch"}),
    ),
    ("rear_end", re.compile(r"(没|刹不|来不及)刹住?|急刹"), frozenset({None})),
    (
        "rear_end",
        re.compile(r"(前面|前车)[^。]{0,12}(刹|停)[^。]{0,14}(怼|撞|追|顶)"),
        frozenset({"pedestrian", "collision"}),
    ),
    (
        "collision",
        re.compile(r"挤了|磕(了|到|上)|顶了|怼了|(人家|别人|对方|旁边|隔壁|邻居)[^，。]{0,8}(碰|撞|顶|磕|刮|剐|蹭)"),
        frozenset({None}),
    ),
)


def type_in(said: str) -> str | None:
    """The kind of accident that a sentence tells, or None; "injury" alone is no kind."""
    found = accidents.accident_type_of(said)
    found = None if found == "injury" else found
    for code, sign, outweighed in _TOLD_TYPES:
        if found in outweighed and sign.search(said):
            return code
    return found


def take_type(turn: Turn, draft: Draft) -> str | None:
    return type_in(turn.text)


def parse_type(turn: Turn, draft: Draft) -> Any:
    """The kind that the answer tells, together with the first words; the second time any story will do, a surveyor looks at it anyway."""
    found = take_type(turn, draft)
    if found in (None, "collision"):
        found = type_in(f"{draft.get('opening') or ''}，{turn.text}") or found
    if found is None and len(turn.text) >= 4 and not turn.looks_like_question and not is_filler(turn.text):
        again = draft.setdefault("story_asked", turn.message_id) != turn.message_id
        found = "collision" if again or (len(turn.text) >= 6 and re.search(r"撞|碰|对方|车", turn.text)) else None
    if found:
        draft["description"] = turn.text[:500]
    return found


# --- damage ----------------------------------------------------------------------------------------------------------


_STUCK = re.compile(
    r"(开|走|动|发动|启动|打)不(了|动|起来|着|出)|不能(开|走|动)|没法开|[不没]敢(开|动|打火)|要?拖车|趴窝"
)
_DRIVES = re.compile(r"不影响(正常)?(开|行驶|驾驶|使用)|(还|能|可以|正常)(能|可以)?(正常)?(开(?!始)|行驶|走)")
_BODY = re.compile(r"(腿|脚|手|胳膊|腰|脖子|身子|人|他|她)[^，。车]{0,3}(动|走|起来?)不|动弹不得")


def take_drivable(turn: Turn, draft: Draft) -> str | None:
    """Whether the car drives; a leg that cannot be moved says nothing of it."""
    told = "，".join(part for part in re.split(r"[，。,；;！!]", turn.text) if not _BODY.search(part))
    if _STUCK.search(told):
        return "no"
    return "yes" if _DRIVES.search(told) else None


_PART = (
    r"(?:(?:左|右|前|后|两)[侧边面]?){0,2}(?:保险杠|[前后]杠|大灯|尾灯|雾灯|车灯|车门|(?<=[左右前后])门|叶子板|翼子板|后视镜|反光镜|引擎盖"
    r"|机盖|发动机盖|后备箱盖?|尾门|车头|车尾|车顶|挡风玻璃|车窗|天窗|前挡|轮毂|裙边|水箱|电池底壳|底盘)"
)
_DAMAGED = re.compile(
    rf"{_PART}(?:[和、跟与及]{_PART})*(?:都|全|也|被|给|让)?[^，。；、\s]{{0,3}}?(?:坏|碎|裂|凹|瘪|掉|断|变形|花|破|扁|陷|烂|漏)了?"
    rf"|(?<=[撞刮蹭磕碰砸剐])(?:到|在|坏|了)*(?:我)?(?:的)?(?P<hit>{_PART})"
)
_MINE = re.compile(r"[被让给叫]|我(的)?[^，。]{0,6}$")
_THEIRS = re.compile(r"(对方|前车|后车|前面|后面|人家|别人|他|她|旁边|隔壁|邻居)[^，。；]{0,6}$")


def take_damage(turn: Turn, draft: Draft) -> str | None:
    """The broken parts of one's own car, where the story names them."""
    for found in _DAMAGED.finditer(turn.text):
        before = turn.text[: found.start()]
        if (found["hit"] and _MINE.search(before + found.group())) or not _THEIRS.search(before):
            return found["hit"] or found.group()
    return None


_CAR_PART = re.compile(
    r"杠|灯|门|盖|箱|镜|玻璃|漆|胎|轮|底盘|叶子板|翼子板|车[头尾身顶]|座|水箱|坏|凹|裂|碎|瘪|刮|花|掉|破|变形|左|右|前|后"
)


def parse_damage(turn: Turn, draft: Draft) -> str | None:
    """Any words but those that only say whether the car drives."""
    said = turn.text.strip()
    if is_polite_no(said) or (is_filler(said) and not re.match(r"没|无|不", said)):
        return None
    return None if take_drivable(turn, draft) and not _CAR_PART.search(said) else said[:500] or None
