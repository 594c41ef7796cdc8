"""`pilot report`: from the command line to a file, and what is refused before anything is done."""

import json
import stat
from datetime import date
from pathlib import Path

import pytest
from sqlalchemy import update

from models.operations.report_snapshots import ACTION, compose, keep
from models.rules.report_content import ReportKind
from models.rules.stages import Stage
from models.tables.report import ReportSnapshot
from tasks.database import reading, transaction
from tests.builders import OTHER_ENTERPRISE, World
from tests.deployments.cli.conftest import Pilot

DAY = "2025-01-06"


def test_a_report_is_written_listed_shown_and_verified(pilot: Pilot, tmp_path: Path) -> None:
    for ending in ("docx", "xlsx", "html", "pdf"):
        made = pilot("report", "midterm", "--as-of", DAY, "-o", tmp_path / f"r.{ending}")
        assert (made.status, made.err) == (0, "")
        assert (tmp_path / f"r.{ending}").stat().st_size > 1000

    [row] = pilot.json("report", "list")["reports"]
    assert (row["kind"], row["as_of"], row["edition"]) == ("midterm", DAY, 1)
    whole = pilot.json("report", "show", row["id"])["report"]
    assert whole["content"]["title"] == "试点城市建设中期绩效评价报告"
    assert "一、目标任务完成情况" in pilot("report", "show", row["id"]).out
    assert pilot.json("report", "verify")["is_intact"] is True
    assert "核验 1 份" in pilot("report", "verify").out


def test_the_same_day_again_is_the_same_file_whatever_has_happened_since(
    pilot: Pilot, world: World, tmp_path: Path
) -> None:
    pilot("report", "final", "--as-of", DAY, "-o", tmp_path / "a.docx")
    world.started(Stage.DIAGNOSIS, "diagnose")

    again = pilot.json("report", "final", "--as-of", DAY, "-o", tmp_path / "b.docx")

    assert (again["is_new"], again["report"]["edition"]) == (False, 1)
    assert (tmp_path / "a.docx").read_bytes() == (tmp_path / "b.docx").read_bytes()


def test_a_report_of_a_day_that_is_not_over_says_what_it_cannot_hold(
    pilot: Pilot, world: World, tmp_path: Path
) -> None:
    early = pilot("report", "monthly", "--as-of", DAY, "-o", tmp_path / "a.html")
    world.go_to(date(2025, 1, 8))
    again = pilot("report", "monthly", "--as-of", DAY, "-o", tmp_path / "b.html")
    whole = pilot("report", "monthly", "--as-of", "2025-01-07", "-o", tmp_path / "c.html")

    assert [f"编制时 {DAY} 尚未结束" in ran.out for ran in (early, again)] == [True, True]
    assert "尚未结束" not in whole.out


def test_a_report_that_was_tampered_with_is_not_drawn_but_may_be_made_anew(
    pilot: Pilot, world: World, tmp_path: Path
) -> None:
    wanted = ("report", "midterm", "--as-of", DAY, "-o")
    pilot(*wanted, tmp_path / "a.docx")
    with transaction(world.engine) as session:
        session.connection().execute(update(ReportSnapshot).values(content="{}"))

    said = pilot.refused(*wanted, tmp_path / "b.docx")

    assert said == (
        "报告 1 不能使用：内容与其哈希不符，内容被改动；请从备份恢复，"
        "或用 --renew --reason 重新编制"
    )
    assert not (tmp_path / "b.docx").exists()
    assert pilot.refused("report", "show", "1") == said
    assert pilot(*wanted, tmp_path / "b.docx", "--renew", "--reason", "原数据被改动").status == 0


def test_renewing_takes_the_figures_of_now_and_keeps_the_old_ones(
    pilot: Pilot, world: World, tmp_path: Path
) -> None:
    pilot("report", "monthly", "--as-of", DAY, "-o", tmp_path / "a.html")
    world.open(OTHER_ENTERPRISE)

    wanted = ("report", "monthly", "--as-of", DAY, "-o", tmp_path / "b.html")
    assert pilot.refused(*wanted, "--renew") == "重新编制（--renew）必须写明理由（--reason）"
    done = pilot(*wanted, "--renew", "--reason", "补登一家")

    assert done.status == 0
    assert "补登一家" in done.out
    rows = pilot.json("report", "list")["reports"]
    assert [(row["edition"], row["reason"]) for row in rows] == [(2, "补登一家"), (1, "")]
    assert "1 家企业立案" in (tmp_path / "b.html").read_text("utf-8")
    assert "0 家企业立案" in (tmp_path / "a.html").read_text("utf-8")


