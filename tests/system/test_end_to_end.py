"""One enterprise from application to paid subsidy, and one that takes every way back."""

import json
from collections import Counter
from datetime import date
from decimal import Decimal

import pytest
from sqlmodel import col, select

from models.operations.audit import verify
from models.rules.credit_code import check_digit
from models.rules.stages import CaseStatus, Stage
from models.tables.case import Answer, Case, StageRun, WorkItem
from models.tables.mail import OutboxMail
from models.tables.records import Award, Payment
from tasks.database import reading
from tests.system.instance import Instance, wait_for

pytestmark = [pytest.mark.system, pytest.mark.timeout(600)]


def new_case(instance: Instance, name: str, code: str) -> str:
    done = instance.pilot(
        "case",
        "open",
        "--batch=1",
        f"--credit-code={code}{check_digit(code)}",
        f"--name={name}",
        "--county=大冶市",
        "--industry=高端装备",
        "--contact=许诺",
        f"--email={code.lower()}@example.com",
        "--json",
    )
    return str(json.loads(done.stdout)["case_no"])


def go_on(instance: Instance, case_no: str, *, in_prefect: bool, **wishes: object) -> None:
    """Answer the open item as the way forward asks, in Prefect or on the command line."""
    item = instance.open_item(case_no)
    assert item is not None
    assert item.id is not None
    form = instance.typical(case_no, **wishes)
    if in_prefect:
        instance.resume_and_wait(case_no, form)
    else:
        instance.answer(item.id, form)


def step_of(instance: Instance, case_no: str) -> str | None:
    """Return the step that is open."""
    item = instance.open_item(case_no)
    return item and item.step


def mails_of(instance: Instance, case_no: str) -> list[tuple[str, str]]:
    """Return (kind, address) of every mail of the case; all must have reached the server."""

    def all_sent() -> list[OutboxMail]:
        with reading(instance.engine) as session:
            mails = session.exec(
                select(OutboxMail).where(OutboxMail.case_no == case_no).order_by(col(OutboxMail.id))
            ).all()
        return [*mails] if all(mail.sent_at for mail in mails) else []

    mails = wait_for(all_sent, "the mails")
    caught = Counter(mail["message_id"] for mail in instance.mails(limit="10000"))
    assert {caught[mail.message_id] for mail in mails} == {1}  # each once, none lost
    return [(mail.template, mail.to_address) for mail in mails]


def all_at_rest(instance: Instance, case_no: str) -> bool:
    """Whether no item, no stay and no flow run of the case is open."""
    with reading(instance.engine) as session:
        stays = session.exec(select(StageRun).where(StageRun.case_no == case_no)).all()
    if instance.open_item(case_no) or any(stay.finished_at is None for stay in stays):
        return False
    states = [instance.api.get(f"flow_runs/{stay.flow_run_id}").json()["state"] for stay in stays]
    return all(state["type"] == "COMPLETED" for state in states)


def test_an_enterprise_travels_from_application_to_paid_subsidy(instance: Instance) -> None:
    instance.move_to(date(2024, 3, 25))
    case_no = new_case(instance, "端到端装备", "91420281MA0ENT101")

    for step, in_prefect in (("submit", True), ("county-review", False), ("city-review", True)):
        assert instance.wait_at_form(case_no)["name"].startswith(f"申报 · {case_no} 端到端装备")
        assert step_of(instance, case_no) == step
        go_on(instance, case_no, in_prefect=in_prefect)
    instance.move_to(date(2024, 3, 26))  # published …
    instance.move_to(date(2024, 4, 2))  # … five working days, the last one included …
    assert instance.stage_of(case_no) is Stage.APPLICATION
    instance.move_to(date(2024, 4, 3))  # … and over
    wait_for(lambda: instance.stage_of(case_no) is Stage.DIAGNOSIS, "the end of the notice")
    # 诊断, 改造, 验收, 评级, 补助 up to the second notice: turn and turn about
    for number in range(3 + 3 + 3 + 2 + 1):
        go_on(instance, case_no, in_prefect=number % 2 == 0)
    instance.move_to(date(2024, 4, 7))  # a make-up working Sunday
    instance.move_to(date(2024, 4, 15))
    wait_for(lambda: step_of(instance, case_no) == "finance-approve", "approval")
    go_on(instance, case_no, in_prefect=True)
    go_on(instance, case_no, in_prefect=False)

    wait_for(lambda: all_at_rest(instance, case_no), "everything of the case to be closed")
    with reading(instance.engine) as session:
        case = session.get_one(Case, case_no)
        assert case.status is CaseStatus.COMPLETED
        [award] = session.exec(select(Award).where(Award.case_no == case_no)).all()
        [payment] = session.exec(select(Payment).where(Payment.case_no == case_no)).all()
        assert (award.amount, payment.amount) == (Decimal("120000.00"), Decimal("120000.00"))
        channels = Counter(
            answer.channel.value
            for answer in session.exec(
                select(Answer).join(WorkItem).where(WorkItem.case_no == case_no)
            )
        )
        assert channels == {"prefect": 9, "cli": 8, "system": 2}
        _, faults = verify(session)
        assert faults == []
    enterprise = "91420281ma0ent101@example.com"
    sent = Counter(mails_of(instance, case_no))
    assert sent["paid", enterprise] == 1
    assert sent["subsidy_decided", enterprise] == 1
    assert sent["stage_finished", enterprise] == 5
    assert sum(count for (kind, _), count in sent.items() if kind == "item_opened") == 17
    assert sum(count for (kind, _), count in sent.items() if kind == "receipt") == 17
    assert {kind for kind, _ in sent} == {
        "item_opened",
        "receipt",
        "stage_finished",
        "subsidy_decided",
        "paid",
    }


