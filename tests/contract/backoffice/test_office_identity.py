"""One-time codes, their locks, and customers."""

from __future__ import annotations

import pytest

from chebao.errors import InputRefused, Locked, NotFound, RuleForbids, Unavailable

pytestmark = pytest.mark.asyncio

NEW = ("孙浩然", "330106199203145017", "13700000088", "杭州")


async def test_phone_and_code_name_the_customer(stand) -> None:
    sent = await stand.office.send_code(phone="138 0000 0001", key=stand.key())
    assert sent["phone_masked"] == "138****0001"
    assert await stand.office.verify_code(sent["challenge_id"], " 246810 ") == {
        "customer_id": "C001",
        "phone": "13800000001",
        "name": "王建国",
        "id_card_masked": "1101**********0013",
        "tier": "standard",
        "senior": False,
    }


async def test_plate_and_last_four_send_to_the_phone_on_file(stand) -> None:
    sent = await stand.office.send_code(plate="沪a·d12345", id_last4="2029", key=stand.key())
    assert sent["phone_masked"] == "138****0002"
    assert (await stand.office.verify_code(sent["challenge_id"], "246810"))["customer_id"] == "C002"


async def test_an_unknown_phone_becomes_a_new_customer(stand) -> None:
    sent = await stand.office.send_code(phone="13700000088", key=stand.key())
    verified = await stand.office.verify_code(sent["challenge_id"], "246810")
    unknown = {"customer_id": None, "name": None, "id_card_masked": None, "tier": None, "senior": False}
    assert verified == unknown | {"phone": "13700000088"}
    made = await stand.office.upsert_customer(*NEW, stand.key())
    assert made["id"] not in {f"C00{n}" for n in range(1, 7)}
    again = await stand.office.upsert_customer(*NEW[:3], "上海", stand.key())
    assert (again["id"], again["city"]) == (made["id"], "上海")
    sent = await stand.office.send_code(phone="13700000088", key=stand.key())
    assert (await stand.office.verify_code(sent["challenge_id"], "246810"))["customer_id"] == made["id"]


async def test_an_id_card_does_not_move_to_another_phone_or_name(stand) -> None:
    with pytest.raises(RuleForbids) as caught:
        await stand.office.upsert_customer("王建国", "110101198503070013", "13700000099", "北京", stand.key())
    assert caught.value.code == "phone_mismatch"
    with pytest.raises(InputRefused):
        await stand.office.upsert_customer("王大国", "110101198503070013", "13800000001", "北京", stand.key())
    with pytest.raises(InputRefused):
        await stand.office.upsert_customer("孙浩然", "330106199203145018", "13700000088", "杭州", stand.key())
    assert (await stand.office.customer("C001"))["phone"] == "13800000001"


@pytest.mark.parametrize("mode", ["demo", "production"])
async def test_five_wrong_tries_lock_the_phone_for_ten_minutes(make_stand, mode: str) -> None:
    box: list[tuple[str, str]] = []

    async def sms(phone: str, text: str) -> None:
        box.append((phone, text))

    secret = "s" * 20
    secrets = (
        {}
        if mode == "demo"
        else dict.fromkeys(("chat_key", "backoffice_token", "desk_key", "events_secret", "session_secret"), secret)
    )
    stand = await make_stand(sms=sms, mode=mode, **secrets)
    await stand.rows("DELETE FROM backoffice.code_locks")
    await stand.rows("DELETE FROM backoffice.challenges")
    sent = await stand.office.send_code(phone="13800000001", key=f"{mode}{stand.key()}")
    right = "246810" if mode == "demo" else box[-1][1].split("验证码")[1][:6]
    wrong = "000000" if right != "000000" else "000001"
    for left in (4, 3, 2, 1):
        with pytest.raises(InputRefused) as refused:
            await stand.office.verify_code(sent["challenge_id"], wrong)
        assert (refused.value.code, refused.value.detail) == ("code_wrong", {"tries_left": left})
    with pytest.raises(Locked):
        await stand.office.verify_code(sent["challenge_id"], wrong)
    with pytest.raises(Locked):
        await stand.office.verify_code(sent["challenge_id"], right)
    stand.clock.forward(minutes=9)
    with pytest.raises(Locked):
        await stand.office.verify_code(sent["challenge_id"], right)
    stand.clock.forward(minutes=2)
    again = await stand.office.send_code(phone="13800000001", key=f"{mode}{stand.key()}")
    right = "246810" if mode == "demo" else box[-1][1].split("验证码")[1][:6]
    assert (await stand.office.verify_code(again["challenge_id"], right))["phone"] == "13800000001"


async def test_the_lock_is_the_phones_not_the_codes(stand) -> None:
    sent = await stand.office.send_code(phone="13800000001", key=stand.key())
    for _ in range(5):
        with pytest.raises((InputRefused, Locked)):
            await stand.office.verify_code(sent["challenge_id"], "1")
    fresh = await stand.office.send_code(phone="13800000001", key=stand.key())
    with pytest.raises(Locked):
        await stand.office.verify_code(fresh["challenge_id"], "246810")
    other = await stand.office.send_code(phone="13800000002", key=stand.key())
    assert (await stand.office.verify_code(other["challenge_id"], "246810"))["customer_id"] == "C002"


async def test_guessing_the_last_four_locks_the_plate_known_or_not(stand) -> None:
    for plate in ("京A12345", "京Z00000"):
        for _ in range(4):
            with pytest.raises(NotFound):
                await stand.office.send_code(plate=plate, id_last4="9999", key=stand.key())
        for last4 in ("9999", "0013"):
            with pytest.raises(Locked):
                await stand.office.send_code(plate=plate, id_last4=last4, key=stand.key())


async def test_codes_run_out_and_unknown_challenges_look_like_it(stand) -> None:
    sent = await stand.office.send_code(phone="13800000001", key=stand.key())
    stand.clock.forward(minutes=6)
    for challenge in (sent["challenge_id"], "nonsense"):
        with pytest.raises(InputRefused) as caught:
            await stand.office.verify_code(challenge, "246810")
        assert caught.value.code == "code_expired"


async def test_sending_is_unlimited_in_demo_mode_and_paced_outside(make_stand, stand) -> None:
    for _ in range(8):
        await stand.office.send_code(phone="13800000001", key=stand.key())

    async def sms(phone: str, text: str) -> None:
        """Delivered."""

    secrets = dict.fromkeys(("chat_key", "backoffice_token", "desk_key", "events_secret", "session_secret"), "s" * 20)
    real = await make_stand(sms=sms, mode="production", **secrets)
    await real.office.send_code(phone="13900000077", key=real.key())
    answer = await real.http.post("/codes", json={"phone": "13900000077"}, headers={"Idempotency-Key": "p2"})
    assert (answer.status_code, answer.json()["error"]["code"]) == (429, "rate_limited")
    silent = await make_stand(mode="production", **secrets)
    with pytest.raises(Unavailable):
        await silent.office.send_code(phone="13900000078", key=silent.key())
    sent = await real.rows("SELECT code_hash FROM backoffice.challenges WHERE phone = '13900000077'")
    assert len(sent) == 1
    with pytest.raises(NotFound):
        await real.office._post("/demo/reset", {}, real.key())
