"""From `--form` and `--set` to the values of a form."""

import json
import tomllib
from collections.abc import Iterable, Mapping
from copy import deepcopy
from decimal import Decimal
from pathlib import Path
from typing import Any

from models.forms.base import StepForm
from models.rules.errors import PilotError
from models.rules.system_errors import system_reason

_YES_NO = {"是": True, "否": False}


class FormFileError(PilotError):
    """A file that holds no form."""

    def __init__(self, path: Path, why: str) -> None:
        """Name the file and say why."""
        super().__init__(f"表单文件 {path} 不能使用：{why}")


class SettingError(PilotError):
    """A `--set` that leads nowhere."""

    def __init__(self, setting: str, why: str) -> None:
        """Quote it and say why."""
        super().__init__(f"--set {setting}：{why}")


class NoDocumentFieldError(PilotError):
    """A file for a form that has no place for one."""

    def __init__(self, step_label: str) -> None:
        """Name the step."""
        super().__init__(f"“{step_label}”的表单没有附件一栏，不能使用 --attach")


def read_form_file(path: Path) -> dict[str, Any]:
    """Return what the file says; numbers with a point stay exact."""
    try:
        text = path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise FormFileError(path, f"无法读取（{system_reason(error)}）") from error
    except UnicodeDecodeError:
        raise FormFileError(path, "不是 UTF-8 文本") from None
    readers = {".json": _json, ".toml": _toml}
    if path.suffix.lower() not in readers:
        raise FormFileError(path, "只接受 .json 与 .toml 文件")
    try:
        form = readers[path.suffix.lower()](text)
    except ValueError as error:  # of both kinds of file
        raise FormFileError(path, f"格式有误（{error}）") from None
    if not isinstance(form, dict):
        raise FormFileError(path, "最外层应为一组“名称：内容”")
    return form


def _json(text: str) -> Any:
    return json.loads(text, parse_float=Decimal)


def _toml(text: str) -> Any:
    return tomllib.loads(text, parse_float=Decimal)


def filled_in(
    form: type[StepForm],
    known: Mapping[str, Any],
    file: Mapping[str, Any],
    settings: Iterable[str],
) -> dict[str, Any]:
    """Return the form's values: what is known, under what the file says, under what is set."""
    whole: dict[str, Any] = {**deepcopy(dict(known)), **file}
    for setting in settings:
        path, separator, value = setting.partition("=")
        if not separator:
            raise SettingError(setting, "应写成 名称=内容")
        _put(whole, setting, path.strip(), value)
    for name, field in form.model_fields.items():
        if field.annotation is bool and whole.get(name) in ("是", "否"):
            whole[name] = _YES_NO[whole[name]]
    return whole


def _put(whole: dict[str, Any], setting: str, path: str, value: str) -> None:
    """Put `value` where the dotted `path` leads; numbers are places in a list, from 0."""
    parts = path.split(".")
    if not all(parts):
        raise SettingError(setting, "等号前应有名称")
    here: Any = whole
    for part, following in zip(parts, [*parts[1:], ""], strict=True):
        new: Any = value if not following else [] if following.isdecimal() else {}
        if isinstance(here, dict):
            if not following or part not in here:
                here[part] = new
            here = here[part]
        elif isinstance(here, list):
            if not part.isdecimal() or int(part) > len(here):
                raise SettingError(setting, f"“{part}”应为序号，从 0 起连续编号")
            place = int(part)
            if place == len(here):
                here.append(new)
            elif not following:
                here[place] = new
            here = here[place]
        else:
            raise SettingError(setting, f"“{part}”的上一级不是一组内容")
