"""How grave a complaint is, and what we promise for it."""

from __future__ import annotations

import re

SERVICE_HOURS = {1: 24, 2: 48, 3: 0}
"""Internal target in hours until the customer hears from the handler; 0 = a supervisor at once."""

_LEVEL_3 = re.compile(
    r"12378|12315|12345|银保监|保监|金融监管|金管局|监管局|监管部门|监管总局|消协|消费者协会|工商局|信访|上访"
    r"|曝光|媒体|记者|电视台|微博|抖音|小红书|网上发|发到网|律师|起诉|法院|告你们|打官司|集体投诉|报警抓"
    r"|自杀|不想活|跳楼|活不下去|同归于尽|拉横幅|堵门|泄露|个人信息|伪造|代签|冒名|诈骗|骗保费|歧视"
)
_LEVEL_2 = re.compile(
    r"拒赔|不赔|少赔|赔(?:得|的)?太少|定损.{0,6}(?:低|少|不合理)|拖(?:着|了|延)|一直(?:没|不)|迟迟|多少天|好几天|几个月|半个月"
    r"|误导|欺骗|骗(?:我|人)|强制|捆绑|搭售|乱扣|多扣|重复扣|扣了两次|不退|退保.{0,6}(?:少|慢|难)"
    r"|(?:第|又|再)?[二两三四五六七八九]次|反复|多次|屡次|推(?:诿|来推去|脱)|踢皮球|没人(?:管|理|处理|回)|违规|不合规"
)


def level_of(text: str) -> int:
    """1 manners and small matters, 2 money, delay, misleading or repeated, 3 regulator, press, law, data or danger."""
    folded = re.sub(r"\s+", "", text)
    if _LEVEL_3.search(folded):
        return 3
    return 2 if _LEVEL_2.search(folded) else 1


def promise_of(level: int) -> str:
    """What the customer hears about the next step."""
    return {
        1: "我们会在24小时内联系您。",
        2: "我们会在48小时内联系您，给您初步答复。",
        3: "已经加急转给主管，会尽快直接联系您。",
    }[level]
