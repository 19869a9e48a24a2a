"""Registration: load what is known, decide, save, return what to publish."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple
from uuid import UUID

from contracts import beneficiary as facts
from contracts import places
from contracts.codec import digest
from contracts.envelope import Envelope, Fact
from contracts.regional import PersonRegistered
from contracts.values import household_id, person_id
from services.beneficiary import store
from services.beneficiary.domain import matching
from services.beneficiary.domain.registration import (
    Candidate,
    Pair,
    as_person,
    contact_of,
    objection,
    suspicions,
)
from services.runtime.database import Transaction
from services.runtime.routes import Accepted, Cause, Decided, Outcome, Rejected, region_of
from services.runtime.sealing import PersonKeys, SealedKey
from services.runtime.settings import Settings

Claim = Envelope[PersonRegistered]
Members = dict[UUID, list[tuple[UUID, str]]]


class Form(NamedTuple):
    """A claim, the region that made it, whose household it is about, and what it says as bytes."""

    claim: Claim
    region: str
    household_id: UUID
    document: bytes
    digest: str
    """Tells a repeated claim from a changed one."""

    @property
    def name(self) -> tuple[str, str]:
        """By what the registry knows who was registered: source and record id."""
        return self.claim.source, self.claim.data.record_id

    @classmethod
    def of(cls, claim: Claim) -> "Form":
        """Reads a claim; a field that is still to come changes nothing in an older form."""
        document = claim.data.model_dump_json(exclude_none=True).encode()
        home = household_id(claim.source, claim.data.form_id)
        return cls(claim, region_of(claim) or "", home, document, digest(document))


@dataclass(frozen=True, slots=True)
class Newcomer:
    """A claim that will be registered, and what follows from it."""

    claim: Claim
    region: str
    claim_digest: str
    candidate: Candidate
    pairs: tuple[Pair, ...]
    key: SealedKey
    sealed: str
    contact: str

    @property
    def person_id(self) -> UUID:
        """The platform's id of the person."""
        return self.candidate.person_id

    @property
    def under_review(self) -> bool:
        """Whether a new entitlement of the person waits for an officer."""
        return any(pair.holds for pair in self.pairs)


def prepare(settings: Settings) -> None:
    """Reads the places of the regions and what matching knows."""
    for region in settings.regions:
        places.latest(region)
    matching.prepare()


async def on_registered(tx: Transaction, claims: Sequence[Claim]) -> list[Outcome]:
    """Answers each claim; registers who is new, suspects who may be known under another record.

    One transaction at a time, whichever way the claims came: two members of a household who come
    at once would else each be its only member, and two records of a person never meet.
    """
    forms = [Form.of(claim) for claim in claims]
    names, homes = [form.name for form in forms], {form.household_id for form in forms}
    known = await store.load_known(tx.connection, names, homes)
    refused, fresh = _sorted_out(tx, forms, known.digests)
    keys = PersonKeys.from_settings(tx.settings)
    candidates = [_candidate(form) for form in fresh]
    digests = {text: keys.blind(text) for one in candidates for text in one.blinded}
    similar = await _similar(tx, keys, candidates, digests)
    pairs = suspicions(candidates, similar)
    newcomers = [
        _newcomer(keys, form, candidate, tuple(pairs[candidate.person_id]))
        for form, candidate in zip(fresh, candidates, strict=True)
    ]
    await _save(tx, digests, newcomers)
    return [*refused, *_announced(newcomers), *_household_facts(newcomers, known.members)]


def _sorted_out(
    tx: Transaction, forms: Sequence[Form], digests: Mapping[tuple[str, str], str]
) -> tuple[list[Outcome], list[Form]]:
    """Answers to what needs no registration, and the forms that do."""
    known = dict(digests)
    answers: list[Outcome] = []
    fresh: list[Form] = []
    today = tx.business_date
    for form in forms:
        claim, name = form.claim, form.name
        in_force = places.in_force(form.region, today)
        if name in known and known[name] == form.digest:
            answers.append(Accepted(claim, person_id(*name)))
        elif name in known:
            answers.append(Rejected(claim, "record.already_registered", "data.record_id"))
        elif refusal := objection(claim.data, form.region, in_force, today):
            answers.append(Rejected(claim, refusal.code, refusal.path))
        else:
            known[name] = form.digest
            fresh.append(form)
    return answers, fresh


def _candidate(form: Form) -> Candidate:
    source, data = form.claim.source, form.claim.data
    person = as_person(data, form.region)
    signature = matching.signature(person)
    return Candidate(
        person_id(source, data.record_id),
        form.household_id,
        person,
        signature.keys,
        signature.number_parts,
    )


async def _similar(
    tx: Transaction,
    keys: PersonKeys,
    newcomers: Sequence[Candidate],
    digests: Mapping[str, int],
) -> dict[str, list[Candidate]]:
    """Per matching key, the registered persons who share it; who cannot be the newcomer is left."""
    names = {digests[key]: key for one in newcomers for key in one.keys}
    wanted = [
        (digests[key], *_number_digests(one, digests)) for one in newcomers for key in one.keys
    ]
    similar: defaultdict[str, list[Candidate]] = defaultdict(list)
    opened: dict[UUID, Candidate] = {}
    for row in await store.find_similar(tx.connection, wanted):
        candidate = opened.get(row["id"]) or _opened(keys, row)
        opened[row["id"]] = candidate
        similar[names[row["key"]]].append(candidate)
    return similar


