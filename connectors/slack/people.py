"""Who writes and presses: a member of the workspace, a guest, or somebody from outside. Asked of Slack, kept a while.

Whether a member is an agent is the core's to say; guests and outsiders never act, whatever the core says.
"""

from __future__ import annotations

import asyncio
import logging
import re
from collections.abc import Mapping
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

import msgspec

from connectors.slack.webapi import FAILURES, QUICK, SlackError, WebApi
from gateway.clock import Clock
from gateway.model import Identity
from gateway.text.markup import escape

log = logging.getLogger(__name__)

KEEP, KEEP_FAILURE = timedelta(minutes=5), timedelta(seconds=10)
MAX_KEPT = 5000


_MENTIONED = re.compile(r"(?<![\w@])@([UW][A-Z0-9]{4,20})\b")
MAX_NAMED = 5


class Standing(StrEnum):
    """What a person is in our workspace."""

    MEMBER = "member"
    GUEST = "guest"
    OUTSIDER = "outsider"
    GONE = "gone"  # deactivated, or a bot
    UNKNOWN = "unknown"  # Slack did not say


#: What those who may not act are told; nothing for those who may.
REFUSALS: dict[Standing, str] = {
    Standing.GUEST: "Guests of this workspace cannot work on tickets. A full member who is an agent can.",
    Standing.OUTSIDER: "People of another workspace can read along here, but not work on tickets.",
    Standing.GONE: "This Slack account cannot work on tickets.",
    Standing.UNKNOWN: "Slack did not tell us who you are just now, so nothing was done. Please press again.",
}


class Person(msgspec.Struct, frozen=True, kw_only=True):
    """A Slack user as far as the desk cares."""

    user: str
    team: str
    name: str = ""
    company: str = ""  #: name of the workspace of somebody from outside
    language: str = ""  #: of their Slack, as our words are named: "sl", "zh-Hant"
    standing: Standing = Standing.UNKNOWN

    @property
    def identity(self) -> Identity:
        return Identity(
            kind="slack",
            value=f"{self.team}:{self.user}",
            name=f"{self.name} ({self.company})" if self.company else self.name,
            verified=self.standing is Standing.MEMBER,
        )

    @property
    def refusal(self) -> str:
        return REFUSALS.get(self.standing, "")


