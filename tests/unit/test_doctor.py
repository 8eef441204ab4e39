"""What ``chebao doctor`` says of the settings, in both languages."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from chebao.doctor import mode, refused, report
from chebao.settings import ROOT, Settings


@pytest.mark.parametrize(
    ("values", "chinese", "english"),
    [
        ({"wechat_aes_key": "short"}, "43 位", "43 letters and digits"),
        ({"wechat_app_id": "wx1"}, "CHEBAO_WECHAT_TOKEN", "needs CHEBAO_WECHAT_SECRET"),
        ({"mode": "production", "fakes": True}, "演示模式", "demo mode"),
        ({"mode": "production"}, "至少 16 个字符：CHEBAO_CHAT_KEY", "at least 16 characters: CHEBAO_CHAT_KEY"),
        ({"port": "eight"}, "CHEBAO_PORT 的值不对", "CHEBAO_PORT"),
        ({"telegram_receive": "push"}, "CHEBAO_TELEGRAM_RECEIVE 的值不对", "'webhook' or 'polling'"),
    ],
)
def test_wrong_settings_are_named_with_what_to_do(values: dict[str, Any], chinese: str, english: str) -> None:
    with pytest.raises(ValidationError) as caught:
        Settings(**values, _env_file=None)
    [found] = refused(caught.value)
    assert chinese in found.chinese and english in found.english
    assert not found.good and found.english.split()[0] in report([found])


def test_the_command_ends_without_a_traceback(tmp_path: Path) -> None:
    environment = os.environ | {"CHEBAO_WECHAT_AES_KEY": "short", "PYTHONPATH": str(ROOT), "PYTHONUTF8": "1"}
    ended = subprocess.run(
        [sys.executable, "-m", "chebao", "doctor"], cwd=tmp_path, env=environment, capture_output=True, text=True
    )
    assert ended.returncode == 1 and "43 位" in ended.stdout and "Traceback" not in ended.stderr


def test_a_real_account_in_demo_mode_is_a_fault() -> None:
    real = {"telegram_token": "4242:x", "_env_file": None}
    [found] = mode(Settings(**real))
    assert not found.good and "谁都能冒充客户" in found.chinese and "one-time code is fixed" in found.english
    assert mode(Settings(**real, telegram_api="http://127.0.0.1:8101"))[0].good
    keys = dict.fromkeys(("chat_key", "backoffice_token", "events_secret", "session_secret", "desk_key"), "k" * 16)
    assert mode(Settings(**real, **keys, mode="production"))[0].good
