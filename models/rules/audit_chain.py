"""The hash chain of the audit trail: each entry's hash covers its fields and the hash before it."""

import hashlib
import json
from collections.abc import Mapping
from datetime import UTC, date, datetime
from decimal import Decimal
from types import NoneType
from typing import Final

#: What the first entry of a chain names as its predecessor.
GENESIS: Final = "0" * 64

#: Types that hold nothing else; a value of one of them needs no look inside.
_PLAIN: Final = frozenset({str, int, bool, NoneType, Decimal, date, datetime})


def _as_text(value: object) -> str:
    """Return the one text of a value that JSON has no form for."""
    if isinstance(value, datetime):
        if value.tzinfo is None:
            raise TypeError(f"{value!r} has no time zone")
        return value.astimezone(UTC).isoformat(timespec="microseconds")
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, Decimal):
        return format(value, "f")
    raise TypeError(f"{value!r} has no canonical form")


_encode = json.JSONEncoder(
    ensure_ascii=False,
    check_circular=False,  # `_require_canonical` has walked the value already
    sort_keys=True,
    separators=(",", ":"),
    default=_as_text,
).encode


def _require_canonical(value: object) -> None:
    """Raise `TypeError` for what JSON would take but not write in one way only."""
    if isinstance(value, float):
        raise TypeError(f"{value!r} is a float; use Decimal")
    if isinstance(value, dict):
        for key, inner in value.items():
            if not isinstance(key, str):
                # JSON would write the keys 1 and "1" alike.
                raise TypeError(f"key {key!r} is not a string")
            if type(inner) not in _PLAIN:
                _require_canonical(inner)
    elif isinstance(value, list | tuple):
        for inner in value:
            if type(inner) not in _PLAIN:
                _require_canonical(inner)


def canonical_json(fields: Mapping[str, object]) -> str:
    """Return the one JSON text of `fields`: keys sorted, no spaces, not escaped.

    Dates, instants (in UTC, with microseconds) and decimals are written as strings, so what comes
    back from a JSON column has the text of what went in. Floats, naive instants, keys that are no
    strings and values of other types raise `TypeError`.
    """
    plain = dict(fields)
    _require_canonical(plain)
    return _encode(plain)


def entry_hash(previous: str, fields: Mapping[str, object]) -> str:
    """Return the SHA-256, in hexadecimal, of the hash `previous` and `fields` in canonical form."""
    # Canonical JSON holds no line break, so where the predecessor ends is never in doubt.
    return hashlib.sha256(f"{previous}\n{canonical_json(fields)}".encode()).hexdigest()
