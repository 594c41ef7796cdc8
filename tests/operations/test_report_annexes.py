"""The annex of a report that says what nobody has confirmed yet, as a coordinator reads it."""

import re
import shutil
from pathlib import Path

import models.policy
from models.operations.report_snapshots import compose
from models.policy import load_programme
from models.rules.report_content import Cell, ReportKind, Table
from tasks.database import reading
from tests.builders import World

POLICY = Path(models.policy.__file__).parent


def unverified(world: World, root: Path = POLICY) -> list[tuple[Cell, ...]]:
    """The rows of 待核事项: what it is, its source, its place in the policy files."""
    programme = load_programme("huangshi-2024", root)
    with reading(world.engine) as session:
        report = compose(session, programme, ReportKind.MIDTERM, world.today)
    [table] = report.annexes[-1].blocks
    assert isinstance(table, Table)
    assert [column.title for column in table.columns] == [
        "事项",
        "现行口径的来源",
        "政策文件中的位置",
    ]
    return list(table.rows)


def test_what_is_unconfirmed_is_called_by_what_it_is_and_can_be_found(world: World) -> None:
    rows = {subject: (source, place) for subject, source, place in unverified(world)}

    assert list(rows) == [
        "方案不一致之处现行的读法：第一批改造的起止时间",
        "方案不一致之处现行的读法：中期绩效评价的时间",
        "方案不一致之处现行的读法：第二批改造的起止时间",
        "方案不一致之处现行的读法：示范企业申报是否以通过验收为前提",
        "方案不一致之处现行的读法：2025 年是否重新遴选第三方机构、再建线上平台",
        "申报属地：大冶市",
        "申报属地：阳新县",
        "申报属地：黄石港区",
        "申报属地：西塞山区",
        "申报属地：下陆区",
        "申报属地：开发区·铁山区",
        "中小企业划型标准（从业人员、年营业收入）",
        "申报条件：在本市登记注册的独立法人企业",
        "申报条件：未被列入经营异常名录或严重失信主体名单",
        "申报条件：近年（一至三年，各市不一）无重大安全、环保、税务违法案件",
        "申报条件：同一改造内容未获中央或省级其他财政资金支持",
        "申报条件：每家企业只支持一个改造项目",
        "批次申报期以外的申报如何处理",
        "须有节假日安排的年份",
        "职责单位：县市区经信部门",
        "报告的标题与提纲：试点城市建设中期绩效评价报告",
        "报告的标题与提纲：试点城市工作绩效自评估报告",
        "报告的标题与提纲：试点工作月报",
        "报告提纲中的标题：本月进展",
    ]
    assert rows["方案不一致之处现行的读法：第一批改造的起止时间"] == (
        "系统选定，未经市经信局确认",
        "contradictions.toml contradictions[0]（batch-1-transformation）",
    )


def test_whatever_a_report_rests_on_has_a_chinese_name_once_it_is_unconfirmed(
    world: World, tmp_path: Path
) -> None:
    folder = tmp_path / "huangshi-2024"
    shutil.copytree(POLICY / "huangshi-2024", folder)
    for file in folder.glob("*.toml"):
        text = file.read_text(encoding="utf-8").replace("verified = true", "verified = false")
        contact = '[bodies.contact]\nphone = "1"\nsource = "通讯录"\nverified = false\n'
        file.write_text(text.replace("# [bodies.contact]\n", contact), encoding="utf-8")

    subjects = [str(subject) for subject, _, _ in unverified(world, tmp_path)]

    assert len(subjects) > 2 * len(unverified(world))
    assert [each for each in subjects if re.search("[A-Za-z]", each)] == []