class People:
    """Looks people up with users.info, at most once in five minutes each."""

    def __init__(self, account: str, team_id: str, api: WebApi, clock: Clock) -> None:
        self._account, self._team_id, self._api, self._clock = account, team_id, api, clock
        self.bot_user = ""  #: our own user id, "" while nobody has said
        self._kept: dict[tuple[str, str], tuple[datetime, Person]] = {}
        self._companies: dict[str, str] = {}

    def settle(self, team_id: str, bot_user: str) -> None:
        """The workspace that our token belongs to, unless the settings name one, and who we are there."""
        self._team_id = self._team_id or team_id
        self.bot_user = bot_user

    @property
    def team_id(self) -> str:
        """Our workspace, "" while nobody has said."""
        return self._team_id

    def known(self, user: str, team: str) -> Person | None:
        """This user when Slack was asked a moment ago."""
        until, person = self._kept.get((team, user), (None, None))
        return person if until is not None and until > self._clock.now() else None

    async def look(self, user: str, team: str) -> Person:
        """This user of the workspace `team`; standing UNKNOWN when Slack does not say."""
        if team and self._team_id and team != self._team_id:
            return Person(user=user, team=team, standing=Standing.OUTSIDER)
        now = self._clock.now()
        until, person = self._kept.get((team, user), (now, None))
        if person is None or until <= now:
            person = await self._ask(user, team)
            keep = KEEP_FAILURE if person.standing is Standing.UNKNOWN else KEEP
            self._keep((team, user), now + keep, person)
        return person

    async def customer(self, user: str, team: str) -> Person:
        """This user as the author of a message, outsiders with the name of their company."""
        outside = bool(team and self._team_id and team != self._team_id)
        if not outside:
            return await self.look(user, team)
        now = self._clock.now()
        until, person = self._kept.get((f"@{team}", user), (now, None))
        if person is None or until <= now:
            found, company = await asyncio.gather(self._ask(user, team), self._company(team))
            person = msgspec.structs.replace(found, company=company, standing=Standing.OUTSIDER)
            self._keep((f"@{team}", user), now + (KEEP if found.name else KEEP_FAILURE), person)
        return person

    async def with_names(self, text: str) -> str:
        """Markdown with names in place of the ids of the users whom it mentions; a few, and only those Slack tells."""
        ids = list(dict.fromkeys(_MENTIONED.findall(text)))[:MAX_NAMED]
        if not ids:
            return text
        found = await asyncio.gather(*(self.look(user, self._team_id) for user in ids))
        names = {person.user: " ".join(person.name.split()) for person in found if person.name}
        return _MENTIONED.sub(lambda m: f"@{escape(names.get(m[1], m[1]))}", text) if names else text

    async def _company(self, team: str) -> str:
        """What another workspace is called (docs.slack.dev/reference/methods/team.info)."""
        if team in self._companies:
            return self._companies[team]
        try:
            answer = await self._api.form("team.info", {"team": team}, timeout=QUICK)
        except FAILURES as error:
            log.warning("slack team.info failed account=%s error=%s", self._account, error)
            return team
        found = answer.get("team")
        name = found.get("name") if isinstance(found, dict) else None
        if isinstance(name, str) and name:
            self._companies[team] = name[:80]
        return self._companies.get(team, team)

    async def _ask(self, user: str, team: str) -> Person:
        try:
            asked = {"user": user, "include_locale": "true"}
            answer = await self._api.form("users.info", asked, timeout=QUICK)
        except FAILURES as error:
            if isinstance(error, SlackError) and error.code in ("user_not_found", "user_not_visible"):
                return Person(user=user, team=team, standing=Standing.OUTSIDER)
            log.warning("slack users.info failed account=%s error=%s", self._account, error)
            return Person(user=user, team=team)
        found = answer.get("user")
        return _person(user, team or self._team_id, found if isinstance(found, dict) else {}, self._team_id)

    def _keep(self, key: tuple[str, str], until: datetime, person: Person) -> None:
        self._kept.pop(key, None)
        self._kept[key] = (until, person)
        if len(self._kept) > MAX_KEPT:
            del self._kept[next(iter(self._kept))]


def _person(user: str, team: str, found: Mapping[str, Any], home: str) -> Person:
    """Source of the fields: docs.slack.dev/reference/objects/user-object."""
    profile = found.get("profile")
    names = profile if isinstance(profile, dict) else {}
    name = names.get("display_name") or names.get("real_name") or found.get("real_name") or found.get("name")
    language, standing = language_of(found.get("locale")), _standing(found, home)
    return Person(user=user, team=team, name=str(name or "")[:200], language=language, standing=standing)


def language_of(locale: object) -> str:
    """The language of a Slack locale such as "sl-SI", as our words are named; "" for none."""
    base, _, region = locale.lower().partition("-") if isinstance(locale, str) else ("", "", "")
    if base == "zh":
        return "zh-Hant" if region in ("tw", "hk", "mo", "hant") else "zh-Hans"
    return base if base.isascii() and base.isalpha() and len(base) <= 3 else ""


def _standing(found: Mapping[str, Any], home: str) -> Standing:
    if not found:
        return Standing.UNKNOWN
    if found.get("is_stranger") or (home and found.get("team_id") not in (None, "", home)):
        return Standing.OUTSIDER
    if found.get("deleted") or found.get("is_bot"):
        return Standing.GONE
    if found.get("is_restricted") or found.get("is_ultra_restricted"):
        return Standing.GUEST
    return Standing.MEMBER
