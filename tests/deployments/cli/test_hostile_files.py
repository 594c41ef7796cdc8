"""Both commands that take a workbook refuse the same files in the same words, and do nothing."""

import json
from io import BytesIO
from pathlib import Path
from zipfile import ZIP_DEFLATED, ZipFile

import pytest

from models.rules.stages import Stage
from tasks.workbooks.containers import LARGEST_FILE
from tests.builders import COUNTY, World
from tests.deployments.cli.conftest import Pilot
from tests.deployments.cli.test_worklists import LAYOUTS, REVIEW, exported, imported
from tests.rosters import an_enterprise, fill, two_enterprises
from tests.tasks.workbooks.hostile import HOSTILE, a_good_one

_COMMANDS = (("import",), ("worklist", "import"))
_PAYLOADS = ("=1+1", '=HYPERLINK("https://example.com","点我")', "=cmd|'/c calc'!A0")

_IS_A_FORMULA = "是公式；请复制后用“选择性粘贴 → 数值”贴回"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Where somebody keeps the file to be handed in."""
    made = tmp_path / "office"
    made.mkdir()
    return made


@pytest.mark.parametrize("command", _COMMANDS, ids=" ".join)
def test_what_is_no_plain_workbook_is_refused_with_what_to_do(
    pilot: Pilot, folder: Path, command: tuple[str, ...]
) -> None:
    # Rows are read once the sheets are found to be a roster's or a worklist's: these are not.
    hostile = {what: each for what, each in HOSTILE.items() if what != "a sheet that is no XML"}
    for what, (name, content, words) in hostile.items():
        (folder / name).write_bytes(content)

        said = pilot.refused(*command, folder / name)

        assert said.startswith(f"文件 {name} 不能使用："), what
        assert words in said, what
        assert [path.name for path in folder.iterdir()] == [name], what
        (folder / name).unlink()


@pytest.mark.parametrize("command", _COMMANDS, ids=" ".join)
def test_a_file_over_the_limit_is_refused(
    pilot: Pilot, folder: Path, command: tuple[str, ...]
) -> None:
    with (folder / "a.xlsx").open("wb") as stream:
        stream.truncate(LARGEST_FILE + 1)

    assert "超过 50 MB；请分成几个文件" in pilot.refused(*command, folder / "a.xlsx")


def with_parts_of(path: Path, hostile: bytes) -> None:
    """Add to our own workbook what a hostile one has that a good one has not."""
    with ZipFile(BytesIO(hostile)) as bad, ZipFile(BytesIO(a_good_one())) as good:
        parts = {name: bad.read(name) for name in set(bad.namelist()) - set(good.namelist())}
    assert parts
    with ZipFile(path, "a", ZIP_DEFLATED) as archive:
        for name, content in parts.items():
            archive.writestr(name, content)


@pytest.mark.parametrize(
    "what", ["macros by part", "external links", "a data connection", "a bomb by ratio"]
)
def test_a_real_roster_and_a_real_worklist_are_refused_as_well(
    pilot: Pilot, world: World, folder: Path, what: str
) -> None:
    world.started(Stage.APPLICATION, "county-review")
    worklist = exported(pilot, COUNTY).path
    roster = fill(folder / "名册.xlsx", two_enterprises())
    _, content, words = HOSTILE[what]
    for command, path in zip(_COMMANDS, (roster, worklist), strict=True):
        with_parts_of(path, content)

        assert words in pilot.refused(*command, path)


def test_a_formula_is_a_mistake_of_its_cell_and_is_never_calculated(
    pilot: Pilot, world: World, folder: Path
) -> None:
    case_no = world.started(Stage.APPLICATION, "county-review")
    paper = exported(pilot, COUNTY)
    layout, item_id = LAYOUTS[Stage.APPLICATION, "county-review"], world.item_id(case_no)
    before = world.dump()
    for payload in _PAYLOADS:
        roster = fill(folder / "名册.xlsx", {"企业": [an_enterprise(1, 主营业务=payload)]})
        paper.fill(layout, item_id, world.typical(case_no))
        paper.put(REVIEW, paper.row_of(REVIEW, item_id), {"审核意见": payload})

        ran = pilot("import", roster, "--json")
        status, document = imported(pilot, paper.save())

        assert (ran.status, status) == (1, 1)
        said = [each["what"] for each in json.loads(ran.out)["findings"]]
        said.append(document["rows"][0]["reason"])
        assert [_IS_A_FORMULA in each for each in said] == [True] * len(said), said
        assert world.dump() == before
