"""Whose certificates are believed where a connection is encrypted; they are always verified."""

import ssl
from pathlib import Path

from notifications.settings import MailSettingError


def trust(ca_file: Path | None) -> ssl.SSLContext:
    """Return the authorities that the machine knows and, beside them, the one in `ca_file`.

    Raises `MailSettingError` for a file that holds none.
    """
    trusted = ssl.create_default_context()
    if ca_file is not None:
        try:
            trusted.load_verify_locations(ca_file)
        except OSError as error:
            raise MailSettingError("PILOT_MAIL_CA_FILE", str(ca_file)) from error
    return trusted
