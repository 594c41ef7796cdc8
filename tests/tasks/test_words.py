"""The words above a form: what is asked, what is known, what was said in the step before."""

from models.rules.stages import Stage
from tasks.questions import Asked, next_question
from tests.builders import World

RUN = "0e5a3f3e-0000-4000-8000-000000000003"


def _words(world: World, case_no: str, stage: Stage) -> str:
    asked = next_question(case_no, stage, 1, RUN, world.moment)
    assert isinstance(asked, Asked)
    return asked.description


def test_who_confirms_a_diagnosis_reads_what_was_found(here: World) -> None:
    case_no = here.started(Stage.DIAGNOSIS, "confirm")

    words = _words(here, case_no, Stage.DIAGNOSIS)

    assert "**上一步 · 咨询诊断：提交诊断报告" in words
    assert "- 诊断发现：计划靠表格，质量数据未采集" in words


def test_who_proposes_a_subsidy_reads_how_its_ceiling_is_computed(here: World) -> None:
    case_no = here.started(Stage.SUBSIDY, "propose")

    words = _words(here, case_no, Stage.SUBSIDY)

    assert "- 按比例：300,000.00 元 × 40% = 120,000.00 元" in words


def test_an_objection_is_read_by_who_decides_on_it_but_not_how_to_reach_the_objector(
    here: World,
) -> None:
    case_no = here.started(Stage.APPLICATION, "public-notice")
    here.say(
        case_no, outcome="登记异议", objector="吴某", reach="13900000000", content="*未在本地*"
    )

    words = _words(here, case_no, Stage.APPLICATION)

    assert "- 异议内容：\\*未在本地\\*" in words
    assert "13900000000" not in words
    assert "- 办理单位：市经信局（仅在收到实名异议时）" in words


def test_what_was_said_at_length_is_cut(here: World) -> None:
    case_no = here.started(Stage.DIAGNOSIS, "diagnose")
    here.answer(case_no, findings="长" * 301)

    words = _words(here, case_no, Stage.DIAGNOSIS)

    assert f"- 诊断发现：{'长' * 300}…\n" in words
