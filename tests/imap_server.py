"""A real IMAP server (Dovecot) in a folder of its own, on a free port of 127.0.0.1."""

import os
import pwd
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from imap_tools import MailBoxUnencrypted

USER, PASSWORD = "pilot", "nur-fuer-den-test"


@contextmanager
def imap_server(
    *, certificate: tuple[Path, Path] | None = None, is_tls_at_once: bool = False
) -> Iterator[int]:
    """Give the port of a server with one empty mailbox; skip-worthy when there is no Dovecot.

    With a certificate it offers STARTTLS, or speaks nothing but TLS.
    """
    # Not pytest's folder: the server's own users must be able to enter it.
    folder = Path(tempfile.mkdtemp(prefix="dovecot-"))
    folder.chmod(0o755)
    home = folder / "home"
    home.mkdir()
    is_root = os.getuid() == 0
    owner = pwd.getpwnam("mail") if is_root else pwd.getpwuid(os.getuid())
    os.chown(home, owner.pw_uid, owner.pw_gid)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    users = (
        ""
        if is_root
        else f"default_internal_user = {owner.pw_name}\ndefault_login_user = {owner.pw_name}\n"
        "service anvil {\n chroot =\n}\n"
    )
    tls = (
        f"ssl = yes\nssl_cert = <{certificate[0]}\nssl_key = <{certificate[1]}\n"
        if certificate
        else "ssl = no\n"
    )
    own, other = ("imaps", "imap") if is_tls_at_once else ("imap", "imaps")
    settings = folder / "dovecot.conf"
    settings.write_text(
        f"""
base_dir = {folder}/run
state_dir = {folder}/state
log_path = {folder}/log
listen = 127.0.0.1
protocols = imap
disable_plaintext_auth = no
first_valid_uid = 1
first_valid_gid = 1
mail_location = maildir:{home}/Maildir
{tls}{users}service imap-login {{
  chroot =
  inet_listener {own} {{
    port = {port}
  }}
  inet_listener {other} {{
    port = 0
  }}
}}
passdb {{
  driver = static
  args = password={PASSWORD}
}}
userdb {{
  driver = static
  args = uid={owner.pw_uid} gid={owner.pw_gid} home={home}
}}
"""
    )
    server = subprocess.Popen(["dovecot", "-F", "-c", str(settings)])
    try:
        _wait_for(port, server, folder / "log")
        yield port
    finally:
        server.terminate()
        server.wait(10)
        shutil.rmtree(folder)


def _wait_for(port: int, server: subprocess.Popen[bytes], log: Path) -> None:
    for _ in range(100):
        with suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
            return
        if server.poll() is not None:
            break
        time.sleep(0.1)
    raise AssertionError(log.read_text() if log.exists() else "Dovecot did not start")


@contextmanager
def mailbox(port: int) -> Iterator[MailBoxUnencrypted]:
    """Give the mailbox as its owner sees it."""
    with MailBoxUnencrypted("127.0.0.1", port).login(USER, PASSWORD) as box:
        yield box


def deliver(port: int, *messages: bytes) -> None:
    """Put messages into the mailbox."""
    with mailbox(port) as box:
        for message in messages:
            box.append(message)
