"""``chebao doctor``: what stands between the settings and a working service, and how to mend it, in Chinese and English."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

import httpx
from pydantic import ValidationError

from chebao.settings import Settings


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at; `chinese` and `english` say how it is, or what to do."""

    what: str
    good: bool
    chinese: str
    english: str


_WRONG = (
    ("is not an EncodingAESKey", "EncodingAESKey 是 43 位字母和数字，请从公众平台重新复制"),
    ("needs CHEBAO_WECHAT_SECRET", "填了 CHEBAO_WECHAT_APP_ID，就要同时填 CHEBAO_WECHAT_SECRET 和 CHEBAO_WECHAT_TOKEN"),
    ("is for demo mode", "CHEBAO_FAKES 只用于演示模式：正式环境请去掉它"),
    ("needs secrets of at least", "正式模式下这些密钥至少 16 个字符"),
)
"""Words of an error in the settings → what to do."""


def refused(error: ValidationError) -> list[Finding]:
    """Settings with which nothing starts."""
    found = []
    for problem in error.errors(include_url=False, include_input=False):
        name = "CHEBAO_" + "_".join(str(part) for part in problem["loc"]).upper() if problem["loc"] else "settings"
        english = problem["msg"].removeprefix("Value error, ")
        chinese = next((words for sign, words in _WRONG if sign in english), f"{name} 的值不对，写法见 .env.example")
        secrets = re.findall(r"CHEBAO_[A-Z_]+", english) if "at least" in english else []
        listed = f"：{'、'.join(secrets)}" if secrets else ""
        found.append(Finding("settings", False, chinese + listed, f"{name}: {english}; see .env.example"))
    return found


def mode(settings: Settings) -> list[Finding]:
    """Whether a real account is served with the fixed codes of the demo."""
    real = [
        name
        for name, on, api in (
            ("WeChat", bool(settings.wechat_app_id), settings.wechat_api),
            ("Telegram", bool(settings.telegram_token.get_secret_value()), settings.telegram_api),
        )
        if on and urlsplit(api).hostname not in ("127.0.0.1", "localhost")
    ]
    if not settings.demo:
        return [Finding("mode", True, "正式模式，设置齐全", "production mode, all settings are there")]
    if not real:
        return [Finding("mode", True, "演示模式，没有接真实账号", "demo mode, no real account")]
    return [
        Finding(
            "mode",
            False,
            f"{'、'.join(real)} 接的是真实账号，却在演示模式：验证码固定为 246810，谁都能冒充客户。"
            "设 CHEBAO_MODE=production 和 .env.example 里的密钥",
            f"{' and '.join(real)} in demo mode: the one-time code is fixed, anybody passes for a customer; "
            "set CHEBAO_MODE=production and the secrets of .env.example",
        )
    ]


async def service(settings: Settings) -> list[Finding]:
    """The running app behind its public address."""
    url = f"{settings.public_url}/readyz"
    try:
        async with httpx.AsyncClient(timeout=5) as http:
            answer = await http.get(url)
        parts = answer.json()
    except (httpx.HTTPError, ValueError) as error:
        words = f"访问不到 {url}（{type(error).__name__}）：先用 make run 启动服务，再检查 CHEBAO_PUBLIC_URL"
        return [Finding("service", False, words, f"{url} is not reachable: start the service, check CHEBAO_PUBLIC_URL")]
    away = [name for name, well in parts.items() if name != "ready" and not well]
    if away:
        return [
            Finding(
                "service",
                False,
                f"没有就绪：{'、'.join(away)}，请看日志",
                f"not ready: {', '.join(away)}; see the logs",
            )
        ]
    return [Finding("service", True, "服务、数据库、Rasa 和动作服务都正常", "app, database, Rasa and actions answer")]


def report(findings: Sequence[Finding]) -> str:
    """The findings, a line in each language."""
    return "\n".join(
        f"{'✓' if finding.good else '✗'} {finding.what:<18}{finding.chinese}\n  {'':<18}{finding.english}"
        for finding in findings
    )
