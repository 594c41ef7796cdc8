"""Contexts go into the outbox as JSON and come back the same."""

import json
from datetime import date
from decimal import Decimal

import pytest
from pydantic import ValidationError

from notifications.contexts import CONTEXTS, MailContext, Paid, UnknownMailError, read_context
from notifications.samples import COMMON, OPENED, RETURNED, SAMPLES


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda sample: sample.template)
def test_a_context_survives_the_outbox(sample):
    assert read_context(sample.template, sample.model_dump_json()) == sample


def test_money_is_written_as_it_is_and_never_as_a_float():
    paid = Paid(**COMMON, amount=Decimal("120000.10"), voucher_no="1", paid_on="2024-11-20")

    assert '"amount":"120000.10"' in paid.model_dump_json()


@pytest.mark.parametrize("amount", ["0.001", "-1", "NaN", "Infinity"])
def test_money_that_cannot_be_is_refused(amount):
    with pytest.raises(ValidationError):
        Paid(**COMMON, amount=amount, voucher_no="1", paid_on="2024-11-20")


def test_every_context_is_known_by_its_template():
    assert {context.template: context for context in mails_below(MailContext)} == CONTEXTS


def test_every_context_has_a_chinese_name_of_its_own():
    labels = [context.label for context in CONTEXTS.values()]

    assert len({*labels}) == len(CONTEXTS)
    assert not any(label.isascii() for label in labels)


def mails_below(base):
    for below in base.__subclasses__():
        if "template" in vars(below):
            yield below
        yield from mails_below(below)


@pytest.mark.parametrize("context", CONTEXTS.values(), ids=CONTEXTS)
def test_a_mail_queued_before_the_common_fields_were_added_is_still_read(context):
    added = {"document_title", "clause", "office_phone", "office_email", "written_at"}
    sample = next(sample for sample in SAMPLES if type(sample) is context)
    old = sample.model_dump(mode="json", exclude=added)

    assert read_context(context.template, json.dumps(old)).deadlines == ()


def test_the_deadline_of_an_item_is_one_entry_however_often_it_is_written_of():
    again = RETURNED.model_copy(update={"item_id": OPENED.item_id, "due_on": date(2024, 4, 3)})
    another = OPENED.model_copy(update={"item_id": 43})

    [first], [moved], [other] = OPENED.deadlines, again.deadlines, another.deadlines
    assert (first.day, moved.day) == (date(2024, 4, 1), date(2024, 4, 3))
    assert first.uid == moved.uid
    assert first.uid != other.uid
    assert first.summary == "诊断·确认诊断（示例精密机械有限公司）办理截止"


@pytest.mark.parametrize("missing", ["due_on", "item_id", "written_at"])
def test_without_a_day_there_is_no_deadline(missing):
    assert RETURNED.model_copy(update={missing: None}).deadlines == ()


def test_the_deadline_of_a_trial_says_so():
    [deadline] = OPENED.model_copy(update={"trial_note": "演示数据"}).deadlines

    assert deadline.summary.startswith("【演示】诊断")


def test_a_mail_of_another_version_is_named():
    with pytest.raises(UnknownMailError, match="'carrier_pigeon'"):
        read_context("carrier_pigeon", "{}")


def test_a_name_stays_on_one_line_and_prose_keeps_its_lines():
    sample = SAMPLES[1].model_validate(
        {
            **SAMPLES[1].model_dump(),
            "recipient_name": " 林\r\nBcc: 晓\u2028\x00 ",
            "reason": "一\r\n二\r三\x07\x00\n\t四 ",
        }
    )

    assert (sample.recipient_name, sample.reason) == ("林 Bcc: 晓", "一\n二\n三\n\t四")
