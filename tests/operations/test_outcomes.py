"""Every outcome that is not the straight way: where the case stands, who is written to."""

import pytest

from models.lifecycle import Enter
from models.rules.stages import CaseStatus, Stage
from tests.builders import World
from tests.lifecycle.moves import ALL, target

_CITY = "周明"


_ENTERPRISE, _PROVIDER, _ASSESSOR = "林峰", "何平", "严正"


_OBJECTION = {
    "outcome": "登记异议",
    "objector": "石坚",
    "reach": "shijian@example.com",
    "content": "该企业申报人数不实",
}


class Step:
    """One outcome of a step: who is told by which mails, and the form that says it."""

    def __init__(
        self,
        stage: Stage,
        step: str,
        outcome: str,
        told: list[tuple[str, str]],
        /,
        **form: object,
    ) -> None:
        self.stage, self.step, self.outcome, self.told, self.form = stage, step, outcome, told, form

    def __repr__(self) -> str:
        return f"{self.stage.value}-{self.step}-{self.outcome}"


_REVIEW = {
    "visited_on": "2025-01-06",
    "effect": "不符合",
    "data_connection": "基本符合",
    "return_on_input": "基本符合",
    "management": "基本符合",
}


_SPECIAL = [
    Step(
        Stage.APPLICATION,
        "submit",
        "withdrawn",
        [("stage_finished", _ENTERPRISE)],
        outcome="撤回申报",
        reason="今年不改造了",
    ),
    Step(
        Stage.APPLICATION,
        "county-review",
        "return",
        [("returned", _ENTERPRISE)],
        outcome="退回补正",
        opinion="缺少营业收入证明",
    ),
    Step(
        Stage.APPLICATION,
        "county-review",
        "reject",
        [("returned", _ENTERPRISE)],
        outcome="不予推荐",
        opinion="列入经营异常名单",
    ),
    Step(
        Stage.APPLICATION,
        "city-review",
        "return",
        [("returned", _ENTERPRISE)],
        outcome="退回补正",
        opinion="需求不明确",
    ),
    Step(
        Stage.APPLICATION,
        "city-review",
        "reject",
        [("returned", _ENTERPRISE)],
        outcome="不予入选",
        opinion="不在四个行业之内",
    ),
    Step(Stage.APPLICATION, "public-notice", "objection", [], **_OBJECTION),
    Step(
        Stage.DIAGNOSIS,
        "confirm",
        "redo",
        [("returned", _PROVIDER)],
        outcome="要求重新诊断",
        opinion="未看第二车间",
    ),
    Step(
        Stage.DIAGNOSIS,
        "confirm",
        "change-provider",
        [("returned", _CITY)],
        outcome="申请更换服务商",
        opinion="沟通不畅",
    ),
    Step(
        Stage.TRANSFORMATION,
        "implement",
        "progress",
        [],
        outcome="上报进度",
        progress=40,
        note="设备联网",
    ),
    Step(
        Stage.ACCEPTANCE,
        "review",
        "rectify",
        [("returned", _ENTERPRISE)],
        outcome="限期整改",
        opinion="数据未贯通",
        **_REVIEW,
    ),
    Step(
        Stage.ACCEPTANCE,
        "review",
        "failed",
        [("returned", _ENTERPRISE)],
        outcome="验收不通过",
        opinion="系统未使用",
        **_REVIEW,
    ),
    Step(
        Stage.GRADING,
        "confirm-level",
        "reassess",
        [("returned", _ASSESSOR)],
        outcome="要求重新评定",
        reason="场景 3 依据不足",
    ),
    Step(
        Stage.SUBSIDY,
        "propose",
        "none",
        [("returned", _ENTERPRISE)],
        outcome="不予补助",
        basis="经核实重复享受资金",
    ),
    Step(Stage.SUBSIDY, "public-notice", "objection", [], **_OBJECTION),
    Step(
        Stage.SUBSIDY,
        "finance-approve",
        "returned",
        [("returned", _CITY)],
        outcome="退回重报",
        opinion="缺少付款凭证",
    ),
]


@pytest.mark.parametrize("said", _SPECIAL, ids=repr)
def test_an_outcome_leads_where_the_lifecycle_says_and_tells_who_must_act(
    world: World, said: Step
) -> None:
    case_no = world.started(said.stage, said.step)
    item = world.open_item(case_no)
    before = world.last_mail()

    receipt = world.say(case_no, **said.form)

    assert receipt.outcome == said.outcome
    expected = target((said.stage, said.step), said.outcome)
    case = world.case(case_no)
    if isinstance(expected, CaseStatus):
        assert case.status is expected
        assert receipt.next_item_id is None
    else:
        following = world.open_item(case_no)
        assert (following.stage, following.step) == expected
        assert (case.stage, case.status) == (expected[0], CaseStatus.ACTIVE)
        if following.id == item.id:
            assert following == item
        else:
            assert following.round == 2
            assert following.reason == next(
                str(said.form[name]) for name in ("opinion", "reason") if name in said.form
            )
    assert sorted(world.mails(case_no, after=before)) == sorted(
        [*said.told, ("receipt", receipt.handler)]
    )
    assert world.verify() == []


def test_the_straight_way_and_the_special_outcomes_are_all_there_are() -> None:
    straight = {
        ("submit", "submitted"), ("county-review", "recommend"), ("city-review", "select"),
        ("public-notice", "passed"), ("assign-provider", "assigned"), ("diagnose", "reported"),
        ("confirm", "accepted"), ("contract", "signed"), ("implement", "completed"),
        ("declare", "declared"), ("dossier", "submitted"), ("assign-assessor", "assigned"),
        ("review", "passed"), ("assess", "assessed"), ("confirm-level", "confirmed"),
        ("propose", "proposed"), ("finance-approve", "approved"), ("pay", "paid"),
    }  # fmt: skip
    decided = {("public-notice", "dismissed"), ("public-notice", "upheld")}

    tested = straight | decided | {(said.step, said.outcome) for said in _SPECIAL}

    assert tested == {(step.key, outcome) for _, step in ALL for outcome in step.outcomes}


def test_a_way_back_is_the_only_way_to_enter_a_stage_twice() -> None:
    returns = {
        (step.key, outcome)
        for _, step in ALL
        for outcome, move in step.outcomes.items()
        if isinstance(move, Enter) and move.is_return
    }

    assert returns == {("review", "rectify")}
