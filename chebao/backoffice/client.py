"""The only door to the insurer's core: a typed async client of ``/backoffice/v1``.

Every method returns the service's rows as plain dicts (money as decimal strings, times as local ISO with offset) and raises
`chebao.errors`:

- `NotFound`: no such object or not this customer's; `InputRefused`, `RuleForbids`, `Conflict`, `Locked` as the service says;
- `Unavailable`: no answer in time, broken connection, 5xx, 429, or the circuit breaker refuses.

A call may take 2 s (connecting 0.5 s). Reads, and writes with an idempotency key, are tried once more after a short random pause.
`as_customer` names the verified customer; an object of somebody else then looks as if it did not exist.
"""

from __future__ import annotations

import hashlib
from typing import Self
from urllib.parse import quote, urlsplit

import httpx

from chebao.backoffice.breaker import CircuitBreaker
from chebao.backoffice.transport import Row, Transport
from chebao.settings import Settings


def idempotency_key(conversation: str, message: str, command: str) -> str:
    """The key of one write: the same conversation, message and command always give the same key."""
    digest = hashlib.sha256(f"{conversation}\x1f{message}\x1f{command}".encode()).hexdigest()
    return f"{command[:24]}-{digest[:40]}"


class BackOffice:
    """The port. Use as ``async with BackOffice(url, token) as office``; one instance serves a whole process.

    Args:
        base_url: e.g. ``http://127.0.0.1:8000/backoffice/v1``.
        token: bearer token.
        transport: another httpx transport (tests, in-process ASGI).
        public_url: what customers reach; payment links are made absolute with it. Default: the origin of `base_url`.
        breaker: another circuit breaker.
    """

    def __init__(
        self,
        base_url: str,
        token: str,
        transport: httpx.AsyncBaseTransport | None = None,
        *,
        public_url: str = "",
        breaker: CircuitBreaker | None = None,
    ) -> None:
        parts = urlsplit(base_url)
        self._public_url = (public_url or f"{parts.scheme}://{parts.netloc}").rstrip("/")
        self._wire = Transport(base_url, token, transport, breaker or CircuitBreaker())

    @classmethod
    def from_settings(cls, settings: Settings, transport: httpx.AsyncBaseTransport | None = None) -> Self:
        """The client of the configured back office."""
        token = settings.backoffice_token.get_secret_value()
        return cls(settings.backoffice_url, token, transport, public_url=settings.public_url)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        """Closes the connections."""
        await self._wire.aclose()

    # identity and people

    async def send_code(
        self, *, phone: str | None = None, plate: str | None = None, id_last4: str | None = None, key: str
    ) -> Row:
        """Sends a one-time code to `phone`, or to the phone on file of the owner of `plate` with those last four of the id card.

        Returns:
            ``challenge_id``, ``phone_masked``. An unknown phone gets a code as well (new customer).

        Raises:
            NotFound: plate and last four do not belong together (or the plate is unknown).
            Locked: too many wrong tries for this phone.
        """
        return await self._post("/codes", {"phone": phone, "plate": plate, "id_last4": id_last4}, key)

    async def verify_code(self, challenge_id: str, code: str) -> Row:
        """Checks a code. Not repeated on its own, because every try counts.

        Returns:
            ``customer_id`` (None for a new customer), ``phone``, ``name``, ``id_card_masked``, ``tier``, ``senior`` (65 or older).

        Raises:
            InputRefused: ``code_wrong`` with ``tries_left`` in the detail, or ``code_expired``.
            Locked: five wrong tries; ten minutes, per phone.
        """
        return await self._wire.call("POST", "/codes/verify", body={"challenge_id": challenge_id, "code": code})

    async def upsert_customer(self, name: str, id_card: str, phone: str, city: str, key: str) -> Row:
        """The customer of this id card, made or brought up to date: ``id, name, phone, city, tier, id_card_masked``."""
        return await self._post("/customers", {"name": name, "id_card": id_card, "phone": phone, "city": city}, key)

    async def customer(self, customer_id: str) -> Row:
        """One customer by id."""
        return await self._get(f"/customers/{_segment(customer_id)}")

    async def customers(self, **filters: str | None) -> list[Row]:
        """Customers by ``phone``, ``plate`` or ``customer_id``."""
        return await self._list("/customers", filters)

    async def vehicles(
        self, *, customer_id: str | None = None, plate: str | None = None, as_customer: str | None = None
    ) -> list[Row]:
        """Vehicles: ``plate, owner, model, first_registered, price, seats, energy, usage, vin, engine_no, …``."""
        return await self._list("/vehicles", {"customer_id": customer_id, "plate": plate, "as_customer": as_customer})

    async def models(self, query: str) -> list[Row]:
        """Car models that fit the words, best first: ``model, price, seats, energy``."""
        return await self._list("/models", {"query": query})

    # policies

    async def policies(
        self,
        *,
        as_customer: str | None = None,
        plate: str | None = None,
        policy_no: str | None = None,
        status: str | None = None,
    ) -> list[Row]:
        """Policies, newest first: ``policy_no, customer, plate, kind, start, end, premium, covers, status, …``."""
        filters = {"as_customer": as_customer, "plate": plate, "policy_no": policy_no, "status": status}
        return await self._list("/policies", filters)

    async def policy(self, policy_no: str, as_customer: str | None = None) -> Row:
        """One policy."""
        return await self._get(f"/policies/{_segment(policy_no)}", {"as_customer": as_customer})

    async def renewal_options(
        self, *, policy_no: str | None = None, plate: str | None = None, as_customer: str | None = None
    ) -> Row:
        """What renewing would be like.

        Returns:
            ``vehicle``, ``policies`` (with ``days_left`` and ``lapsed``), ``lapsed``, ``too_early`` (None or ``{"earliest": day}``),
            ``plans`` (last year's with this year's price first), ``changes``, ``suggestions``.
        """
        return await self._get("/renewals", {"policy_no": policy_no, "plate": plate, "as_customer": as_customer})

    async def surrender_estimate(self, policy_no: str, as_customer: str | None = None) -> Row:
        """What giving up the policy today would return: ``policy_no, refund, formula_text, allowed, reason``."""
        return await self._get(f"/policies/{_segment(policy_no)}/surrender-estimate", {"as_customer": as_customer})

    async def create_surrender(self, policy_no: str, reason: str, key: str, as_customer: str | None = None) -> Row:
        """Asks to give up a policy: ``surrender_no, status, refund, …``. RuleForbids where the law does not allow it."""
        return await self._post("/surrenders", {"policy_no": policy_no, "reason": reason}, key, as_customer)

    # quotes and applications

    async def platform_lookup(
        self,
        plate: str,
        owner_name: str | None = None,
        id_card: str | None = None,
        customer_id: str | None = None,
    ) -> Row:
        """What the industry platform knows of a car: ``vehicle``, ``history``, ``source``. NotFound for an unknown plate.

        ``history``: ``insured_years, claims_last_3y, at_fault_last_term, claim_free_years, previous_end, tax_arrears``.
        """
        body = {"plate": plate, "owner_name": owner_name, "id_card": id_card, "customer_id": customer_id}
        return await self._wire.call("POST", "/platform/lookup", body=body, repeatable=True)

    async def estimate(self, body: Row) -> Row:
        """Prices without anything being stored: ``plans``, ``notes``. RuleForbids ``no_branch`` for a city we do not serve."""
        return await self._wire.call("POST", "/estimates", body=body, repeatable=True)

    async def create_quote(self, body: Row, key: str) -> Row:
        """A formal quote for one car (see the service's OpenAPI for body and row)."""
        return await self._post("/quotes", body, key)

    async def quote(self, quote_no: str, as_customer: str | None = None) -> Row:
        """One quote."""
        return await self._get(f"/quotes/{_segment(quote_no)}", {"as_customer": as_customer})

    async def create_application(self, body: Row, key: str) -> Row:
        """An application from a quote; an unfinished older one of the same customer and plate is superseded.

        Raises:
            RuleForbids: ``overlap``, ``too_early``, ``quote_expired``, ``clauses_not_acknowledged`` …
        """
        return self._with_link(await self._post("/applications", body, key))

    async def application(self, application_no: str, as_customer: str | None = None) -> Row:
        """One application; ``pay_url`` is absolute."""
        row = await self._get(f"/applications/{_segment(application_no)}", {"as_customer": as_customer})
        return self._with_link(row)

    async def applications(
        self,
        *,
        as_customer: str | None = None,
        plate: str | None = None,
        phone: str | None = None,
        status: str | None = None,
        reference: str | None = None,
    ) -> list[Row]:
        """Applications, newest first."""
        filters = {
            "as_customer": as_customer,
            "plate": plate,
            "phone": phone,
            "status": status,
            "reference": reference,
        }
        return [self._with_link(row) for row in await self._list("/applications", filters)]

    async def cancel_application(self, application_no: str, key: str, as_customer: str | None = None) -> Row:
        """Cancels an application that is not paid yet."""
        path = f"/applications/{_segment(application_no)}/cancel"
        return self._with_link(await self._post(path, {}, key, as_customer))

    async def resend_payment(self, application_no: str, key: str, as_customer: str | None = None) -> Row:
        """A new payment link; the old one stops working."""
        path = f"/applications/{_segment(application_no)}/payment-link"
        return self._with_link(await self._post(path, {}, key, as_customer))

    # claims

    async def create_claim(self, body: Row, key: str) -> Row:
        """Reports an accident; always answers with a ``claim_no``. ``joined`` is True when an open claim took the report."""
        return await self._post("/claims", body, key)

    async def claims(
        self,
        *,
        as_customer: str | None = None,
        plate: str | None = None,
        policy_no: str | None = None,
        status: str | None = None,
        reference: str | None = None,
    ) -> list[Row]:
        """Claims, newest first."""
        filters = {
            "as_customer": as_customer,
            "plate": plate,
            "policy_no": policy_no,
            "status": status,
            "reference": reference,
        }
        return await self._list("/claims", filters)

    async def claim(self, claim_no: str, as_customer: str | None = None) -> Row:
        """One claim with its history."""
        return await self._get(f"/claims/{_segment(claim_no)}", {"as_customer": as_customer})

    async def staff_notes(self, claim_no: str) -> Row:
        """For staff only: ``claim_no``, ``notes`` (what was noted beside the report, signs of fraud among it)."""
        return await self._get(f"/claims/{_segment(claim_no)}/staff-notes")

    async def add_claim_documents(
        self, claim_no: str, documents: list[Row], key: str, as_customer: str | None = None
    ) -> Row:
        """Adds documents ``{"id", "name"?, "content_type"?}`` to a claim."""
        path = f"/claims/{_segment(claim_no)}/documents"
        return await self._post(path, {"documents": documents}, key, as_customer)

    async def withdraw_claim(self, claim_no: str, key: str, as_customer: str | None = None) -> Row:
        """Withdraws a claim that is not decided yet."""
        return await self._post(f"/claims/{_segment(claim_no)}/withdraw", {}, key, as_customer)

    async def dispute_claim(self, claim_no: str, text: str, key: str, as_customer: str | None = None) -> Row:
        """Records that the customer disagrees with assessment, amount or refusal; the claim's row with ``disputes``."""
        return await self._post(f"/claims/{_segment(claim_no)}/dispute", {"text": text}, key, as_customer)

    # small services

    async def create_endorsement(self, body: Row, key: str) -> Row:
        """A request to change a policy: ``endorsement_no, status, policy_no, type, …``."""
        return await self._post("/endorsements", body, key)

    async def create_invoice(self, body: Row, key: str) -> Row:
        """An electronic invoice: ``invoice_no, status, policy_no, title, amount, email, …``."""
        return await self._post("/invoices", body, key)

    async def create_rescue(self, body: Row, key: str) -> Row:
        """A roadside rescue: ``rescue_no, status, eta, hotline, …``."""
        return await self._post("/rescues", body, key)

    async def create_appointment(self, body: Row, key: str) -> Row:
        """An appointment at a branch, for a call or a survey: ``appointment_no, status, at, …``."""
        return await self._post("/appointments", body, key)

    async def create_complaint(self, body: Row, key: str) -> Row:
        """A complaint: ``complaint_no, level, status, respond_by, decide_by, …``."""
        return await self._post("/complaints", body, key)

    async def list_rows(self, resource: str, **filters: str | None) -> list[Row]:
        """Rows of any list resource, e.g. ``list_rows("invoices", as_customer="C001")``."""
        return await self._list(f"/{_segment(resource)}", filters)

    # transport

    def _with_link(self, row: Row) -> Row:
        link = row.get("pay_url")
        return {**row, "pay_url": self._public_url + link} if link and link.startswith("/") else row

    async def _get(self, path: str, query: dict[str, str | None] | None = None) -> Row:
        return await self._wire.call("GET", path, query=query, repeatable=True)

    async def _list(self, path: str, filters: dict[str, str | None]) -> list[Row]:
        items: list[Row] = (await self._get(path, filters))["items"]
        return items

    async def _post(self, path: str, body: Row, key: str, as_customer: str | None = None) -> Row:
        query = {"as_customer": as_customer}
        return await self._wire.call("POST", path, query=query, body=body, key=key, repeatable=True)


def _segment(value: str) -> str:
    return quote(value, safe="")