def test_what_cannot_be_done_is_refused_before_anything_is_stored(
    pilot: Pilot, tmp_path: Path
) -> None:
    there = tmp_path / "there.pdf"
    there.write_text("谁的工作", "utf-8")

    def refused(day: str, path: Path, *more: str) -> str:
        return pilot.refused("report", "midterm", "--as-of", day, "-o", path, *more)

    assert refused(DAY, tmp_path / "r.doc") == (
        "报告文件 r.doc 的扩展名应为 .docx、.xlsx、.html、.pdf 之一"
    )
    assert "截至日 2025-01-07 晚于今天（2025-01-06）" in refused("2025-01-07", tmp_path / "r.pdf")
    assert "早于试点开始（2024-01-01）" in refused("2023-12-31", tmp_path / "r.pdf")
    assert "已存在，未覆盖" in refused(DAY, there)
    assert "目录不存在" in refused(DAY, tmp_path / "none" / "r.pdf")
    assert "还没有截至" in refused(DAY, tmp_path / "r.pdf", "--renew", "--reason", "重编")
    assert there.read_text("utf-8") == "谁的工作"
    assert [path.name for path in tmp_path.iterdir()] == ["there.pdf"]


def test_a_missing_font_is_refused_in_words(
    pilot: Pilot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PILOT_REPORT_FONT", str(tmp_path / "仿宋.ttf"))

    said = pilot.refused("report", "midterm", "--as-of", DAY, "-o", tmp_path / "r.pdf")

    assert "没有这个文件" in said
    assert pilot("report", "midterm", "--as-of", DAY, "-o", tmp_path / "r.docx").status == 0


def test_without_a_chinese_font_it_is_said_what_the_pdf_lacks_and_what_to_do(
    pilot: Pilot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    wanted = ("report", "midterm", "--as-of", DAY, "-o")
    assert "本机没有中文字体" not in pilot(*wanted, tmp_path / "with.pdf").out

    monkeypatch.setenv("PATH", "/nowhere")  # no fontconfig

    said = pilot(*wanted, tmp_path / "without.pdf")
    assert said.status == 0
    assert "本机没有中文字体" in said.out
    assert "PILOT_REPORT_FONT" in said.out
    assert "本机没有中文字体" in pilot("doctor").out


def test_with_force_a_file_is_replaced(pilot: Pilot, tmp_path: Path) -> None:
    path = tmp_path / "r.html"
    path.write_text("旧", "utf-8")

    done = pilot("report", "midterm", "--as-of", DAY, "-o", path, "--force")

    assert done.status == 0
    assert path.read_text("utf-8").startswith("<!doctype html>")
    assert stat.S_IMODE(path.stat().st_mode) & 0o600 == 0o600


def test_slips_of_the_pen_are_usage(pilot: Pilot, tmp_path: Path) -> None:
    assert pilot("report", "midterm", "--as-of", "昨天", "-o", tmp_path / "r.pdf").status == 2
    assert pilot("report", "midterm", "-o", tmp_path / "r.pdf").status == 2
    wanted = ("report", "midterm", "--as-of", DAY, "-o", tmp_path / "r.pdf")
    assert pilot(*wanted, "--reason", "无故").status == 2


def test_a_report_that_is_not_there_is_refused(pilot: Pilot) -> None:
    assert pilot.refused("report", "show", 9) == "没有编号为 9 的报告；可用 pilot report list 查看"


def test_a_changed_report_fails_the_verification(
    pilot: Pilot, world: World, tmp_path: Path
) -> None:
    pilot("report", "midterm", "--as-of", DAY, "-o", tmp_path / "r.html")
    with world.engine.begin() as connection:
        connection.exec_driver_sql("UPDATE report_snapshot SET made_by = '别人'")

    checked = pilot("report", "verify", "--json")

    assert checked.status == 1
    assert json.loads(checked.out)["faults"] == [{"number": 1, "what": "与登记册审计链所记不一致"}]


def test_killed_between_snapshot_and_file_the_next_call_draws_the_snapshot(
    pilot: Pilot, world: World, tmp_path: Path
) -> None:
    with reading(world.engine) as session:
        report = compose(session, world.moment.programme, ReportKind.MIDTERM, world.today)
    with transaction(world.engine) as session:
        kept = keep(session, report, world.deed(ACTION), at=world.moment.at)
    world.open()

    done = pilot("report", "midterm", "--as-of", DAY, "-o", tmp_path / "r.html")

    assert (done.status, done.err) == (0, "")
    assert kept.sha256 in (tmp_path / "r.html").read_text("utf-8")
    assert "0 家企业立案" in (tmp_path / "r.html").read_text("utf-8")
