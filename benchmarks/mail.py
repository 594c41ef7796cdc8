"""1,000 mails by the dispatcher, beside raw smtplib with the same mails to the same server."""

import smtplib
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from time import perf_counter, process_time

from sqlalchemy import Engine
from sqlmodel import col, select

from benchmarks.result import Measure, Result
from models.operations import outbox
from models.operations.outbox import NewMail
from models.tables.mail import OutboxMail, machine_now
from notifications.contexts import ItemOpened
from notifications.message import build_message
from notifications.render import render
from notifications.samples import OPENED
from notifications.settings import MailMode, MailSettings
from notifications.smtp import Sender
from tasks.database import reading, transaction, unsynced
from tasks.mail import dispatch_once
from tasks.migration import upgrade
from tests.databases import DATABASES, NoPostgresqlError, copies_of

MAILS = 1000
#: Mails in a turn: ours and raw take turns, so that the machine's other work slows both alike.
TURN = 50
#: Raw smtplib's throughput times this is the aim.
AIM = 0.7
#: Seconds from being queued to being accepted, for 95 of 100 mails that come one by one.
AIM_P95 = 10.0


def run() -> Result:
    """Measure on every database there is."""
    measures: list[Measure] = []
    notes = [
        f"{MAILS} mails each over one kept connection to the same server, in turns of {TURN}. Raw: "
        "smtplib's sendmail with the bytes ready, which waits for each reply. Ours: claim, words, "
        "message, sendmail, proof; each mail about another case. The server offers PIPELINING "
        "(RFC 2920), as real ones do: ours sends the commands of a mail together.",
        "CPU is this process's; the server has a process of its own. Queue to accepted: of those "
        f"{MAILS} mails, each turn of {TURN} queued at once just before it is sent.",
    ]
    for database in DATABASES:
        try:
            with (
                tempfile.TemporaryDirectory() as folder,
                copies_of(database, Path(folder), is_durable=True) as copies,
                _sink() as port,
            ):
                for engine in copies.fresh(lambda engine: upgrade(engine) and None):
                    measures += _measure(database, engine, port)
        except NoPostgresqlError as error:
            notes.append(f"not measured: {error}")
    return Result(part="mail", title="Mails to a server", measures=measures, notes=notes)


@contextmanager
def _sink() -> Iterator[int]:
    """Give the port of a mail server in a process of its own."""
    command = [sys.executable, "-m", "benchmarks.mail_sink"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
        try:
            assert server.stdout is not None
            yield int(server.stdout.readline())
        finally:
            server.kill()


def _measure(database: str, engine: Engine, port: int) -> list[Measure]:
    settings = MailSettings(mode=MailMode.CATCH, catch_port=port)
    sender = Sender(settings)
    contents = [_content(settings, number) for number in range(MAILS)]
    ours_wall = ours_cpu = raw_wall = raw_cpu = 0.0
    with smtplib.SMTP("127.0.0.1", port) as raw:
        for begin in range(0, MAILS, TURN):
            turn = range(begin, begin + TURN)
            _queue(engine, turn)
            wall, cpu = perf_counter(), process_time()
            with unsynced(engine) as kept:
                report = dispatch_once(kept.transaction, sender, noting=kept.statement, limit=TURN)
            ours_wall += perf_counter() - wall
            ours_cpu += process_time() - cpu
            assert report.sent == TURN, report
            wall, cpu = perf_counter(), process_time()
            for number in turn:
                raw.sendmail(settings.from_address, [_address(number)], contents[number])
            raw_wall += perf_counter() - wall
            raw_cpu += process_time() - cpu
    sender.close()
    waits = _waits(engine)
    p95 = waits[int(len(waits) * 0.95)]
    times = raw_wall / ours_wall

    def measure(what: str, value: float, unit: str, aim: str = "", is_met: bool | None = None):  # type: ignore[no-untyped-def]
        return Measure(what=f"{database}: {what}", value=value, unit=unit, aim=aim, is_met=is_met)

    return [
        measure("mails", MAILS / ours_wall, "mails/s"),
        measure("raw smtplib", MAILS / raw_wall, "mails/s"),
        measure("against raw", times, "times", f"≥ {AIM}", times >= AIM),
        measure("CPU", ours_cpu / MAILS * 1000, "ms a mail"),
        measure("CPU of raw", raw_cpu / MAILS * 1000, "ms a mail"),
        measure("queued to accepted, p95", p95, "s", f"≤ {AIM_P95:.0f}", p95 <= AIM_P95),
    ]


def _address(number: int) -> str:
    return f"p{number}@example.com"


def _context(number: int) -> ItemOpened:
    case_no = f"HS-1-{number:04}"
    return OPENED.model_copy(
        update={
            "item_id": number,
            "case_no": case_no,
            "enterprise_name": f"示例精密机械{number}有限公司",
            "how_to_answer": tuple(
                line.replace(OPENED.case_no, case_no) for line in OPENED.how_to_answer
            ),
        }
    )


def _content(settings: MailSettings, number: int) -> bytes:
    return build_message(
        render(_context(number)),
        settings,
        to_name=OPENED.recipient_name,
        to_address=_address(number),
        message_id=f"<{number:064}@huangshi.example.com>",
        date=machine_now(),
        trial=None,
    ).content


def _queue(engine: Engine, turn: range) -> None:
    with transaction(engine) as session:
        outbox.queue_mails(
            session,
            [
                NewMail(
                    dedup_key=f"bench:{number}",
                    template=OPENED.template,
                    context=_context(number).model_dump_json(),
                    to_party=OPENED.recipient_party,
                    to_name=OPENED.recipient_name,
                    to_address=_address(number),
                    queued_at=machine_now(),
                )
                for number in turn
            ],
        )


def _waits(engine: Engine) -> list[float]:
    with reading(engine) as session:
        mails = session.exec(select(OutboxMail).where(col(OutboxMail.sent_at).is_not(None)))
        return sorted((mail.sent_at - mail.entered_at).total_seconds() for mail in mails)  # type: ignore[operator]
