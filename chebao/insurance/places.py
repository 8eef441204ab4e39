"""Places in a message: the customer's own words, from the city down to "附近"."""

from __future__ import annotations

import re

from chebao.insurance.found import Found, fold
from chebao.insurance.gazetteer import PLACE, marked

# A name runs until a word that cannot stand inside one: pronouns, verbs, particles, prepositions, punctuation.
_BREAK = "坏搁趴滑冲翻掉摔扎找我你他她它俺咱送住们在从往到去来被把给让和跟与的了着过是有没就也都还要想请问吗呢吧啊刚才昨今明早晚点追撞刮蹭碰停开走车险号码说报案 "
_NAME = rf"[^\W0-9_A-Z{_BREAK}]"
_WORD = rf"(?:{_NAME}|{PLACE}|(?<=[\u4e00-\u9fff])(?:中|大|小))"
_DIRECTION = r"[东南西北]"
_ROAD = (
    rf"(?:(?:国道|省道|县道)[GSX]?[0-9]{{1,4}}|(?:{_WORD}{{1,8}}?|[东南西北][一二三四五六]|[一二三四五六七八九十0-9]{{1,3}}|[GSX][0-9]{{1,4}}{_NAME}{{0,8}}?)"
    r"(?:大路|高速公路|高速(?!度|上网)|大道|大街|公路|快速路|高架路?|立交桥?|隧道|环岛|环线|环路|(?<=[东南西北一二三四五六七内外中])环(?![境节保])(?:高架路?|快速路|线)?|国道|省道|县道|(?<![线网套思后一小半公短电油气])路(?!边|上(?!段)|口|虎|过|人|况|费|程|障|由|线|怒|名|滑)(?:段)?|"
    r"街(?!道办)(?!上)|巷|胡同|弄堂|大桥|桥(?!梁)|道(?=[0-9与和]|口)))"
)
_ADMIN = rf"{PLACE}+(?:[市省区县](?!别|域|间|场|民))?(?:(?:工业)?园区|(?:高新|经开|经济技术开发|高新技术开发|开发|新)区|市区|县城|城区|老城|周边)?"
_COUNTY = rf"(?:(?:高新技术开发|经济技术开发|高新|经开)区|{_NAME}{{1,5}}?(?:新区|开发区|自治县|区(?!别|域|间)|县|镇(?!静)|乡(?!大道|路|街)|街道|村|旗(?!大道|[东南西北中]?路|街|舰|袍|子)))"
_POI = (
    rf"(?:{_NAME}|协和|和平|和睦|[A-Z0-9中大小号{PLACE}]){{1,12}}?"
    r"(?:小区|花园|家园|公寓|广场|大厦|大楼|中心|商场|超市|医院|学校|大学|中学|小学|幼儿园|机场|火车站|高铁站|地铁站|汽车站|[东南西北]站|客运站|公交站|加油站|服务区|收费站|停车场|停车楼|"
    r"车库|公园|酒店|宾馆|饭店|市场|4S店|工业园|产业园|科技园|园区|万达|万象城|(?<=..)银泰|体育馆|码头|景区|立交|商圈|新村|新城|苑|府|检查站|航站楼|候机楼|商圈|古城|古镇|步行街|修理厂|汽修厂|工地|厂区|体育场|会展中心|世纪城|大悦城|吾悦|天街|奥特莱斯|宜家|家乐福|沃尔玛|批发市场|派出所|交警队|博物馆|图书馆)"
)
_BARE_POI = r"(?:我们?|咱们?|俺们?|自)家?(?:小区|单位|公司|村|厂)(?:门口|楼下|里面?|院里|地库|地下车库|车库|停车场)?|(?:我们?|咱们?|俺们?)?(?:地下|地上|露天|小区|公司|单位|商场|超市|医院|学校|家|公司楼下)(?:的)?(?:停车场|停车库|车库|停车位|地库|地下车库|门口|楼下|院子里?)|地下车库|停车场|地库"
_NUMBER = r"(?:[0-9]{1,5}(?:号(?!线)|弄|公里(?:处)?|KM)(?:院|楼|门(?!口))?|K[0-9]{1,5}(?:\+[0-9]{1,4})?(?:处|公里)?|[0-9一二三四五六七八九十]{1,4}[栋幢座](?:楼)?|[0-9一二三四五六七八九十]{1,3}号?楼|(?:地下|负)[一二三1-3]层)"
_TAIL = (
    rf"(?:十字路口|丁字路口|三岔路口|路口|交叉(?:口|处)?|交汇(?:口|处)?|交界处?|高架|地库|{_DIRECTION}{{1,2}}[侧段边口门向](?:{_DIRECTION})?|[东南西北]向[东南西北]|(?:出|入|匝)?(?:出口|入口|匝道口?)|"
    r"附近|门口|旁边?|对面|楼下|小学|中学|大学|学校|医院|小区|商场|超市|市场|加油站|火车站|高铁站|辅路|主路|桥[上下]|下面|往?(?:东|南|西|北){1,2}(?:方向)|[\u4e00-\u9fff]{1,4}方向|[0-9]+米(?:处)?|(?:地下)?(?:停车场|停车库|车库)|收费站|服务区|地铁[站口]|站(?![着了住在起])|岛|(?:地下|负)[一二三1-3]层|段|内环|外环|里面|内(?!容))"
)
_JOIN = rf"(?:[ ]?(?:和|与|跟|靠近|近|、|/)?[ ]?(?:{_ROAD})(?={_TAIL}))?"
_AFTER_PLACE = rf"(?<=[{PLACE}区县镇乡市])(?:[^\W0-9_A-Z我你他从往到被把了的跟让给追撞刮在和与]{{0,5}}?(?:大道|大街|路(?!边|上|口|过|人|况)|街(?!道|上))|(?:万达|银泰|万象城|吾悦|大悦城|天街|宜家|家乐福|沃尔玛|永辉|奥特莱斯)(?:广场)?)"
_PIECE = rf"(?:{PLACE}+段|{PLACE}+|{_AFTER_PLACE}|(?<=高速){_NAME}{{2,4}}段|{_ROAD}|{_NAME}{{2,4}}道(?=$|[ ，,。0-9与和附上撞追])|{_POI}|{_NUMBER}|{_TAIL})"
_PATTERN = re.compile(
    rf"(?:(?:{_ADMIN})(?:{_COUNTY}){{0,3}}|(?:{_COUNTY}){{1,2}}(?=[^\s，。]{{0,12}}(?:路|街|道|环|桥|小区|高速|号|附近|$|，|。))|{_ROAD}|{_POI}|{_BARE_POI})"
    rf"(?:[ ]?(?:{_PIECE}))*{_JOIN}(?:[ ]?(?:{_PIECE}))*"
)
_TRIGGER = re.compile(
    rf"[圈岛湖港湾坡塘坝堤沟营屯庄寨铺洲寺庙塔宫陵厂楼院所馆路街巷环桥区县镇村道园厦场站城苑府弄]|高速|高架|立交|隧道|胡同|小区|中心|医院|学校|大学|附近|门口|银泰|万达|天街|宜家|永辉|沃尔玛|家乐福|吾悦|车库|地库|酒店|楼下|市|省|{PLACE}"
)
_STEM_ONLY = re.compile(
    r"(?:了?[一几两]|好几)[大小长]?道|(?:一|半|上|走|小|大|公|马|道|思|线|网|铁|后|问|修|过|带|迷|绕|探|养|什么|哪条|这条|那条|十字)路|(?:走|人行|街|赛|频|渠|通|味|知|难|公|报|管|车)道|(?:区|地|小|校|社|郊|市|景|灾|园|片|误|禁|专)区|循环|(?:农|全)村|"
    r"(?:网站|本站|市场|现场|立场|到场|停车场景|广场舞|客服中心|服务中心|中心)|(?:报|出|索|理)赔.*"
)
_VAGUE_END = re.compile(r"(?<=..)(?:附近|旁边?|对面|里面|下面|桥上|上(?=$)|[ ])+$")
"""Words that say "somewhere near"; the place itself ends before them."""
_STRAY = 5
"""So many signs before a division's name are no part of the place, unless they name a road or a thing themselves."""
_ROAD_SIGN = re.compile(r"[路街道速桥环区县市省镇村园城国线港站店0-9A-Z]")
_COMPANY = re.compile(r"[\u4e00-\u9fff]{1,12}公司")
_PLATE_WORD = re.compile(r"(?:牌|车牌|户口|户籍)")
_GENERIC = re.compile(
    r"(?:地下|地上|露天|负|[一二三1-3])*(?:层)?(?:停车场|停车库|车库|停车位|地库|地下车库|停车楼|工地|厂区|修理厂|市场|超市|酒店|加油站|医院|学校)(?:门口|里面?|出口|入口)?"
)
"""Places without a name, of which there are thousands."""
_CUE = re.compile(r"(?:在|到|放|停|从|往|去|地点[是:：]?|位置[是:：]?|地址[是:：]?|位于)[ ]*$")
_LEAD = re.compile(
    r"^(?:发生|出险|事故|地点|位置|地址|现在|正在|就|位于|经过|路过|途经|驶入|进入|下|上(?=[东南西北]|高架)|改(?:成|为|到)|换成|应该是|其实是|不是|是)+(?=.{2})"
)


