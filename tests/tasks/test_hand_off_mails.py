"""What the mails of a case say beside its words: the ground, the days left, whom to ask."""

from dataclasses import replace
from datetime import date

import pytest
from sqlmodel import col, select

from models.policy import Programme, load_programme
from models.policy.figures import OfficeContact
from models.rules.stages import Stage
from models.rules.working_days import is_working_day
from models.tables.mail import OutboxMail
from notifications.contexts import ItemOpened, MailContext, Receipt, Returned, read_context
from tasks import hand_off_mails
from tasks.database import reading
from tests.builders import World


def _last(world: World, template: str) -> MailContext:
    with reading(world.engine) as session:
        mail = session.exec(
            select(OutboxMail)
            .where(OutboxMail.template == template)
            .order_by(col(OutboxMail.id).desc())
            .limit(1)
        ).one()
    return read_context(mail.template, mail.context)


def test_a_mail_names_the_document_the_clause_of_its_step_and_its_day(world: World) -> None:
    case_no = world.started(Stage.APPLICATION, "county-review")
    world.say(case_no, outcome="退回补正", opinion="缺少营业收入证明")

    for template, clause in (("item_opened", "三（一）1"), ("receipt", "三（一）1")):
        mail = _last(world, template)
        assert (mail.document_title, mail.clause, mail.written_at) == (
            "黄石市中小企业数字化转型试点城市实施方案",
            clause,
            world.moment.at,
        )


def test_the_next_step_rests_on_its_own_clause_and_the_receipt_on_the_one_answered(
    world: World,
) -> None:
    world.started(Stage.TRANSFORMATION, "declare")

    receipt, opened = _last(world, "receipt"), _last(world, "item_opened")
    assert isinstance(receipt, Receipt)
    assert isinstance(opened, ItemOpened)
    assert (receipt.step_name, receipt.clause) == ("实施改造", "三（一）3")
    assert (opened.step_name, opened.clause) == ("申报支出", "三（一）4")


def test_a_step_of_so_many_days_says_how_many_are_left(world: World) -> None:
    world.started(Stage.APPLICATION, "county-review")

    opened = _last(world, "item_opened")
    assert isinstance(opened, ItemOpened)
    assert (opened.step_name, opened.working_days) == ("县市区初审", 5)


def test_a_step_that_runs_to_a_date_says_the_working_days_until_then(world: World) -> None:
    world.open()

    opened = _last(world, "item_opened")
    assert isinstance(opened, ItemOpened)
    days = [date(2025, 1, day) for day in range(world.today.day + 1, 32)]
    assert opened.due_on == max(filter(is_working_day, days))
    assert opened.working_days == sum(map(is_working_day, days))


def test_a_return_says_the_days_left_and_past_the_end_none(world: World) -> None:
    case_no = world.started(Stage.APPLICATION, "county-review")
    world.go_to(date(2025, 2, 10))
    world.say(case_no, outcome="退回补正", opinion="缺少营业收入证明")

    returned = _last(world, "returned")
    assert isinstance(returned, Returned)
    assert (returned.due_on, returned.working_days) == (date(2025, 2, 10), 0)


@pytest.mark.parametrize(
    ("contact", "phone", "email"),
    [
        (None, None, None),
        ({"phone": "0000-1", "verified": True}, "0000-1", None),
        ({"email": "a@example.com", "verified": False}, None, "a@example.com（待核）"),
    ],
)
def test_the_office_is_named_with_what_is_known_and_confirmed_of_it(
    contact: dict[str, object] | None, phone: str | None, email: str | None
) -> None:
    known = contact and OfficeContact.model_validate({"source": "通讯录", **contact})
    programme = _with_contact(known or None)

    assert hand_off_mails.office_words(programme) == {
        "office_name": "市经信局",
        "office_phone": phone,
        "office_email": email,
    }


def _with_contact(contact: OfficeContact | None) -> Programme:
    programme = load_programme()
    return replace(
        programme,
        bodies=tuple(
            body.model_copy(update={"contact": contact}) if body.key == "city-bureau" else body
            for body in programme.bodies
        ),
    )
