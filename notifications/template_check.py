"""Refuse an office's broken templates when the system starts, by file and line."""

import traceback
from collections.abc import Iterator
from pathlib import Path

from jinja2 import Environment, TemplateNotFound, TemplateSyntaxError, meta, nodes

from notifications.contexts import CONTEXTS
from notifications.render import EmptyMailError, environment_with, render_in
from notifications.samples import SAMPLES
from notifications.template_files import (
    BUILT_IN,
    TemplateFault,
    TemplatesRefusedError,
    own_folder,
    own_templates,
)


def check_templates() -> None:
    """Read every template of the office and render every mail with its sample data.

    Done when a process starts, whose mails are then written in what was checked. Raises
    `TemplatesRefusedError` with everything that is wrong; without own templates it does nothing.
    """
    folder = own_folder()
    if folder is None:
        return
    environment = environment_with(folder)
    faults = [
        fault
        for name in own_templates(folder)
        for fault in _faults_as_written(environment, folder, name)
    ]
    faults = faults or list(dict.fromkeys(_faults_as_rendered(environment, folder)))
    if faults:
        raise TemplatesRefusedError(*faults)


def _faults_as_written(
    environment: Environment, folder: Path, name: str
) -> Iterator[TemplateFault]:
    """Yield what is wrong in a template whether or not a sample comes by there."""

    def fault(problem: str, line: int | None) -> TemplateFault:
        return TemplateFault(file=folder / name, line=line, problem=problem)

    try:
        tree = environment.parse(own_templates(folder)[name], name)
    except TemplateSyntaxError as error:
        yield fault(f"语法错误（{error.message}）", error.lineno)
        return
    unknown = [
        *(
            fault(f"没有过滤器 {each.name}", each.lineno)
            for each in tree.find_all(nodes.Filter)
            if each.name not in environment.filters
        ),
        *(
            fault(f"没有判断 {each.name}", each.lineno)
            for each in tree.find_all(nodes.Test)
            if each.name not in environment.tests
        ),
    ]
    yield from unknown
    if unknown:  # the search for variables would stumble over them
        return
    strangers = meta.find_undeclared_variables(tree) - _names_for(environment, name)
    for each in tree.find_all(nodes.Name):
        if each.name in strangers:
            strangers.remove(each.name)
            yield fault(f"没有变量 {each.name}", each.lineno)


def _names_for(environment: Environment, name: str) -> set[str]:
    """Return the variables that the template `name` may use."""
    context = CONTEXTS.get(name.partition("/")[0])
    contexts = CONTEXTS.values() if context is None else (context,)  # a layout serves all mails
    names = {field for each in contexts for field in each.model_fields} | environment.globals.keys()
    loader = environment.loader
    assert loader is not None  # noqa: S101 -- `environment_with` gives it one
    for layout in ("_layout/body.txt", "_layout/body.html"):
        # What a layout imports, the templates that extend it may use.
        tree = environment.parse(loader.get_source(environment, layout)[0])
        names |= {each.target for each in tree.find_all(nodes.Import)}
    return names


def _faults_as_rendered(environment: Environment, folder: Path) -> Iterator[TemplateFault]:
    for sample in SAMPLES:
        try:
            render_in(environment, sample)
        except EmptyMailError as error:
            yield TemplateFault(file=folder / error.part, problem="内容为空")
        except Exception as error:  # whatever a template from outside can raise
            yield _placed(error, folder)


def _placed(error: Exception, folder: Path) -> TemplateFault:
    """Return the fault at the innermost template line that `error` has passed."""
    problem = f"无法生成邮件（{type(error).__name__}：{error}）"
    if isinstance(error, TemplateNotFound):
        problem = f"没有模板 {error.name}"
    for frame in reversed(traceback.extract_tb(error.__traceback__)):
        file = Path(frame.filename)
        if file.is_relative_to(folder) or file.is_relative_to(BUILT_IN):
            return TemplateFault(file=file, line=frame.lineno, problem=problem)
    return TemplateFault(file=folder, problem=problem)
