from dataclasses import replace
from datetime import date

from contracts.benefits import (
    ApplicationDecided,
    EntitlementAdjusted,
    EntitlementStarted,
    NoticeIssued,
)
from contracts.envelope import Fact
from services.benefits.domain.entitlements import Cancelled, Held, Running, Waiting
from services.benefits.domain.judgement import (
    File,
    Judgement,
    Moment,
    judge,
    paid_to,
    refused_as_same,
    released,
)
from services.benefits.domain.persons import Review
from tests.benefits.stories import MOMENT, TODAY, person, ruling, term, uid

ADULT = person("mai", "1960-05-01")
CHILD = person("an", "2020-05-01")
HEAD = uid("grandmother")
LAW = ruling(term("2026-09", 750_000))


def kinds(facts: tuple[Fact, ...]) -> list[str]:
    return [type(fact).__name__ for fact in facts]


def started(judged: Judgement) -> EntitlementStarted:
    (found,) = [fact for fact in judged.facts if isinstance(fact, EntitlementStarted)]
    return found


def adjusted(judged: Judgement) -> EntitlementAdjusted:
    (found,) = [fact for fact in judged.facts if isinstance(fact, EntitlementAdjusted)]
    return found


def test_who_fits_no_group_hears_nothing_and_nothing_is_kept() -> None:
    judged = judge(ADULT, None, File(), ruling(), MOMENT)
    assert judged == Judgement(File())


def test_an_adult_who_fits_is_approved_started_and_told_once() -> None:
    judged = judge(ADULT, None, File(), LAW, MOMENT)
    assert kinds(judged.facts) == ["ApplicationDecided", "EntitlementStarted", "NoticeIssued"]
    decided, start, notice = judged.facts
    assert isinstance(decided, ApplicationDecided)
    assert (decided.outcome, decided.reasons) == ("approved", ("a6_severe_adult",))
    assert (decided.decided_on, decided.due_on) == (TODAY, date(2026, 9, 17))
    assert isinstance(start, EntitlementStarted)
    assert (start.payee_id, start.amount_minor, start.from_month) == (ADULT.id, 750_000, "2026-09")
    assert isinstance(notice, NoticeIssued)
    assert (notice.payee_id, notice.template) == (ADULT.id, "entitlement_started")


def test_judging_again_by_the_same_law_publishes_nothing() -> None:
    first = judge(ADULT, None, File(), LAW, MOMENT)
    again = judge(ADULT, None, first.file, LAW, MOMENT)
    assert again == Judgement(first.file)


def test_what_is_due_only_next_year_does_not_start_now() -> None:
    assert judge(ADULT, None, File(), ruling(term("2027-05", 500_000)), MOMENT).facts == ()


def test_a_child_is_approved_and_starts_when_the_head_of_the_household_is_known() -> None:
    alone = judge(CHILD, None, File(), LAW, MOMENT)
    assert kinds(alone.facts) == ["ApplicationDecided"]
    assert alone.file.entitlements["allowance"].phase == Waiting()
    later = paid_to(alone.file, HEAD, "2026-09")
    assert kinds(later.facts) == ["EntitlementStarted", "NoticeIssued"]
    assert started(later).payee_id == HEAD


def test_the_head_known_before_is_the_payee_at_once() -> None:
    judged = judge(CHILD, HEAD, File(), LAW, MOMENT)
    assert judged.file.entitlements["allowance"].phase == Running(HEAD)


def test_a_new_head_is_paid_from_now_on_and_nothing_is_announced() -> None:
    first = judge(CHILD, HEAD, File(), LAW, MOMENT)
    later = paid_to(first.file, uid("aunt"), "2026-09")
    assert later.facts == ()
    assert later.file.entitlements["allowance"].phase == Running(uid("aunt"))


def test_a_lost_head_changes_nothing() -> None:
    first = judge(CHILD, HEAD, File(), LAW, MOMENT)
    assert paid_to(first.file, None, "2026-09") == Judgement(first.file)


def test_a_suspected_duplicate_is_deferred_held_and_not_told() -> None:
    judged = judge(replace(ADULT, review=Review.OPEN), None, File(), LAW, MOMENT)
    (decided,) = judged.facts
    assert isinstance(decided, ApplicationDecided)
    assert (decided.outcome, decided.reasons) == ("deferred", ("duplicate.suspected",))
    assert judged.file.entitlements["allowance"].phase == Held(date(2026, 9, 10))


def test_a_second_status_during_the_hold_publishes_nothing_more() -> None:
    suspected = replace(ADULT, review=Review.OPEN)
    held = judge(suspected, None, File(), LAW, MOMENT)
    more = judge(suspected, None, held.file, ruling(term("2026-09", 1_000_000)), MOMENT)
    assert more.facts == ()
    assert more.file.entitlements["allowance"].amount_at("2026-09") == 1_000_000
    assert paid_to(more.file, ADULT.id, "2026-09") == Judgement(more.file)


