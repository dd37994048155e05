"""The help centre: public articles by topic and language, with a search that the bot's own matcher answers."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import timedelta
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import msgspec
from aiohttp import web

from gateway.web.help_words import name_of, texts
from gateway.web.render import page
from gateway.web.security import UNBOUND, field, form_of, source
from gateway.web.site import Site, site_of
from gateway.web.throttle import Throttle

if TYPE_CHECKING:
    from bot.articles import Article

_LANGUAGE = r"{language:[A-Za-z]{2,3}(?:-[A-Za-z]{4})?}"
_ARTICLE_LINK = re.compile(r"\]\((?:\./)?([a-z0-9][\w.-]*)\.md(#[^)\s]*)?\)")

_THROTTLE: web.AppKey[Throttle] = web.AppKey("search_throttle", Throttle)

#: Verdicts of one source on all pages together, and on one revision of an article.
_VERDICTS: web.AppKey[Throttle] = web.AppKey("verdict_throttle", Throttle)
_SAID: web.AppKey[Throttle] = web.AppKey("said_throttle", Throttle)

#: Articles that a search shows.
RESULTS = 8


class Part(msgspec.Struct, frozen=True, kw_only=True):
    """A section of an article, its links leading to pages."""

    heading: str
    anchor: str
    body: str


def add_to(app: web.Application) -> None:
    app[_THROTTLE] = Throttle(240, timedelta(minutes=1))
    app.router.add_get("/help", home)
    app.router.add_get("/help/search", search)
    app.router.add_get(f"/help/{_LANGUAGE}", listing)
    app.router.add_get(f"/help/{_LANGUAGE}/{{slug}}", article)
    app[_VERDICTS] = Throttle(20, timedelta(hours=1))
    app[_SAID] = Throttle(1, timedelta(days=1))
    app.router.add_post(f"/help/{_LANGUAGE}/{{slug}}/helped", judge, name=UNBOUND)


async def home(request: web.Request) -> web.Response:
    """Leads to the reader's own language."""
    raise web.HTTPFound(f"/help/{preferred(request)}")


async def listing(request: web.Request) -> web.Response:
    """Articles of a language by topic, or what `q` finds; works without scripts."""
    site, language = site_of(request), request.match_info["language"]
    if language not in languages(site):
        raise web.HTTPNotFound()
    query = request.query.get("q", "").strip()[:200]
    found = results(site, query, language) if query else []
    return page(
        request, "help.html", **framing(site, language), topics=topics(site, language), query=query, found=found,
        elsewhere=_elsewhere(site, language), fallback=(site.languages[0], name_of(site.languages[0])),
        languages=[(other, name_of(other)) for other in languages(site)],
    )  # fmt: skip


async def search(request: web.Request) -> web.Response:
    """{"results": [{title, topic, link}, …]} for search as you type."""
    site = site_of(request)
    if not request.app[_THROTTLE].allows(source(request), site.clock.now()):
        raise web.HTTPTooManyRequests()
    language = request.query.get("lang", "")
    if language not in languages(site):
        language = site.languages[0]
    found = results(site, request.query.get("q", "").strip()[:200], language)
    lines = [{"title": a.title, "topic": a.topic, "link": link_to(a)} for a in found]
    return web.json_response({"results": lines}, headers={"Cache-Control": "public, max-age=30"})


async def article(request: web.Request) -> web.Response:
    """One article. Drafts, expired ones and those for agents do not exist here."""
    site, info = site_of(request), request.match_info
    live = live_articles(site)
    versions = [a for a in live if a.slug == info["slug"]]
    shown = next((a for a in versions if a.language == info["language"]), None)
    if shown is None:
        if versions:
            raise web.HTTPFound(link_to(versions[0]))
        raise web.HTTPNotFound()
    near = [a for a in live if a.topic == shown.topic and a.language == shown.language and a is not shown]
    return page(
        request, "article.html", **framing(site, shown.language), article=shown, parts_of=parts(shown, live),
        versions=versions, near=near[:5], names={a.language: name_of(a.language) for a in versions},
        summary=_summary(shown), said=request.query.get("said", ""),
    )  # fmt: skip


