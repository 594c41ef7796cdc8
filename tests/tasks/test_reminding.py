"""The day's reminders as mails: one a person, whatever has come due; none twice."""

from dataclasses import replace
from datetime import date, timedelta

import pytest
from sqlmodel import col, select

from models.operations.reminder_mails import contexts_of
from models.rules.stages import Stage
from models.tables.mail import OutboxMail
from models.tables.reminder import Reminder
from notifications.contexts import DueMatters, read_context
from notifications.render import render
from tasks import reminding
from tasks.database import reading
from tasks.reminding import remind
from tasks.sweeping import sweep_day
from tests.builders import OTHER_ENTERPRISE, World


def reminders(world: World) -> list[tuple[OutboxMail, DueMatters]]:
    with reading(world.engine) as session:
        mails = session.exec(
            select(OutboxMail)
            .where(OutboxMail.template == "due_matters")
            .order_by(col(OutboxMail.id))
        ).all()
        written = contexts_of(session, mails)
    contexts = [read_context(mail.template, written[mail.id]) for mail in mails]
    return list(zip(mails, contexts, strict=True))  # type: ignore[arg-type]


@pytest.fixture
def late(here: World) -> World:
    """Two matters of the county's and one of the city's, the county's overdue."""
    here.started(Stage.APPLICATION, "county-review")
    here.started(Stage.APPLICATION, "county-review", enterprise=OTHER_ENTERPRISE)
    here.go_to(date(2025, 1, 15))
    return here


def test_a_person_with_several_matters_gets_one_mail_that_names_them_all(late: World) -> None:
    swept = sweep_day(late.moment)

    [(mail, words)] = reminders(late)
    assert swept.reminded == 1
    assert (mail.to_name, mail.to_party, mail.case_no) == ("陈立", "示例大冶经信局", None)
    assert [matter.case_no for matter in words.matters] == ["HS-2-0001", "HS-2-0002"]
    assert {matter.days_left for matter in words.matters} == {-2}
    rendered = render(words)
    assert rendered.subject == "【演示】【催办】2 项事项待办理，其中 2 项已逾期"
    assert rendered.text.count("已逾期 2 个工作日") == 2
    assert "待核" in rendered.text


def test_a_second_sweep_sends_nothing_more_and_the_next_day_has_a_mail_of_its_own(
    late: World,
) -> None:
    remind(late.moment)
    before = late.dump()
    remind(late.moment)
    assert late.dump() == before

    late.go_to(date(2025, 1, 16))
    remind(late.moment)

    keys = [mail.dedup_key for mail, _ in reminders(late)]
    assert len(set(keys)) == len(keys) == 2
    assert ["2025-01-15" in keys[0], "2025-01-16" in keys[1]] == [True, True]


def test_only_what_rests_on_confirmed_figures_alone_has_no_note_of_doubt(late: World) -> None:
    programme = late.moment.programme
    rules = tuple(rule.model_copy(update={"verified": True}) for rule in programme.reminders)
    steps = {
        stage: {key: step.model_copy(update={"verified": True}) for key, step in those.items()}
        for stage, those in programme.steps.items()
    }
    notes = []
    for day, known in enumerate(
        (
            replace(programme, reminders=rules, steps=steps),
            replace(programme, reminders=rules),
            replace(programme, steps=steps),
        )
    ):
        late.go_to(date(2025, 1, 13) + timedelta(days=day))
        remind(replace(late.moment, programme=known))
        notes.append(reminders(late)[-1][1].unverified_note)

    assert [note is None for note in notes] == [True, False, False]


def test_a_sweep_that_dies_before_its_mails_are_queued_has_proven_nothing(
    late: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = late.dump()

    def die(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as dying:
        dying.setattr(reminding, "queue_mails", die)
        with pytest.raises(KeyboardInterrupt):
            remind(late.moment)
    assert late.dump() == before

    remind(late.moment)

    [(_, words)] = reminders(late)
    with reading(late.engine) as session:
        proven = {row.item_id for row in session.exec(select(Reminder))}
    assert proven == {matter.item_id for matter in words.matters}