def _number_digests(one: Candidate, digests: Mapping[str, int]) -> store.NumberDigests:
    """The three parts of the number as they are stored, or none."""
    parts = [digests[part] for part in one.number_parts]
    first, second, third = parts or (None, None, None)
    return first, second, third


def _opened(keys: PersonKeys, row: store.Row) -> Candidate:
    key = keys.unwrap(row["id"], row["key_version"], row["wrapped"])
    data = PersonRegistered.model_validate_json(key.open(row["sealed"]))
    return Candidate(row["id"], row["household_id"], as_person(data, row["region"]))


def _newcomer(
    keys: PersonKeys, form: Form, candidate: Candidate, pairs: tuple[Pair, ...]
) -> Newcomer:
    claim, region, _, document, claim_digest = form
    key = keys.issue(candidate.person_id)
    contact = contact_of(claim.data, region).model_dump_json().encode()
    sealed = key.seal(document), key.seal(contact)
    return Newcomer(claim, region, claim_digest, candidate, pairs, key, *sealed)


async def _save(tx: Transaction, digests: Mapping[str, int], newcomers: Sequence[Newcomer]) -> None:
    if not newcomers:
        return
    connection = tx.connection
    rows = [_row(tx, newcomer) for newcomer in newcomers]
    statuses = [
        (one.person_id, one.region, status.code, status.level, status.valid_from)
        for one in newcomers
        for status in one.claim.data.statuses
    ]
    shared = {(digests[key], one.person_id) for one in newcomers for key in one.candidate.keys}
    opening = [(one.key.wrapped, *_number_digests(one.candidate, digests)) for one in newcomers]
    await store.save_persons(connection, rows, opening, statuses, [*shared])
    pairs = [
        (pair.pair_id, one.region, *pair.person_ids, pair.score, ",".join(pair.reasons), pair.holds)
        for one in newcomers
        for pair in one.pairs
    ]
    await store.save_pairs(connection, [(*pair, tx.business_date) for pair in pairs])


def _row(tx: Transaction, newcomer: Newcomer) -> store.PersonRow:
    claim, data = newcomer.claim, newcomer.claim.data
    return store.PersonRow(
        id=newcomer.person_id,
        region=newcomer.region,
        source=claim.source,
        record_id=data.record_id,
        household_id=newcomer.candidate.household_id,
        role=data.role,
        claim_digest=newcomer.claim_digest,
        birth_date=data.birth_date,
        birth_precision=data.birth_precision,
        sex=data.sex,
        place=data.place,
        language=data.language,
        under_review=newcomer.under_review,
        key_version=newcomer.key.version,
        sealed=newcomer.sealed,
        registered_on=tx.business_date,
    )


def _announced(newcomers: Sequence[Newcomer]) -> list[Outcome]:
    outcomes: list[Outcome] = []
    for newcomer in newcomers:
        cause = Cause.of(newcomer.claim)
        outcomes.append(Accepted(newcomer.claim, newcomer.person_id))
        outcomes += [Decided(cause, payload) for payload in _personal_facts(newcomer)]
    return outcomes


def _personal_facts(newcomer: Newcomer) -> list[Fact]:
    """In this order: the key before what it opens, the person before their statuses."""
    data, who = newcomer.claim.data, newcomer.person_id
    key = newcomer.key
    return [
        facts.KeyIssued(person_id=who, key_version=key.version, wrapped_key=key.wrapped),
        facts.ContactChanged(person_id=who, key_version=key.version, sealed=newcomer.contact),
        facts.PersonRegistered(
            person_id=who,
            household_id=newcomer.candidate.household_id,
            birth_date=data.birth_date,
            birth_precision=data.birth_precision,
            sex=data.sex,
            residence_region=f"{newcomer.region}-{data.place}",
            identifier_kinds=tuple(sorted({one.kind for one in data.identifiers})),
            preferred_language=data.language,
            under_review=newcomer.under_review,
        ),
        *(
            facts.StatusChanged(
                person_id=who,
                code=status.code,
                level=status.level,
                state="granted",
                effective_on=status.valid_from,
                evidence="centre",
            )
            for status in data.statuses
        ),
        *(
            facts.DuplicateSuspected(
                pair_id=pair.pair_id,
                person_ids=pair.person_ids,
                score=pair.score,
                reasons=pair.reasons,
            )
            for pair in newcomer.pairs
        ),
    ]


def _household_facts(newcomers: Sequence[Newcomer], known: Members) -> list[Outcome]:
    """One fact per household that grew, with all its members."""
    grown: dict[UUID, Newcomer] = {}
    members: Members = defaultdict(list, known)
    for newcomer in newcomers:
        home = newcomer.candidate.household_id
        members[home].append((newcomer.person_id, newcomer.claim.data.role))
        grown[home] = newcomer
    outcomes: list[Outcome] = []
    for home, last in grown.items():
        roles = [
            facts.HouseholdMember(person_id=who, role=role)  # type: ignore[arg-type]
            for who, role in members[home][: facts.MAX_MEMBERS]
        ]
        heads = [member.person_id for member in roles if member.role == "head"]
        payload = facts.HouseholdChanged(
            household_id=home,
            members=tuple(roles),
            head_id=heads[0] if heads else None,
            residence_region=f"{last.region}-{last.claim.data.place}",
        )
        outcomes.append(Decided(Cause.of(last.claim), payload))
    return outcomes
