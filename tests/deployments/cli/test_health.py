"""`pilot status` and `pilot doctor` against parts that answer, are silent, or are not there."""

import json
import os
import socket
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from datetime import date, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
from sqlmodel import col, delete, select

from deployments.cli import health
from deployments.settings import Settings
from models.operations.documents import IncomingDocument
from models.rules.clock import SHANGHAI
from models.rules.mail import MailState
from models.rules.stages import Role
from models.tables.mail import OutboxMail, machine_now
from models.tables.party import Party
from models.tables.programme import CalendarDay, Heartbeat
from tasks.database import transaction
from tests.builders import World
from tests.deployments.cli.conftest import Pilot

_PARTS = ["database", "prefect", "worker", "clock", "sweep", "mailbox"]


class _Answering(BaseHTTPRequestHandler):
    """Answers at the addresses at which Prefect and the mailbox say that they are well."""

    def do_GET(self) -> None:
        self.send_response(200 if self.path in ("/api/health", "/health") else 404)
        self.end_headers()

    def log_message(self, *said: Any) -> None:
        """Say nothing."""


@pytest.fixture
def port() -> Iterator[int]:
    """A port at which something answers that it is well."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Answering)
    thread = Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    yield server.server_port
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def closed_port() -> int:
    """A port at which nobody listens."""
    with closing(socket.create_server(("127.0.0.1", 0))) as server:
        number: int = server.getsockname()[1]
    return number


@pytest.fixture
def running(pilot: Pilot, port: int, monkeypatch: pytest.MonkeyPatch) -> Pilot:
    """An instance of which all parts answer."""
    for name in ("PREFECT", "MAILBOX", "SMTP_CATCH"):
        monkeypatch.setenv(f"PILOT_{name}_PORT", str(port))
    sign(pilot.world, "worker")
    sign(pilot.world, "clock")
    return pilot


def sign(world: World, part: str, age: timedelta = timedelta(0)) -> None:
    with transaction(world.engine) as session:
        session.merge(Heartbeat(part=part, beat_at=machine_now() - age))


def problems(pilot: Pilot) -> list[tuple[str, str]]:
    """Return what `pilot doctor` finds wrong, but for the ports, which one server shares here."""
    ran = pilot("doctor", "--json")
    found = json.loads(ran.out)
    wrong = [each for each in found["findings"] if each["is_problem"]]
    assert (ran.status, found["ok"]) == ((1, False) if wrong else (0, True))
    return [(each["what"], each["do"]) for each in wrong if not each["what"].startswith("端口")]


def test_an_instance_is_healthy_when_all_parts_answer(running: Pilot) -> None:
    status = running.json("status")

    assert list(status["parts"]) == _PARTS
    assert [part["ok"] for part in status["parts"].values()] == [True] * 6
    assert (status["healthy"], status["is_demonstration"]) == (True, False)
    assert (status["today"], status["mail_mode"]) == ("2025-01-06", "catch")
    assert running("status").out.splitlines()[1].rstrip() == "系统正常"
    assert problems(running) == []


def test_a_silent_part_is_named_with_how_long_it_has_been_silent(
    running: Pilot, world: World
) -> None:
    sign(world, "clock", timedelta(minutes=5))

    status = running.json("status")

    assert status["healthy"] is False
    assert [key for key, part in status["parts"].items() if not part["ok"]] == ["clock"]
    assert status["parts"]["clock"]["detail"] == "5 分钟前有心跳，已超过 30 秒"
    assert problems(running) == [
        (
            "邮件发送与定时：5 分钟前有心跳，已超过 30 秒",
            "运行 pilot up；如已在运行，查看 PILOT_HOME 下 log 目录的日志",
        )
    ]


def test_nothing_running_is_told_part_by_part(
    pilot: Pilot, closed_port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("PREFECT", "MAILBOX", "SMTP_CATCH"):
        monkeypatch.setenv(f"PILOT_{name}_PORT", str(closed_port))

    ran = pilot("status", "--json")
    status = json.loads(ran.out)

    assert (ran.status, ran.err, status["healthy"]) == (0, "", False)
    assert {key: part["ok"] for key, part in status["parts"].items()} == {
        **dict.fromkeys(_PARTS, False),
        "database": True,
        "sweep": True,
    }
    assert [what for what, _ in problems(pilot)] == [
        f"Prefect 服务：http://127.0.0.1:{closed_port} 无应答",
        "流程执行器：没有心跳",
        "邮件发送与定时：没有心跳",
        f"本机邮箱：http://127.0.0.1:{closed_port} 无应答，SMTP {closed_port} 无应答",
    ]


def test_a_port_that_another_program_holds_is_told_apart(
    running: Pilot, monkeypatch: pytest.MonkeyPatch
) -> None:
    with closing(socket.create_server(("127.0.0.1", 0))) as other:
        taken = other.getsockname()[1]
        monkeypatch.setenv("PILOT_PREFECT_PORT", str(taken))

        found = problems(running)

    assert found == [
        (
            f"Prefect 服务：http://127.0.0.1:{taken} 端口被其他程序占用",
            "用 PILOT_PREFECT_PORT 换一个端口后重新启动",
        )
    ]


def test_one_port_for_two_parts_is_found(running: Pilot, port: int) -> None:
    ran = running("doctor")

    assert f"端口 {port} 重复：PILOT_PREFECT_PORT、PILOT_MAILBOX_PORT" in ran.out


@pytest.mark.parametrize("part", ["prefect", "mailbox", "smtp_catch"])
def test_an_impossible_port_is_refused(
    pilot: Pilot, monkeypatch: pytest.MonkeyPatch, part: str
) -> None:
    variable = f"PILOT_{part.upper()}_PORT"
    monkeypatch.setenv(variable, "70000")

    assert variable in pilot.refused("status")
    assert variable in pilot.refused("doctor")


def test_a_database_that_is_not_made_yet_is_told(
    running: Pilot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("PILOT_DATABASE_URL")
    monkeypatch.setenv("PILOT_HOME", str(tmp_path / "new"))

    assert ("数据库：尚未建立", "运行 pilot db upgrade（正式）、pilot demo（演示）或 pilot up") in (
        problems(running)
    )
    assert not (tmp_path / "new").exists()


def test_a_pending_migration_is_told(running: Pilot, world: World) -> None:
    with world.engine.begin() as connection:
        connection.exec_driver_sql("UPDATE alembic_version SET version_num = '0000'")

    assert ("数据库：结构与程序不符", "运行 pilot db upgrade") in problems(running)


def test_a_year_missing_from_the_calendar_is_told(running: Pilot, world: World) -> None:
    with transaction(world.engine) as session:
        session.exec(delete(CalendarDay).where(col(CalendarDay.day) >= date(2026, 1, 1)))

    assert problems(running) == [("日历表缺 2026 年", "运行 pilot db upgrade")]
    running.json("db", "upgrade")
    assert problems(running) == []


def test_a_year_whose_holidays_nobody_knows_is_told(running: Pilot, world: World) -> None:
    world.go_to(date(2040, 1, 3))

    assert problems(running) == [
        (
            "2040 年的节假日安排未知，期限落在该年的事项将被拒绝",
            "节假日公布后用 pilot calendar add 录入，"
            "或升级 chinesecalendar 再运行 pilot db upgrade",
        )
    ]


def test_mails_that_failed_or_wait_too_long_are_told(running: Pilot, world: World) -> None:
    world.open()
    world.open("示例恒力机床")
    with transaction(world.engine) as session:
        failed, waiting = session.exec(select(OutboxMail).order_by(col(OutboxMail.id))).all()
        failed.state, failed.last_error = MailState.FAILED, "邮箱不存在"
        waiting.entered_at = machine_now() - timedelta(minutes=40)
        session.add_all([failed, waiting])

    assert problems(running) == [
        (
            "1 封邮件发送失败",
            "运行 pilot mail list --state failed 查看原因，并用其他方式通知收件人",
        ),
        (
            "1 封邮件待发送，最久的已等 40 分钟",
            "运行 pilot status 确认邮件发送在运行，pilot mail list --state queued 查看",
        ),
    ]


def test_bureaus_that_are_not_registered_are_told(running: Pilot, world: World) -> None:
    with transaction(world.engine) as session:
        finance = session.exec(select(Party).where(Party.name == "示例市财政局")).one()
        finance.role = Role.ASSESSOR

    assert problems(running) == [
        ("尚未登记市财政局，案卷到其环节时无法转交", "运行 pilot party add --role …")
    ]


def test_a_home_that_cannot_be_written_is_told(
    running: Pilot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("PILOT_HOME", str(tmp_path / "file"))

    assert problems(running) == [
        (
            f"目录 {tmp_path / 'file'} 无法写入",
            "修改目录权限，或用 PILOT_HOME 指定另一个目录",
        )
    ]


def test_a_broken_mail_template_is_told_by_file_and_line(
    running: Pilot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "own" / "paid" / "subject.txt"
    file.parent.mkdir(parents=True)
    file.write_text("补助\n{{ amont }}", encoding="utf-8")
    monkeypatch.setenv("PILOT_TEMPLATE_DIR", str(tmp_path / "own"))

    assert problems(running) == [
        (
            f"邮件模板不可用\n  {file} 第 2 行：没有变量 amont",
            "改正，或移走该文件以使用自带的模板（PILOT_TEMPLATE_DIR），再重新启动",
        )
    ]


def test_documents_without_a_file_and_files_without_a_document_are_told(
    running: Pilot, world: World
) -> None:
    source, store = running.home / "报告.pdf", running.home / "documents"
    source.write_bytes(b"report")
    with IncomingDocument(store, source) as document, transaction(world.engine) as session:
        document.keep(session, world.moment.at)
    (store / "incoming-now").write_bytes(b"on its way")
    assert problems(running) == []
    assert "不属于任何办理" not in running("doctor").out
    [kept] = (path for path in store.glob("*/*"))

    kept.write_bytes(b"short")
    for each in store.iterdir():
        if each.is_file():
            os.utime(each, (0, 0))

    [(what, do)] = problems(running)
    assert what == (f"1 个附件的文件不在 {store} 或大小不符：报告.pdf（{document.sha256[:12]}…）")
    assert "从备份中取回" in do
    assert "有 1 个文件不属于任何办理（如 incoming-now）" in running("doctor").out.replace("\n", "")


def test_a_moved_day_is_no_problem_but_said(running: Pilot) -> None:
    ran = running("doctor", "--json")

    notes = [each for each in json.loads(ran.out)["findings"] if not each["is_problem"]]
    assert notes == [
        {
            "is_problem": False,
            "what": "领导小组没有收件地址，每周简报和逾期较久的清单发给牵头部门，由其转报",
            "do": "在方案文件 programme.toml 的 leading-group 下填写 bodies.contact 的 email",
        },
        {
            "is_problem": False,
            "what": "系统日期停在 2025-01-06，所有期限按这一天推算",
            "do": "正式使用时不要设置 PILOT_TODAY",
        },
    ]


def test_prefect_behind_a_password_is_asked_with_it(
    running: Pilot, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Guarded(_Answering):
        def do_GET(self) -> None:
            # pilot:geheim
            given = self.headers.get("Authorization") == "Basic cGlsb3Q6Z2VoZWlt"
            self.send_response(200 if given else 401)
            self.end_headers()

    with ThreadingHTTPServer(("127.0.0.1", 0), Guarded) as server:
        thread = Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        monkeypatch.setenv("PILOT_PREFECT_PORT", str(server.server_port))
        without = running.json("status")["parts"]["prefect"]["ok"]
        monkeypatch.setenv("PILOT_UI_PASSWORD", "geheim")
        with_it = running.json("status")["parts"]["prefect"]["ok"]
        server.shutdown()
        thread.join()

    assert (without, with_it) == (False, True)


def test_a_day_without_its_sweep_is_a_fault_from_half_past_nine_on(
    running: Pilot, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    at = datetime.now(SHANGHAI).replace(hour=9, minute=30)
    monkeypatch.setattr(health, "present_moment", lambda: replace(world.moment, at=at))

    monkeypatch.setenv("PILOT_TODAY", "2025-01-06")
    [before] = [part for part in health.look(Settings.read()).parts if part.key == "sweep"]
    monkeypatch.delenv("PILOT_TODAY")
    [part] = [part for part in health.look(Settings.read()).parts if part.key == "sweep"]

    assert (before.ok, before.detail) == (True, "今日尚未完成，尚未做过")
    assert (part.ok, part.detail) == (False, "今日尚未完成，尚未做过")
    assert part.remedy.startswith("今日应在 09:30 前完成")
