"""One-time codes: by phone, or by plate and the last four of the owner's id card with the code sent to the phone on file.

Five wrong tries lock for ten minutes in every mode. In demo mode the code is fixed, nothing is sent and sending is not limited.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
from datetime import timedelta

from fastapi import APIRouter, Request
from sqlalchemy import and_, delete, func, insert, select, update
from sqlalchemy.dialects.postgresql import insert as upsert

from chebao.backoffice.reference.http import Body, Key, OfficeDep, write
from chebao.backoffice.reference.lists import clean_plate, not_found
from chebao.backoffice.reference.tables import challenges, code_locks, customers, vehicles
from chebao.backoffice.reference.work import Office, Row, Work
from chebao.errors import ChebaoError, InputRefused, Locked, Unavailable
from chebao.insurance import idcard
from chebao.insurance.masking import mask_id_card, mask_phone

DEMO_CODE = "246810"
CODE_LIVES = timedelta(minutes=5)
TRIES = 5
LOCKED_FOR = timedelta(minutes=10)
SENDS_PER_HOUR = 5
SEND_PAUSE = timedelta(seconds=60)

_PHONE = re.compile(r"1[3-9]\d{9}")

router = APIRouter(tags=["identity"])


class CodeAsked(Body):
    """Either `phone`, or `plate` with `id_last4`."""

    phone: str | None = None
    plate: str | None = None
    id_last4: str | None = None


class CodeTried(Body):
    """A code that the customer typed."""

    challenge_id: str
    code: str


@router.post("/codes", status_code=201)
async def send_code(request: Request, body: CodeAsked, office: OfficeDep, key: Key = None) -> Row:
    """Sends a one-time code."""
    if not body.phone and body.plate:
        await _count_plate_try(office, body)
    return await write(request, office, key, lambda work: do_send(work, office, body))


@router.post("/codes/verify")
async def verify_code(body: CodeTried, office: OfficeDep) -> Row:
    """Checks a code; every try counts, so it takes no idempotency key."""
    async with office.work() as work:
        outcome = await do_verify(work, body)
    # Raised after the commit: a wrong try must stay counted.
    if isinstance(outcome, ChebaoError):
        raise outcome
    return outcome


async def do_send(work: Work, office: Office, asked: CodeAsked) -> Row:
    """Makes a challenge and sends its code."""
    phone, customer_id = await _receiver(work, asked)
    if not work.settings.demo:
        await _check_pace(work, phone)
    code = DEMO_CODE if work.settings.demo else f"{secrets.randbelow(10**6):06d}"
    challenge_id = secrets.token_urlsafe(16)
    await work.db.execute(
        insert(challenges).values(
            challenge_id=challenge_id,
            phone=phone,
            customer_id=customer_id,
            code_hash=_hash(challenge_id, code),
            expires_at=work.now + CODE_LIVES,
            created_at=work.now,
        )
    )
    if not work.settings.demo:
        if office.sms is None:
            raise Unavailable("短信暂时发不出去，请稍后再试。", code="no_sms")
        minutes = int(CODE_LIVES.total_seconds() // 60)
        await office.sms(phone, f"【{work.settings.company}】验证码{code}，{minutes}分钟内有效，请勿告诉他人。")
    return {"challenge_id": challenge_id, "phone_masked": mask_phone(phone)}


async def do_verify(work: Work, tried: CodeTried) -> Row | ChebaoError:
    """The verified person, or the error that is to be raised once the try is stored."""
    query = select(challenges).where(challenges.c.challenge_id == tried.challenge_id)
    challenge = (await work.db.execute(query)).one_or_none()
    if challenge is None:
        return InputRefused("验证码已失效，请重新获取。", code="code_expired")
    lock = await _held_lock(work, challenge.phone)
    if lock is not None:
        return lock
    if challenge.expires_at <= work.now:
        return InputRefused("验证码已失效，请重新获取。", code="code_expired")
    code = re.sub(r"\s", "", tried.code)
    if not hmac.compare_digest(challenge.code_hash, _hash(tried.challenge_id, code)):
        return await _count_wrong(work, challenge.phone)
    await work.db.execute(delete(code_locks).where(code_locks.c.phone == challenge.phone))
    return await _verified(work, challenge.phone, challenge.customer_id)


async def _receiver(work: Work, asked: CodeAsked) -> tuple[str, str | None]:
    """Phone that gets the code, and the customer when the plate named one."""
    if asked.phone:
        phone = re.sub(r"[\s-]", "", asked.phone)
        if not _PHONE.fullmatch(phone):
            raise InputRefused("手机号应为11位数字，请再核对一下。", code="phone_invalid")
        return phone, None
    if not asked.plate or not asked.id_last4:
        raise InputRefused("请提供手机号，或者车牌号加车主身份证后四位。", code="identity_missing")
    owner = await _owner_of(work, asked)
    if owner is None:
        raise not_found("与这些信息相符的记录")
    await work.db.execute(delete(code_locks).where(code_locks.c.phone == _plate_subject(asked)))
    return owner


async def _owner_of(work: Work, asked: CodeAsked) -> tuple[str, str] | None:
    query = select(customers.c.id, customers.c.phone, customers.c.id_card).where(
        and_(vehicles.c.plate == clean_plate(asked.plate or ""), vehicles.c.owner == customers.c.id)
    )
    owner = (await work.db.execute(query)).one_or_none()
    given = (asked.id_last4 or "").upper().encode()
    # Compared even for an unknown plate, so that both misses take the same way.
    fits = hmac.compare_digest((owner.id_card[-4:] if owner else "????").encode(), given)
    return (owner.phone, owner.id) if owner and fits else None


async def _count_plate_try(office: Office, asked: CodeAsked) -> None:
    """Last-four guesses are four digits: they are counted per plate (known or not) before the request's own transaction."""
    async with office.work() as work:
        lock = await _held_lock(work, _plate_subject(asked))
        if lock is None and await _owner_of(work, asked) is None:
            lock_now = await _count_wrong(work, _plate_subject(asked))
            lock = lock_now if isinstance(lock_now, Locked) else None
    if lock is not None:
        raise lock


