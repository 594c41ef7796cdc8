"""What holds for an instance as a whole: one per home, mail kept inside, gone without a trace."""

import json
import signal
import sqlite3
from contextlib import closing
from datetime import datetime
from pathlib import Path

import psutil
import pytest
from rich.console import Console
from sqlmodel import select

from deployments.launcher import prepare_database
from models.operations import programmes
from models.policy import load_programme
from models.rules.clock import SHANGHAI
from models.rules.stages import Channel
from models.tables.case import Case
from models.tables.mail import OutboxMail
from models.tables.party import Contact, Party
from tasks.database import engine, reading, transaction
from tasks.migration import upgrade
from tests.smtp_server import SmtpServer
from tests.system.crowd import new_cases
from tests.system.instance import Instance, wait_for

pytestmark = [pytest.mark.system, pytest.mark.timeout(300)]


def test_a_second_start_on_the_same_home_is_refused_and_harms_nothing(instance: Instance) -> None:
    before = json.loads((instance.home / "run.json").read_text())

    second = instance.pilot("up", check=False)

    assert (second.returncode, second.stdout) == (1, "")
    assert second.stderr == (
        f"✗ 已有一个实例在 {instance.home} 运行；同一目录不能再开一个。"
        "请先停止它，或用 PILOT_HOME 另指一个目录。\n"
    )
    assert json.loads((instance.home / "run.json").read_text())["pid"] == before["pid"]
    instance.wait_healthy()


@pytest.mark.parametrize(
    "variable", ["PILOT_PREFECT_PORT", "PILOT_MAILBOX_PORT", "PILOT_SMTP_CATCH_PORT"]
)
def test_a_port_in_use_is_refused_naming_what_to_set(
    instance: Instance, tmp_path: Path, variable: str
) -> None:
    other = Instance(tmp_path)
    other.env[variable] = instance.env[variable]

    refused = other.pilot("up", check=False)

    other.close()
    assert refused.returncode == 1
    assert refused.stderr == (
        f"✗ 端口 {instance.env[variable]} 已被占用。"
        f"请停止占用它的程序，或用 {variable} 另指一个端口。\n"
    )


def test_mail_stays_on_the_machine_whatever_server_is_set(
    instance: Instance, outside: SmtpServer
) -> None:
    [case_no] = new_cases(instance, 1)
    item = instance.open_item(case_no)
    assert item is not None
    assert item.id is not None

    instance.answer(item.id, instance.typical(case_no))

    def all_sent() -> list[str]:
        with reading(instance.engine) as session:
            mails = session.exec(select(OutboxMail).where(OutboxMail.case_no == case_no)).all()
        return [str(mail.message_id) for mail in mails] if all(m.sent_at for m in mails) else []

    sent = wait_for(all_sent, "the mails to be out")
    caught = [mail["message_id"] for mail in instance.mails(limit="10000")]
    assert len(sent) >= 3  # the application asked for, its receipt, the county bureau asked
    assert {caught.count(message_id) for message_id in sent} == {1}
    assert outside.connections == 0


def test_prefect_never_learns_how_a_person_is_reached(instance: Instance) -> None:
    [case_no] = new_cases(instance, 1)
    # Something of everything: a form taken, one refused, one given elsewhere, a run called off.
    instance.resume_and_wait(case_no, instance.typical(case_no))
    instance.resume(case_no, {"handler": "陈立", "outcome": "退回补正"})
    wait_for(
        lambda: (
            (run := instance.run_of(case_no)) and "上次提交未被接受" in instance.words_above(run)
        ),
        "the refusal on the form",
    )
    item = instance.open_item(case_no)
    assert item is not None
    assert item.id is not None
    instance.answer(item.id, instance.typical(case_no))
    instance.wait_at_form(case_no)
    instance.pilot("case", "withdraw", case_no, "--reason", "企业停产")
    wait_for(lambda: not instance.unfinished(), "the run to end")

    kept = everything_prefect_keeps(instance.home / "prefect" / "prefect.db")
    with reading(instance.engine) as session:
        contacts = session.exec(select(Contact)).all()
    reached_by = {by for contact in contacts for by in (contact.email, contact.phone) if by}
    assert case_no in kept
    assert len(reached_by) > 20
    assert {by for by in reached_by if by in kept} == set()


def everything_prefect_keeps(database: Path) -> str:
    """Return every row in words, and the bytes of the files, where deleted ones may linger."""
    with closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True)) as connection:
        rows = "\n".join(connection.iterdump())
    raw = b"".join(file.read_bytes() for file in database.parent.glob("prefect.db*"))
    return rows + raw.decode("utf-8", "ignore")


def test_ctrl_c_leaves_no_process_behind(fragile: Instance) -> None:
    assert fragile.process is not None
    processes = psutil.Process(fragile.process.pid).children(recursive=True)
    assert len(processes) >= 4

    assert fragile.stop() == 0

    assert psutil.wait_procs(processes, timeout=5)[1] == []
    assert fragile.said.read_text().splitlines()[-1] == "已停止"
    assert not (fragile.home / "run.json").exists()
    # Nothing holds the home or a port: it starts again.
    fragile.start()
    fragile.wait_healthy()


def test_sigterm_with_a_form_in_hand_ends_everything_and_the_form_counts_once(
    fragile: Instance,
) -> None:
    case_no = "HS-1-0008"
    form = {**fragile.typical(case_no), "handler": "彭雪"}
    wait_for(lambda: not fragile.unfinished(), "every run to stand at its form")
    item = fragile.open_item(case_no)
    assert fragile.process is not None
    assert item is not None
    assert item.id is not None
    processes = psutil.Process(fragile.process.pid).children(recursive=True)
    run = fragile.wait_at_form(case_no)

    # Nobody can write: the worker has the form, and cannot hand it in before it has to go.
    fragile.wait_for_a_beat()
    with closing(sqlite3.connect(fragile.home / "pilot.db", isolation_level=None)) as lock:
        lock.execute("BEGIN IMMEDIATE")
        fragile.submit(run, form)
        wait_for(lambda: fragile.runs_in("RUNNING") or None, "the worker to take the run")
        assert fragile.stop(signal.SIGTERM) == 0
        lock.execute("ROLLBACK")

    assert psutil.wait_procs(processes, timeout=5)[1] == []
    assert fragile.said.read_text().splitlines()[-1] == "已停止"
    assert fragile.answers_to(item.id) == []  # it went with the form in hand

    fragile.start()

    wait_for(lambda: fragile.answers_to(item.id or 0), "the answer")
    assert "等待:市经信局" in fragile.wait_at_form(case_no)["tags"]
    [answer] = fragile.answers_to(item.id)
    assert (answer.handler, answer.is_accepted, answer.channel) == ("彭雪", True, Channel.PREFECT)
    wait_for(lambda: not fragile.unfinished(), "every run to stand at its form")


def test_a_database_of_real_cases_is_started_without_the_demonstration(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PILOT_HOME", str(tmp_path))
    monkeypatch.delenv("PILOT_DATABASE_URL", raising=False)
    upgrade(engine())
    with transaction() as session:
        programmes.load(session, load_programme(), at=datetime.now(SHANGHAI))
        before = session.exec(select(Party.name)).all()

    row = prepare_database(Console(quiet=True))

    with reading() as session:
        assert session.exec(select(Party.name)).all() == before
        assert session.exec(select(Case)).all() == []
    assert (row.is_demonstration, row.demonstration_today) == (False, None)
