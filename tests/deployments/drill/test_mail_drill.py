"""The drill of the dispatchers, as `pilot drill mail` runs it, and that its judge is not blind."""

import json
import subprocess
import sys
import time
from datetime import UTC, datetime
from functools import partial

import pytest
from sqlmodel import col, select

from deployments.drill.mail import KILLS, MAILS
from deployments.drill.processes import fork, has_ended, kill
from deployments.drill.verdict import judge
from models.operations import outbox
from models.operations.outbox import NewMail
from models.rules.mail import MailOutcome, MailState
from models.tables.mail import MailAttempt, OutboxMail
from tasks.database import transaction
from tests.databases import DATABASES

AT = datetime(2024, 3, 25, tzinfo=UTC)


@pytest.mark.parametrize("database", DATABASES)
def test_fifty_kills_and_a_server_full_of_faults_lose_nothing(database, tmp_path, request):
    arguments = []
    if database == "postgresql":
        url = request.getfixturevalue("postgresql")
        arguments = ["--database-url", url.render_as_string(hide_password=False)]
    command = "from deployments.cli import main; main()"

    drill = subprocess.run(
        [sys.executable, "-c", command, "drill", "mail", "--json", *arguments],
        env={"PATH": "", "PILOT_HOME": str(tmp_path), "PILOT_MAIL_MODE": "live"},
        capture_output=True,
        text=True,
        timeout=280,
    )

    assert (drill.returncode, drill.stderr) == (0, "")
    verdict = json.loads(drill.stdout)
    assert verdict["database"] == database
    assert (verdict["queued"], verdict["kills"]) == (MAILS, KILLS)
    assert (verdict["lost"], verdict["unexplained"]) == (0, 0)
    assert verdict["sent"] + verdict["refused"] == MAILS
    assert verdict["refused"] == MAILS // 33
    assert verdict["repeated"] <= KILLS
    assert len(verdict["repeats"]) <= verdict["repeated"]
    assert list(tmp_path.iterdir()) == []  # nothing of the instance was touched


def test_a_dispatcher_that_ends_by_itself_is_seen():
    works = fork(partial(time.sleep, 60))
    fails = fork(partial(int, "x"))
    deadline = time.monotonic() + 10
    while not (ended := has_ended(fails)) and time.monotonic() < deadline:
        time.sleep(0.01)

    assert (ended, has_ended(works)) == (True, False)
    kill(works)


class Scene:
    """Three mails that were sent, and the journal of a server that took each once."""

    def __init__(self, engine, journal):
        self.engine, self.path = engine, journal
        self.outside = partial(transaction, engine)
        self.events = [
            {"session": f"1-{n}", "address": address(n), "message_id": f"<{n}>", "queued": f"1-{n}"}
            for n in (1, 2, 3)
        ]
        with self.outside() as session:
            outbox.queue_mails(session, [a_mail(number) for number in (1, 2, 3)])
            for mail in session.exec(select(OutboxMail).order_by(col(OutboxMail.id))):
                mail.state, mail.sent_at, mail.message_id = MailState.SENT, AT, f"<{mail.id}>"
                mail.subject = mail.body_text = mail.body_html = "-"
                session.add(mail)
        for number in (1, 2, 3):
            self.note(f"1-{number}")

    def note(self, queued):
        with self.outside() as session:
            [mail] = session.exec(select(OutboxMail).where(OutboxMail.id == int(queued[-1])))
            session.add(
                MailAttempt(
                    mail_id=mail.id,
                    at=AT,
                    outcome=MailOutcome.ACCEPTED,
                    code=250,
                    server="drill:25",
                    detail=f"2.0.0 Ok: queued as {queued}",
                    is_caught=True,
                )
            )

    def judged(self):
        self.path.write_text("\n".join(map(json.dumps, self.events)) + "\n", "utf-8")
        verdict = judge(self.engine, self.path, kills=1, seed=1, seconds=1)
        return verdict.sent, verdict.lost, verdict.repeated, verdict.unexplained, verdict.is_passed


def address(number):
    return f"p{number}@example.com"


def a_mail(number):
    return NewMail(
        dedup_key=f"drill:{number}",
        template="receipt",
        context="{}",
        to_party="演练",
        to_name="演练",
        to_address=address(number),
        queued_at=AT,
    )


@pytest.fixture
def scene(engine, tmp_path):
    return Scene(engine, tmp_path / "journal")


def test_mails_taken_and_noted_once_pass(scene):
    assert scene.judged() == (3, 0, 0, 0, True)


def test_a_mail_that_the_outbox_calls_sent_and_no_server_took_is_lost(scene):
    del scene.events[1]

    assert scene.judged() == (2, 1, 0, 0, False)


def test_a_mail_that_still_waits_is_lost(scene):
    with scene.outside() as session:
        [mail] = session.exec(select(OutboxMail).where(OutboxMail.id == 2))
        mail.state, mail.sent_at = MailState.QUEUED, None
        session.add(mail)

    assert scene.judged() == (2, 1, 0, 0, False)


def test_a_repeat_is_explained_by_a_connection_cut_off_before_the_note(scene):
    scene.events.append({**scene.events[1], "session": "1-9", "queued": "1-4"})

    assert scene.judged() == (3, 0, 1, 0, True)


def test_a_repeat_that_was_noted_twice_is_not_explained(scene):
    scene.events.append({**scene.events[1], "session": "1-9", "queued": "2-2"})
    scene.note("2-2")

    assert scene.judged() == (3, 0, 1, 1, False)


def test_a_repeat_from_a_dispatcher_that_went_on_is_not_explained(scene):
    scene.events.append({**scene.events[1], "session": "1-9", "queued": "1-4"})
    scene.events.append({"session": "1-9", "quit": True})

    *_, unexplained, is_passed = scene.judged()
    assert (unexplained > 0, is_passed) == (True, False)


def test_a_repeat_under_another_message_id_is_not_explained(scene):
    again = {**scene.events[1], "session": "1-9", "queued": "1-4", "message_id": "<other>"}
    scene.events.append(again)

    assert scene.judged() == (3, 0, 1, 1, False)
