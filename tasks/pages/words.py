"""Words on a page of markdown: what people have typed stays text."""


def cell(text: str) -> str:
    """Return `text` so that it stays in its cell and is no markup."""
    escaped = "".join(f"\\{sign}" if sign in r"\`*_[]<>|#" else sign for sign in text)
    return " ".join(escaped.split())
