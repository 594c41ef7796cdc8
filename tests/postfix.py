"""Debian's Postfix on a port of 127.0.0.1: STARTTLS by a CA of its own, login, local delivery."""

import os
import pwd
import shutil
import signal
import socket
import socketserver
import subprocess
import tempfile
import threading
import time
from base64 import b64encode
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from pathlib import Path

USER, PASSWORD, DOMAIN = "pilot", "geheim", "hs.test"

_MAIN = """
compatibility_level = 3.6
queue_directory = {folder}/queue
data_directory = {folder}/data
command_directory = /usr/sbin
daemon_directory = /usr/lib/postfix/sbin
meta_directory = /etc/postfix
mail_owner = postfix
setgid_group = postdrop
maillog_file = {folder}/log
maillog_file_prefixes = {folder}
myhostname = mail.hs.test
mydestination =
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
alias_maps =
alias_database =
virtual_mailbox_domains = {domain}
virtual_mailbox_base = {folder}/mail
virtual_mailbox_maps = inline:{{ lin@{domain}=lin/, chen@{domain}=chen/ }}
virtual_minimum_uid = 1
virtual_uid_maps = static:{uid}
virtual_gid_maps = static:{gid}
smtpd_tls_security_level = encrypt
smtpd_tls_cert_file = {folder}/mail.pem
smtpd_tls_key_file = {folder}/mail.key
smtpd_sasl_auth_enable = yes
smtpd_sasl_type = dovecot
smtpd_sasl_path = {folder}/auth
smtpd_delay_reject = no
smtpd_relay_restrictions = permit_sasl_authenticated, reject
smtpd_sender_restrictions = permit_sasl_authenticated, reject
smtpd_recipient_restrictions = reject_unlisted_recipient, permit_sasl_authenticated, reject
default_transport = error:this server delivers here only
"""

_MASTER = """
127.0.0.1:{port} inet n - n - - smtpd
pickup unix n - n 60 1 pickup
cleanup unix n - n - 0 cleanup
qmgr unix n - n 300 1 qmgr
tlsmgr unix - - n 1000? 1 tlsmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
verify unix - - n - 1 verify
proxymap unix - - n - - proxymap
error unix - - n - - error
retry unix - - n - - error
virtual unix - n n - - virtual
anvil unix - - n - 1 anvil
postlog unix-dgram n - n - 1 postlogd
"""


class NoPostfixError(RuntimeError):
    """Postfix cannot be run here; `is_wanted` where it should be."""

    def __init__(self, why: str) -> None:
        """Say what is missing."""
        self.is_wanted = os.environ.get("CI") == "true"
        super().__init__(f"no Postfix: {why} (tests/need-debian-packages)")


class _Login(socketserver.StreamRequestHandler):
    """Says whether a password is right, in Dovecot's protocol, which Postfix speaks.

    Debian's own password store keeps its settings and its file in /etc, which is not ours.
    """

    def handle(self) -> None:
        self._say("VERSION\t1\t1", "MECH\tPLAIN\tplaintext", "SPID\t1", "CUID\t1")
        self._say(f"COOKIE\t{'0' * 32}", "DONE")
        right = b64encode(f"\0{USER}\0{PASSWORD}".encode()).decode()
        for line in self.rfile:
            match line.decode().rstrip("\n").split("\t"):
                case ["AUTH", number, *given]:
                    is_right = f"resp={right}" in given
                    self._say(f"{'OK' if is_right else 'FAIL'}\t{number}\tuser={USER}")

    def _say(self, *lines: str) -> None:
        self.wfile.write("".join(f"{line}\n" for line in lines).encode())


class _Passwords(socketserver.ThreadingUnixStreamServer):
    daemon_threads = True
    block_on_close = False