def _plate_subject(asked: CodeAsked) -> str:
    return f"plate:{clean_plate(asked.plate or '')}"


async def _held_lock(work: Work, subject: str) -> Locked | None:
    """The lock that is on, with the subject's row locked against other tries at the same time."""
    row = (
        await work.db.execute(
            upsert(code_locks)
            .values(phone=subject, wrong=0)
            .on_conflict_do_update(index_elements=["phone"], set_={"wrong": code_locks.c.wrong})
            .returning(code_locks.c.locked_until)
        )
    ).one()
    if row.locked_until is None:
        return None
    if row.locked_until > work.now:
        return _locked((row.locked_until - work.now).total_seconds())
    await work.db.execute(update(code_locks).where(code_locks.c.phone == subject).values(wrong=0, locked_until=None))
    return None


async def _count_wrong(work: Work, subject: str) -> InputRefused | Locked:
    wrong = await work.db.scalar(
        update(code_locks)
        .where(code_locks.c.phone == subject)
        .values(wrong=code_locks.c.wrong + 1)
        .returning(code_locks.c.wrong)
    )
    if wrong is None or wrong < TRIES:
        left = TRIES - (wrong or 0)
        return InputRefused(f"验证码不对，还可以再试{left}次。", code="code_wrong", detail={"tries_left": left})
    until = work.now + LOCKED_FOR
    await work.db.execute(update(code_locks).where(code_locks.c.phone == subject).values(locked_until=until))
    return _locked(LOCKED_FOR.total_seconds())


def _locked(seconds: float) -> Locked:
    minutes = max(1, round(seconds / 60))
    text = f"多次验证没有通过，为了您的信息安全，请{minutes}分钟后再试。"
    return Locked(text, code="code_locked", detail={"retry_after_seconds": int(seconds)})


async def _check_pace(work: Work, phone: str) -> None:
    await work.serialise(f"code {phone}")
    query = select(func.count(), func.max(challenges.c.created_at)).where(
        challenges.c.phone == phone, challenges.c.created_at > work.now - timedelta(hours=1)
    )
    sent, last = (await work.db.execute(query)).one()
    if sent >= SENDS_PER_HOUR or (last is not None and last > work.now - SEND_PAUSE):
        raise Unavailable("验证码发送得有点频繁，请稍后再试。", code="rate_limited")


async def _verified(work: Work, phone: str, customer_id: str | None) -> Row:
    query = select(customers).where(customers.c.id == customer_id if customer_id else customers.c.phone == phone)
    found = (await work.db.execute(query.order_by(customers.c.seq).limit(1))).mappings().one_or_none()
    return {
        "customer_id": found["id"] if found else None,
        "phone": phone,
        "name": found["name"] if found else None,
        "id_card_masked": mask_id_card(found["id_card"]) if found else None,
        "tier": found["tier"] if found else None,
        "senior": found is not None and idcard.needs_care(found["id_card"], work.today),
    }


def _hash(challenge_id: str, code: str) -> str:
    return hashlib.sha256(f"{challenge_id}:{code}".encode()).hexdigest()


async def forget_old(work: Work) -> None:
    """Drops challenges of yesterday and before."""
    await work.db.execute(delete(challenges).where(challenges.c.created_at < work.now - timedelta(days=1)))
