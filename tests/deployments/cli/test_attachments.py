"""`pilot answer --attach`: the file, its row and the answer are one."""

import json
import os
import subprocess
import sys
from hashlib import sha256
from pathlib import Path

import pytest
from sqlmodel import select

from models.operations import documents
from models.rules.stages import Stage
from models.tables.records import Document
from tasks.database import reading
from tests.builders import World
from tests.deployments.cli.conftest import Pilot
from tests.deployments.cli.test_answering import settings


def test_an_attachment_is_kept_by_its_content(pilot: Pilot, world: World, tmp_path: Path) -> None:
    case_no = world.started(Stage.DIAGNOSIS, "diagnose")
    report = tmp_path / "诊断报告.PDF"
    report.write_bytes(b"%PDF-1.7 report")
    digest = sha256(b"%PDF-1.7 report").hexdigest()

    pilot.json(
        "answer", world.item_id(case_no), *settings(world.typical(case_no)), "--attach", report
    )

    kept = documents.document_path(pilot.home / "documents", digest)
    assert kept.read_bytes() == b"%PDF-1.7 report"
    with reading(world.engine) as session:
        row = session.get_one(Document, digest)
    assert (row.name, row.media_type, row.size) == ("诊断报告.PDF", "application/pdf", 15)
    told = pilot.json("case", "history", case_no)["entries"][-1]["said"]
    assert ["报告文件编号", digest] in told


def test_an_answer_that_is_killed_has_its_attachment_or_is_none(
    pilot: Pilot, world: World, tmp_path: Path
) -> None:
    case_no = world.started(Stage.DIAGNOSIS, "diagnose")
    report = tmp_path / "报告.pdf"
    report.write_bytes(b"report")
    answer = ["answer", str(world.item_id(case_no)), *settings(world.typical(case_no))]
    answer += ["--attach", str(report)]
    store = pilot.home / "documents"
    before = world.dump()
    world.engine.dispose()

    killed = subprocess.run(
        [sys.executable, "-m", "tests.deployments.cli.killed_answers", str(store), *answer],
        env={**os.environ, "PILOT_TODAY": world.today.isoformat()},
        capture_output=True,
        text=True,
        check=False,
    )

    assert killed.returncode == 0, killed.stderr[-3000:]
    left = {tuple(each) for each in json.loads(killed.stdout)}
    # (answered, row, file): before the transaction, in it with the file in its place, after it.
    assert left == {(False, False, False), (False, False, True), (True, True, True)}
    assert world.dump() != before
    first = pilot.json(*answer)["receipt"]
    assert pilot.json(*answer)["receipt"] == first
    with reading(world.engine) as session:
        [row] = session.exec(select(Document)).all()
    assert row.sha256 == sha256(b"report").hexdigest()
    assert documents.document_path(store, row.sha256).read_bytes() == b"report"
    assert world.verify() == []


def test_a_refused_answer_leaves_no_attachment(pilot: Pilot, world: World, tmp_path: Path) -> None:
    case_no = world.started(Stage.DIAGNOSIS, "diagnose")
    report = tmp_path / "报告.pdf"
    report.write_bytes(b"report")

    pilot.refused("answer", world.item_id(case_no), "--set", "estimate=x", "--attach", report)

    assert [path for path in (pilot.home / "documents").rglob("*") if path.is_file()] == []


def test_a_file_that_is_no_document_is_refused(
    pilot: Pilot, world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    case_no = world.started(Stage.DIAGNOSIS, "diagnose")
    monkeypatch.setattr(documents, "LARGEST_DOCUMENT", 1024 * 1024)
    (tmp_path / "a.exe").write_bytes(b"x")
    (tmp_path / "empty.pdf").touch()
    (tmp_path / "large.pdf").write_bytes(b"x" * (1024 * 1024 + 1))

    def attaching(name: str) -> str:
        answer = ("answer", world.item_id(case_no), *settings(world.typical(case_no)))
        return pilot.refused(*answer, "--attach", tmp_path / name)

    assert attaching("none.pdf") == "附件“none.pdf”不能使用：没有这个文件"
    assert attaching("a.exe") == (
        "附件“a.exe”不能使用：只接受 pdf、ofd、doc、docx、xls、xlsx、jpg、jpeg、png、zip 文件"
    )
    assert attaching("empty.pdf") == "附件“empty.pdf”不能使用：是空文件"
    assert attaching("large.pdf") == "附件“large.pdf”不能使用：超过 1 MB"
    assert [path for path in (pilot.home / "documents").rglob("*") if path.is_file()] == []


def test_a_form_without_a_place_for_it_takes_no_attachment(
    pilot: Pilot, world: World, tmp_path: Path
) -> None:
    case_no = world.open()
    (tmp_path / "a.pdf").write_bytes(b"x")

    reason = pilot.refused("answer", world.item_id(case_no), "--attach", tmp_path / "a.pdf")

    assert reason == "“提交申报”的表单没有附件一栏，不能使用 --attach"
