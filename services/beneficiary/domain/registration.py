"""Intake: what makes a claim refusable, and which registered persons it may duplicate."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from uuid import UUID

from contracts.beneficiary import Contact
from contracts.regional import Identifier, PersonRegistered, Status
from contracts.values import derived_id
from services.beneficiary.domain import identifiers, matching, phones
from services.beneficiary.domain.statuses import STATUSES

EARLIEST_BIRTH = date(1900, 1, 1)
SEX_LETTER = {1: "M", 2: "F"}
IDENTIFIER_KIND = {
    "vn-cccd": "vn.cccd",
    "ua-rnokpp": "ua.rnokpp",
    "uz-pinfl": "uz.pinfl",
    "passport": "other",
}


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a claim has no effect: a code and the path of the field, never its value."""

    code: str
    path: str


@dataclass(frozen=True, slots=True)
class Candidate:
    """A person as matching sees them."""

    person_id: UUID
    household_id: UUID
    person: matching.Person
    keys: tuple[str, ...] = ()
    """Its matching keys; of a newcomer only."""
    number_parts: tuple[str, ...] = ()
    """Parts of its national number, if that is sound; of a newcomer only."""

    @property
    def blinded(self) -> tuple[str, ...]:
        """What is stored of it as keyed digests."""
        return self.keys + self.number_parts


@dataclass(frozen=True, slots=True)
class Pair:
    """Two persons who may be one. `holds`: a new entitlement of the newcomer waits."""

    pair_id: UUID
    person_ids: tuple[UUID, UUID]
    score: float
    reasons: tuple[str, ...]
    holds: bool


def objection(
    claim: PersonRegistered, region: str, places: Collection[str], today: date
) -> Refusal | None:
    """The first reason to refuse a claim, or None. `places` are the region's codes in force."""
    return (
        _birth_objection(claim, today)
        or _place_objection(claim, places)
        or _identifier_objection(claim)
        or _phone_objection(claim, region)
        or _status_objection(claim)
    )


def _birth_objection(claim: PersonRegistered, today: date) -> Refusal | None:
    if claim.birth_date > today:
        return Refusal("birth_date.in_future", "data.birth_date")
    if claim.birth_date < EARLIEST_BIRTH:
        return Refusal("birth_date.too_early", "data.birth_date")
    return None


def _place_objection(claim: PersonRegistered, places: Collection[str]) -> Refusal | None:
    return None if claim.place in places else Refusal("place.unknown", "data.place")


def _identifier_objection(claim: PersonRegistered) -> Refusal | None:
    for place, identifier in enumerate(claim.identifiers):
        found = check(identifier, claim)
        if isinstance(found, identifiers.Refusal):
            return Refusal(found.reason.value, f"data.identifiers.{place}.value")
    return None


def check(
    identifier: Identifier, claim: PersonRegistered
) -> identifiers.Valid | identifiers.Refusal:
    """Holds an identifier against its own rules and the birth date and sex beside it."""
    born_on = claim.birth_date if claim.birth_precision == "day" else None
    kind = IDENTIFIER_KIND[identifier.kind]
    return identifiers.check(kind, identifier.value, born_on, SEX_LETTER.get(claim.sex))


def _phone_objection(claim: PersonRegistered, region: str) -> Refusal | None:
    country = region.partition("-")[0]
    if claim.phone is not None and phones.normalise(claim.phone, country) is None:
        return Refusal("phone.not_a_number", "data.phone")
    return None


def _status_objection(claim: PersonRegistered) -> Refusal | None:
    for place, status in enumerate(claim.statuses):
        path = f"data.statuses.{place}"
        if status.code not in STATUSES:
            return Refusal("status.unknown", f"{path}.code")
        if not _level_fits(status):
            return Refusal("status.unknown_level", f"{path}.level")
        if status.valid_from < claim.birth_date:
            return Refusal("status.before_birth", f"{path}.valid_from")
    return None


def _level_fits(status: Status) -> bool:
    levels = STATUSES[status.code]
    return status.level in levels if levels else status.level is None


def as_person(claim: PersonRegistered, region: str) -> matching.Person:
    """The claim as matching reads it; nothing is folded or corrected here."""
    return matching.Person(
        record_id=claim.record_id,
        family_name=claim.name.family,
        given_name=claim.name.given,
        patronymic=claim.name.middle or "",
        sex=SEX_LETTER.get(claim.sex, ""),
        birth_date=claim.birth_date if claim.birth_precision == "day" else None,
        national_id=claim.identifiers[0].value if claim.identifiers else "",
        phone=claim.phone or "",
        region_code=region,
        place_code=claim.place,
        address=claim.address or "",
        household_id=claim.form_id,
        language=claim.language,
    )


def contact_of(claim: PersonRegistered, region: str) -> Contact:
    """How to reach and pay the person; the name in the order of the country's own writing."""
    name, country = claim.name, region.partition("-")[0]
    parts = (
        (name.family, name.middle, name.given)
        if country == "VN"
        else (name.family, name.given, name.middle)
    )
    return Contact(
        name=" ".join(part for part in parts if part),
        phone=phones.normalise(claim.phone, country) if claim.phone else None,
        email=claim.email,
        account=claim.account,
    )


def pair_id_of(a: UUID, b: UUID) -> UUID:
    """The id of a pair: the same whoever came first."""
    first, second = sorted((a, b))
    return derived_id(str(first), "pair", str(second))


def suspicions(
    newcomers: Sequence[Candidate], similar: Mapping[str, Iterable[Candidate]]
) -> dict[UUID, list[Pair]]:
    """Newcomer → pairs to raise: with registered persons, and with newcomers before them.

    `similar` holds, per matching key, the registered persons who have it. One call judges all.
    """
    sharing: defaultdict[str, list[Candidate]] = defaultdict(list)
    for key, candidates in similar.items():
        sharing[key].extend(candidates)
    questions: list[tuple[Candidate, Candidate]] = []
    for newcomer in newcomers:
        met: dict[UUID, Candidate] = {}
        for key in newcomer.keys:
            others = sharing[key]
            if len(others) <= matching.CAP:
                met.update((other.person_id, other) for other in others)
            others.append(newcomer)
        questions += [(newcomer, other) for other in met.values()]
    judgements = matching.judge([(a.person, b.person) for a, b in questions])
    raised: dict[UUID, list[Pair]] = {newcomer.person_id: [] for newcomer in newcomers}
    for (newcomer, other), judgement in zip(questions, judgements, strict=True):
        if judgement.outcome is not matching.Outcome.DIFFERENT:
            raised[newcomer.person_id].append(_pair(newcomer, other, judgement))
    return raised


def _pair(newcomer: Candidate, other: Candidate, judgement: matching.Judgement) -> Pair:
    first, second = sorted((newcomer.person_id, other.person_id))
    codes = [f"{reason.field}.{reason.level}".replace(" ", "_") for reason in judgement.reasons]
    return Pair(
        pair_id=pair_id_of(first, second),
        person_ids=(first, second),
        score=round(judgement.score, 4),
        reasons=tuple(codes[:20]),
        holds=not (newcomer.household_id == other.household_id or _known_apart(newcomer, other)),
    )


def _known_apart(a: Candidate, b: Candidate) -> bool:
    """Two sound identifiers that differ are evidence of two people: nothing is held."""
    first, second = _sound_number(a), _sound_number(b)
    return bool(first and second and first != second)


def _sound_number(candidate: Candidate) -> str:
    number = candidate.person.national_id
    found = identifiers.check(identifiers.kind_of(number), number) if number else None
    return found.value if isinstance(found, identifiers.Valid) else ""
