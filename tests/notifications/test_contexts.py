"""Contexts go into the outbox as JSON and come back the same."""

from decimal import Decimal

import pytest
from pydantic import ValidationError

from notifications.contexts import CONTEXTS, MailContext, Paid, UnknownMailError, read_context
from tests.notifications.samples import COMMON, SAMPLES


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
    assert {context.template: context for context in MailContext.__subclasses__()} == CONTEXTS


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
