"""Prefect's own pages with one rule of style more, so that the words above a form are seen."""

import shutil
from hashlib import sha256
from pathlib import Path

#: In Prefect 3.8.8 the markdown above a form is the only part of the dialog that may shrink: over a
#: long form it shrinks to nothing. `tests/system/test_browser.py` looks whether it is seen.
_STYLE = "<style>.p-modal__body > .markdown-renderer { flex-shrink: 0 }</style>"


def styled_ui(original: Path, home: Path, version: str) -> Path:
    """Return a copy of the pages at `original`, under `home`, with our style; made when it is new.

    `home` also receives the copy that the server makes for itself (`PREFECT_UI_STATIC_DIRECTORY`),
    so that nothing is written beside the installed package.
    """
    copy = home / "pages"
    marker = copy / "made-of"
    made_of = f"{version} {sha256(_STYLE.encode()).hexdigest()}"
    if marker.exists() and marker.read_text() == made_of:
        return copy
    shutil.rmtree(home, ignore_errors=True)
    shutil.copytree(original, copy)
    index = copy / "index.html"
    page = index.read_text(encoding="utf-8")
    index.write_text(page.replace("</head>", f"{_STYLE}</head>", 1), encoding="utf-8")
    marker.write_text(made_of)
    return copy
