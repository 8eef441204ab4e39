"""Reading a knowledge question: normal form, and what it speaks of (险种, 场景, 责任, 对象, 事项).

"全责对方的车怎么赔" and "对方全责我的车怎么赔" hold the same words; the facets tell them apart.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass

from chebao.insurance.plate_regions import CITIES, PROVINCES

MAX_CHARS = 240

# Frequent slips of phonetic input and speech recognition in this field.
_SLIPS = (
    ("报按", "报案"),
    ("架驶", "驾驶"),
    ("架照", "驾照"),
    ("夲", "本"),
    ("遂道", "隧道"),
    ("打析", "打折"),
    ("保险帖", "保险贴"),
    ("机动车交通事故责任强制保险", "交强险"),
    ("机动车交通事故责任交强险", "交强险"),
    ("抱案", "报案"),
    ("续宝", "续保"),
    ("续报", "续保"),
    ("交强显", "交强险"),
    ("交强保险", "交强险"),
    ("交强制险", "交强险"),
    ("强制保险", "交强险"),
    ("强制险", "交强险"),
    ("车损失险", "车损险"),
    ("车辆损失险", "车损险"),
    ("车辆损失保险", "车损险"),
    ("三责险", "三者险"),
    ("第三责任险", "三者险"),
    ("第三方责任险", "三者险"),
    ("第三者责任险", "三者险"),
    ("第三者责任保险", "三者险"),
    ("第三者险", "三者险"),
    ("第三者", "三者"),
    ("不记免赔", "不计免赔"),
    ("不计免陪", "不计免赔"),
    ("理陪", "理赔"),
    ("赔付", "赔"),
    ("赔偿", "赔"),
    ("陪付", "赔"),
    ("陪偿", "赔"),
    ("陪钱", "赔钱"),
    ("车保险", "车险"),
    ("汽车保险", "车险"),
    ("车辆保险", "车险"),
    ("机动车保险", "车险"),
    ("座驾", "车"),
    ("爱车", "车"),
    ("车子", "车"),
    ("汽车", "车"),
    ("轿车", "车"),
    ("小车", "车"),
    ("定捐", "定损"),
    ("定损员", "定损"),
    ("驾照", "驾驶证"),
    ("驾证", "驾驶证"),
    ("咋办", "怎么办"),
    ("咋样", "怎么样"),
    ("咋", "怎么"),
    ("如何", "怎么"),
    ("怎样", "怎么"),
    ("嘛", "吗"),
    ("么?", "吗?"),
    ("啥", "什么"),
)

_SHORT_COMPULSORY = re.compile(r"(?<!交)强险")
_DROP = re.compile(r"[^0-9a-z\u4e00-\u9fff.%]+")
_FILLERS = re.compile(
    r"(请问一下|请问|我想问一下|我想问|想问一下|想问|想咨询一下|咨询一下|你好|您好|谢谢|亲们|亲|呢|呀|啊|哦|嗯|额|呃)"
)

# Which town is named does not matter, that one is named does; "X*" is a name that was masked before it reached us.
_PLACES = sorted({*CITIES.values(), *PROVINCES.values()} - {"大同", "朝阳", "中山"}, key=len, reverse=True)
_PLACE = re.compile(rf"(?:{'|'.join(_PLACES)}|[\u4e00-\u9fff]\*+)(?:省|市(?!场))?")
# Other companies' names say little about what is asked; that one is named is kept as a facet.
_COMPANY = re.compile(
    r"(?:中国)?(?:平安|人保|太平洋|太保|太平|阳光|大地|国寿|人寿|中华联合|天安|安邦|永安|华安|安盛|天平|众安|永诚|都邦|安诚|渤海|英大|"
    r"紫金|中银|华泰|picc|安联|浙商|鼎和|亚太|民安|大众(?=保险))(?:财险|财产|产险|人寿)?(?:保险)?(?:股份)?(?:有限)?(?:公司)?"
)

_FACETS: tuple[tuple[str, str], ...] = (
    ("险种:交强", r"交强"),
    ("险种:三者", r"三者"),
    ("险种:车损", r"车损"),
    ("险种:座位", r"座位险|车上人员|乘客险|驾乘"),
    ("险种:划痕", r"划痕|被划|划伤|刮花|漆"),
    ("险种:玻璃", r"玻璃|天窗|挡风|大灯|车灯"),
    ("险种:盗抢", r"盗抢|被盗|被偷|偷了|丢了车|车丢|失窃|抢劫"),
    ("险种:涉水自燃", r"涉水|水淹|泡水|进水|被淹|暴雨|台风|冰雹|洪水|自燃|着火|起火|火灾|自然灾害"),
    ("险种:免赔", r"免赔"),
    ("险种:商业", r"商业险|商业保险|全险"),
    (
        "责任:我方全责",
        r"(?<!对方)(?<!对方负)(?<!对面)(?<!别人)(?<!人家)(?<!前车)(?<!后车)(?<![他她])(?<![他她]负)(?:全责|全部责任)|"
        r"(?:对方|他|她|别人|对面|前车|后车|人家)车?(?:无责|没有?责任)",
    ),
    ("责任:对方全责", r"(对方|他|她|别人|对面|前车|后车|人家)(车)?(负)?(全责|全部责任)|我(方)?(无责|没有责任|没责任)"),
    ("责任:主次", r"主责|次责|主要责任|次要责任|三七|四六|二八"),
    ("责任:同等", r"同责|同等责任|平责|一半责任|各一半|五五"),
    ("责任:无责", r"(?<!对方)(?<!别人)(?<!人家)(?<!对面)(?<![前后]车)(?<![他她])(?:无责|没有责任|没责任)"),
    ("对象:本车", r"(我|自己|自家|本)(的)?车"),
    ("对象:对方车", r"(对方|别人|人家|他|前车|后车)的?(车|损失)"),
    ("对象:人", r"(撞|碰|压|轧|刮)(了|到|伤|死)(了)?(个|一个)?(人|行人|老人|小孩)|人伤|受伤|伤者|死亡|骨折|住院|伤残"),
    ("对象:设施", r"护栏|墙|柱子|树|电线杆|路牙|石头|石墩|绿化"),
    ("场景:停放", r"停(在|着|放|车场)|泊"),
    ("场景:逃逸", r"逃逸|跑了|逃跑|找不到"),
    ("场景:外地", r"外地|异地|外省|跨省|别的城市|老家|本地|省外|当地"),
    ("事项:价格", r"多少钱|价格|保费|费用|怎么算|便宜|贵|打折|优惠"),
    ("事项:材料", r"材料|资料|证件|手续|单证|发票|证明"),
    ("事项:时间", r"多久|几天|什么时候|多长时间|期限|时效|小时|何时|提前"),
    ("事项:购买", r"买|投保|上保险|入保险|办理"),
    ("事项:理赔", r"理赔|赔|报案|出险|走保险|报保险"),
    ("事项:退", r"退保|退掉|能退|退吗|退费|退钱"),
    ("事项:次年", r"第[二三四2-4]年|明年|来年|次年|下(一)?年|下次|今年.{0,6}(比|贵|涨)"),
    ("对象:两地", r"某地.{1,14}某地|(某地|外地|外省)(的)?(车|牌)|(牌|户口).{0,4}在(某地|外地|本地)"),
    ("对象:同业", r"某司"),
)
_COMPILED = tuple((name, re.compile(pattern)) for name, pattern in _FACETS)

_MOTOR = re.compile(
    r"车|驾|交强|三者|挡风|风挡|前挡|天窗|后视镜|反光镜|大灯|氙气|划痕|玻璃险|追尾|肇事|酒驾|醉驾|行驶证|撞|刮|蹭|剐|交警|交通(一)?事故|护栏|保险杠|前杠|后杠|4s|"
    r"加油|没油|违章|年检|年审|轮胎|爆胎|换胎|轮毂|底盘|发动机|变速箱|避震|包围|牌照|临牌|摩托|拖拉机|拖板|抛锚|搭电|"
    r"(?:全|主|同|次|无)责|同等责任|责任认定|定责|代位|自燃|涉水|水坑|盗抢|全险|全保|无过责任|互碰|快处|顶包|私了|逃逸|"
    r"座位险|司机|副驾|乘客|滴滴|网约|顺风|营运险|实习期|[abc][12](?:的)?(?:本|照)|(?:[五六七八]|[5-8])座|喷漆|补漆|改装|加装|"
    r"副厂|原厂件|拆检|残值|全损|保险标志|划了|改颜色|转保|(?:三七|四六|二八)开"
)
_MOTOR_HINT = re.compile(
    r"报(?:了|过)?.{0,3}次(?:险|案)|保费.{0,4}(?:涨|浮)|商业险|出险|出(?:过|了)?(?:[一二两三四几]|[0-9])?[次回]?险|定损|核损|报案|脱保|续保|免赔|救援|过户|附加险|挂牌|上牌|"
    r"查勘|高速|台风|冰雹|新手|出事(?!故)"
)
_OTHER_LINES = re.compile(
    r"重疾|大病|医保(?!外)|社保|社会保险|五险一金|养老|寿险|人寿|学平|健康险|健康告知|医疗(?:保)?险|(?<!驾乘)(?<!司乘)(?<!驾意)意外(?:保)?险|意外伤害|人身(?:意外|保险)|"
    r"旅游(?!.*[车撞驾])|旅行险|旅意|航延|航意|签证|出境|境外|生育|失业|公积金|年金|分红|万能险|投连|两全|理财|学生险|老人险|住院(?:险|保险)|"
    r"防癌|癌症|体检|农合|犹豫期|生存金|教育金|家财|房屋|雇主|公众责任|安全生产|食品安全|货运险|货物运输|建工|农业保险|宠物险|碎屏|退运险|运费险|机票"
)
_INSURANCE = re.compile(
    r"保|险|赔|撞|碰|刮|蹭|剐|划|裂|破|坏|凹|瘪|洞|掉漆|砸|抛锚|熄火|打不着|三者|追尾|事故|定损|责|税|逃|免赔|修|伤|死|损|案|标志|私了|误工|驾|涉水|淹|燃|砸|救援|拖车|搭电"
)


@dataclass(frozen=True)
class Reading:
    """A question in its normal form.

    Attributes:
        text: folded, corrected, without punctuation and fillers, at most MAX_CHARS characters.
        facets: names such as ``责任:对方全责``.
        insurance: speaks of insurance, damage or an accident.
        motor: speaks of motoring or a motor cover, and of insurance.
        other_line: speaks of another line of insurance (life, health, travel, …).
    """

    text: str
    facets: frozenset[str]
    insurance: bool
    motor: bool
    other_line: bool


def read(question: str) -> Reading:
    """Reads a question; any text is accepted, a long one by its beginning and its end."""
    marked = normalise(question)
    text = marked.replace("某司", "")
    insurance = bool(_INSURANCE.search(text))
    return Reading(
        text=text,
        facets=frozenset(name for name, pattern in _COMPILED if pattern.search(marked)),
        insurance=insurance,
        motor=insurance and bool(_MOTOR.search(text) or _MOTOR_HINT.search(text)),
        other_line=bool(_OTHER_LINES.search(text)),
    )


def normalise(question: str) -> str:
    """`fold`, cut to at most MAX_CHARS characters: of a long story the beginning and the end count."""
    if len(question) > 2 * MAX_CHARS:
        question = question[: MAX_CHARS + MAX_CHARS // 2] + question[-MAX_CHARS // 2 :]
    text = fold(question)
    if len(text) > MAX_CHARS:
        text = text[: MAX_CHARS * 2 // 3] + text[-MAX_CHARS // 3 :]
    return text


def fold(text: str) -> str:
    """Full-width to half-width, lower case, frequent slips put right, punctuation and polite fillers dropped."""
    folded = _PLACE.sub("某地", unicodedata.normalize("NFKC", text).lower())
    folded = _FILLERS.sub("", _DROP.sub("", _COMPANY.sub("某司", folded)))
    for slip, right in _SLIPS:
        folded = folded.replace(slip, right)
    return _SHORT_COMPULSORY.sub("交强险", folded)
