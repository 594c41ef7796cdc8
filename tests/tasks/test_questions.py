"""What a run asks next, and what it tells of the form that was typed before."""

from models.operations.answering import Caller
from models.rules.stages import Channel, Stage
from tasks.answering import withdraw_case
from tasks.prefect_runs import TypedForm
from tasks.questions import Asked, NoQuestion, next_question
from tasks.stage_steps import hand_in
from tests.builders import World

RUN = "0e5a3f3e-0000-4000-8000-000000000001"
OTHER_RUN = "0e5a3f3e-0000-4000-8000-000000000002"
PREFECT = Caller(channel=Channel.PREFECT, identity="自报")


def _asks(world: World, case_no: str, run: str = RUN, stage: Stage = Stage.APPLICATION) -> Asked:
    asked = next_question(case_no, stage, 1, run, world.moment)
    assert isinstance(asked, Asked)
    return asked


def _type(world: World, asked: Asked, **values: object) -> object:
    form = TypedForm(key=asked.key, values=values, typed_at=world.moment.at)
    return hand_in.fn(RUN, form, world.moment)


def _defaults(asked: Asked) -> dict[str, object]:
    return {
        name: field.default
        for name, field in asked.form.model_fields.items()
        if name in {"opinion", "findings"}
    }


def test_a_run_started_by_hand_leaves_the_stay_to_its_own_run(here: World) -> None:
    case_no = here.open()
    _asks(here, case_no)

    stray = next_question(case_no, Stage.APPLICATION, 1, OTHER_RUN, here.moment)
    nowhere = next_question(case_no, Stage.SUBSIDY, 7, OTHER_RUN, here.moment)

    assert (stray, nowhere) == (NoQuestion.NOT_ITS_STAY, NoQuestion.NOT_ITS_STAY)
    assert _asks(here, case_no).key.endswith("-2")


def test_the_run_of_a_withdrawn_case_has_only_to_finish(here: World) -> None:
    case_no = here.open()
    _asks(here, case_no)
    withdraw_case(case_no, "转产", here.deed(), moment=here.moment)

    asked = next_question(case_no, Stage.APPLICATION, 1, RUN, here.moment)

    assert asked is NoQuestion.STAY_IS_OVER


def test_a_refusal_is_told_until_the_item_is_answered_also_by_a_worker_that_died(
    here: World,
) -> None:
    case_no = here.started(Stage.APPLICATION, "county-review")
    asked = _asks(here, case_no)
    refused = _type(here, asked, outcome="推荐", handler="王敏", opinion="同意推荐")
    assert isinstance(refused, str)

    # The worker dies after it has noted the question and before the form stands.
    _asks(here, case_no)
    again = _asks(here, case_no)

    assert refused[:6] in again.description
    assert _defaults(again)["opinion"] == "同意推荐"


def test_what_was_typed_for_a_closed_item_is_not_put_into_the_next_ones_form(here: World) -> None:
    case_no = here.started(Stage.APPLICATION, "county-review")
    asked = _asks(here, case_no)
    here.answer(case_no)
    refused = _type(here, asked, outcome="退回补正", handler="王敏", opinion="县里的意见")
    assert isinstance(refused, str)

    following = _asks(here, case_no)

    assert following.item_id != asked.item_id
    assert "上次提交未被接受" in following.description
    assert _defaults(following)["opinion"] != "县里的意见"
    # Told once.
    assert "上次提交未被接受" not in _asks(here, case_no).description