def test_a_case_goes_back_at_every_turn_and_is_withdrawn_at_last(instance: Instance) -> None:
    case_no = new_case(instance, "曲折电子", "91420281MA0ENT102")

    go_on(instance, case_no, in_prefect=True)
    # A form that is refused comes back with the reason, and with what had been typed.
    instance.resume(case_no, {"handler": "陈立", "outcome": "退回补正"})
    again = wait_for(
        lambda: (
            (run := instance.run_of(case_no))
            and "上次提交未被接受" in instance.words_above(run)
            and run
        ),
        "the refusal on the form",
    )
    assert "审核意见：选择“退回补正”时必须填写" in instance.words_above(again)
    instance.resume_and_wait(
        case_no, {"handler": "陈立", "outcome": "退回补正", "opinion": "请补充营业收入证明"}
    )
    run = instance.wait_at_form(case_no)
    assert run["name"] == f"申报 · {case_no} 曲折电子 · 第2轮"
    assert "等待:企业" in run["tags"]
    assert "退回原因：请补充营业收入证明" in instance.words_above(run)
    for in_prefect in (False, True, False):
        go_on(instance, case_no, in_prefect=in_prefect)
    today = date.fromisoformat(instance.status()["today"])
    instance.move_to(date(2024, 4, 16))
    instance.move_to(date(2024, 4, 25))
    assert today < date(2024, 4, 25)
    wait_for(lambda: instance.stage_of(case_no) is Stage.DIAGNOSIS, "the end of the notice")

    go_on(instance, case_no, in_prefect=True)
    go_on(instance, case_no, in_prefect=False)
    instance.resume_and_wait(
        case_no, {"handler": "许诺", "outcome": "要求重新诊断", "opinion": "设备清单有误"}
    )
    go_on(instance, case_no, in_prefect=True)
    instance.resume_and_wait(
        case_no, {"handler": "许诺", "outcome": "申请更换服务商", "opinion": "沟通不畅"}
    )
    other = {"provider": "示例磁湖软件"}
    instance.resume_and_wait(case_no, {**instance.typical(case_no), "handler": "周明", **other})
    go_on(instance, case_no, in_prefect=False)
    go_on(instance, case_no, in_prefect=True)
    instance.resume_and_wait(case_no, {**instance.typical(case_no), "handler": "许诺", **other})
    go_on(instance, case_no, in_prefect=False)
    go_on(instance, case_no, in_prefect=True)
    go_on(instance, case_no, in_prefect=False)
    go_on(instance, case_no, in_prefect=True)
    review = {**instance.typical(case_no), "outcome": "限期整改", "opinion": "数据未贯通"}
    instance.resume_and_wait(case_no, review)
    run = instance.wait_at_form(case_no)
    assert run["name"] == f"改造 · {case_no} 曲折电子 · 第2轮"
    assert step_of(instance, case_no) == "implement"
    instance.pilot("case", "withdraw", case_no, "--reason", "企业停产")

    wait_for(lambda: all_at_rest(instance, case_no), "everything of the case to be closed")
    with reading(instance.engine) as session:
        assert session.get_one(Case, case_no).status is CaseStatus.WITHDRAWN
        _, faults = verify(session)
        assert faults == []
    kinds = Counter(kind for kind, _ in mails_of(instance, case_no))
    assert kinds["returned"] == 4
