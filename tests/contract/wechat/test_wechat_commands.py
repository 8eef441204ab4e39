"""``chebao wechat menu apply`` and ``chebao doctor`` against the fake platform."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from channels.wechat import menu
from channels.wechat.cli import findings
from chebao.doctor import report
from chebao.settings import ROOT, Settings
from tests.contract.wechat.conftest import World
from tests.fakes import wechat as fake_wechat


async def chebao(world: World, *arguments: str, **settings: str) -> subprocess.CompletedProcess[str]:
    environment = os.environ | {
        "CHEBAO_PUBLIC_URL": world.wechat.push_url.removesuffix("/wechat"),
        "CHEBAO_WECHAT_APP_ID": fake_wechat.APP_ID,
        "CHEBAO_WECHAT_SECRET": fake_wechat.SECRET,
        "CHEBAO_WECHAT_TOKEN": fake_wechat.TOKEN,
        "CHEBAO_WECHAT_AES_KEY": fake_wechat.AES_KEY,
        "CHEBAO_WECHAT_API": world.api,
        "COLUMNS": "200",
        **settings,
    }
    command = [sys.executable, "-m", "chebao", *arguments]
    return await asyncio.to_thread(
        subprocess.run, command, env=environment, cwd=ROOT, capture_output=True, text=True, timeout=60
    )


async def test_the_menu_of_the_repository_is_put_up(world: World) -> None:
    done = await chebao(world, "wechat", "menu", "apply")
    assert done.returncode == 0 and "菜单已更新" in done.stdout
    assert world.wechat.menu == menu.load()
    assert world.wechat.menu["button"][0] == {"type": "click", "name": "我要报案", "key": "intent:report_claim"}


async def test_a_menu_that_wechat_would_refuse_is_refused_here(world: World, tmp_path: Path) -> None:
    for bad, why in (("[]", "JSON object"), ('{"button": []}', "one to three"), ("{", "line 1")):
        file = tmp_path / "menu.json"
        file.write_text(bad)
        done = await chebao(world, "wechat", "menu", "apply", str(file))
        assert done.returncode != 0 and why in done.stderr and "Traceback" not in done.stderr
    assert world.wechat.menu is None


async def test_the_doctor_names_what_to_mend_in_both_languages(world: World) -> None:
    done = await chebao(world, "doctor")
    assert "access_token 正常" in done.stdout and "token works" in done.stdout
    assert "验证正常" in done.stdout and "chebao wechat menu apply" in done.stdout
    assert "CHEBAO_PUBLIC_URL must be a public https address" in done.stdout and done.returncode == 1
    done = await chebao(world, "doctor", CHEBAO_WECHAT_SECRET="wrong", CHEBAO_WECHAT_TOKEN="other")
    assert "CHEBAO_WECHAT_SECRET" in done.stdout and "Token 与运行中的服务不一致" in done.stdout


async def doctors(world: World, **changes: Any) -> str:
    """What ``chebao doctor`` says of the account."""
    values = {
        "wechat_app_id": fake_wechat.APP_ID,
        "wechat_secret": fake_wechat.SECRET,
        "wechat_token": fake_wechat.TOKEN,
        "wechat_api": world.api,
        "public_url": world.wechat.push_url.removesuffix("/wechat"),
        "_env_file": None,
    }
    return report(await findings(Settings(**values | changes)))


async def test_templates_are_shown_as_they_would_look(world: World) -> None:
    setting = "tpl-1:thing4=subject,time9=time"
    done = await chebao(
        world, "wechat", "templates",
        CHEBAO_WECHAT_NOTICE_TEMPLATE=setting, CHEBAO_WECHAT_SUBSCRIPTION_TEMPLATES='["sub-once"]',
    )  # fmt: skip
    assert done.returncode == 1 and "Traceback" not in done.stderr
    for words in (
        "✓ 业务进度  sub-once",
        "事项:您的报案有新进展：定损已完成。  (thing3)",
        "单号:CLM2026112207  (character_string2)",
        "字段 const1 没有说填什么",
        "✗ 模板 tpl-1：字段 character_string2 没有说填什么",
    ):
        assert words in done.stdout


async def test_the_doctor_checks_templates_against_those_of_the_account(world: World) -> None:
    well = await doctors(world, wechat_notice_template="tpl-1", wechat_subscription_templates=["sub-once"])
    assert "通知模板正常" in well
    told = await doctors(world, wechat_notice_template="tpl-1:thing1=subject", wechat_subscription_templates=["gone"])
    assert "账号里没有模板 gone" in told and "it has no field thing1" in told
    assert "没有字段 thing1（它的字段：thing4、character_string2、time9）" in told and "chebao wechat templates" in told


def test_the_menus_intents_are_known_to_the_dialogue() -> None:
    domain = (ROOT / "domain.yml").read_text(encoding="utf-8")
    intents = [key.partition(":")[2] for key in menu.labels(menu.load())]
    assert intents and all(f"  - {intent}:" in domain for intent in intents)
