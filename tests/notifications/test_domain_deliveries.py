from uuid import UUID

import pytest

from contracts.notifications import Channel
from services.notifications.domain.deliveries import (
    Again,
    Answer,
    Delivered,
    Failed,
    Forgotten,
    NoWay,
    Refused,
    Taken,
    Unclear,
    goes_on,
    message_id,
    verdict,
    wait_s,
    ways,
)

MOST = 5


def test_one_notice_has_one_message_for_ever() -> None:
    notice = UUID(int=1)
    assert message_id(notice) == message_id(notice) != message_id(UUID(int=2))


def test_the_phone_comes_before_the_mailbox() -> None:
    both: list[tuple[Channel, str]] = [("sms", "+84912345678"), ("email", "hoa@example.vn")]
    assert ways("+84912345678", "hoa@example.vn", "in_person") == both
    assert ways(None, "hoa@example.vn", "in_person") == both[1:]
    assert ways("+84912345678", "", "in_person") == both[:1]
    assert ways(None, None, "in_person") == []


def test_the_way_that_was_tried_before_comes_first() -> None:
    both: list[tuple[Channel, str]] = [("email", "hoa@example.vn"), ("sms", "+84912345678")]
    assert ways("+84912345678", "hoa@example.vn", "email") == both
    assert ways("+84912345678", "hoa@example.vn", "sms") == both[::-1]
    assert ways("+84912345678", None, "email") == both[1:]


@pytest.mark.parametrize(
    ("answer", "next_way"),
    [
        (Refused("sms", "number_not_in_service"), True),
        (Refused("sms", "id_reused"), False),
        (Unclear("sms", "provider.timeout"), False),
        (Taken("sms"), False),
    ],
)
def test_only_what_was_surely_not_taken_goes_another_way(answer: Answer, next_way: bool) -> None:
    assert goes_on(answer) is next_way


@pytest.mark.parametrize("answer", [Taken("sms"), Refused("sms", "id_reused")])
def test_a_message_that_the_provider_took_now_or_before_is_delivered(answer: Answer) -> None:
    assert verdict(answer, "in_person", 1, MOST) == Delivered("sms")


def test_what_went_by_mail_is_told_as_mail() -> None:
    refused, unclear = Refused("email", "smtp.550"), Unclear("email", "smtp.451")
    assert verdict(Taken("email"), "sms", 1, MOST) == Delivered("email")
    assert verdict(refused, "sms", 1, MOST) == Failed("email", "smtp.550", 1)
    assert verdict(unclear, "sms", 1, MOST) == Again("email", "smtp.451", 2.0)


def test_who_is_forgotten_is_told_nothing_and_no_attempt_is_counted() -> None:
    assert verdict(Forgotten(), "email", 3, MOST) == Failed("email", "person.forgotten", 2)
    assert verdict(Forgotten(), "in_person", 1, MOST) == Failed("in_person", "person.forgotten", 0)


def test_a_refusal_is_final_at_the_first_attempt() -> None:
    assert verdict(Refused("sms", "not_in_service"), "in_person", 1, MOST) == Failed(
        "sms", "not_in_service", 1
    )


def test_without_a_phone_somebody_goes_there_and_no_attempt_is_counted() -> None:
    missing = NoWay("phone.missing")
    assert verdict(missing, "in_person", 1, MOST) == Failed("in_person", "phone.missing", 0)
    assert verdict(missing, "sms", 3, MOST) == Failed("sms", "phone.missing", 2)


def test_silence_is_asked_again_until_the_last_attempt() -> None:
    silence = Unclear("sms", "provider.timeout")
    verdicts = [verdict(silence, "sms", attempt, MOST) for attempt in range(1, MOST + 1)]
    assert verdicts[:-1] == [Again("sms", "provider.timeout", wait) for wait in (2, 4, 8, 16)]
    assert verdicts[-1] == Failed("sms", "provider.timeout", MOST)


def test_waits_grow_to_an_hour_and_no_further() -> None:
    waits = [wait_s(attempt) for attempt in range(1, 101)]
    assert waits == sorted(waits)
    assert (waits[0], waits[-1]) == (2.0, 3600.0)
    assert 12 * 3600 < sum(waits[:23]) < 14 * 3600
