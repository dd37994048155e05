"""Lays out a new installation in a folder of its own: settings, secrets, key, articles, rules, service file."""

from __future__ import annotations

import os
import re
import shutil
import sys
from pathlib import Path

import msgspec

from gateway.errors import SettingsError
from gateway.privacy import installation_key

_PACKAGE = Path(__file__).parent.parent

_ENV = """\
# Secrets of this installation. Every deskgate command reads this file when it stands beside config.toml;
# the environment itself wins. Keep it for yourself (chmod 600) and out of version control.
# Remove the "#" in front of what you need. The names are in docs/settings.md.

# DESKGATE_CONNECTORS__EMAIL__SUPPORT__IMAP_PASSWORD=
# DESKGATE_CONNECTORS__EMAIL__SUPPORT__SMTP_PASSWORD=
# DESKGATE_CONNECTORS__SLACK__MAIN__BOT_TOKEN=
# (of the next two the first is for Socket Mode, with which to begin; the second for HTTP)
# DESKGATE_CONNECTORS__SLACK__MAIN__APP_TOKEN=
# DESKGATE_CONNECTORS__SLACK__MAIN__SIGNING_SECRET=
# DESKGATE_CONNECTORS__TELEGRAM__MAIN__BOT_TOKEN=
# DESKGATE_ALARMS__SMTP_PASSWORD=
"""

_SERVICE = """\
# A systemd service. To install it, as root:
#   useradd --system --home-dir {folder} deskgate && chown -R deskgate {folder}
#   cp {folder}/deskgate.service /etc/systemd/system/ && systemctl enable --now deskgate
[Unit]
Description=Deskgate, a front door for customer support
After=network-online.target postgresql.service
Wants=network-online.target

[Service]
User=deskgate
WorkingDirectory={folder}
ExecStart={python} -m gateway serve --config {folder}/config.toml --log json
# SIGTERM is answered within ten seconds; what is in hand is finished first.
TimeoutStopSec=20
Restart=always
RestartSec=2
ReadWritePaths={folder}
NoNewPrivileges=yes
PrivateTmp=yes
PrivateDevices=yes
ProtectSystem=strict
ProtectHome=read-only
ProtectKernelTunables=yes
ProtectKernelModules=yes
ProtectControlGroups=yes
RestrictAddressFamilies=AF_INET AF_INET6 AF_UNIX
RestrictSUIDSGID=yes
LockPersonality=yes
CapabilityBoundingSet=
UMask=0077

[Install]
WantedBy=multi-user.target
"""


class Wishes(msgspec.Struct, frozen=True, kw_only=True):
    """What a new installation is to be called and where it is reached."""

    company: str = "Our shop"
    public_url: str = ""
    address: str = ""  #: of the support mailbox
    port: int = 8080


def lay_out(folder: Path, wishes: Wishes) -> list[Path]:
    """Writes everything that a start needs; the paths, in the order in which a person looks at them.

    Raises SettingsError when the folder holds an installation already; nothing is ever overwritten.
    """
    folder = folder.absolute()
    _refuse_taken(folder)
    folder.mkdir(parents=True, exist_ok=True)
    config = folder / "config.toml"
    config.write_text(config_text(shipped("config.toml").read_text("utf-8"), folder, wishes), "utf-8")
    _write_private(folder / ".env", _ENV)
    articles, canned = folder / "articles", folder / "canned"
    for sample, place in (("kb_articles", articles), ("canned", canned)):
        if not place.exists():
            shutil.copytree(shipped(sample), place)
    (articles / "drafts").mkdir(exist_ok=True)
    rules = folder / "rules.toml"
    if not rules.exists():
        shutil.copyfile(shipped("rules.toml"), rules)
    key = folder / "var" / "deskgate.key"
    installation_key("", key)
    service = folder / "deskgate.service"
    service.write_text(_SERVICE.format(folder=folder, python=sys.executable), "utf-8")
    return [config, folder / ".env", key, articles, canned, rules, service]


def _refuse_taken(folder: Path) -> None:
    for name in ("config.toml", ".env"):
        if (folder / name).exists():
            raise SettingsError(
                [f"{folder / name} is there already. Give another folder; nothing was changed."]
            )


def _write_private(path: Path, text: str) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(text)


def shipped(name: str) -> Path:
    """A sample that comes with the program: inside an installed package, or beside it in a checkout."""
    inside = _PACKAGE / "samples" / name
    return inside if inside.exists() else _PACKAGE.parent / name


def config_text(sample: str, folder: Path, wishes: Wishes) -> str:
    """The shipped settings with this installation's names; paths are absolute, so that it runs from anywhere."""
    address = wishes.address or "support@example.com"
    values: dict[str, str | int] = {
        "site.company": wishes.company,
        "site.bot_name": "Assistant",
        "site.public_url": wishes.public_url,
        "server.port": wishes.port,
        "store.database": f"sqlite:///{folder}/var/deskgate.db",
        "store.key_file": f"{folder}/var/deskgate.key",
        "bot.articles": f"{folder}/articles",
        "desk.canned": f"{folder}/canned",
        "rules.file": f"{folder}/rules.toml",
        "connectors.email.support.address": address,
        "connectors.email.support.name": wishes.company,
        "connectors.email.support.outgoing_folder": f"{folder}/var/outgoing-mail",
    }
    for key, value in values.items():
        sample = with_value(sample, key, value)
    return (
        sample.replace('# words = "words"', f'# words = "{folder}/words"')
        .replace(
            "#     DESKGATE_CONNECTORS", f"# or from {folder}/.env, for example\n#     DESKGATE_CONNECTORS", 1
        )
        .replace("they come from the environment, for example\n", "they come from the environment,\n", 1)
    )


def with_value(text: str, key: str, value: str | int) -> str:
    """TOML with one existing key changed; the comment after it stays. Raises LookupError when it is not there."""
    section, _, name = key.rpartition(".")
    pattern = rf'(?ms)(^\[{re.escape(section)}\]$(?:(?!^\[).)*?^{name} = )("[^"\n]*"|\d+)'
    written = (
        str(value) if isinstance(value, int) else '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'
    )
    changed, count = re.subn(pattern, lambda found: found[1] + written, text, count=1)
    if not count:
        raise LookupError(key)
    return changed
