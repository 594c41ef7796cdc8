"""The clock as a process: what comes back is read while mail goes out."""

import os
import signal
import subprocess
import sys
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

from sqlmodel import select

from models.operations.mail_figures import day_figures
from models.rules.mail import MailState
from models.tables.mail import OutboxMail, machine_now
from models.tables.milestone import CalendarMoment
from models.tables.programme import Heartbeat
from tasks.database import reading, transaction
from tests.builders import OTHER_ENTERPRISE, World
from tests.notifications.reports import OURS, postfix


def start_clock(world: World, home: Path, **settings: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "deployments.clock"],
        env={
            **os.environ,
            "PILOT_DATABASE_URL": world.engine.url.render_as_string(hide_password=False),
            "PILOT_HOME": str(home),
            "PILOT_SMTP_CATCH_PORT": "1",
            "PILOT_MAIL_IMAP_HOST": "127.0.0.1",
            **settings,
        },
        stderr=subprocess.PIPE,
        text=True,
    )


def passed_on_at(world: World) -> datetime | None:
    with reading(world.engine) as session:
        return session.exec(
            select(OutboxMail.passed_on_at).where(OutboxMail.message_id == OURS)
        ).one()


def test_the_clock_reads_reports_even_where_an_imap_server_is_away(
    world: World, tmp_path: Path
) -> None:
    world.open()
    with transaction(world.engine) as session:
        mail = session.exec(select(OutboxMail)).one()
        mail.state, mail.sent_at, mail.message_id = MailState.SENT, datetime.now(UTC), OURS
        mail.subject = mail.body_text = mail.body_html = "x"
    folder = tmp_path / "reports"
    folder.mkdir()
    (folder / "1.eml").write_bytes(postfix())

    clock = start_clock(
        world,
        tmp_path,
        PILOT_MAIL_BOUNCE_DIR=str(folder),
        PILOT_MAIL_IMAP_PORT="1",
        PILOT_MAIL_IMAP_SECURITY="none",
    )
    try:
        for _ in range(300):
            if passed_on_at(world) is not None or clock.poll() is not None:
                break
            time.sleep(0.1)
    finally:
        clock.send_signal(signal.SIGTERM)
        said = clock.communicate(timeout=60)[1]

    assert passed_on_at(world) is not None, said
    assert clock.returncode == 0
    assert "（ImapReports：ConnectionRefusedError）" in said


def test_the_clock_notes_the_moments_that_have_come(world: World, tmp_path: Path) -> None:
    clock = start_clock(world, tmp_path, PILOT_TODAY="2025-01-06")
    try:
        noted: list[str] = []
        for _ in range(300):
            with reading(world.engine) as session:
                noted = list(session.exec(select(CalendarMoment.key)))
            if noted or clock.poll() is not None:
                break
            time.sleep(0.1)
    finally:
        clock.send_signal(signal.SIGTERM)
        said = clock.communicate(timeout=60)[1]

    assert "applications-open:2" in noted, said
    assert "applications-ended:2" not in noted


#: Stops a busy scheduler over and over, amid its work; prints how often it came to its end.
_STOPS = """
import os, signal, threading, time
from apscheduler.schedulers.blocking import BlockingScheduler
from deployments.clock import shut_down_on_signals

for number in range(40):
    scheduler = BlockingScheduler()
    for _ in range(20):
        scheduler.add_job(int, "interval", seconds=0.001)
    shut_down_on_signals(scheduler)
    for delay in (number * 0.002, 0.3):  # and once more by somebody impatient
        threading.Timer(delay, os.kill, (os.getpid(), signal.SIGINT)).start()
    scheduler.start()
    time.sleep(0.3)
print("40 ends")
"""


def test_whenever_the_clock_is_told_to_stop_it_ends_in_good_order() -> None:
    stopped = subprocess.run(
        [sys.executable, "-c", _STOPS], capture_output=True, text=True, timeout=120, check=False
    )

    assert (stopped.returncode, stopped.stdout) == (0, "40 ends\n"), stopped.stderr
    assert "Traceback" not in stopped.stderr


def test_the_first_start_is_noted_once_and_what_was_queued_before_it_does_not_count(
    world: World, tmp_path: Path
) -> None:
    """Between the two starts the second mail is queued: that is an outage, and counts."""
    world.open()
    for number in range(2):
        before = machine_now()
        clock = start_clock(world, tmp_path)
        try:
            for _ in range(300):
                with reading(world.engine) as session:
                    beat = session.get(Heartbeat, "clock")
                if (beat and beat.beat_at >= before) or clock.poll() is not None:
                    break
                time.sleep(0.1)
        finally:
            clock.send_signal(signal.SIGTERM)
            said = clock.communicate(timeout=60)[1]
        assert beat is not None, said
        if number == 0:
            world.open(OTHER_ENTERPRISE)

    with reading(world.engine) as session:
        [today] = day_figures(session, now=machine_now() + timedelta(minutes=1), days=1)

    assert (today.before_start, today.queued, today.share) == (1, 1, 0)


def test_a_clock_that_is_set_up_wrongly_says_which_variable_is(
    world: World, tmp_path: Path
) -> None:
    clock = start_clock(world, tmp_path, PILOT_MAIL_IMAP_PORT="nonsense")

    said = clock.communicate(timeout=60)[1]

    assert clock.returncode == 1
    assert "PILOT_MAIL_IMAP_PORT 的值 'nonsense' 不可用" in said
