"""What a page draws from a form: Chinese words, defaults among the choices, what is needed when."""

import re
from collections.abc import Iterator
from typing import Any

import pytest

from models.forms.base import StepForm
from tests.lifecycle.moves import ALL

_FORMS = sorted({step.form for _, step in ALL}, key=lambda form: form.__name__)
_CHINESE = re.compile("[一-鿿]")


def _fields(schema: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield every field of a schema and of the parts inside it."""
    for model in (schema, *schema.get("$defs", {}).values()):
        assert "description" not in model  # a docstring of ours
        yield from model["properties"].values()


@pytest.mark.parametrize("form", _FORMS, ids=lambda form: form.__name__)
def test_every_field_has_a_chinese_title_and_no_word_of_ours(form: type[StepForm]) -> None:
    for field in _fields(form.model_json_schema()):
        assert _CHINESE.search(field["title"])
        assert _CHINESE.search(field.get("description", "说明"))


@pytest.mark.parametrize("form", _FORMS, ids=lambda form: form.__name__)
def test_a_default_is_one_of_the_choices_and_a_switch_is_off(form: type[StepForm]) -> None:
    for field in _fields(form.model_json_schema()):
        if "enum" in field and "default" in field:
            assert field["default"] in field["enum"]
        if field.get("type") == "boolean":
            assert field["default"] is False


@pytest.mark.parametrize("form", _FORMS, ids=lambda form: form.__name__)
def test_what_an_outcome_needs_stands_below_the_title(form: type[StepForm]) -> None:
    labels = {choice.value: choice.label for choice in form.outcomes()}
    shown = form.model_json_schema()["properties"]

    for outcome, names in form.needed_for.items():
        for name in names:
            assert f"“{labels[outcome]}”" in shown[name]["description"]
            assert shown[name]["description"].endswith("时必填")
