"""Names of persons in a message."""

from __future__ import annotations

import re

from chebao.insurance.found import Found, fold

_SURNAMES = (
    "王李张刘陈杨赵黄周吴徐孙胡朱高林何郭马罗梁宋郑谢韩唐冯于董萧程曹袁邓许傅沈曾彭吕苏卢蒋蔡贾丁魏薛叶阎余潘杜戴夏钟汪田任姜范方石姚谭廖邹熊金陆郝孔白崔康毛邱秦江史顾侯邵孟龙万段"
    "雷钱汤尹黎易常武乔贺赖龚文庞樊兰殷施陶洪翟安颜倪严牛温芦季俞章鲁葛伍韦申尤毕聂丛焦向柳邢路岳齐梅莫庄辛管祝左涂谷祁时舒耿牟卜詹关苗凌费纪靳盛童欧甄项曲成游阳裴席卫查屈鲍位覃霍翁"
    "隋植甘景薄单包司柏宁柯阮桂闵解强柴华车冉房边辜吉饶刁瞿戚丘古米池滕晋苑邬臧畅宫来嵺苟全褚廉简娄盖符奚木穆党燕郎邸冀谈姬屠连郜晏栾郁商蒙计喻揭窦迟宇敖糜鄢冷卓花仇艾蓝都巩稽井练仲"
    "乐虞卞封竺冼原官衣楚佟栗匡宗应台巫鞠僧桑荆谌银扬明沙薄伏岑习胥保和蔺肖候闫付佘麻亓"
)
_COMPOUND = (
    "欧阳|太史|端木|上官|司马|东方|独孤|南宫|万俟|闻人|夏侯|诸葛|尉迟|公羊|赫连|澹台|皇甫|宗政|濮阳|公冶|太叔|申屠|公孙|慕容|仲孙|钟离|长孙|宇文|司徒|鲜于|司空|闾丘|令狐|百里|呼延|东郭|南门|西门|"
    "拓跋|轩辕|纳兰|完颜|第五|梁丘|左丘|钟吾|亓官"
)
_GIVEN = (
    "伟芳娜敏静丽强磊军洋勇艳杰娟涛明超兰霞平刚英华玉萍红娥玲芬燕彬春花建国志秀珍梅凤波辉文斌宇浩然凯健俊帆雪荣爱琴云飞鹏旭晓林海龙桂兵峰博雯婷慧琳颖倩欣怡佳悦瑶琪萱涵轩泽铭睿晨阳鑫鸿"
    "永生亮东宁宏胜利民福祥贵德才义仁良成庆贤达安康宝金银根木水火土山川河江湖天星月日晶莹洁琼瑾瑜璐璇莉莲蓉菊菲蕾薇薛诗韵雅思梦妍娇媛婉嫣嘉丹彤彦彩忠怀恩惠新世少立培绍继耀翔兴邦学"
    "振万昌友维正威武虎豹雷震岩松柏竹楠桐栋梓杉枫冰霜露雨虹彪锋钢铁锦绣绮绪纯绍维绮素美好淑贞香翠碧青蓝紫丰长清源润泉涌洪清沛淼一二三四五七子乐天佑启哲思远致行之若如以可心语诺沐宸奕景逸辰昊"
    "勤俭毅诚信谦和光晖昭昕曦晗晟晔朝越超跃进军卫保冬夏秋全喜旺发财富有运顺吉瑞祺祯礼仪双小大老方圆圣贝妮妹芝芸茜茹荷莎菁萌苗若茂苹蓓雁鹤鸣莺鹃凰凡帅师帝尧舜禹"
    "霖滨溪渊沁泓汐洲洛津澜潇淇湘江瀚灿炜炎烨煜煊焱熙燊珊珠珂琦琛瑛瑞璟环玥宜宛容宣宸家宾寅岚岳峻崇嵘巍树柳柯桃桑榕樱权楷标梁欢歌毓民立端竹笑筠简策篮粤继绪群羽翰耘联聪胤能腾舒航艺节"
    "承扬拓振挺捷攀政敬敦斐方昂易时晋普智曼朋望期本杏来杭杨柏柱栩根格桥森楚榆正武殿毅汉沙泰浦润涛深渝溢漫焕熠爽牧特珍理甜田畅益盛相真眉矫硕祖福禄科程稳空童竞竣章笛符粒精红纪纬练"
    "细经绘维绿缘美羚耕聚肖育胜臣自至舟良芊芙英范茗茵荃荟莹菡葆葵蒙蔚薪藏虞蝶衍裕西观言计训许诗诚询谊谋谷豪贝贞贤赫起路轶载辛迅运进连迪逢道遥邵郁郎里重钊钟钧铎铮锐镇长闻阔隆雄雅集雍静音韦韬项颂领颜飒飘香驰骁骏高魁鲁麒麟黎齐龄"
)
_STOP = set(
    "的了吗呢吧啊呀哦嗯哈么不没是有在去到这那我你他她它们您要想能会可以就都也还和跟与或但车险保单费钱赔款买卖办号码路街区县市省镇村边上下里外前后左右内中点分秒年月日时天周钱块元个只条辆"
    "台次位件把被给让从往对因为所请问谢好行修撞刮坏报案追尾谁什哪怎多少几事故现场客服人工险额责任续交商业查询说看走开做用吃喝拜托"
)
_NOT_NAMES_TEXT = (
    "高兴 高速 方便 安全 时间 任何 任意 任务 谢谢 马上 白色 黄色 黑色 金额 成都 广州 江苏 安徽 方案 严重 毛病 何时 解决 计划 包括 沈阳 宁波 苏州 顾客 华为 左边 温州 常州 杭州 明天 明白 成功 平安 高尔夫 马自达 全险 向前 向右 向左 于是 "
    "易车 计算 单方 单位 应该 应急 连环 连接 来电 来自 华北 华东 华南 武汉 石家庄 张家口 兰州 海口 冀州 吉林 甘肃 晋城 燕郊 徐州 郑州 梁山 柳州 桂林 江西 江北 江南 汤臣 白天 黄昏 金卡 花呗 花费 关闭 关于 商业 官方 官网 "
    "明确 明细 明显 宝马 和解 和平 路虎 路上 路口 路边 车主 车牌 车位 车门 文件 文明 毕业 康复 强制 强烈 时候 时效 全部 全责 全损 全款 全额 成立 成本 向日葵 石头 牛逼 米其林 来不及 保险 保单 保费 查询 查勘 原因 原来 "
    "蓝色 银色 银行 红色 方向 方式 方面 田地 乐意 温馨 童车 常用 常见 安心 安排 安装 平台 平时 金融 高空 高架 高端 盖章 连续 连车 计时 费用 费率 符合 简单 景区 相同 席位 成交 项目 房贷 房子 边上 古怪 强险 单子 单独 包年 包月 申请 申诉 严禁 齐全 别克 "
    "宋 汉 秦 唐 元 奚落 安静 安全带 安全员 雷克萨斯 雷凌 凌渡 凌派 高山 谈谈 封面 荣威 洪水 焦急 冷静 迟到 花坛 阳台 习惯 曾经 易损 和好 晚上 温度 江苏省 浙江 湖南 全新 全程 连号 沙发 应付 付款 付费 付钱 党员 陆续 温岭 余额 余款 祝好 施救 施工 顾问 莫名 都行 都好 都可 都能 全国 全家 武术 常年"
)
_NOT_NAMES = frozenset(_NOT_NAMES_TEXT.split())
_ONE_NAME = rf"(?:(?:{_COMPOUND})[\u4e00-\u9fff]{{1,2}}|[{_SURNAMES}][\u4e00-\u9fff]{{1,2}}|[\u4e00-\u9fff]{{2,5}}[·•][\u4e00-\u9fff]{{2,6}})"
_WHOLE = re.compile(rf"\s*(?P<name>{_ONE_NAME})\s*[。.!！~]?\s*")
_AFTER_SELF = re.compile(rf"(?:就?是?我?(?:自己|本人)?(?:在)?(?:开的?车?|驾驶)?)[，, ]+(?P<name>{_ONE_NAME})[。.]?")
_CUED = re.compile(
    r"(?P<cue>(?:我|本人|他|她|司机|驾驶员|车主|投保人|被保险人|对方|联系人|客户|老公|老婆|爱人|父亲|母亲|爸爸|妈妈|儿子|女儿)?(?:的)?(?:名字|姓名|大名|全名|户名)(?:叫做|叫作|叫|是|为|改成|改为|应该是)?|"
    r"(?:我|他|她|司机|驾驶员|车主|本人|老公|老婆|爱人|朋友|同事|我爸|我妈|儿子|女儿|对方)(?:的)?叫做?|叫我|"
    r"(?:投保人|被保险人|出险人|报案人|当事人|车主|驾驶员|驾驶人|司机|联系人|户主|收款人|持卡人|领款人|开户人|受益人|本人|开车的|查勘员|定损员|理赔员|业务员|客户经理)"
    r"(?:名字|姓名)?(?:应该|误)?(?:是|为|叫|改成|改为|换成|换为|变更为|写成|写的是)?|我?(?:弟弟?|哥哥?|姐姐?|妹妹?|表[弟哥姐妹]|堂[弟哥姐妹]|舅舅?|叔叔?|姑姑?|姨|姐夫|妹夫|嫂子|岳父|岳母|公公|婆婆|媳妇儿?|爱人|丈夫|妻子|对象|儿子|女儿|闺女|邻居)|"
    r"(?:打|转|付|汇|退|赔|过户|卖|过|转让|变更|交)给|改成|改为|[打写录填]成|(?<![大小])叫(?![车人拖应警急辆个台救])(?:做|作)?|我是|这是|是|找|抬头)[ ]*(?:是|:|，)?[ ]*[“\"]?"
    rf"(?P<name>{_ONE_NAME})"
)
_IDENTIFIED = re.compile(r"[0-9]{5}|[A-Z][ ·.-]?[0-9A-Z]{5}|姓|叫我")
_PART = re.compile(r"[^\s，。,;；、:：]+")
_LONE = re.compile(_ONE_NAME)
_STRONG = re.compile(r"(?:名|叫|被保险人|司机|驾驶|查勘员|定损员|户主|收款人|持卡人|联系人|被保险人|投保人|[:：])")
_FOLLOW = re.compile(
    r"[ ]*(?:$|[，。,.!！?？;；、”\"\s()（）0-9A-Z~]|的|是|，|吧|呀|啊|哈|开的|开车|本人|先生|女士|身份证|电话|手机|车牌|[和跟]|了|要|想|来|不是|没|在|这|就|写错|，)"
)
_TITLED = re.compile(r"(?:先生|女士|小姐|师傅|老师|老板|经理|总|某)$")
_SURNAME = re.compile(
    rf"(?:我|本人|免贵|敝|小)?姓(?:氏)?(?:是)?[ ]*(?P<name>{_COMPOUND}|[{_SURNAMES}])(?![名\u4e00-\u9fff]*(?:改|错))|(?:叫我|我是)?(?P<title>{_COMPOUND}|[{_SURNAMES}])(?:先生|女士|小姐|师傅|老师)"
)


