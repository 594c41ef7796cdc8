"""One content, one text, one hash."""

import hashlib
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.rules.audit_chain import GENESIS, canonical_json, entry_hash
from models.rules.stages import Stage

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(st.characters(codec="utf-8")),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text("ab键", max_size=3), inner),
    max_leaves=8,
)
FIELDS = st.dictionaries(st.text("abc键值", max_size=4), VALUES, max_size=6)


def backwards(value):
    if isinstance(value, dict):
        return {key: backwards(value[key]) for key in reversed(value)}
    if isinstance(value, list):
        return [backwards(inner) for inner in value]
    return value


def test_the_canonical_text_is_fixed():
    shanghai = timezone(timedelta(hours=8))
    fields = {
        "stage": Stage.SUBSIDY,
        "amount": Decimal("120000.00"),
        "rate": Decimal("4E-1"),
        "on": date(2024, 9, 27),
        "at": datetime(2024, 9, 27, 16, 30, tzinfo=shanghai),
        "after": {"b": [1, None, True], "a": "通过"},
    }

    assert canonical_json(fields) == (
        '{"after":{"a":"通过","b":[1,null,true]},"amount":"120000.00",'
        '"at":"2024-09-27T08:30:00.000000+00:00","on":"2024-09-27","rate":"0.4","stage":"subsidy"}'
    )


def test_the_hash_can_be_redone_with_any_tool():
    text = f'{GENESIS}\n{{"actor":"市经信局"}}'

    assert (
        entry_hash(GENESIS, {"actor": "市经信局"})
        == hashlib.sha256(text.encode("utf-8")).hexdigest()
    )


@given(FIELDS)
def test_the_order_of_keys_does_not_matter_at_any_depth(fields):
    assert entry_hash(GENESIS, backwards(fields)) == entry_hash(GENESIS, fields)


@given(FIELDS, FIELDS)
def test_other_fields_have_another_hash(fields, other):
    same_text = canonical_json(fields) == canonical_json(other)

    assert (entry_hash(GENESIS, fields) == entry_hash(GENESIS, other)) == same_text


def test_the_hash_covers_the_predecessor():
    first = entry_hash(GENESIS, {"n": 1})

    assert entry_hash(first, {"n": 2}) != entry_hash(GENESIS, {"n": 2})


def test_the_same_instant_in_two_zones_is_one():
    at = datetime(2024, 9, 27, 8, 30, tzinfo=UTC)

    assert canonical_json({"at": at}) == canonical_json(
        {"at": at.astimezone(timezone(timedelta(hours=8)))}
    )


@pytest.mark.parametrize(
    "value",
    [
        0.4,
        [1, [0.4]],
        {"rate": 0.4},
        {"deep": ({"rate": float("nan")},)},
        datetime(2024, 9, 27, 8, 30),  # noqa: DTZ001 -- naive on purpose
        {1: "a key that is no string"},
        {"a", "set"},
        b"bytes",
    ],
)
def test_what_has_no_single_text_is_refused(value):
    with pytest.raises(TypeError):
        entry_hash(GENESIS, {"value": value})


def test_a_key_of_the_entry_that_is_no_string_is_refused():
    with pytest.raises(TypeError):
        entry_hash(GENESIS, {1: "one"})