async def judge(request: web.Request) -> web.Response:
    """A reader says whether an article helped: counted for the revision that was read, once a day from one source."""
    site, info, form = site_of(request), request.match_info, form_of(request)
    live = live_articles(site)
    shown = next((a for a in live if a.slug == info["slug"] and a.language == info["language"]), None)
    said = field(form, "helped", 3)
    if shown is None or said not in ("yes", "no"):
        raise web.HTTPNotFound()
    who, now = source(request), site.clock.now()
    if not request.app[_VERDICTS].allows(who, now):
        raise web.HTTPTooManyRequests()
    once = f"{who} {shown.name}@{shown.revision}"
    if field(form, "revision", 20) == shown.revision and request.app[_SAID].allows(once, now):
        await site.judge(shown.name, shown.revision, said == "yes")
    return web.Response(status=303, headers={"Location": f"{link_to(shown)}?said={said}#helped"})


def framing(site: Site, language: str) -> dict[str, Any]:
    """What every page of the help centre needs."""
    return {"language": language, "t": texts(language)}


def live_articles(site: Site) -> tuple[Article, ...]:
    """What customers may read today."""
    return site.bot().library.public(site.clock.now().date())


def languages(site: Site) -> list[str]:
    """The languages that customers can read something in; the default one always."""
    have = {a.language for a in live_articles(site)}
    ordered = [site.languages[0], *(x for x in site.languages[1:] if x in have)]
    return [*ordered, *sorted(have.difference(site.languages))]


def topics(site: Site, language: str) -> list[tuple[str, list[Article]]]:
    """Topics of a language in alphabetical order, each with its articles."""
    grouped: dict[str, list[Article]] = {}
    for each in sorted(live_articles(site), key=lambda a: a.title.casefold()):
        if each.language == language:
            grouped.setdefault(each.topic, []).append(each)
    return sorted(grouped.items(), key=lambda item: (not item[0], item[0].casefold()))


def results(site: Site, query: str, language: str) -> list[Article]:
    """The nearest public articles, those of the reader's language first."""
    if not query:
        return []
    live = {a.name: a for a in live_articles(site)}
    found = [live[c.name] for c in site.bot().search(query, language, RESULTS * 2) if c.name in live]
    own = [a for a in found if a.language == language]
    slugs = {a.slug for a in own}
    return (own + [a for a in found if a.language != language and a.slug not in slugs])[:RESULTS]


def parts(article: Article, live: Sequence[Article]) -> list[Part]:
    """The sections of an article; links to other articles lead to their pages in the same language."""
    return [
        Part(heading=s.heading, anchor=s.anchor, body=_linked(s.body, article.language, live))
        for s in article.sections
    ]


def link_to(article: Article) -> str:
    """The path of an article's page."""
    return f"/help/{quote(article.language)}/{quote(article.slug)}"


def preferred(request: web.Request) -> str:
    """The reader's language among ours, by Accept-Language in its order."""
    site = site_of(request)
    for wanted in request.headers.get("Accept-Language", "").split(","):
        tag = wanted.partition(";")[0].strip().casefold()
        if tag.startswith("zh"):
            tag = "zh-hant" if re.search("hant|tw|hk|mo", tag) else "zh-hans"
        for ours in languages(site):
            if tag and (ours.casefold() == tag or tag.partition("-")[0] == ours.casefold()):
                return ours
    return site.languages[0]


def _linked(body: str, language: str, live: Sequence[Article]) -> str:
    def lead(match: re.Match[str]) -> str:
        slug = match[1].partition(".")[0]
        targets = {a.language: a for a in live if slug in (a.slug, a.name)}
        target = targets.get(language) or next(iter(targets.values()), None)
        return f"]({link_to(target)}{match[2] or ''})" if target else "](/help)"

    return _ARTICLE_LINK.sub(lead, body)


def _elsewhere(site: Site, language: str) -> int:
    """How many articles exist only in the default language."""
    live = live_articles(site)
    have = {a.slug for a in live if a.language == language}
    return len({a.slug for a in live if a.language == site.languages[0]} - have)


def _summary(article: Article) -> str:
    text = article.sections[0].body if article.sections else article.body
    plain = re.sub(r"[*_`#>]|\]\([^)]*\)|\[", "", " ".join(text.split()))
    return plain if len(plain) <= 160 else plain[:157].rsplit(" ", 1)[0] + "…"
