#!/bin/sh
# Installs what the browser and mail-server tests drive, where this is a Debian machine and we may; says so where not.
set -u
missing=""
command -v chromium >/dev/null 2>&1 || missing="$missing chromium fonts-noto-cjk"
[ -x /usr/sbin/dovecot ] || missing="$missing dovecot-imapd dovecot-lmtpd"
[ -x /usr/sbin/exim4 ] || missing="$missing exim4-daemon-light"
[ -z "$missing" ] && exit 0
if ! command -v apt-get >/dev/null 2>&1 || [ "$(id -u)" != 0 ]; then
    echo "Not installed here:$missing. The tests that need them will say skipped."
    exit 0
fi
echo "Installing$missing ..."
apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get -o DPkg::Lock::Timeout=120 install -y -qq $missing >/dev/null || {
    echo "That failed. The tests that need them will say skipped."
}
