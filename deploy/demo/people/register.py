"""The registration drive: forms of first and second registrations, written out as rows."""

import unicodedata
from collections.abc import Iterator
from dataclasses import replace
from datetime import date, datetime, time, timedelta, timezone
from random import Random

from deploy.demo.people.broken import DEFECTS, broken
from deploy.demo.people.circumstances import with_contacts, with_statuses
from deploy.demo.people.households import Nursery, draw_household
from deploy.demo.people.identity import IDENTIFIER_KIND, Issuer, written_phone
from deploy.demo.people.names import weighted
from deploy.demo.people.places import draw_address, draw_people_of, draw_places
from deploy.demo.people.records import (
    ADULT_FROM_YEARS,
    DRIVE_STARTS_ON,
    Entry,
    Form,
    Label,
    Person,
    Place,
    Row,
)
from deploy.demo.people.second import may_move, register_again

SECOND_SHARE, BROKEN_SHARE = 0.2, 0.01
LOCAL_TIME = timezone(timedelta(hours=7))
CLOSED_ON = date(2026, 9, 2)  # National Day
SUNDAY = 6
OFFICE_DAYS = tuple(
    day
    for day in (DRIVE_STARTS_ON + timedelta(days=n) for n in range(14))
    if day != CLOSED_ON and day.weekday() != SUNDAY
)
OPENS_AT, OPEN_MINUTES, MINUTES_A_PERSON = time(7, 30), 540, 3

DECOMPOSED_SHARE, CAPITALS_SHARE, ENGLISH_SHARE = 0.04, 0.04, 0.01
TOWN_WEIGHT = 3.0
BROKEN_FROM_YEARS = 10  # old enough that no defect brings another with it
MOST_PEOPLE_A_FORM = 7

AGAIN_SHARE = 0.08  # of second forms, drawn from people who already have one
MOVED_SHARE = 0.12
SAME_FORM_SHARE = 0.05
GROUPS = {"alone": 45, "with_another": 25, "whole": 30}


def people(seed: int, count: int) -> Iterator[Row]:
    """Yield the rows of the list in the order of registration; the same seed, the same rows."""
    return (row for row, _ in labelled(seed, count))


def labelled(seed: int, count: int) -> list[tuple[Row, Label]]:
    """Give the rows of the list, each with the truth about it."""
    rng = Random(f"hamroh-demo-people:{seed}")
    issuer = Issuer(rng)
    places = draw_places(rng)
    seconds, broken_rows = round(count * SECOND_SHARE), round(count * BROKEN_SHARE)
    forms = draw_first_forms(rng, issuer, places, count - seconds)
    forms = with_broken_entries(rng, forms, broken_rows)
    forms = with_second_registrations(rng, issuer, places, forms, seconds)
    return list(written(rng, sorted(forms, key=lambda form: form.opened_at)))


def draw_first_forms(rng: Random, issuer: Issuer, places: list[Place], count: int) -> list[Form]:
    """Draw forms until they hold exactly `count` people, each for the first time."""
    weights = [(TOWN_WEIGHT if place.urban else 1.0) * rng.uniform(0.4, 1.6) for place in places]
    forms: list[Form] = []
    last_phone_at: dict[str, str] = {}
    drawn = 0
    while drawn < count:
        place = rng.choices(places, weights)[0]
        nursery = Nursery(rng, issuer, place, draw_people_of(rng, place), drawn + 1, [])
        composition = draw_household(nursery)
        members = with_statuses(rng, nursery.members[: count - drawn], place, composition)
        members = with_contacts(rng, issuer, members, last_phone_at.get(place.code, ""))
        last_phone_at[place.code] = members[0].phone
        entries = tuple(Entry(member) for member in members)
        forms.append(draw_form(rng, place, entries, OFFICE_DAYS[:-1]))
        drawn += len(entries)
    return forms


def draw_form(
    rng: Random, place: Place, entries: tuple[Entry, ...], days: tuple[date, ...]
) -> Form:
    """Draw where the household lives, and the office's day, language and habits of writing."""
    minutes = rng.randrange(OPEN_MINUTES)
    opened_at = datetime.combine(rng.choice(days), OPENS_AT, LOCAL_TIME)
    return Form(
        place=place,
        address=draw_address(rng, place),
        language="en" if rng.random() < ENGLISH_SHARE else "vi",
        decomposed=rng.random() < DECOMPOSED_SHARE,
        capitals=rng.random() < CAPITALS_SHARE,
        opened_at=opened_at + timedelta(minutes=minutes),
        entries=entries,
    )