def test_the_hold_ends_and_the_entitlement_starts_from_the_month_it_was_first_due() -> None:
    held = judge(replace(ADULT, review=Review.OPEN), None, File(), LAW, MOMENT)
    october = Moment(date(2026, 10, 2), date(2026, 10, 16), date(2026, 10, 9))
    freed = released(held.file, ADULT.id, LAW, october)
    assert kinds(freed.facts) == ["ApplicationDecided", "EntitlementStarted", "NoticeIssued"]
    assert started(freed).from_month == "2026-09"
    decided = freed.facts[0]
    assert isinstance(decided, ApplicationDecided)
    assert (decided.outcome, decided.decided_on) == ("approved", date(2026, 10, 2))
    assert released(freed.file, ADULT.id, LAW, october) == Judgement(freed.file)


def test_nothing_held_nothing_released() -> None:
    assert released(File(), None, LAW, MOMENT) == Judgement(File())


def test_a_duplicate_record_never_starts_and_its_application_is_refused() -> None:
    held = judge(replace(ADULT, review=Review.OPEN), None, File(), LAW, MOMENT)
    ended = refused_as_same(held.file, "2025.7.1", TODAY)
    (decided,) = ended.facts
    assert isinstance(decided, ApplicationDecided)
    assert (decided.outcome, decided.reasons) == ("refused", ("duplicate.same",))
    assert ended.file.entitlements["allowance"].phase == Cancelled()
    same = replace(ADULT, review=Review.SAME)
    again = judge(same, None, ended.file, ruling(term("2026-09", 900_000)), MOMENT)
    assert again.facts == ()
    assert refused_as_same(ended.file, "2025.7.1", TODAY) == Judgement(ended.file)


def test_a_duplicate_record_gets_no_new_entitlement() -> None:
    judged = judge(replace(ADULT, review=Review.SAME), None, File(), LAW, MOMENT)
    assert judged == Judgement(File())


def test_a_running_entitlement_survives_a_suspicion_of_a_new_one() -> None:
    running = judge(ADULT, None, File(), LAW, MOMENT)
    both = replace(LAW, plans={**LAW.plans, "single_parent": (term("2026-09", 500_000, "A4"),)})
    suspected = replace(ADULT, review=Review.OPEN)
    judged = judge(suspected, None, running.file, both, MOMENT)
    assert judged.facts == ()
    assert judged.file.entitlements["allowance"].phase == Running(ADULT.id)
    freed = released(judged.file, ADULT.id, both, MOMENT)
    assert kinds(freed.facts) == ["EntitlementStarted", "NoticeIssued"]
    refused = refused_as_same(judged.file, "2025.7.1", TODAY)
    assert refused.facts == ()
    assert refused.file.entitlements["single_parent"].phase == Cancelled()


def test_a_higher_amount_is_told_with_the_month_from_which() -> None:
    first = judge(ADULT, None, File(), LAW, MOMENT)
    judged = judge(ADULT, None, first.file, ruling(term("2026-09", 1_000_000)), MOMENT)
    change = adjusted(judged)
    assert (change.old_amount_minor, change.new_amount_minor) == (750_000, 1_000_000)
    assert (change.from_month, change.reason) == ("2026-09", "facts_changed")


def test_an_end_is_told_at_once_for_the_month_after_and_only_once() -> None:
    first = judge(ADULT, None, File(), LAW, MOMENT)
    ending = ruling(term("2026-09", 750_000), term("2026-10", 0))
    judged = judge(ADULT, None, first.file, ending, MOMENT)
    change = adjusted(judged)
    assert (change.new_amount_minor, change.from_month) == (0, "2026-10")
    october = Moment(date(2026, 10, 1), date(2026, 10, 15), date(2026, 10, 8))
    assert judge(ADULT, None, judged.file, ruling(), october).facts == ()


def test_what_the_law_no_longer_names_ends() -> None:
    first = judge(ADULT, None, File(), LAW, MOMENT)
    judged = judge(ADULT, None, first.file, ruling(), MOMENT)
    assert adjusted(judged).new_amount_minor == 0
    back = judge(ADULT, None, judged.file, LAW, MOMENT)
    assert adjusted(back).new_amount_minor == 750_000


def test_a_planned_birthday_is_told_in_its_month() -> None:
    plan = ruling(term("2026-09", 1_250_000), term("2028-06", 750_000))
    first = judge(CHILD, HEAD, File(), plan, MOMENT)
    june = Moment(date(2028, 6, 1), date(2028, 6, 15), date(2028, 6, 8))
    judged = judge(CHILD, HEAD, first.file, ruling(term("2028-06", 750_000)), june)
    change = adjusted(judged)
    assert (change.old_amount_minor, change.new_amount_minor) == (1_250_000, 750_000)
    assert (change.from_month, change.reason) == ("2028-06", "age_band")
    assert judge(CHILD, HEAD, judged.file, ruling(term("2028-06", 750_000)), june).facts == ()
    assert paid_to(first.file, None, "2028-06").facts == judged.facts


def test_a_planned_new_rate_is_told_in_its_month() -> None:
    plan = ruling(term("2026-09", 750_000), term("2027-01", 900_000, standard=600_000))
    first = judge(ADULT, None, File(), plan, MOMENT)
    january = Moment(date(2027, 1, 1), date(2027, 1, 15), date(2027, 1, 8))
    judged = judge(ADULT, None, first.file, plan, january)
    assert adjusted(judged).reason == "standard_changed"
