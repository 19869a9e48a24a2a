"""Folds of facts into the cube; persons are known here by a keyed hash alone."""

import hashlib
import hmac
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import date
from typing import Any
from uuid import UUID

from contracts.beneficiary import DuplicateSuspected, PersonRegistered
from contracts.benefits import (
    ApplicationDecided,
    CycleClosed,
    EntitlementStarted,
    PaymentOrdered,
    PaymentReturned,
    PaymentSettled,
)
from contracts.casework import CaseOpened
from contracts.envelope import Envelope
from contracts.insights import IndicatorPublished
from contracts.notifications import MessageDelivered, MessageFailed
from contracts.values import derived_id, month_of
from contracts.workforce import DeploymentStarted
from services.insights import aggregates, store
from services.insights.aggregates import Delta, Spot, State, folded
from services.insights.domain import TOTAL, Cell, Place, publish, tells_few
from services.runtime.database import Transaction
from services.runtime.routes import Cause, Decided, Outcome, Releases, Waits
from services.runtime.settings import key_bytes

APPLICATION, PAYMENT = "application", "payment"
PAYMENT_MEASURES = {"settled": aggregates.PAID, "returned": aggregates.RETURNED}


def pseudonym(tx: Transaction, one: UUID) -> bytes:
    """The keyed hash of an id: the same here for ever, of no use elsewhere."""
    key = tx.settings.pseudonym_key
    if key is None:
        raise ValueError("HAMROH_PSEUDONYM_KEY is not set")
    return hmac.digest(key_bytes(key), one.bytes, hashlib.sha256)


def spot_of(residence: str, region: str | None, sex: int) -> Spot:
    """`VN-07-00694` as region and ward."""
    return Spot(region or residence, residence, sex)


async def on_registered(
    tx: Transaction, events: Sequence[Envelope[PersonRegistered]]
) -> list[Outcome]:
    """Keeps month of birth, sex and place under the pseudonym, and counts."""
    rows, deltas = {}, []
    for event in events:
        data, key = event.data, pseudonym(tx, event.data.person_id)
        spot = spot_of(data.residence_region, event.regioncode, data.sex)
        month = date(data.birth_date.year, data.birth_date.month, 1)
        rows[key] = (key, spot.region, spot.ward, spot.sex, month)
        deltas.append(Delta(aggregates.REGISTERED, aggregates.NO_MONTH, spot, 1))
    await store.save_subjects(tx.connection, [*rows.values()])
    await store.add_to_cube(tx.connection, folded(deltas))
    return [Releases(f"subject:{key.hex()}") for key in rows]


async def on_suspected(
    tx: Transaction, events: Sequence[Envelope[DuplicateSuspected]]
) -> list[Outcome]:
    """Counts suspected pairs."""
    return await _count(tx, aggregates.SUSPECTED, events)


async def on_decided(
    tx: Transaction, events: Sequence[Envelope[ApplicationDecided]]
) -> list[Outcome]:
    """Counts decisions; one that was deferred waits until a later one about it."""

    def said(event: Envelope[ApplicationDecided], spot: Spot) -> tuple[UUID, State]:
        data = event.data
        return data.application_id, State(data.outcome, month_of(data.decided_on), spot)

    return await _move(tx, APPLICATION, aggregates.OUTCOME_MEASURE, events, said)


async def on_entitled(
    tx: Transaction, events: Sequence[Envelope[EntitlementStarted]]
) -> list[Outcome]:
    """Counts entitlements that started, and their monthly amount."""
    spots, outcomes = await _spots(tx, events)
    deltas = [
        Delta(
            aggregates.ENTITLED,
            event.data.from_month,
            spots[event.data.person_id],
            1,
            event.data.amount_minor,
        )
        for event in events
        if event.data.person_id in spots
    ]
    await store.add_to_cube(tx.connection, folded(deltas))
    return outcomes


async def on_ordered(tx: Transaction, events: Sequence[Envelope[PaymentOrdered]]) -> list[Outcome]:
    """Counts ordered payments and remembers where each counts."""
    spots, outcomes = await _spots(tx, events)
    ready = [event for event in events if event.data.person_id in spots]
    states = {
        pseudonym(tx, event.data.payment_id): State(
            "ordered",
            event.data.month,
            spots[event.data.person_id],
            event.data.amount_minor,
            str(event.data.cycle_id),
        )
        for event in ready
    }
    deltas = [
        Delta(aggregates.ORDERED, s.month, s.spot, 1, s.amount_minor) for s in states.values()
    ]
    await store.save_latest(tx.connection, PAYMENT, states)
    await store.add_to_cube(tx.connection, folded(deltas))
    return outcomes


async def on_settled(tx: Transaction, events: Sequence[Envelope[PaymentSettled]]) -> list[Outcome]:
    """A payment was booked."""
    return await _payments(tx, "settled", events)


async def on_returned(
    tx: Transaction, events: Sequence[Envelope[PaymentReturned]]
) -> list[Outcome]:
    """A payment came back."""
    return await _payments(tx, "returned", events)


