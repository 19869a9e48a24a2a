from uuid import UUID

import pytest

from services.notifications.domain.deliveries import (
    Again,
    Answer,
    Delivered,
    Failed,
    NoWay,
    Refused,
    Taken,
    Unclear,
    message_id,
    verdict,
    wait_s,
)

MOST = 5


def test_one_notice_has_one_message_for_ever() -> None:
    notice = UUID(int=1)
    assert message_id(notice) == message_id(notice) != message_id(UUID(int=2))


@pytest.mark.parametrize("answer", [Taken(), Refused("id_reused")])
def test_a_message_that_the_provider_took_now_or_before_is_delivered(answer: Answer) -> None:
    assert verdict(answer, 1, MOST) == Delivered()


def test_a_refusal_is_final_at_the_first_attempt() -> None:
    assert verdict(Refused("number_not_in_service"), 1, MOST) == Failed(
        "sms", "number_not_in_service", 1
    )


def test_without_a_phone_somebody_goes_there_and_no_attempt_is_counted() -> None:
    assert verdict(NoWay("phone.missing"), 1, MOST) == Failed("in_person", "phone.missing", 0)


def test_silence_is_asked_again_until_the_last_attempt() -> None:
    silence = Unclear("provider.timeout")
    verdicts = [verdict(silence, attempt, MOST) for attempt in range(1, MOST + 1)]
    assert verdicts[:-1] == [Again("provider.timeout", wait) for wait in (2, 4, 8, 16)]
    assert verdicts[-1] == Failed("sms", "provider.timeout", MOST)


def test_waits_grow_to_an_hour_and_no_further() -> None:
    waits = [wait_s(attempt) for attempt in range(1, 101)]
    assert waits == sorted(waits)
    assert (waits[0], waits[-1]) == (2.0, 3600.0)
    assert 12 * 3600 < sum(waits[:23]) < 14 * 3600
