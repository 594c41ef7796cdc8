"""The invented people: drawn from a seed, and such as the programme could meet."""

from collections import Counter
from dataclasses import replace
from datetime import date

from deployments.replay.asked import Asked
from deployments.replay.behaviour import behaviour
from deployments.replay.cast import DEAD, cast
from deployments.replay.intentions import intention, opening_day
from models.lifecycle import step_of
from models.policy import load_programme
from models.rules.credit_code import check_digit, require_credit_code
from models.rules.stages import Role, Stage
from models.rules.working_days import add_working_days, is_working_day

CONTRACT = Asked(
    item_id=7,
    case_no="HS-1-0001",
    enterprise_id=1,
    stage=Stage.TRANSFORMATION,
    step="contract",
    attempt=1,
    opened_on=date(2024, 4, 15),
    due_on=date(2024, 5, 8),
    role=Role.ENTERPRISE,
    party_id=1,
)


def of_case(number: int) -> Asked:
    return replace(CONTRACT, case_no=f"HS-1-{number:04}")


def test_people_answer_early_late_or_never_and_only_on_working_days():
    patience = add_working_days(CONTRACT.due_on, behaviour().pace.withdrawn_after)

    intentions = [intention(1, of_case(number)) for number in range(1000)]

    manners = Counter[str]()
    for each in intentions:
        assert each is not None
        assert is_working_day(each.day)
        assert each.day > CONTRACT.opened_on
        if each.is_given_up:
            assert each.day == patience
            manners["never"] += 1
        else:
            manners["late" if each.day > CONTRACT.due_on else "in time"] += 1
    share = behaviour().manners[Role.ENTERPRISE]
    assert 0 < manners["never"] < 10 * (share.never + 2)
    assert abs(manners["late"] - 10 * share.late) < 50


def test_an_intention_rests_on_the_seed_and_the_matter_and_on_nothing_else():
    one = intention(1, CONTRACT)

    for number in range(50):
        intention(1, of_case(number))

    assert intention(1, replace(CONTRACT, item_id=99)) == replace(
        one, asked=replace(CONTRACT, item_id=99)
    )
    assert {intention(seed, CONTRACT).day for seed in range(20)} > {one.day}


def test_the_work_is_reported_on_until_it_is_done():
    working = replace(
        CONTRACT, step="implement", opened_on=date(2024, 4, 15), due_on=date(2024, 9, 30)
    )
    said = [intention(2, working, times) for times in range(20)]

    ends = [times for times, each in enumerate(said) if not each.is_progress]
    words = [each.day for each in said[: ends[0]]]
    assert words == sorted(words)
    assert len(words) > 1
    assert said[ends[0]].day >= words[-1]


def test_every_turn_is_an_outcome_of_its_step_with_words_of_its_form():
    for turn in behaviour().turns:
        step = step_of(turn.stage, turn.step)
        outcome = step.form.outcomes().read(turn.outcome)
        assert outcome.value in step.outcomes
        assert turn.words.keys() <= step.form.model_fields.keys()
        assert {*step.form.needed_for.get(outcome.value, ())} <= turn.words.keys()


def test_every_role_that_is_asked_has_manners():
    assert behaviour().manners.keys() == {*Role} - {Role.SYSTEM}


def test_the_cast_has_valid_codes_invented_addresses_and_a_bureau_in_every_county():
    programme = load_programme()

    entries = cast(programme, 220, seed=3)

    codes = [told["code"] + check_digit(told["code"]) for _, told in entries if "code" in told]
    assert [require_credit_code(code) for code in codes] == codes
    assert len(codes) == len(set(codes))
    addresses = [address for _, told in entries for address in told.get("emails", ())]
    assert all(address.endswith("@example.com") for address in addresses)
    assert 0 < sum(address.startswith(DEAD) for address in addresses) < 20
    seated = [told["county"] for role, told in entries if role is Role.COUNTY_BUREAU]
    assert sorted(seated) == sorted(term.name for term in programme.counties)
    assert Counter(role for role, _ in entries)[Role.ENTERPRISE] == 220
    # The same people every time, and others under another seed.
    assert cast(programme, 220, seed=3) == entries
    assert cast(programme, 220, seed=4) != entries


def test_cases_are_opened_on_working_days_of_the_window():
    first, last = date(2025, 1, 1), date(2025, 1, 31)

    days = {opening_day(1, f"示例企业{number:04}", first, last) for number in range(100)}

    assert all(is_working_day(day) for day in days)
    assert first < min(days) < max(days) < last
