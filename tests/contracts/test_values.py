"""Values that every contract is built from."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, ValidationError

from contracts.codec import digest
from contracts.values import (
    REGION_CODE,
    DataClass,
    Day,
    Money,
    Sex,
    data_class,
    derived_id,
    derived_text,
    descends,
    household_id,
    month_of,
    person_id,
    region_source,
    service_source,
    worker_id,
)

REGIONS = st.from_regex(r"[A-Z]{2}-[A-Z0-9]{1,12}", fullmatch=True)
RECORDS = st.from_regex(r"[A-Za-z0-9][A-Za-z0-9._:-]{0,20}", fullmatch=True)


class Form(BaseModel, strict=True):
    born_on: Day
    sex: Sex


def test_money_adds_up_in_one_currency_only() -> None:
    dong = Money(amount_minor=500_000, currency="VND")
    assert dong.plus(dong) == Money(amount_minor=1_000_000, currency="VND")
    with pytest.raises(ValueError, match="UAH cannot be added to VND"):
        dong.plus(Money(amount_minor=1, currency="UAH"))


@pytest.mark.parametrize("amount", [-1, 10**15 + 1, 1.0, "1", True, None])
def test_money_is_whole_and_bounded(amount: object) -> None:
    with pytest.raises(ValidationError):
        Money.model_validate({"amount_minor": amount, "currency": "VND"})


def test_a_month_is_that_of_its_day() -> None:
    assert month_of(date(2026, 9, 30)) == "2026-09"
    assert month_of(date(987, 1, 1)) == "0987-01"


def test_a_ward_descends_from_its_region_and_no_other() -> None:
    assert descends("VN-07-00694", "VN-07")
    assert descends("VN-07", "VN-07")
    assert not descends("VN-071", "VN-07")
    assert not descends("VN-07", "VN-07-00694")


def test_sources_name_a_region_or_a_service() -> None:
    assert region_source("VN-07") == "urn:hamroh:region:vn-07"
    assert service_source("benefits") == "urn:hamroh:service:benefits"


@given(REGIONS, REGIONS, RECORDS, RECORDS)
def test_two_records_are_never_one_person_unless_region_and_record_are_the_same(
    region: str, other_region: str, record: str, other_record: str
) -> None:
    one = person_id(region_source(region), record)
    other = person_id(region_source(other_region), other_record)
    assert (one == other) == ((region, record) == (other_region, other_record))
    # And a record's number names a person, a household and a worker apart from each other
    source = region_source(region)
    assert len({one, household_id(source, record), worker_id(source, record)}) == 3


@given(RECORDS, RECORDS, st.integers(0, 5))
def test_what_follows_from_a_cause_has_the_same_id_on_every_replay(
    cause: str, subject: str, ordinal: int
) -> None:
    once = derived_id(cause, "benefits.payment.ordered", subject, ordinal)
    assert once == derived_id(cause, "benefits.payment.ordered", subject, ordinal)
    assert once != derived_id(cause, "benefits.payment.ordered", subject, ordinal + 1)
    assert once != derived_id(cause, "benefits.payment.settled", subject, ordinal)
    assert derived_text(cause, "benefits.payment.ordered", subject, ordinal) == str(once)


def test_a_date_is_written_as_a_day_and_a_sex_as_a_whole_number() -> None:
    form = Form.model_validate_json('{"born_on": "2022-11-03", "sex": 2}')
    assert form == Form(born_on=date(2022, 11, 3), sex=2)
    assert form.model_dump_json() == '{"born_on":"2022-11-03","sex":2}'
    for wrong in ('"0"', '"1667433600"', '"2022-11-03T00:00:00"', "0", '"3.11.2022"', "null"):
        with pytest.raises(ValidationError):
            Form.model_validate_json(f'{{"born_on": {wrong}, "sex": 2}}')
    for wrong in ("true", "2.0", '"2"', "3"):
        with pytest.raises(ValidationError):
            Form.model_validate_json(f'{{"born_on": "2022-11-03", "sex": {wrong}}}')


def test_a_region_code_is_checked_outside_a_contract_too() -> None:
    assert REGION_CODE.validate_python("VN-07-00694") == "VN-07-00694"
    for wrong in ("vn-07", "VN", "VN-07\n", "VN-07-1-2-3", "VN-" + "7" * 21):
        with pytest.raises(ValidationError):
            REGION_CODE.validate_python(wrong)


def test_a_field_without_a_class_has_none() -> None:
    assert data_class([]) is None
    assert data_class(Money.model_fields["currency"].metadata) == DataClass.C0


def test_a_digest_names_bytes_without_showing_them() -> None:
    assert digest(b"") == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
