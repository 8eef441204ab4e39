"""``chebao doctor`` about the bot, against the fake Bot API: what is wrong, and what to do, in both languages."""

from __future__ import annotations

import time
from typing import Any

import pytest
import pytest_asyncio

from channels.telegram.cli import findings
from chebao.doctor import report
from chebao.settings import Settings
from tests.contract.telegram.conftest import Bench
from tests.running import free_ports

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(loop_scope="module")
async def bench(bench: Bench) -> Bench:
    """Webhook as the app has set it, no errors so far."""
    bench.telegram.webhook["url"] = f"{bench.url}/telegram"
    bench.telegram.last_error = None
    bench.telegram.queue.clear()
    return bench


async def told(bench: Bench, **changes: Any) -> dict[str, tuple[bool, str]]:
    """What is looked at → whether it is well, and what is said of it."""
    settings: dict[str, Any] = {
        "telegram_token": bench.telegram.token,
        "telegram_api": bench.telegram.url,
        "public_url": bench.url,
        "_env_file": None,
        **changes,
    }
    found = await findings(Settings(**settings))
    return {f.what.removeprefix("telegram "): (f.good, report([f])) for f in found}


async def test_a_working_bot_is_well_but_for_the_address_of_the_tests(bench: Bench) -> None:
    found = await told(bench)
    assert {name for name, (good, _) in found.items() if not good} == {"url"}
    assert "@chebao_bot" in found["token"][1] and "密钥一致" in found["service"][1]
    assert "CHEBAO_TELEGRAM_RECEIVE=polling" in found["url"][1] and "public https address" in found["url"][1]


async def test_no_bot_is_no_fault(bench: Bench) -> None:
    [(good, words)] = (await told(bench, telegram_token="")).values()
    assert good and "Telegram is off" in words


async def test_a_refused_token(bench: Bench) -> None:
    [(good, words)] = (await told(bench, telegram_token="4242:another")).values()
    assert not good and "@BotFather" in words and "CHEBAO_TELEGRAM_TOKEN" in words and "another" not in words


async def test_a_bot_api_out_of_reach(bench: Bench) -> None:
    [port] = free_ports(1)
    [(good, words)] = (await told(bench, telegram_api=f"http://127.0.0.1:{port}")).values()
    assert not good and "HTTPS_PROXY" in words and "not reachable" in words


async def test_a_webhook_that_leads_elsewhere(bench: Bench) -> None:
    bench.telegram.webhook["url"] = "https://staging.example/telegram"
    good, words = (await told(bench))["webhook"]
    assert not good and "https://staging.example/telegram" in words and "telegram_webhook_failed" in words
    bench.telegram.webhook["url"] = ""
    assert "还没有登记" in (await told(bench))["webhook"][1]


@pytest.mark.parametrize(
    ("error", "advice"),
    [
        ("Wrong response from the webhook: 403 Forbidden", "CHEBAO_TELEGRAM_SECRET"),
        ("SSL error {error:0A000086:SSL routines::certificate verify failed}", "证书链"),
        ("Connection timed out", "防火墙"),
        ("Wrong response from the webhook: 500 Internal Server Error", "日志"),
    ],
)
async def test_the_last_error_of_a_push_comes_with_advice(bench: Bench, error: str, advice: str) -> None:
    bench.telegram.last_error = (int(time.time()) - 60, error)
    good, words = (await told(bench))["errors"]
    assert not good and error in words and advice in words
    bench.telegram.last_error = (int(time.time()) - 90_000, error)
    assert "errors" not in await told(bench)


async def test_updates_that_wait(bench: Bench) -> None:
    bench.telegram.queue.extend([{}] * 250)
    good, words = (await told(bench))["updates"]
    assert not good and "250" in words


async def test_a_menu_that_is_not_ours(bench: Bench) -> None:
    assert "menu" not in await told(bench)
    kept, bench.telegram.commands = bench.telegram.commands, []
    good, words = (await told(bench))["menu"]
    bench.telegram.commands = kept
    assert not good and "命令菜单" in words and "the service sets it when it starts" in words


async def test_a_secret_that_telegram_would_refuse(bench: Bench) -> None:
    good, words = (await told(bench, telegram_secret="密钥"))["secret"]
    assert not good and "CHEBAO_TELEGRAM_SECRET" in words and "密钥" not in words


async def test_another_secret_than_the_running_service(bench: Bench) -> None:
    good, words = (await told(bench, telegram_secret="another"))["service"]
    assert not good and "密钥与运行中的服务不一致" in words and "restart" in words


async def test_a_service_that_does_not_answer(bench: Bench) -> None:
    [port] = free_ports(1)
    good, words = (await told(bench, public_url=f"http://127.0.0.1:{port}"))["service"]
    assert not good and "反向代理" in words


async def test_polling_with_a_webhook_left_behind(bench: Bench) -> None:
    good, words = (await told(bench, telegram_receive="polling"))["polling"]
    assert not good and "one token serves one installation" in words
    bench.telegram.webhook["url"] = ""
    assert (await told(bench, telegram_receive="polling"))["polling"][0]
