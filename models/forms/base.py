"""The base of every form, and what a person is told about a form that cannot be read."""

from collections.abc import Mapping, Sequence
from itertools import chain
from typing import Any, ClassVar, Self, get_args

from pydantic import BaseModel, ConfigDict, Field, GetJsonSchemaHandler, ValidationError
from pydantic.json_schema import JsonSchemaValue
from pydantic_core.core_schema import CoreSchema, ErrorType

from models.forms.fields import Line
from models.rules.choice import Choice
from models.rules.errors import PilotError
from models.rules.validation_words import common_words


class FormError(PilotError):
    """A form that cannot be accepted as it stands; one line per field."""

    def __init__(self, problems: Sequence[str]) -> None:
        """Keep the problems, each as `字段：怎么了`."""
        self.problems = tuple(problems)
        super().__init__("；".join(self.problems))


class Part(BaseModel):
    """A group of fields inside a form."""

    model_config = ConfigDict(extra="forbid", str_strip_whitespace=True, frozen=True)

    @classmethod
    def __get_pydantic_json_schema__(
        cls, core_schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        """Return the schema as a form shows it: no word of ours, defaults as people read them."""
        schema = handler.resolve_ref_schema(handler(core_schema))
        schema.pop("description", None)  # the docstring
        for name, field in cls.model_fields.items():
            shown = schema["properties"][name]
            default = field.get_default(call_default_factory=True)
            if isinstance(default, Choice):
                shown["default"] = default.label
            if field.annotation is bool:
                shown.setdefault("default", False)  # a switch that nobody touches is off
        return schema


class StepForm(Part):
    """What one step asks of a person. Fields carry Chinese titles: they are the form's labels.

    Every subclass has a field `outcome` of a `Choice` of its own, whose values are the outcomes
    that the lifecycle leads on from.
    """

    #: outcome -> fields that may be left empty otherwise, but not with this outcome.
    needed_for: ClassVar[Mapping[str, tuple[str, ...]]] = {}

    handler: Line = Field(title="经办人", description="本单位登记的联系人姓名")
    outcome: Choice

    @classmethod
    def __get_pydantic_json_schema__(
        cls, core_schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        """Return the schema as above; below a field's title stands when it must be filled in."""
        schema = super().__get_pydantic_json_schema__(core_schema, handler)
        for name, outcomes in cls.needed_with().items():
            shown = schema["properties"][name]
            words = [shown["description"]] if "description" in shown else []
            labels = "、".join(f"“{label}”" for label in outcomes)
            shown["description"] = "；".join([*words, f"选择{labels}时必填"])
        return schema

    @classmethod
    def read(cls, given: Mapping[str, object]) -> Self:
        """Return the form filled with `given`, or raise `FormError` with all that is wrong."""
        try:
            form = cls.model_validate(given)
        except ValidationError as error:
            raise FormError([_problem(cls, detail) for detail in error.errors()]) from None
        missing = [
            f"{cls.model_fields[name].title}：选择“{form.outcome.label}”时必须填写"
            for name in cls.needed_for.get(form.outcome.value, ())
            if getattr(form, name) in ("", None, (), [])
        ]
        if missing:
            raise FormError(missing)
        return form

    @classmethod
    def needed_with(cls) -> Mapping[str, tuple[str, ...]]:
        """Return, for each field that some outcomes need, the labels of those outcomes."""
        labels = {choice.value: choice.label for choice in cls.outcomes()}
        return {
            name: tuple(labels[o] for o, names in cls.needed_for.items() if name in names)
            for name in dict.fromkeys(chain.from_iterable(cls.needed_for.values()))
        }

    @classmethod
    def outcomes(cls) -> type[Choice]:
        """Return the enumeration of this form's outcomes."""
        annotation = cls.model_fields["outcome"].annotation
        assert isinstance(annotation, type), "every form names its outcomes"  # noqa: S101
        return annotation


_PYDANTICS = frozenset(get_args(ErrorType))


def _problem(form: type[BaseModel], detail: Any) -> str:
    """Return `字段：怎么了` for one pydantic error."""
    where = "".join(_title(form, detail["loc"]))
    return f"{where}：{words_for(detail)}"


def words_for(detail: Any) -> str:
    """Return what one pydantic error says, in the words of a person who fills in a form."""
    if (words := common_words(detail)) is not None:
        return words
    # Our own errors speak Chinese already; of pydantic's the rarer ones are not told apart.
    return "填写有误，请检查" if detail["type"] in _PYDANTICS else str(detail["msg"])


def _title(form: type[BaseModel], path: Sequence[str | int]) -> str:
    """Return the titles along `path`, list positions counted from one."""
    titles: list[str] = []
    model: Any = form
    for step in path:
        if isinstance(step, int):
            titles.append(f"第{step + 1}项")
            continue
        field = model.model_fields.get(step) if hasattr(model, "model_fields") else None
        titles.append(field.title or step if field else str(step))
        if field is not None:
            inner = field.annotation
            arguments = getattr(inner, "__args__", ())
            model = arguments[0] if arguments and isinstance(arguments[0], type) else inner
    return " ".join(titles)
