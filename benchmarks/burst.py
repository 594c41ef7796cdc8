"""Fifty answers at the same moment: until all mails are out and all runs stand at a form again."""

import tempfile
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from pathlib import Path

import psutil
from sqlmodel import col, select

from benchmarks.memory import peak
from benchmarks.result import Measure, Result
from models.tables.mail import OutboxMail, machine_now
from tasks.answering import answer_item
from tasks.database import reading
from tests.builders import CLI
from tests.system.crowd import new_cases
from tests.system.instance import Instance, running, wait_for

AT_ONCE = 50

_PATIENCE_SECONDS = 600.0


def run() -> Result:
    """Answer fifty items at once in Prefect, then fifty elsewhere; then look at the memory."""
    measures: list[Measure] = []
    with (
        tempfile.TemporaryDirectory() as home,
        running(Instance(Path(home))) as instance,
    ):
        cases = new_cases(instance, AT_ONCE)
        for way, prepare in (("in Prefect", _in_prefect), ("elsewhere", _elsewhere)):
            for case_no in cases:
                instance.wait_at_form(case_no)
            _all_mails(instance)
            answers = [prepare(instance, case_no) for case_no in cases]
            begun = machine_now()
            with ThreadPoolExecutor(AT_ONCE) as crowd:
                for done in [crowd.submit(answer) for answer in answers]:
                    done.result()
            given = _since(begun)
            for case_no in cases:
                wait_for(
                    lambda: instance.run_of(case_no),  # noqa: B023 -- called at once
                    f"the next form of {case_no}",
                    _PATIENCE_SECONDS,
                )
            standing = _since(begun)
            mails = [mail for mail in _all_mails(instance) if mail.entered_at > begun]
            sent = max(mail.sent_at for mail in mails if mail.sent_at)
            measures += [
                Measure(what=f"{AT_ONCE} {way}: all taken", value=given, unit="s"),
                Measure(
                    what=f"{AT_ONCE} {way}: all {len(mails)} mails at the server",
                    value=(sent - begun).total_seconds(),
                    unit="s",
                ),
                Measure(what=f"{AT_ONCE} {way}: all at the next form", value=standing, unit="s"),
            ]
        measures += [
            Measure(what=f"peak memory: {part}", value=mebibytes, unit="MiB")
            for part, mebibytes in _peaks(instance)
        ]
    return Result(
        part="burst",
        title=f"{AT_ONCE} answers at once, and the memory they take",
        measures=measures,
        notes=[
            "On the embedded default. Taken: Prefect has accepted the form; elsewhere, the answer "
            "stands in the database. The server's 250 ends a mail.",
            "Peak memory: the most that was resident since the process started (VmHWM), after "
            "both bursts; a page that two processes share counts in each.",
        ],
    )


def _in_prefect(instance: Instance, case_no: str) -> Callable[[], object]:
    form = instance.typical(case_no)
    stands = instance.wait_at_form(case_no)
    return lambda: instance.submit(stands, form)


def _elsewhere(instance: Instance, case_no: str) -> Callable[[], object]:
    form = instance.typical(case_no)
    item = instance.open_item(case_no)
    assert item is not None
    number = item.id
    assert number is not None
    return lambda: answer_item(number, form, CLI, on=instance.engine)


def _since(begun: datetime) -> float:
    return (machine_now() - begun).total_seconds()


def _all_mails(instance: Instance) -> Sequence[OutboxMail]:
    """Wait until every mail is out; return them all."""

    def none_waits() -> Sequence[OutboxMail]:
        with reading(instance.engine) as session:
            mails = session.exec(select(OutboxMail).order_by(col(OutboxMail.id))).all()
        return mails if all(mail.sent_at for mail in mails) else []

    return wait_for(none_waits, "all mails to be out", _PATIENCE_SECONDS)


def _peaks(instance: Instance) -> list[tuple[str, float]]:
    """Return each part's peak memory in MiB, with all processes of the part together."""
    assert instance.process is not None
    parts = {part: instance.pid_of(part) for part in ("prefect", "worker", "clock", "mailbox")}
    peaks = [(part, _tree(psutil.Process(pid))) for part, pid in parts.items()]
    peaks.append(("supervisor", peak(instance.process.pid)))
    return [*peaks, ("all together", sum(each for _, each in peaks))]


def _tree(process: psutil.Process) -> float:
    return sum(peak(each.pid) for each in (process, *process.children(recursive=True)))
