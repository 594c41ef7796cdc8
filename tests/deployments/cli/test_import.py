"""`pilot import`: what a person sees, what a program reads, and when nothing happens."""

import json
import shutil
import subprocess
from pathlib import Path

import pytest
from openpyxl import load_workbook

from models.forms.roster import SHEETS
from tests.builders import World
from tests.deployments.cli.conftest import Pilot
from tests.rosters import a_contact, an_enterprise, code, fill, two_enterprises


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "名册.xlsx"


def test_new_rows_are_imported_at_once_and_told(pilot: Pilot, file: Path) -> None:
    sheets = two_enterprises()
    sheets["企业"][0]["企业规模"] = "小型"
    fill(file, sheets)

    ran = pilot("import", file)

    assert (ran.status, ran.err) == (0, "")
    assert "✓ 已导入：新增 4 行" in ran.out
    document = pilot.json("import", file)
    assert document["counts"] == {"new": 0, "changed": 0, "kept": 0, "same": 4}
    parties = pilot.json("party", "list", "--role", "企业")["parties"]
    [party] = [each for each in parties if each["name"] == "名册企业1"]
    assert party["headcount"] == 120
    assert (party["credit_code"], party["contacts"][0]["name"]) == (code(1), "林一")
    history = pilot.json("party", "history", "名册企业1")["entries"]
    assert [entry["action"] for entry in history] == ["名册导入"]
    told = {each["field"]: each["after"] for each in history[0]["changes"]}
    assert (told["角色"], told["企业规模"]) == ("企业", "小型")


def test_check_says_what_would_be_done_and_does_nothing(
    pilot: Pilot, world: World, file: Path
) -> None:
    fill(file, two_enterprises())
    before = world.dump()

    ran = pilot("import", file, "--check")

    assert (ran.status, world.dump()) == (0, before)
    assert "检查无误，未导入：新增 4 行" in ran.out


def test_changes_are_shown_and_wait_for_apply(pilot: Pilot, world: World, file: Path) -> None:
    pilot.json("import", fill(file, two_enterprises()))
    sheets = two_enterprises()
    sheets["企业"][0]["从业人数"] = 130
    fill(file, sheets)
    before = world.dump()

    asked = pilot("import", file)

    assert (asked.status, world.dump()) == (1, before)
    assert asked.err == (
        "✗ 有 1 行会改动已登记的内容，未导入任何内容；核对改动前后无误后，请加 --apply 重新运行\n"
    )
    [line] = [line for line in asked.out.splitlines() if "从业人数" in line]
    assert line.split() == ["企业", "5", "名册企业1", "从业人数", "120", "130"]
    done = pilot.json("import", file, "--apply")
    assert done["rows"] == [
        {
            "sheet": "企业",
            "row": 5,
            "name": "名册企业1",
            "state": "changed",
            "state_label": "改动",
            "changes": [{"column": "从业人数", "before": 120, "after": 130, "kept_because": ""}],
        }
    ]


def test_mistakes_are_a_table_a_document_and_a_marked_copy(
    pilot: Pilot, world: World, file: Path
) -> None:
    sheets = {"企业": [an_enterprise(1, 所属县市区="武汉市")], "联系人": [a_contact("名册企业1")]}
    fill(file, sheets)
    before = world.dump()
    copy = file.with_name("名册.核对.xlsx")

    ran = pilot("import", file)

    assert (ran.status, world.dump()) == (1, before)
    assert ran.err == f"✗ 有 1 处需要改正，未导入任何内容；已标注在 {copy}\n"
    assert "“武汉市”不在试点范围内" in ran.out
    told = json.loads(pilot("import", file, "--json").out)
    assert (told["is_done"], told["annotated_copy"]) == (False, str(copy))
    assert [(each["sheet"], each["row"], each["column"]) for each in told["findings"]] == [
        ("企业", 5, "所属县市区")
    ]
    assert copy.exists()


def test_what_is_no_roster_is_refused(pilot: Pilot, tmp_path: Path, file: Path) -> None:
    fill(file, {})
    book = load_workbook(file)
    for sheet in SHEETS:
        del book[sheet.sheet]
    book.save(file)
    text = tmp_path / "名册.csv"
    text.write_text("企业名称\n")

    assert pilot.refused("import", tmp_path / "没有.xlsx").endswith("没有这个文件")
    assert "名册.csv" in pilot.refused("import", text)
    assert "中没有工作表“企业”“服务商”" in pilot.refused("import", file)
    assert pilot("import").status == 2
    assert pilot("import", file, "--check", "--apply").status == 2


def test_sheets_and_columns_that_mean_nothing_are_named(pilot: Pilot, file: Path) -> None:
    fill(file, two_enterprises())
    book = load_workbook(file)
    book["企业"].cell(3, 14).value = "备注"
    book.create_sheet("草稿")
    book.save(file)

    assert pilot.json("import", file)["passed_over"] == ["工作表“草稿”", "“企业”的列“备注”"]


def test_a_template_never_replaces_a_file_that_is_there(pilot: Pilot, file: Path) -> None:
    assert pilot("import", "--template", file).status == 0

    assert pilot.refused("import", "--template", file).endswith("确需覆盖请加 --force")
    assert pilot("import", "--template", file, "--force").status == 0


@pytest.mark.skipif(shutil.which("soffice") is None, reason="needs LibreOffice")
def test_libreoffice_opens_the_template_and_keeps_its_drop_downs(
    tmp_path: Path, file: Path
) -> None:
    fill(file, {})
    (tmp_path / "out").mkdir()

    subprocess.run(
        [
            "soffice",
            "--headless",
            f"-env:UserInstallation=file://{tmp_path}/profile",
            "--convert-to",
            "xlsx",
            "--outdir",
            str(tmp_path / "out"),
            str(file),
        ],
        check=True,
        capture_output=True,
        timeout=120,
    )

    before, after = load_workbook(file), load_workbook(tmp_path / "out" / file.name)
    assert after.sheetnames == before.sheetnames
    for sheet in SHEETS:
        assert lists(after[sheet.sheet]) == lists(before[sheet.sheet]), sheet.sheet
    assert len(lists(before["企业"])) == 4


def lists(sheet: object) -> set[tuple[str, str]]:
    """Return where the drop-downs of a sheet are, and what they refer to."""
    return {
        (str(each.sqref), each.formula1.replace("'", ""))
        for each in sheet.data_validations.dataValidation  # type: ignore[attr-defined]
        if each.type == "list"
    }
