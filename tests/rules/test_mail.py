"""A mail has one Message-ID for all its tries, and at least four hours of them."""

from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from models.rules.mail import MOST_ATTEMPTS, message_id, retry_delay

KEYS = st.text(st.characters(codec="utf-8"), min_size=1)


def test_the_message_id_is_fixed_by_key_and_domain():
    assert message_id("receipt:1:诊断", "example.com") == (
        "<535db498e7a13671df13625f1e291cd1a8165a5a60b9ed0980e606fd3eb9a31c@example.com>"
    )


@given(KEYS, KEYS)
def test_two_mails_have_two_message_ids_of_plain_letters(one, other):
    first, second = message_id(one, "example.com"), message_id(other, "example.com")

    assert (first == second) == (one == other)
    assert first.isascii()
    assert first[0] + first[65:] == "<@example.com>"


@given(KEYS, st.integers(1, MOST_ATTEMPTS))
def test_a_wait_is_five_minutes_and_up_to_one_more(key, attempts):
    delay = retry_delay(key, attempts)

    assert timedelta(minutes=5) <= delay <= timedelta(minutes=6)
    assert delay == retry_delay(key, attempts)


def test_forty_eight_waits_are_at_least_four_hours():
    waits = [retry_delay("receipt:1", attempts) for attempts in range(1, MOST_ATTEMPTS)]

    assert len(waits) == 48
    assert timedelta(hours=4) <= sum(waits, timedelta()) <= timedelta(hours=4, minutes=48)


def test_mails_that_failed_together_spread_out():
    assert len({retry_delay(f"receipt:{number}", 1) for number in range(100)}) > 30
