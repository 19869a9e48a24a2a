"""The HTTP door of benefits: cycles for officers to prepare and approve, and the ledger."""

import json
from datetime import date, datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import APIRouter, Depends, FastAPI, HTTPException, Query, Request, Response
from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from contracts.benefits import PackCode
from contracts.values import Month, RegionCode
from services.benefits.domain.answers import State
from services.benefits.domain.cycles import CycleState, Refusal
from services.benefits.domain.ledger import position
from services.benefits.handlers import cycles as handlers
from services.benefits.handlers.cycles import Wanted
from services.benefits.settings import BenefitsSettings
from services.benefits.store import bank, cycles
from services.benefits.store.cycles import Row
from services.runtime.auth import Principal, requires
from services.runtime.database import Transaction
from services.runtime.web import api_transaction, create_app

PREPARER, APPROVER = "payments_preparer", "payments_approver"
Preparer = Annotated[Principal, Depends(requires(PREPARER))]
Approver = Annotated[Principal, Depends(requires(APPROVER))]
Officer = Annotated[Principal, Depends(requires(PREPARER, APPROVER))]
Limit = Annotated[int, Query(ge=1, le=1000)]
Digest = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
STATUS: dict[str, int] = {
    "cycle.unknown": 404,
    "programme.unknown": 422,
    "month.in_future": 422,
    "cycle.own_preparation": 403,
}
"""Refusal → status; every other refusal is a conflict with what is stored, 409."""

router = APIRouter(tags=["benefits"])


class CycleRequest(BaseModel):
    """Which cycle to prepare. `number` 2 and more are supplements to a month's first cycle."""

    model_config = ConfigDict(strict=True, extra="forbid")

    programme: PackCode
    month: Month
    region: RegionCode
    number: Annotated[int, Field(ge=1, le=1000)] = 1


class ApprovalRequest(BaseModel):
    """The digest of the lines that the officer has seen."""

    model_config = ConfigDict(strict=True, extra="forbid")

    digest: Digest


class Tally(BaseModel):
    """How many payments are in a state, and their sum in whole minor units."""

    state: State
    payments: int
    amount_minor: int


class CycleView(BaseModel):
    """A payment cycle. `digest` is over its lines, `tallies` say what became of them."""

    id: UUID
    programme: str
    month: str
    region: str
    number: int
    currency: str
    state: CycleState
    digest: str
    payments: int
    amount_minor: int
    prepared_by: str
    prepared_at: datetime
    approved_by: list[str]
    ordered_at: datetime | None
    closed_at: datetime | None
    tallies: list[Tally] = []


class CyclePage(BaseModel):
    """Cycles by id; `next` is given as `after` to read on, None at the end."""

    cycles: list[CycleView]
    next: UUID | None


class PaymentView(BaseModel):
    """A payment: a line of a cycle and what the bank made of it."""

    id: UUID
    entitlement_id: UUID
    person_id: UUID
    payee_id: UUID
    residence_region: str
    month: str
    component: str
    amount_minor: int
    currency: str
    state: State
    reason: str | None
    booked_on: date | None


class PaymentPage(BaseModel):
    """Payments of a cycle by id; `next` is given as `after` to read on, None at the end."""

    payments: list[PaymentView]
    next: UUID | None


class TermView(BaseModel):
    """What is due for each month from one on, until the next term."""

    from_month: str
    group: str
    amount_minor: int


class EntitlementView(BaseModel):
    """An entitlement and its plan of months."""

    id: UUID
    person_id: UUID
    programme: str
    component: str
    phase: Literal["held", "waiting", "running", "cancelled"]
    payee_id: UUID | None
    held_until: date | None
    currency: str
    terms: list[TermView]


class BalanceView(BaseModel):
    """Where the money of a programme, month, region and currency stands, in whole minor units.

    `entitled_minor` is the sum of the other three, or `balanced` is false.
    """

    programme: str
    month: str
    region: str
    currency: str
    entitled_minor: int
    pending_minor: int
    paid_minor: int
    returned_minor: int
    balanced: bool


class DifferenceView(BaseModel):
    """Something the bank said that does not fit what was ordered: a person must look at it."""

    id: int
    code: str
    number: int | None
    payment_id: UUID | None
    amount_minor: int | None
    currency: str | None
    found_at: datetime


class DifferencePage(BaseModel):
    """Differences by id; `next` is given as `after` to read on, None at the end."""

    differences: list[DifferenceView]
    next: int | None


class Balances(BaseModel):
    """The ledger, and how many payments say another state than their postings do."""

    balances: list[BalanceView]
    unreconciled: int


@router.post("/cycles", status_code=201)
async def prepare_cycle(
    request: Request, response: Response, officer: Preparer, asked: CycleRequest
) -> CycleView:
    """Prepares the payments of a month; asked again under the same names, it answers the same."""
    if not officer.sees(asked.region):
        raise HTTPException(403, "region.forbidden")
    wanted = Wanted(asked.programme, asked.month, asked.region, asked.number)
    async with api_transaction(request, officer) as tx:
        found = await handlers.prepare(tx, officer.subject, wanted)
        if isinstance(found, Refusal):
            raise _refused(found)
        response.status_code = 201 if found.fresh else 200
        response.headers["location"] = f"/cycles/{found.id}"
        return await _shown(tx, found.id)