@dataclass(frozen=True)
class Postfix:
    """A running server."""

    folder: Path
    port: int

    @property
    def ca_file(self) -> Path:
        """The authority that vouches for its certificate."""
        return self.folder / "ca.pem"

    def delivered(self, name: str, how_many: int = 1) -> list[EmailMessage]:
        """Wait until so many mails lie in the mailbox of `name`, and return them."""
        box = self.folder / "mail" / name / "new"
        deadline = time.monotonic() + 20
        while time.monotonic() < deadline:
            found = sorted(box.glob("*")) if box.exists() else []
            if len(found) >= how_many:
                return [message_from_bytes(each.read_bytes(), policy=default) for each in found]
            time.sleep(0.05)
        raise AssertionError(f"no mail for {name}; the log:\n{(self.folder / 'log').read_text()}")

    def logged(self, words: str) -> str:
        """Wait until there is a line with `words` in the log, and return the last one."""
        log = self.folder / "log"
        deadline = time.monotonic() + 20
        while time.monotonic() < deadline:
            found = [line for line in log.read_text().splitlines() if words in line]
            if found:
                return found[-1]
            time.sleep(0.05)
        raise AssertionError(f"not in the log: {words}:\n{log.read_text()}")


@contextmanager
def postfix() -> Iterator[Postfix]:
    """Run a server between `with` and its end."""
    for program in ("/usr/sbin/postfix", "openssl"):
        if shutil.which(program) is None:
            raise NoPostfixError(f"{program} is not installed")
    if os.geteuid() != 0:
        raise NoPostfixError("its master process must be started by root")
    # Not under pytest's folders, which only their owner may enter.
    folder = Path(tempfile.mkdtemp(prefix="pilot-postfix-"))
    try:
        with socket.create_server(("127.0.0.1", 0)) as probe:
            port = probe.getsockname()[1]
        _configure(folder, port)
        passwords = _Passwords(str(folder / "auth"), _Login)
        (folder / "auth").chmod(0o666)
        threading.Thread(target=passwords.serve_forever, args=(0.05,), daemon=True).start()
        server = subprocess.Popen(
            ["/usr/sbin/postfix", "-c", str(folder / "conf"), "start-fg"],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        try:
            _wait_for(port, server, folder)
            yield Postfix(folder, port)
        finally:
            # `postfix stop` would wait for what goes on; the master takes all its own down.
            os.kill(int((folder / "queue/pid/master.pid").read_text()), signal.SIGTERM)
            server.wait(10)
            passwords.shutdown()
            passwords.server_close()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _configure(folder: Path, port: int) -> None:
    owner = pwd.getpwnam("postfix")
    folder.chmod(0o755)
    for name in ("conf", "queue", "data", "mail"):
        (folder / name).mkdir()
    for name in ("data", "mail"):
        os.chown(folder / name, owner.pw_uid, owner.pw_gid)
    values = {
        "folder": folder,
        "domain": DOMAIN,
        "port": port,
        "uid": owner.pw_uid,
        "gid": owner.pw_gid,
    }
    (folder / "conf" / "main.cf").write_text(_MAIN.format(**values))
    (folder / "conf" / "master.cf").write_text(_MASTER.format(**values).lstrip())
    _certify(folder)


def _certify(folder: Path) -> None:
    """Make an authority, and its certificate for 127.0.0.1."""
    curve = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes")
    authority = ("-CA", str(folder / "ca.pem"), "-CAkey", str(folder / "ca.key"))
    _run(
        *("openssl", "req", "-x509", *curve, "-days", "2", "-subj", "/CN=Pilot test CA"),
        *("-keyout", str(folder / "ca.key"), "-out", str(folder / "ca.pem")),
    )
    _run(
        *("openssl", "req", "-x509", *authority, *curve, "-days", "2", "-subj", "/CN=mail.hs.test"),
        *("-addext", "subjectAltName=IP:127.0.0.1", "-addext", "basicConstraints=CA:FALSE"),
        *("-keyout", str(folder / "mail.key"), "-out", str(folder / "mail.pem")),
    )


def _wait_for(port: int, server: subprocess.Popen[bytes], folder: Path) -> None:
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline and server.poll() is None:
        with socket.socket() as probe:
            if not probe.connect_ex(("127.0.0.1", port)):
                return
        time.sleep(0.05)
    log = folder / "log"
    said = log.read_text() if log.exists() else ""
    check = _run("/usr/sbin/postfix", "-c", str(folder / "conf"), "check", check=False)
    raise AssertionError(f"Postfix does not come up:\n{said}\n{check.stderr}")


def _run(*command: str, check: bool = True, **others: object) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(command, check=check, capture_output=True, text=True, **others)
