"""A scripted dialogue for browser tests and screenshots: each kind of reply that the dialogue service can give."""

from __future__ import annotations

from typing import Any

Replies = list[dict[str, Any]]

_COVERS = [
    {"name": "第三者责任险", "sum": "200 万"},
    {"name": "车损险", "sum": "12.8 万"},
    {"name": "司机座位险", "sum": "1 万"},
]

_PLANS: dict[str, Any] = {
    "type": "plans",
    "title": "浙A·3F72K 方案对比",
    "note": "以平台查询和核保为准。价格不含任何预选的附加项。",
    "plans": [
        {
            "code": "basic",
            "name": "基础方案",
            "total": "2,286.40",
            "compulsory": "855.00",
            "commercial": "1,071.40",
            "vehicle_tax": "360.00",
            "covers": [{"name": "交强险", "sum": "20 万"}, {"name": "第三者责任险", "sum": "100 万"}],
            "not_covered": ["自己的车的损失", "司机和乘客", "划痕", "节假日限额翻倍"],
            "payload": '/inform{"plan": "basic"}',
            "recommended": False,
        },
        {
            "code": "standard",
            "name": "标准方案",
            "total": "3,948.15",
            "compulsory": "855.00",
            "commercial": "2,733.15",
            "vehicle_tax": "360.00",
            "covers": [{"name": "交强险", "sum": "20 万"}, *_COVERS],
            "not_covered": ["划痕", "节假日限额翻倍"],
            "payload": '/inform{"plan": "standard"}',
            "recommended": True,
        },
        {
            "code": "full",
            "name": "全面方案",
            "total": "5,120.88",
            "compulsory": "855.00",
            "commercial": "3,905.88",
            "vehicle_tax": "360.00",
            "covers": [
                {"name": "交强险", "sum": "20 万"},
                {"name": "第三者责任险", "sum": "300 万"},
                *_COVERS[1:],
                {"name": "划痕险", "sum": "2,000 元"},
                {"name": "节假日限额翻倍", "sum": "含"},
            ],
            "not_covered": ["车轮单独损失"],
            "payload": '/inform{"plan": "full"}',
            "recommended": False,
        },
    ],
}

_RECEIPT: dict[str, Any] = {
    "type": "claim_receipt",
    "claim_no": "CL2026112207",
    "plate": "浙A3F72K",
    "occurred_at": "2026-11-21T20:10:00+08:00",
    "place": "杭州市西湖区文三路与学院路路口",
    "accident": "追尾",
    "surveyor": "周师傅",
    "surveyor_phone": "0571-95000",
    "materials": ["驾驶证、行驶证照片", "双方车损照片和现场全景", "交通事故认定书或协商书", "收款银行卡"],
    "next": ["查勘员 30 分钟内和您联系", "定损后给您核对金额和修理项目", "材料齐全后 30 日内作出核定"],
}

_PAYMENT: dict[str, Any] = {
    "type": "payment",
    "application_no": "A2026112201",
    "total": "3,948.15",
    "url": "https://cashier.example/pay/A2026112201",
    "expires_at": "2026-11-24T00:00:00+08:00",
    "lines": [
        {"name": "交强险", "amount": "855.00"},
        {"name": "商业险", "amount": "2,733.15"},
        {"name": "车船税（代收）", "amount": "360.00"},
    ],
}

_POLICY: dict[str, Any] = {
    "type": "policy",
    "items": [
        {
            "policy_no": "P20261123",
            "kind": "compulsory",
            "plate": "浙A3F72K",
            "start": "2026-11-23",
            "end": "2027-11-22",
            "covers": [{"name": "交强险", "sum": "20 万"}],
            "premium": "855.00",
        },
        {
            "policy_no": "P20261124",
            "kind": "commercial",
            "plate": "浙A3F72K",
            "start": "2026-11-23",
            "end": "2027-11-22",
            "covers": _COVERS,
            "premium": "2,733.15",
        },
    ],
}

_PROGRESS: dict[str, Any] = {
    "type": "progress",
    "claim_no": "CL2026110316",
    "status": "adjudicating",
    "steps": [
        {"name": "已报案", "at": "2026-11-03T09:12:00+08:00", "done": True},
        {"name": "查勘完成", "at": "2026-11-03T11:40:00+08:00", "done": True},
        {"name": "已定损", "at": "2026-11-06T15:05:00+08:00", "done": True},
        {"name": "核赔", "at": None, "done": False},
        {"name": "赔款到账", "at": None, "done": False},
    ],
    "amount": "6,480.00",
}

_REPLIES: dict[str, Replies] = {
    "交强险赔多少": [
        {
            "text": "交强险有责时最多赔 20 万元。",
            "custom": {"knowledge": {"kind": "confident", "topic": "compulsory_coverage", "version": 1}},
        }
    ],
    "方案": [
        {
            "text": "三种方案的估算如下：\n"
            + "\n".join(f"【{plan['name']}】合计 {plan['total']} 元" for plan in _PLANS["plans"])
        },
        {"custom": {"card": _PLANS}},
        {"text": "您想选哪一种？也可以说要加什么、减什么。"},
    ],
    "回执": [
        {"text": "报案成功，已为您登记。报案号：CL2026112207。"},
        {"custom": {"card": _RECEIPT}},
        {
            "text": "\n".join(
                [
                    "接下来：",
                    *(f"{n}. {line}" for n, line in enumerate(_RECEIPT["next"], 1)),
                    "要准备的材料：",
                    *(f"{n}. {line}" for n, line in enumerate(_RECEIPT["materials"], 1)),
                ]
            )
        },
    ],
    "付款": [{"text": "核保通过了，可以付款。"}, {"custom": {"card": _PAYMENT}}],
    "保单": [{"text": "这是您名下的保单："}, {"custom": {"card": _POLICY}}],
    "进度": [{"text": "您的案子正在核赔，材料已经齐了。"}, {"custom": {"card": _PROGRESS}}],
    "我要报案": [
        {
            "text": "您别着急，先确认安全：现场有人受伤吗？",
            "buttons": [
                {"title": "没有人受伤", "payload": '/inform{"injury": "no"}'},
                {"title": "有人受伤", "payload": '/inform{"injury": "yes"}'},
                {"title": "暂时不清楚", "payload": '/inform{"injury": "unknown"}'},
            ],
        }
    ],
    "转人工": [{"text": "好的，这就为您转接。"}],
    "链接": [
        {"text": "条款见 https://example.com/terms?id=1。<b>注意</b> <img src=x onerror=alert(1)> javascript:alert(1)"}
    ],
    "坏卡片": [{"text": "卡片有问题时文字还在。", "custom": {"card": {"type": "plans", "plans": "none"}}}],
}


def script(body: dict[str, Any]) -> Replies:
    """The replies of one turn."""
    if body.get("entities") == {"injury": "no"}:
        return [{"text": "好，人没事就好。请拍几张现场照片发来：全景、碰撞部位、双方车牌。"}]
    if "intent" in body:
        chosen = next(iter(body["entities"].values()), body["intent"])
        return [{"text": f"好的，已选：{chosen}"}]
    if body["metadata"].get("attachments"):
        return [{"text": f"收到 {len(body['metadata']['attachments'])} 张照片。"}]
    if body["metadata"].get("location"):
        return [{"text": "位置收到了，正在安排查勘。"}]
    return _REPLIES.get(body["text"], [{"text": f"收到：{body['text']}"}])
