"""`python -m tests.deployments.cli.killed_answers STORE ARGUMENTS…`: killed line after line.

A process of its own with one thread: each try is a fork of the command that dies by SIGKILL as it
reaches its line of what answers and keeps a document. Prints, for each try that died, what it
left: whether the item is answered, whether the document has a row, whether it has a file.
"""

import contextlib
import json
import os
import sys
from pathlib import Path
from types import CodeType

from sqlmodel import select

from deployments.cli.application import run
from models.tables.case import Answer
from models.tables.records import Document
from tasks.database import engine, reading
from tests.kills import dies_at

#: Of the many lines of an answer those that hold the transaction, and keep the document in it.
_COUNTED = {"documents.py": ("keep", "_place"), "answering.py": ("work",)}


def _counted(code: CodeType) -> bool:
    return code.co_name in _COUNTED.get(Path(code.co_filename).name, ())


def _left(store: Path, item_id: int) -> tuple[bool, bool, bool]:
    with reading() as session:
        answers = session.exec(select(Answer).where(Answer.item_id == item_id)).all()
        rows = session.exec(select(Document)).all()
    engine().dispose()
    files = [path for path in store.glob("*/*") if path.is_file()]
    assert len(answers) <= 1, answers
    return bool(answers), bool(rows), bool(files)


def _killed(store: Path, arguments: list[str]) -> list[tuple[bool, bool, bool]]:
    def command(*words: str) -> None:
        with open(os.devnull, "w") as nowhere, contextlib.redirect_stdout(nowhere):
            run(words or arguments)

    command("item", "show", arguments[1])  # what is imported and read now, no fork does again
    engine().dispose()
    left = []
    while dies_at(len(left) + 1, command, _counted):
        left.append(_left(store, int(arguments[1])))
    return left


if __name__ == "__main__":
    print(json.dumps(_killed(Path(sys.argv[1]), sys.argv[2:])))
