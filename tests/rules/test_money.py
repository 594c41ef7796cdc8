"""Fen are never made by rounding, on paper or in sums."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.rules.money import to_fen, yuan_text


@pytest.mark.parametrize(
    ("amount", "fen"),
    [("0.016", "0.01"), ("0.019999", "0.01"), ("5", "5.00"), ("199999.996", "199999.99")],
)
def test_what_is_less_than_a_fen_is_dropped(amount, fen):
    assert str(to_fen(Decimal(amount))) == fen


@pytest.mark.parametrize(
    ("amount", "text"),
    [
        ("120000", "120,000.00 元"),
        ("0", "0.00 元"),
        ("0.1", "0.10 元"),
        ("1234567890.12", "1,234,567,890.12 元"),
        ("1E+5", "100,000.00 元"),
    ],
)
def test_an_amount_reads_as_people_write_it(amount, text):
    assert yuan_text(Decimal(amount)) == text


def test_printing_refuses_to_round():
    with pytest.raises(ValueError, match="whole number of fen"):
        yuan_text(Decimal("0.005"))


@given(st.decimals(0, 10**12, places=6))
def test_rounding_never_adds_and_never_takes_a_whole_fen(amount):
    assert Decimal(0) <= amount - to_fen(amount) < Decimal("0.01")


@given(st.decimals(0, 10**12, places=2))
def test_a_printed_amount_reads_back_as_itself(amount):
    assert Decimal(yuan_text(amount).removesuffix(" 元").replace(",", "")) == amount
