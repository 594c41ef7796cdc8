"""Enumerations that people choose from: stored by value, shown and answered by label."""

from enum import StrEnum
from typing import Any, Self

from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, PydanticCustomError, core_schema


class Choice(StrEnum):
    """A string enumeration whose members carry a Chinese label: `RECOMMEND = "recommend", "推荐"`.

    As a pydantic field it takes the value or the label, shows the labels as its JSON schema (so
    that Prefect's form and Excel offer Chinese words) and is written to JSON as the value.
    """

    label: str

    def __new__(cls, value: str, label: str) -> Self:
        """Build a member from its stored value and its label."""
        member = str.__new__(cls, value)
        member._value_ = value
        member.label = label
        return member

    @classmethod
    def read(cls, given: object) -> Self:
        """Return the member whose value or label is `given`; `ValueError` names the choices."""
        for member in cls:
            if given in (member.value, member.label):
                return member
        raise PydanticCustomError(
            "choice",
            "应为下列之一：{choices}",
            {"choices": "、".join(member.label for member in cls)},
        )

    @classmethod
    def __get_pydantic_core_schema__(
        cls, source: type[Any], handler: GetCoreSchemaHandler
    ) -> CoreSchema:
        """Validate by `read`, write the value."""
        return core_schema.no_info_plain_validator_function(
            cls.read,
            serialization=core_schema.plain_serializer_function_ser_schema(
                lambda member: str(member.value)
            ),
        )

    @classmethod
    def __get_pydantic_json_schema__(
        cls, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        """Offer the labels."""
        return {"type": "string", "enum": [member.label for member in cls]}
