"""Column types: money in whole fen, instants in UTC, choices by value."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import BigInteger, DateTime, Dialect, String, TypeDecorator

from models.rules.choice import Choice


class Yuan(TypeDecorator[Decimal]):
    """A `Decimal` of yuan, stored as whole fen. More than two decimals are refused."""

    impl = BigInteger
    cache_ok = True

    def process_bind_param(self, value: Decimal | None, dialect: Dialect) -> int | None:
        """Return fen."""
        if value is None:
            return None
        fen = value.scaleb(2)
        if fen != fen.to_integral_value():
            raise ValueError(f"{value} yuan is not a whole number of fen")
        return int(fen)

    def process_result_value(self, value: Any, dialect: Dialect) -> Decimal | None:
        """Return yuan with two decimals."""
        return None if value is None else Decimal(value).scaleb(-2)


class UTCDateTime(TypeDecorator[datetime]):
    """An aware `datetime`, stored in UTC and read back in UTC. A naive one is refused."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Return the instant in UTC."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError(f"{value} has no time zone")
        return value.astimezone(UTC)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Return an aware instant in UTC."""
        if value is None:
            return None
        if value.tzinfo is None:  # SQLite gives back what it was given, without the zone
            return value.replace(tzinfo=UTC)
        return value.astimezone(UTC)


class ChoiceText(TypeDecorator[Choice]):
    """A `Choice`, stored by value and read back as a member."""

    impl = String
    cache_ok = True

    def __init__(self, choices: type[Choice]) -> None:
        """Hold the members of `choices`."""
        super().__init__()
        self.choices = choices
        self._members = {member.value: member for member in choices}

    def process_bind_param(self, value: Choice | None, dialect: Dialect) -> str | None:
        """Return the stored value; a string that is no member is refused."""
        return None if value is None else str(self._members[value].value)

    def process_result_value(self, value: str | None, dialect: Dialect) -> Choice | None:
        """Return the member."""
        return None if value is None else self._members[value]
