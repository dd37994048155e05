"""Real mail servers on loopback for tests: Debian's dovecot (IMAP, LMTP) and exim (SMTP), configured here.

Any user name may sign in to dovecot with PASSWORD and gets a mailbox at the first delivery. Exim hands mail for
anybody to dovecot, for anybody @desk.test to an LMTP listener of the test, and returns what goes to bouncer@.
"""

from __future__ import annotations

import datetime
import ipaddress
import os
import pwd
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from tests.running import free_port

PASSWORD = "sesame"
_DOVECOT, _EXIM = "/usr/sbin/dovecot", "/usr/sbin/exim4"


class Servers(msgspec.Struct, frozen=True, kw_only=True):
    """Where the servers listen, all on 127.0.0.1."""

    imap: int
    imaps: int
    lmtp: int
    smtp: int
    desk: int  #: where exim delivers mail for desk.test, by LMTP
    certificate: Path  #: to trust
    dovecot: Dovecot


class Dovecot:
    """One dovecot that can be stopped and started again with its mail."""

    def __init__(self, folder: Path, certificate: Path) -> None:
        self.folder = folder
        self.imap, self.imaps, self.lmtp = free_port(), free_port(), free_port()
        self.tokens = free_port()
        for name in ("run", "state", "mail"):
            (folder / name).mkdir()
        _give(folder / "mail", "mail")
        text = _DOVECOT_CONF.format(
            folder=folder, cert=certificate, imap=self.imap, imaps=self.imaps, lmtp=self.lmtp
        )
        (folder / "dovecot.conf").write_text(text)
        (folder / "oauth2.conf").write_text(_OAUTH2_CONF.format(tokens=self.tokens))
        #: `tokens` is where a test lets its provider of tokens listen.
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        self._process = _daemon(
            [_DOVECOT, "-F", "-c", str(self.folder / "dovecot.conf")], self.folder / "out"
        )
        _await_banner(self.imap, b"* OK", self.folder / "dovecot.log")

    def stop(self) -> None:
        if self._process is not None:
            _end(self._process)
            self._process = None


def why_not() -> str:
    """Why the servers cannot run here, "" when they can."""
    missing = [path for path in (_DOVECOT, _EXIM) if not os.access(path, os.X_OK)]
    if missing:
        return f"{' and '.join(missing)} not installed: run `sh tests/packages.sh`"
    if os.geteuid() != 0:
        return "dovecot and exim start as root only, to drop what they may do"
    version = subprocess.run([_DOVECOT, "--version"], capture_output=True, text=True, check=False).stdout
    return "" if version.startswith("2.3") else f"written for dovecot 2.3, this is {version.strip()}"


@contextmanager
def mail_servers() -> Iterator[Servers]:
    """Both servers in a folder of their own, until the block ends."""
    folder = Path(tempfile.mkdtemp(prefix="deskgate-mail-"))
    folder.chmod(0o755)  # they read it as users of their own
    certificate = self_signed(folder)
    (folder / "dovecot").mkdir()
    dovecot = Dovecot(folder / "dovecot", certificate)
    smtp, desk = free_port(), free_port()
    try:
        dovecot.start()
        exim = _start_exim(folder, certificate, smtp=smtp, lmtp=dovecot.lmtp, desk=desk)
        try:
            yield Servers(
                imap=dovecot.imap, imaps=dovecot.imaps, lmtp=dovecot.lmtp, smtp=smtp, desk=desk,
                certificate=certificate, dovecot=dovecot,
            )  # fmt: skip
        finally:
            _end(exim)
    finally:
        dovecot.stop()
        shutil.rmtree(folder, ignore_errors=True)


