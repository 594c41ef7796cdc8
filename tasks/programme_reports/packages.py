"""Office files as packages whose bytes follow from their content alone."""

import io
import re
import zipfile

#: The earliest moment a zip can name.
_THEN = (1980, 1, 1, 0, 0, 0)
_CORE = "docProps/core.xml"
_MODIFIED = re.compile(rb"(<dcterms:modified[^>]*>)[^<]*(<)")


def timeless(package: bytes, made_at: str) -> bytes:
    """Return `package` without the moment it was written: `made_at` (ISO, UTC) stands for it."""
    out = io.BytesIO()
    with (
        zipfile.ZipFile(io.BytesIO(package)) as given,
        zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as fresh,
    ):
        for name in given.namelist():
            content = given.read(name)
            if name == _CORE:
                content = _MODIFIED.sub(rb"\g<1>" + made_at.encode() + rb"\g<2>", content)
            entry = zipfile.ZipInfo(name, _THEN)
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.external_attr = 0o600 << 16
            fresh.writestr(entry, content)
    return out.getvalue()