async def _payments(tx: Transaction, state: str, events: Sequence[Envelope[Any]]) -> list[Outcome]:
    keys = {pseudonym(tx, event.data.payment_id) for event in events}
    before = await store.load_latest(tx.connection, PAYMENT, sorted(keys))
    after = {key: replace(was, state=state) for key, was in before.items()}
    deltas = [
        delta
        for key, now in after.items()
        for delta in aggregates.moved(before[key], now, PAYMENT_MEASURES)
    ]
    await store.save_latest(tx.connection, PAYMENT, after)
    await store.add_to_cube(tx.connection, folded(deltas))
    return [Releases(f"cycle:{cycle}") for cycle in {now.cycle_id for now in after.values()}]


async def on_case_opened(tx: Transaction, events: Sequence[Envelope[CaseOpened]]) -> list[Outcome]:
    """Counts opened cases."""
    return await _count(tx, aggregates.CASES, events)


async def on_deployed(
    tx: Transaction, events: Sequence[Envelope[DeploymentStarted]]
) -> list[Outcome]:
    """Counts deployments that started."""
    return await _count(tx, aggregates.WORKERS, events)


async def on_message(
    tx: Transaction, events: Sequence[Envelope[MessageDelivered | MessageFailed]]
) -> list[Outcome]:
    """Counts messages that came to an end."""
    return await _count(tx, aggregates.MESSAGES, events)


async def _count(tx: Transaction, measure: str, events: Sequence[Envelope[Any]]) -> list[Outcome]:
    """Counts facts by region alone."""
    deltas = [
        Delta(
            measure,
            aggregates.NO_MONTH,
            Spot(event.regioncode or "", event.regioncode or "", aggregates.NO_SEX),
            1,
        )
        for event in events
    ]
    await store.add_to_cube(tx.connection, folded(deltas))
    return []


async def _spots(
    tx: Transaction, events: Sequence[Envelope[Any]]
) -> tuple[dict[UUID, Spot], list[Outcome]]:
    """Where each person counts; events about persons not yet known wait for them."""
    names = {event.data.person_id: pseudonym(tx, event.data.person_id) for event in events}
    known = await store.load_subjects(tx.connection, sorted(names.values()))
    spots = {person: known[key] for person, key in names.items() if key in known}
    waits: list[Outcome] = [
        Waits(event, f"subject:{names[event.data.person_id].hex()}")
        for event in events
        if event.data.person_id not in spots
    ]
    return spots, waits


async def _move(
    tx: Transaction,
    kind: str,
    measures: dict[str, str],
    events: Sequence[Envelope[Any]],
    said: Callable[[Any, Spot], tuple[UUID, State]],
) -> list[Outcome]:
    spots, outcomes = await _spots(tx, events)
    ready = [said(e, spots[e.data.person_id]) for e in events if e.data.person_id in spots]
    keys = [pseudonym(tx, one) for one, _ in ready]
    latest = await store.load_latest(tx.connection, kind, keys)
    deltas: list[Delta] = []
    after: dict[bytes, State] = {}
    for key, (_, state) in zip(keys, ready, strict=True):
        deltas += aggregates.moved(after.get(key) or latest.get(key), state, measures)
        after[key] = state
    await store.save_latest(tx.connection, kind, after)
    await store.add_to_cube(tx.connection, folded(deltas))
    return outcomes


async def on_cycle_closed(
    tx: Transaction, events: Sequence[Envelope[CycleClosed]]
) -> list[Outcome]:
    """Publishes the month's tables by ward and sex, with small cells hidden.

    They count what ended in all cycles of the region's month that are closed: each further one is a
    revision. A close can overtake the payments it counts (another topic): it waits for them.
    """
    outcomes: list[Outcome] = []
    for event in events:
        data = event.data
        if await store.count_ended(tx.connection, data.cycle_id) < data.settled + data.returned:
            outcomes.append(Waits(event, f"cycle:{data.cycle_id}"))
            continue
        await store.save_cycles(tx.connection, [(data, event.time)])
        outcomes += [Decided(Cause.of(event), cell) for cell in await _tables(tx, data)]
    return outcomes


async def _tables(tx: Transaction, closed: CycleClosed) -> list[IndicatorPublished]:
    """The cells of a month that may be published now."""
    month, region = closed.month, closed.region
    revision, rows = await store.load_month(tx.connection, month, region)
    told: list[IndicatorPublished] = []
    for state, measure in PAYMENT_MEASURES.items():
        name = f"payments.{measure}"
        counts = {
            (row["ward"], f"sex={row['sex']}"): row["count"]
            for row in rows
            if row["state"] == state
        }
        cells = publish(counts)
        before = await store.load_published(tx.connection, name, month, region)
        if not tells_few(before, {place_of(cell, region): cell.count for cell in cells}):
            told += [indicator(name, closed, cell, revision) for cell in cells]
    await store.save_indicators(tx.connection, told)
    return told


def place_of(cell: Cell, region: str) -> Place:
    """Where a cell stands among all published ones: the total row under the region itself."""
    return region if cell.row == TOTAL else cell.row, cell.column


def indicator(name: str, closed: CycleClosed, cell: Cell, revision: int) -> IndicatorPublished:
    """One cell of a published table."""
    region, breakdown = place_of(cell, closed.region)
    return IndicatorPublished(
        cell_id=derived_id(closed.month, f"{name}:{breakdown}", region),
        indicator=name,
        period=closed.month,
        region=region,
        breakdown=breakdown,
        count=cell.count,
        suppressed=cell.count is None,
        revision=revision,
    )
