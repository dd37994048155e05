"""What a mail domain says of itself in DNS: who may send (SPF), who signs (DKIM), what becomes of the rest (DMARC)."""

from __future__ import annotations

import asyncio
import re

import dns.exception
import dns.resolver

from connectors.email.mime import Part
from gateway.operations.findings import Finding, error, ok, warning

#: Address and port of a name server to ask instead of the system's.
Nameserver = tuple[str, int]

_SECONDS = 6.0  # for one question
_MAX_LOOKUPS = 10  # RFC 7208 section 4.6.4
_LOOKUP = re.compile(r"^[+?~-]?(?:include:|a(?=$|[:/])|mx(?=$|[:/])|ptr|exists:)|^redirect=", re.IGNORECASE)
_TAG = re.compile(r"(?:^|;)\s*([a-z]+)\s*=\s*([^;]*)", re.IGNORECASE)


class Unasked(Exception):
    """DNS could not be asked from here."""


async def of_domain(domain: str, arrived: Part | None, nameserver: Nameserver | None = None) -> list[Finding]:
    """The three, as far as they can be seen; `arrived` is a mail of the domain as it reached its mailbox."""
    return await asyncio.to_thread(_look, domain, arrived, nameserver)


def _look(domain: str, arrived: Part | None, nameserver: Nameserver | None) -> list[Finding]:
    resolver = dns.resolver.Resolver(configure=nameserver is None)
    if nameserver is not None:
        resolver.nameservers, resolver.port = [nameserver[0]], nameserver[1]
    resolver.lifetime = _SECONDS
    try:
        spf = _texts(resolver, domain)
        dmarc = _dmarc_record(resolver, domain)
        signed = _signature(arrived) if arrived is not None else None
        key = _texts(resolver, f"{signed[1]}._domainkey.{signed[0]}") if signed else []
    except Unasked:
        return [
            warning(
                f"DNS could not be asked, so SPF, DKIM and DMARC of {domain} are not known.",
                "Run this where names can be resolved.",
            )
        ]
    return [
        of_spf(domain, spf),
        of_dkim(domain, signed, key, looked=arrived is not None),
        of_dmarc(domain, dmarc),
    ]


def of_spf(domain: str, texts: list[str]) -> Finding:
    """RFC 7208: one record, not more than ten further look-ups, an end that says no."""
    records = [text for text in texts if text.lower().split(" ", 1)[0] == "v=spf1"]
    if not records:
        return warning(
            f"{domain} does not say who may send its mail (no SPF record).",
            'Publish the TXT record that your provider names, such as "v=spf1 include:… -all".',
        )
    if len(records) > 1:
        return error(
            f"{domain} has {len(records)} SPF records, so receivers use none.", "Put them into one record."
        )
    terms = records[0].split()[1:]
    lookups = sum(_LOOKUP.match(term) is not None for term in terms)
    if lookups > _MAX_LOOKUPS:
        return error(
            f"The SPF record of {domain} asks {lookups} further names; ten are allowed.", "Shorten it."
        )
    if "+all" in terms or "all" in terms:
        return warning(f"The SPF record of {domain} lets everybody send for it.", "End it with -all or ~all.")
    return ok(f"SPF: {domain} says who may send its mail.")


def of_dkim(domain: str, signed: tuple[str, str] | None, key: list[str], *, looked: bool) -> Finding:
    """RFC 6376, as far as a mail of ours shows it: the signing domain and its published key."""
    if signed is None:
        why = (
            "came back unsigned (some providers sign only what leaves them)"
            if looked
            else "came back to look at"
        )
        return warning(
            f"DKIM: no mail of ours {why}." if not looked else f"DKIM: the test mail {why}.",
            "Send a mail to another provider and look for dkim=pass in its source; switch signing on at your provider.",
        )
    if not any("p=" in text.replace(" ", "") for text in key):
        return error(
            f"DKIM: our mail is signed by {signed[0]}, but its key ({signed[1]}._domainkey) is not published.",
            "Publish the TXT record that your provider names.",
        )
    if not _aligned(signed[0], domain):
        return warning(
            f"DKIM: our mail is signed by {signed[0]}, not by {domain}, which does not count for DMARC.",
            f"Let your provider sign as {domain}.",
        )
    return ok(f"DKIM: our mail is signed by {signed[0]}, and its key is published.")


def of_dmarc(domain: str, texts: list[str]) -> Finding:
    """RFC 7489: whether receivers are told what to do with mail that only claims to be ours."""
    records = [text for text in texts if text.lower().replace(" ", "").startswith("v=dmarc1")]
    if not records:
        return warning(
            f"{domain} does not say what becomes of mail that only claims to be from it (no DMARC record); big "
            "providers refuse mail of such domains more and more.",
            f'Publish a TXT record at _dmarc.{domain}, to begin with "v=DMARC1; p=none; rua=mailto:…".',
        )
    policy = {name.lower(): value.strip().lower() for name, value in _TAG.findall(records[0])}.get("p", "")
    if policy not in ("none", "quarantine", "reject"):
        return error(
            f"The DMARC record of {domain} has no valid policy.", "Give it p=none, quarantine or reject."
        )
    return ok(f"DMARC: {domain} asks receivers for p={policy}.")


def _aligned(signing: str, domain: str) -> bool:
    signing, domain = signing.lower(), domain.lower()
    return signing == domain or domain.endswith(f".{signing}") or signing.endswith(f".{domain}")


def _signature(mail: Part) -> tuple[str, str] | None:
    """Domain and selector of the mail's first signature."""
    for value in mail.all("dkim-signature"):
        tags = {name.lower(): found.strip() for name, found in _TAG.findall(value.decode("latin-1"))}
        if tags.get("d") and tags.get("s"):
            return tags["d"].lower(), tags["s"].lower()
    return None


def _dmarc_record(resolver: dns.resolver.Resolver, domain: str) -> list[str]:
    """Of the domain itself, else of the one above it (RFC 7489 section 6.6.3, without the public suffix list)."""
    labels = domain.split(".")
    for start in range(max(1, len(labels) - 1)):
        if found := _texts(resolver, "_dmarc." + ".".join(labels[start:])):
            return found
    return []


def _texts(resolver: dns.resolver.Resolver, name: str) -> list[str]:
    try:
        answer = resolver.resolve(name, "TXT")
    except (dns.resolver.NXDOMAIN, dns.resolver.NoAnswer):
        return []
    except (dns.exception.DNSException, OSError, ValueError) as failure:
        raise Unasked from failure
    return [b"".join(record.strings).decode("utf-8", "replace") for record in answer]