@router.get("/cycles")
async def list_cycles(
    request: Request,
    officer: Officer,
    region: RegionCode | None = None,
    month: Month | None = None,
    after: UUID | None = None,
    limit: Limit = 50,
) -> CyclePage:
    """The cycles of the officer's regions."""
    async with api_transaction(request, officer) as tx:
        rows = await cycles.page_cycles(tx.connection, region, month, after, limit)
    views = [_cycle(row) for row in rows]
    return CyclePage(cycles=views, next=views[-1].id if len(views) == limit else None)


@router.get("/cycles/{cycle_id}")
async def show_cycle(request: Request, officer: Officer, cycle_id: UUID) -> CycleView:
    """One cycle; 404 if there is none in the officer's regions."""
    async with api_transaction(request, officer) as tx:
        return await _shown(tx, cycle_id)


@router.post("/cycles/{cycle_id}/approvals")
async def approve_cycle(
    request: Request, officer: Approver, cycle_id: UUID, approval: ApprovalRequest
) -> CycleView:
    """Approves exactly the lines of this digest; the second officer's approval orders them all."""
    async with api_transaction(request, officer) as tx:
        answer = await handlers.approve(tx, officer.subject, cycle_id, approval.digest)
        if isinstance(answer, Refusal):
            raise _refused(answer)
        return await _shown(tx, cycle_id)


@router.post("/cycles/{cycle_id}/cancellation")
async def cancel_cycle(request: Request, officer: Officer, cycle_id: UUID) -> CycleView:
    """Withdraws a cycle that was not ordered; its months can be prepared again."""
    async with api_transaction(request, officer) as tx:
        answer = await handlers.cancel(tx, cycle_id)
        if isinstance(answer, Refusal):
            raise _refused(answer)
        return await _shown(tx, cycle_id)


@router.get("/payments")
async def list_payments(
    request: Request,
    officer: Officer,
    cycle: UUID,
    state: State | None = None,
    after: UUID | None = None,
    limit: Limit = 100,
) -> PaymentPage:
    """The payments of a cycle, all or those in a state."""
    async with api_transaction(request, officer) as tx:
        rows = await cycles.page_payments(tx.connection, cycle, state, after, limit)
    views = [_payment(row) for row in rows]
    return PaymentPage(payments=views, next=views[-1].id if len(views) == limit else None)


@router.get("/entitlements")
async def list_entitlements(
    request: Request, officer: Officer, person_id: UUID
) -> list[EntitlementView]:
    """What a person of the officer's regions is entitled to, and their plan of months."""
    async with api_transaction(request, officer) as tx:
        rows = await cycles.entitlements_of(tx.connection, person_id)
    return [_entitlement(row) for row in rows]


@router.get("/differences")
async def list_differences(
    request: Request,
    officer: Officer,
    after: Annotated[int, Query(ge=0, le=2**53)] = 0,
    limit: Limit = 100,
) -> DifferencePage:
    """What the bank said of payments of the officer's regions that does not fit."""
    async with api_transaction(request, officer) as tx:
        rows = await bank.page_differences(tx.connection, after, limit)
    views = [DifferenceView(**_fields(DifferenceView, row)) for row in rows]
    return DifferencePage(differences=views, next=views[-1].id if len(views) == limit else None)


@router.get("/ledger/balances")
async def show_balances(
    request: Request,
    officer: Officer,
    programme: PackCode | None = None,
    month: Month | None = None,
    region: RegionCode | None = None,
) -> Balances:
    """Where the money of the officer's regions stands, from the ledger itself."""
    async with api_transaction(request, officer) as tx:
        await cycles.bulk(tx.connection)
        found = await cycles.balances(tx.connection, programme, month, region)
        unreconciled = await cycles.unreconciled(tx.connection, programme, month, region)
    return Balances(
        balances=[_balance(key, accounts) for key, accounts in found.items()],
        unreconciled=unreconciled,
    )


async def _shown(tx: Transaction, cycle_id: UUID) -> CycleView:
    row = await cycles.find_cycle(tx.connection, cycle_id)
    if row is None:
        raise HTTPException(404, "cycle.unknown")
    view = _cycle(row)
    tallies = [Tally(**dict(tally)) for tally in await cycles.states(tx.connection, cycle_id)]
    return view.model_copy(update={"tallies": tallies})


def _refused(refusal: Refusal) -> HTTPException:
    return HTTPException(STATUS.get(refusal.code, 409), refusal.code)


def _cycle(row: Row) -> CycleView:
    return CycleView(approved_by=row["approvers"], **_fields(CycleView, row))


def _payment(row: Row) -> PaymentView:
    return PaymentView(residence_region=row["residence"], **_fields(PaymentView, row))


def _entitlement(row: Row) -> EntitlementView:
    terms = json.loads(row["terms"] or "[]")
    return EntitlementView(**{**_fields(EntitlementView, row), "terms": terms})


def _fields(view: type[BaseModel], row: Row) -> dict[str, Any]:
    """The columns that the view shows under their own names."""
    return {name: value for name, value in row.items() if name in view.model_fields}


def _balance(key: tuple[str, str, str, str], accounts: dict[str, int]) -> BalanceView:
    region, programme, month, currency = key
    stands = position(accounts)
    return BalanceView(
        programme=programme,
        month=month,
        region=region,
        currency=currency,
        entitled_minor=stands.entitled_minor,
        pending_minor=stands.pending_minor,
        paid_minor=stands.paid_minor,
        returned_minor=stands.returned_minor,
        balanced=stands.balanced,
    )


def create(settings: BenefitsSettings | None = None) -> FastAPI:
    """The application of benefits."""
    return create_app("benefits", [router], settings or BenefitsSettings())