def self_signed(folder: Path) -> Path:
    """A certificate for 127.0.0.1 and localhost with its key, in one PEM file that the servers may read."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = datetime.datetime.now(datetime.UTC)
    hosts = [x509.DNSName("localhost"), x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]
    built = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=2))
        .add_extension(x509.SubjectAlternativeName(hosts), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    file = folder / "server.pem"
    file.write_bytes(private + built.public_bytes(serialization.Encoding.PEM))
    return file


def _start_exim(folder: Path, certificate: Path, **ports: int) -> subprocess.Popen[bytes]:
    home = folder / "exim"
    home.mkdir()
    user = next(name for name in ("Debian-exim", "mail") if _known(name))
    (home / "exim.conf").write_text(_EXIM_CONF.format(folder=home, cert=certificate, user=user, **ports))
    for path in (home, home / "exim.conf"):
        path.chmod(0o755 if path.is_dir() else 0o644)
    (home / "spool").mkdir()
    (home / "log").mkdir()
    for path in (home / "spool", home / "log"):
        _give(path, user)
    process = _daemon([_EXIM, "-C", str(home / "exim.conf"), "-bdf", "-q1m"], home / "out")
    try:
        _await_banner(ports["smtp"], b"220", home / "log" / "main")
    except BaseException:
        _end(process)
        raise
    return process


def _daemon(command: list[str], output: Path) -> subprocess.Popen[bytes]:
    with output.open("wb") as sink:
        return subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=sink, stderr=sink)


def _end(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(10)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait(5)


def _await_banner(port: int, banner: bytes, log: Path) -> None:
    for _ in range(3000):
        try:
            with socket.create_connection(("127.0.0.1", port), 1) as line:
                line.settimeout(2)
                if line.recv(100).startswith(banner):
                    return
        except OSError:
            pass
        time.sleep(0.02)
    raise RuntimeError(f"no mail server on port {port}: {log.read_text()[-2000:] if log.exists() else ''}")


def _give(path: Path, user: str) -> None:
    entry = pwd.getpwnam(user)
    os.chown(path, entry.pw_uid, entry.pw_gid)


def _known(user: str) -> bool:
    return any(entry.pw_name == user for entry in pwd.getpwall())


# doc.dovecot.org, settings of version 2.3; %n is the user part of an address
_DOVECOT_CONF = """
base_dir = {folder}/run
state_dir = {folder}/state
log_path = {folder}/dovecot.log
listen = 127.0.0.1
protocols = imap lmtp
ssl = yes
ssl_cert = <{cert}
ssl_key = <{cert}
disable_plaintext_auth = no
auth_username_format = %n
mail_location = maildir:{folder}/mail/%n
mail_uid = mail
mail_gid = mail
first_valid_uid = 1
first_valid_gid = 1
# A wrong password, which some tests try, must not slow down the tests after it.
auth_failure_delay = 0
service anvil {{
  unix_listener anvil-auth-penalty {{
    mode = 0
  }}
}}
auth_mechanisms = plain xoauth2 oauthbearer
passdb {{
  driver = oauth2
  mechanisms = xoauth2 oauthbearer
  args = {folder}/oauth2.conf
}}
passdb {{
  driver = static
  mechanisms = plain
  args = password=sesame
}}
userdb {{
  driver = static
  args = uid=mail gid=mail home={folder}/mail/%n allow_all_users=yes
}}
namespace inbox {{
  inbox = yes
  separator = /
}}
service imap-login {{
  inet_listener imap {{
    port = {imap}
  }}
  inet_listener imaps {{
    port = {imaps}
  }}
}}
service lmtp {{
  inet_listener lmtp {{
    port = {lmtp}
  }}
}}
"""

# doc.dovecot.org, "Open Authentication v2.0": whom a token belongs to is asked of the test's provider (RFC 7662)
_OAUTH2_CONF = """
introspection_url = http://127.0.0.1:{tokens}/introspect
introspection_mode = post
active_attribute = active
active_value = true
username_attribute = username
"""

# exim.org, specification of version 4.96: chapters 14 (main options), 22 (redirect), 20 (manualroute), 30 (smtp)
_EXIM_CONF = """
primary_hostname = mx.shop.test
exim_user = {user}
exim_group = {user}
never_users =
spool_directory = {folder}/spool
log_file_path = {folder}/log/%s
pid_file_path =
local_interfaces = 127.0.0.1
daemon_smtp_ports = {smtp}
tls_advertise_hosts = *
tls_certificate = {cert}
tls_privatekey = {cert}
host_lookup =
rfc1413_query_timeout = 0s
keep_environment =
message_size_limit = 40M
acl_smtp_rcpt = accept

begin routers

returned:
  driver = redirect
  local_parts = bouncer
  data = :fail: no such person here
  allow_fail

# a provider that knows no plus addresses
plusless:
  driver = redirect
  condition = ${{if match{{$local_part}}{{^plusless[+]}}}}
  data = :blackhole:

delayed:
  driver = redirect
  local_parts = deferrer
  data = :defer: come back later
  allow_defer

to_desk:
  driver = manualroute
  domains = desk.test
  route_list = * 127.0.0.1
  self = send
  transport = desk

to_mailboxes:
  driver = manualroute
  route_list = * 127.0.0.1
  self = send
  transport = mailboxes

begin transports

desk:
  driver = smtp
  protocol = lmtp
  port = {desk}
  allow_localhost

mailboxes:
  driver = smtp
  protocol = lmtp
  port = {lmtp}
  allow_localhost

begin retry

*  *  F,1h,5s
"""
