"""Telephone numbers: one way of writing each, and what nobody could dial."""

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.rules.phone import PhoneError, checked_phone


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("13900000000", "13900000000"),
        ("+86 139-0000-0000", "13900000000"),
        ("１３９００００００００", "13900000000"),
        ("0714 6350000", "0714-6350000"),
        ("（0714）6350000", "0714-6350000"),
        ("0714-6350000转8", "0714-6350000转8"),
        ("010-62345678", "010-62345678"),
        ("400-800-1234", "4008001234"),
    ],
)
def test_a_number_is_written_in_one_way_however_it_was_typed(given: str, kept: str) -> None:
    assert checked_phone(given) == kept
    assert checked_phone(kept) == kept


@pytest.mark.parametrize("given", ["6350000", "123", "无", "+1 650 253 0000", "139000000000", ""])
def test_what_cannot_be_dialled_from_here_is_refused(given: str) -> None:
    with pytest.raises(PhoneError, match="应为 11 位手机号"):
        checked_phone(given)


@given(st.text(max_size=40))
def test_any_text_is_a_number_or_refused_in_words(text: str) -> None:
    with suppress(PhoneError):
        kept = checked_phone(text)
        assert checked_phone(kept) == kept
