"""The lifecycle, its forms, its effects and its lengths agree; every case can come to an end."""

import pytest

from models.forms.base import StepForm
from models.lifecycle import STEPS, Back, End, Enter, Next, Stay, Step, first_step, step_of
from models.operations.effects import EFFECTS
from models.policy import load_programme
from models.rules.choice import Choice
from models.rules.stages import STAGE_ORDER, CaseStatus, Role, Stage
from tests.lifecycle.moves import ALL, Place, target

EVERY_STEP = [pytest.param(stage, step, id=f"{stage.value}-{step.key}") for stage, step in ALL]


def test_six_stages_in_the_order_of_the_plan_with_nineteen_steps() -> None:
    assert tuple(STEPS) == STAGE_ORDER
    assert len(ALL) == 19
    assert all(STEPS.values())


def test_no_two_steps_of_a_stage_share_a_key_or_a_label() -> None:
    for stage, steps in STEPS.items():
        assert len({step.key for step in steps}) == len(steps), stage
        assert len({step.label for step in steps}) == len(steps), stage


@pytest.mark.parametrize(("stage", "step"), EVERY_STEP)
def test_a_step_leads_on_from_exactly_the_outcomes_of_its_form(stage: Stage, step: Step) -> None:
    assert set(step.outcomes) == {choice.value for choice in step.form.outcomes()}
    assert step.system_only <= set(step.outcomes)


@pytest.mark.parametrize(("stage", "step"), EVERY_STEP)
def test_every_move_of_a_step_ends_at_a_step_that_exists(stage: Stage, step: Step) -> None:
    for outcome in step.outcomes:
        arrived = target((stage, step.key), outcome)

        assert isinstance(arrived, CaseStatus) or step_of(*arrived)


@pytest.mark.parametrize(("stage", "step"), EVERY_STEP)
def test_a_step_has_an_effect_a_length_and_words(stage: Stage, step: Step) -> None:
    length = load_programme().step(stage, step.key)

    assert (length.working_days is None) == (length.until is not None)
    assert callable(EFFECTS[stage, step.key])
    assert step.label
    assert step.asks
    assert step.clause
    assert (step.role is Role.SYSTEM) == bool(step.system_only)


def test_effects_and_lengths_exist_for_no_step_that_is_not_there() -> None:
    places = {(stage, step.key) for stage, step in ALL}

    assert set(EFFECTS) == places
    lengths = load_programme().steps
    assert {(stage, key) for stage, steps in lengths.items() for key in steps} == places


def test_back_leads_to_an_earlier_step_and_next_to_the_following_one() -> None:
    for steps in STEPS.values():
        keys = [step.key for step in steps]
        for position, step in enumerate(steps):
            for move in step.outcomes.values():
                if isinstance(move, Back):
                    assert keys.index(move.step) < position
                if isinstance(move, Next):
                    assert keys.index(move.step) == position + 1


def test_a_stage_is_entered_from_the_one_before_it_and_only_a_return_leads_back() -> None:
    for stage, step in ALL:
        for move in step.outcomes.values():
            if isinstance(move, Enter):
                distance = STAGE_ORDER.index(move.stage) - STAGE_ORDER.index(stage)
                assert (distance < 0) == move.is_return
                assert move.is_return or distance == 1


def test_no_move_but_an_ending_leaves_a_case_active_nowhere() -> None:
    endings = {
        move.status for _, step in ALL for move in step.outcomes.values() if isinstance(move, End)
    }

    assert endings == set(CaseStatus) - {CaseStatus.ACTIVE}


def _after(moves: dict[Place, set[Place | CaseStatus]], start: Place) -> set[Place | CaseStatus]:
    seen: set[Place | CaseStatus] = set()
    ahead: list[Place | CaseStatus] = [start]
    while ahead:
        place = ahead.pop()
        if place not in seen:
            seen.add(place)
            if not isinstance(place, CaseStatus):
                ahead.extend(moves[place])
    return seen


def test_every_step_is_reached_and_from_each_the_money_and_an_end_can_be_reached() -> None:
    moves = {
        (stage, step.key): {target((stage, step.key), outcome) for outcome in step.outcomes}
        for stage, step in ALL
    }
    start = (Stage.APPLICATION, first_step(Stage.APPLICATION).key)

    assert set(moves) <= _after(moves, start)
    for place in moves:
        assert CaseStatus.COMPLETED in _after(moves, place), place


def test_only_system_steps_stay_for_objections_and_only_work_stays_for_progress() -> None:
    staying = {
        (stage, step.key, outcome)
        for stage, step in ALL
        for outcome, move in step.outcomes.items()
        if isinstance(move, Stay)
    }

    assert staying == {
        (Stage.APPLICATION, "public-notice", "objection"),
        (Stage.APPLICATION, "public-notice", "dismissed"),
        (Stage.TRANSFORMATION, "implement", "progress"),
        (Stage.SUBSIDY, "public-notice", "objection"),
        (Stage.SUBSIDY, "public-notice", "dismissed"),
    }


def test_a_step_that_is_not_there_is_a_key_error() -> None:
    with pytest.raises(KeyError):
        step_of(Stage.SUBSIDY, "submit")


def _forms() -> list[type[StepForm]]:
    return list(dict.fromkeys(step.form for _, step in ALL))


@pytest.mark.parametrize("form", _forms(), ids=lambda form: form.__name__)
def test_a_form_asks_in_chinese_and_needs_only_fields_and_outcomes_that_it_has(
    form: type[StepForm],
) -> None:
    outcomes: type[Choice] = form.outcomes()

    assert all(field.title for field in form.model_fields.values())
    assert len({field.title for field in form.model_fields.values()}) == len(form.model_fields)
    assert set(form.needed_for) <= {choice.value for choice in outcomes}
    for fields in form.needed_for.values():
        assert set(fields) <= set(form.model_fields)


def test_a_decision_that_sends_back_or_ends_a_case_early_needs_words() -> None:
    wordless = []
    for stage, step in ALL:
        for outcome, move in step.outcomes.items():
            is_against = (
                isinstance(move, Back)
                or (isinstance(move, Enter) and move.is_return)
                or (isinstance(move, End) and move.status is not CaseStatus.COMPLETED)
            )
            words = {"opinion", "decision", "reason", "basis"} & set(step.form.model_fields)
            needed = set(step.form.needed_for.get(outcome, ())) | {
                name for name in words if step.form.model_fields[name].is_required()
            }
            if is_against and not words & needed:
                wordless.append((stage.value, step.key, outcome))

    assert wordless == []