def with_broken_entries(rng: Random, forms: list[Form], count: int) -> list[Form]:
    """Mark `count` entries to be broken: never the head that others on the form depend on."""
    candidates = [
        (form_at, entry_at)
        for form_at, form in enumerate(forms)
        for entry_at, entry in enumerate(form.entries)
        if (entry_at or len(form.entries) == 1) and entry.person.age_years >= BROKEN_FROM_YEARS
    ]
    reasons = list(DEFECTS)
    marked = list(forms)
    for nth, (form_at, entry_at) in enumerate(rng.sample(candidates, count)):
        entries = list(marked[form_at].entries)
        reason = reasons[nth % len(reasons)]
        entries[entry_at] = replace(entries[entry_at], kind="broken", reason=reason)
        marked[form_at] = replace(marked[form_at], entries=tuple(entries))
    return marked


def with_second_registrations(
    rng: Random, issuer: Issuer, places: list[Place], forms: list[Form], count: int
) -> list[Form]:
    """Add `count` second registrations, most of them on forms of their own."""
    whole = [at for at, form in enumerate(forms) if form.entries[0].kind == "first"]
    fresh = rng.sample(whole, len(whole))
    used: list[int] = []
    result = list(forms)
    while count:
        again = used and (not fresh or rng.random() < AGAIN_SHARE)
        at = rng.choice(used) if again else fresh.pop()
        used.append(at)
        form = result[at]
        others = [entry.person for entry in form.entries[1:] if entry.kind == "first"]
        room = others and len(form.entries) < MOST_PEOPLE_A_FORM
        if room and rng.random() < SAME_FORM_SHARE:
            person, reason = register_again(rng, issuer, rng.choice(others), moved=False)
            entries = (*form.entries, Entry(person, "second", reason))
            result[at] = replace(form, entries=entries)
            count -= 1
        else:
            result.append(draw_second_form(rng, issuer, places, form, count))
            count -= len(result[-1].entries)
    return result


def draw_second_form(
    rng: Random, issuer: Issuer, places: list[Place], form: Form, most: int
) -> Form:
    """Draw a later form of some of the same people, now and then from another ward."""
    group = draw_group(rng, issuer, form)[:most]
    moved = rng.random() < MOVED_SHARE and all(may_move(person) for person in group)
    place = rng.choice(places) if moved else form.place
    moved = place.code != form.place.code
    again = (register_again(rng, issuer, person, moved=moved) for person in group)
    entries = tuple(Entry(person, "second", reason) for person, reason in again)
    later = tuple(day for day in OFFICE_DAYS if day > form.opened_at.date())
    second = draw_form(rng, place, entries, later)
    return second if moved else replace(second, address=form.address)


def draw_group(rng: Random, issuer: Issuer, form: Form) -> list[Person]:
    """Draw who comes again: one adult alone, the head with somebody, or the whole household."""
    persons = [entry.person for entry in form.entries if entry.kind == "first"]
    match weighted(rng, GROUPS):
        case "alone":
            adults = [person for person in persons if person.age_years >= ADULT_FROM_YEARS]
            adult = rng.choice(adults)
            return [replace(adult, role="head", account=adult.account or issuer.account())]
        case "with_another" if len(persons) > 1:
            return [persons[0], rng.choice(persons[1:])]
        case _:
            return persons


def written(rng: Random, forms: list[Form]) -> Iterator[tuple[Row, Label]]:
    """Write the forms out, numbered as the centre numbers them."""
    records = 0
    for form_number, form in enumerate(forms, start=1):
        for nth, entry in enumerate(form.entries):
            records += 1
            row = replace(
                written_entry(rng, form, entry.person),
                record_id=f"TQ26-{records:06}",
                form_id=f"TQ26-F{form_number:05}",
                registered_at=(
                    form.opened_at + timedelta(minutes=nth * MINUTES_A_PERSON)
                ).isoformat(),
            )
            if entry.kind == "broken":
                row = broken(rng, row, entry.person.born_on, entry.reason)
            yield row, Label(row.record_id, entry.kind, entry.person.entity, entry.reason)


def written_entry(rng: Random, form: Form, person: Person) -> Row:
    """Write one person as the office of the form writes; ids and time are still empty."""
    return Row(
        record_id="",
        form_id="",
        role=person.role,
        family_name=written_name(form, person.family),
        middle_name=written_name(form, person.middle),
        given_name=written_name(form, person.given),
        sex=person.sex,
        birth_date=person.born_on.isoformat(),
        birth_precision=person.precision,
        identifier_kind=IDENTIFIER_KIND if person.identifier else "",
        identifier=person.identifier,
        phone=written_phone(rng, person.phone),
        language=form.language,
        place_code=form.place.code,
        address=unicodedata.normalize("NFD", form.address) if form.decomposed else form.address,
        account=person.account,
        statuses=";".join(map(str, person.statuses)),
        registered_at="",
    )


def written_name(form: Form, name: str) -> str:
    """Write a name with the office's habits: in capitals, or with marks decomposed."""
    cased = name.upper() if form.capitals else name
    return unicodedata.normalize("NFD", cased) if form.decomposed else cased