def find_locations(text: str) -> list[Found]:
    """Places, in the customer's own words: "在北三环追尾了" gives 北三环."""
    folded = fold(text)
    signs = marked(folded)
    if not _TRIGGER.search(signs):
        return []
    found: list[Found] = []
    for match in _PATTERN.finditer(signs):
        start, end = match.span()
        lead = _LEAD.match(folded[start:end])
        start += lead.end() if lead else 0
        first = signs.find(PLACE, start, end)
        if 0 < first - start <= _STRAY and not _ROAD_SIGN.search(folded[start:first]):
            start = first
        end = start + len(_VAGUE_END.sub("", folded[start:end]))
        if _counts(folded, start, end):
            found.append(Found("location", text[start:end], start, end))
    return found


def _counts(folded: str, start: int, end: int) -> bool:
    words = folded[start:end]
    if len(words) < 2 or _STEM_ONLY.fullmatch(words):
        return False
    if (
        _COMPANY.match(folded, end)
        or _PLATE_WORD.match(folded, end)
        or folded[end : end + 2] in {"牌照", "分公", "银行"}
    ):
        return False
    if _GENERIC.fullmatch(words):
        return end - start == len(folded.strip())
    if re.fullmatch(_BARE_POI, words):
        return bool(_CUE.search(folded[max(0, start - 4) : start])) or end - start == len(folded.strip())
    return True
