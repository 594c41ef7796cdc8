"""The kind of Typer application every command module uses, and options they share."""

from collections.abc import Callable
from typing import Annotated, Any, TypeVar

import typer
from typer import core

from models.rules.choice import Choice

_Choice = TypeVar("_Choice", bound=Choice)

AsJson = Annotated[bool, typer.Option("--json", help="只输出一个 JSON 文档")]


def _in_chinese(option: Any) -> Any:
    if option is not None:
        option.help = "显示帮助"
    return option


class Command(core.TyperCommand):
    """A command whose `--help` is explained in Chinese."""

    def get_help_option(self, ctx: Any) -> Any:
        """Return the option `--help`."""
        return _in_chinese(super().get_help_option(ctx))


class Group(core.TyperGroup):
    """A group of commands, likewise."""

    def get_help_option(self, ctx: Any) -> Any:
        """Return the option `--help`."""
        return _in_chinese(super().get_help_option(ctx))


def new_app(says: str) -> typer.Typer:
    """Return an empty application that `says` what it is for."""
    return typer.Typer(
        cls=Group,
        help=says,
        no_args_is_help=True,
        add_completion=False,
        pretty_exceptions_enable=False,
        rich_markup_mode="rich",
    )


def one_of(choices: type[_Choice]) -> Callable[[str], _Choice]:
    """Return the parser of an option that takes a choice by its value or its label."""

    def parse(given: str) -> _Choice:
        for member in choices:
            if given in (member, member.value, member.label):
                return member
        offered = "、".join(f"{member.label}（{member.value}）" for member in choices)
        raise typer.BadParameter(f"“{given}”，应为下列之一：{offered}")

    return parse
