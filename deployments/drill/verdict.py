"""What a mail drill has shown: what the server took against what the outbox knows."""

import json
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import Engine
from sqlmodel import col, select

from deployments.drill.server import is_refused, number_of
from models.rules.mail import MailOutcome, MailState
from models.tables.mail import MailAttempt, OutboxMail
from tasks.database import reading


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """The figures of a drill. A mail that its server refused for good is neither sent nor lost."""

    sent: int
    lost: int
    #: Taken by the server once more than needed, each explained by a kill.
    repeated: int
    seconds: float
    #: Taken once more without a kill between the server's 250 and our note, or under another
    #: Message-ID: never.
    unexplained: int
    refused: int
    queued: int
    kills: int
    tries: int
    #: Message-IDs that the server has more than once.
    repeats: tuple[str, ...]
    database: str
    seed: int

    @property
    def is_passed(self) -> bool:
        """Whether nothing was lost and each repeat is explained."""
        return not self.lost and not self.unexplained


def judge(engine: Engine, journal: Path, *, kills: int, seed: int, seconds: float) -> Verdict:
    """Return what became of every mail, by the server's own journal."""
    events = [json.loads(line) for line in journal.read_text("utf-8").splitlines()]
    with reading(engine) as session:
        mails = session.exec(select(OutboxMail).order_by(col(OutboxMail.id))).all()
        tries = session.exec(select(MailAttempt)).all()
    noted = {
        each.detail.rpartition(" ")[2] for each in tries if each.outcome is MailOutcome.ACCEPTED
    }
    taken: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for event in events:
        if "queued" in event:
            taken[event["address"]].append(event)
    by_kill = _cut_off(events, noted)
    repeats = [each for each in taken.values() if len(each) > 1]
    unexplained = sum(
        max(0, len(each) - 1 - sum(event["queued"] in by_kill for event in each))
        + len({event["message_id"] for event in each})
        - 1
        for each in taken.values()
    ) + sum(
        event["queued"] not in noted and event["queued"] not in by_kill
        for each in taken.values()
        for event in each
    )
    refused = [mail for mail in mails if is_refused(number_of(mail.to_address))]
    return Verdict(
        sent=sum(mail.state is MailState.SENT and bool(taken[mail.to_address]) for mail in mails),
        lost=sum(_is_lost(mail, taken) for mail in mails),
        repeated=sum(len(each) - 1 for each in repeats),
        seconds=round(seconds, 1),
        unexplained=unexplained,
        refused=sum(mail.state is MailState.FAILED for mail in refused),
        queued=len(mails),
        kills=kills,
        tries=len(tries),
        repeats=tuple(each[0]["message_id"] for each in repeats),
        database=engine.dialect.name,
        seed=seed,
    )


def _cut_off(events: Sequence[Mapping[str, Any]], noted: set[str]) -> set[str]:
    """Return what the server took and nobody noted, last on a connection without good-bye.

    That is what a kill between the server's 250 and our note looks like from outside.
    """
    last: dict[str, Mapping[str, Any]] = {}
    for event in events:
        last[event["session"]] = event
    return {
        event["queued"]
        for event in last.values()
        if "queued" in event and event["queued"] not in noted
    }


def _is_lost(mail: OutboxMail, taken: Mapping[str, Sequence[Mapping[str, Any]]]) -> bool:
    """Return whether a mail neither arrived nor was said to have been refused."""
    if is_refused(number_of(mail.to_address)):
        return mail.state is not MailState.FAILED or "550" not in mail.last_error
    return mail.state is not MailState.SENT or not taken.get(mail.to_address)