def _is_name(name: str, strong: bool) -> bool:
    if "·" in name or "•" in name:
        return True
    if name in _NOT_NAMES or _TITLED.search(name):
        return False
    split = 2 if re.match(_COMPOUND, name) and len(name) > 2 else 1
    given = name[split:]
    if any(sign in _STOP and not (strong and sign in _GIVEN) for sign in given):
        return False
    known = sum(sign in _GIVEN for sign in given)
    return known == len(given) or strong or (len(given) == 2 and (known == 1 or given[0] == given[1]))


def find_person_names(text: str) -> list[Found]:
    """Full names: after 我叫, 姓名, 车主是 …, or alone as the whole message; "我姓王" is left to `surname`."""
    folded = fold(text)
    whole = (_WHOLE.fullmatch(folded) or _AFTER_SELF.fullmatch(folded)) if len(folded) <= 16 else None
    if whole and _is_name(whole["name"], strong=False):
        return [Found("person_name", text[slice(*whole.span("name"))], *whole.span("name"))]
    found = _beside_numbers(folded, text)
    for match in _CUED.finditer(folded):
        strong = bool(_STRONG.search(match["cue"]))
        start, end = match.span("name")
        for stop in range(end, start + 1, -1):
            name = folded[start:stop]
            if (
                _FOLLOW.match(folded, stop)
                and _is_name(name, strong)
                and (len(name) == 2 or len(name) < 5 or "·" in name)
                and not any(one.start == start for one in found)
            ):
                found.append(Found("person_name", text[start:stop], start, stop))
                break
    return sorted(found, key=lambda one: one.start)


def _beside_numbers(folded: str, text: str) -> list[Found]:
    """A name that stands alone between commas or spaces, in a message that also gives a number or a surname."""
    if not _IDENTIFIED.search(folded):
        return []
    return [
        Found("person_name", text[slice(*match.span())], *match.span())
        for match in _PART.finditer(folded)
        if len(match.group()) <= 6 and _LONE.fullmatch(match.group()) and _is_plain_name(match.group())
    ]


def _is_plain_name(name: str) -> bool:
    """Whether every sign after the surname is common in given names, "月" and "天" too."""
    split = 2 if re.match(_COMPOUND, name) and len(name) > 2 else 1
    return _is_name(name, strong=True) and all(sign in _GIVEN for sign in name[split:])


def surname(text: str) -> str | None:
    """The surname when only that is told: "我姓王", "免贵姓欧阳", "王先生"."""
    match = _SURNAME.search(fold(text))
    return (match["name"] or match["title"]) if match else None
