"""What the lead bureau records of milestones that no data of ours can tell: when, and how many."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from random import Random

from deployments.replay.behaviour import behaviour, chance
from models.operations.audit import Deed
from models.operations.documents import IncomingDocument
from models.operations.milestones import record_evidence
from models.operations.parties import party_for_role
from models.policy import Programme
from models.rules.milestones import Measure
from models.rules.stages import Role
from models.rules.working_days import last_working_day_on_or_before
from tasks.answering import Moment
from tasks.database import DatabaseSettings, transaction


@dataclass(frozen=True, kw_only=True)
class Shown:
    """Evidence of one milestone or target; `number` where a number is what is measured."""

    key: str
    wanted: str
    number: int | None


def evidence_to_come(seed: int, programme: Programme) -> Mapping[date, Sequence[Shown]]:
    """Return what is recorded on which working day, of all that asks for evidence."""
    days: dict[date, list[Shown]] = defaultdict(list)
    promised = [
        *((each.key, each.ends_on, each.target) for each in programme.milestones),
        *((each.key, each.due_on, each.number) for each in programme.targets),
    ]
    for key, ends_on, target in promised:
        figures = programme.progress[key]
        dice = chance(seed, key, "evidence")
        day = _day(dice, ends_on)
        if figures.evidence is None or day is None:
            continue
        number = None
        if figures.measure is Measure.RECORDED_NUMBER:
            number = max(1, (target or 0) * dice.randint(*behaviour().evidence.share) // 100)
        days[day].append(Shown(key=key, wanted=figures.evidence, number=number))
    return days


def _day(dice: Random, ends_on: date) -> date | None:
    manner = behaviour().evidence
    draw = dice.randrange(100)
    if draw < manner.punctual:
        day = ends_on - timedelta(days=dice.randint(*manner.days_before))
    elif draw < manner.punctual + manner.late:
        day = ends_on + timedelta(days=dice.randint(*manner.late_days))
    else:
        return None
    return last_working_day_on_or_before(day)


def record_shown(shown: Shown, moment: Moment, deed: Deed) -> None:
    """Record the evidence with a file of its own."""
    home = DatabaseSettings().home
    source = home / "evidence" / f"{shown.key}.pdf"
    source.parent.mkdir(exist_ok=True)
    source.write_text(f"重放的佐证材料：{shown.key} {shown.wanted}", encoding="utf-8")
    with (
        IncomingDocument(home / "documents", source) as document,
        transaction() as session,
    ):
        record_evidence(
            session,
            moment.programme,
            shown.key,
            document,
            deed,
            party_for_role(session, Role.CITY_BUREAU),
            done_on=moment.at.date(),
            number=shown.number,
            note="",
            at=moment.at,
        )
