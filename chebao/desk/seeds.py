"""The agents of demo mode, and their ready replies."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import yaml

from chebao.db import Pool
from chebao.desk import canned
from chebao.desk.auth import hash_password

_FILE = Path(__file__).with_name("demo.yml")


async def seed(pool: Pool) -> None:
    """Makes the demo accounts that are missing, and ready replies where there are none."""
    wanted: list[dict[str, Any]] = yaml.safe_load(_FILE.read_text(encoding="utf-8"))["agents"]
    async with pool.connection() as connection:
        await canned.seed(connection)
        found = await connection.execute("SELECT id FROM desk.agents")
        known = {row["id"] for row in await found.fetchall()}
        for account in wanted:
            if account["username"] in known:
                continue
            password_hash = await asyncio.to_thread(hash_password, account["password"])
            await connection.execute(
                "INSERT INTO desk.agents (id, name, role, skills, licence_no, password_hash)"
                " VALUES (%s, %s, %s, %s, %s, %s) ON CONFLICT DO NOTHING",
                (account["username"], account["name"], account["role"], account["skills"],
                 account.get("licence_no"), password_hash),
            )  # fmt: skip
