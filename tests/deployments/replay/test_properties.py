"""The judge of a replay is not blind: what is put wrong by hand is found."""

import pytest
from sqlalchemy import text

from deployments.replay.letterbox import empty_outbox
from deployments.replay.properties import breaches
from models.policy import load_programme
from models.rules.stages import Stage
from tasks.database import reading, transaction


def found(world):
    with reading(world.engine) as session:
        return breaches(session, load_programme())


@pytest.fixture
def paid(here):
    """A case whose subsidy has been paid, and whose mails have all gone out."""
    case_no = here.started(Stage.SUBSIDY, "pay")
    here.answer(case_no)
    empty_outbox()
    return here, case_no


def test_a_pilot_that_went_well_has_no_breaches(paid):
    here, _ = paid

    assert found(here) == []


@pytest.mark.parametrize(
    ("done", "says"),
    [
        (
            "UPDATE payment SET amount = 12000001",
            ["{case}：拨付 120000.01 元，高于上限 120000.00 元", "{case}：拨付与有效的批准不符"],
        ),
        ("DELETE FROM payment", ["{case}：已办结而未拨付"]),
        (
            "UPDATE case_file SET status = 'failed'",
            ["{case}：已拨付而案卷验收未通过"],
        ),
        (
            "UPDATE work_item SET closed_at = NULL, outcome = NULL WHERE step = 'pay'",
            ["{case}：已办结（补助已拨付），在办事项 1 件"],
        ),
        (
            "UPDATE case_file SET audit_length = audit_length - 1",
            ["{case}：链尾与案卷记录不符：案卷记为 21 条"],
        ),
        (
            "UPDATE outbox_mail SET state = 'queued', sent_at = NULL WHERE template = 'paid'",
            ["邮件 {mail}：待发送，服务器接收 1 次，无人接手"],
        ),
        (
            "DELETE FROM mail_attempt WHERE mail_id = {mail}",
            ["邮件 {mail}：已送达服务器，服务器接收 0 次，无人接手"],
        ),
        (
            "UPDATE outbox_mail SET template = 'due_matters', contact_id = 5"
            " WHERE template IN ('paid', 'subsidy_decided')",
            ["联系人 5：{day} 收到 2 封催办"],
        ),
    ],
)
def test_what_was_put_wrong_by_hand_is_found(paid, done, says):
    here, case_no = paid
    with transaction(here.engine) as session:
        mail = session.execute(text("SELECT id FROM outbox_mail WHERE template = 'paid'")).scalar()
        session.execute(text(done.format(mail=mail)))

    told = {"case": case_no, "mail": mail, "day": here.today}
    assert found(here) == [each.format(**told) for each in says]
