"""What an agent does on the desk: each form becomes one proposal to the core, which decides."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any

import msgspec
from aiohttp import web

from gateway.desk.verbs import FORMS
from gateway.model import ActionResult, AgentAction, Attachment, FieldKind, Verb, filled
from gateway.web.desk import Draft, ticket_page
from gateway.web.entrance import agent_of
from gateway.web.security import Form, field, form_of
from gateway.web.site import identity_of, site_of

#: Files of one reply, and bytes of each.
MAX_FILES, MAX_FILE = 5, 5 * 1024 * 1024

#: The end of a time that says its zone.
_ZONED = re.compile(r"(?:Z|[+-]\d{2}:?\d{2})$")
_ONCE = re.compile(r"[0-9a-f]{24}")


def add_to(app: web.Application) -> None:
    app.router.add_post("/desk/ticket/{ticket:[0-9]{1,15}}/act", act)
    app.router.add_post("/desk/next", take_next)


async def act(request: web.Request) -> web.Response:
    """Does what the form says. A reply is shown first and leaves only with the second press."""
    form = form_of(request)
    word, text = field(form, "verb", 20), field(form, "text")
    if word == "edit":
        return await ticket_page(request, Draft(verb="reply", text=text))
    verb = verb_of(word)
    if verb is Verb.SHOW_ORIGINAL:
        return await _original(request, form)
    if verb in (Verb.REPLY, Verb.NOTE) and not text:
        return await ticket_page(request, Draft(verb=verb, problem="Write something first."), status=422)
    if verb is Verb.REPLY and field(form, "confirmed") != "yes":
        everyone = field(form, "everyone", 5) == "yes"
        return await ticket_page(request, Draft(verb=verb, text=text, preview=True, everyone=everyone))
    typed = typed_in(form, verb)
    values, problems = filled(FORMS[verb], typed)
    if problems and verb not in (Verb.REPLY, Verb.NOTE):
        return await ticket_page(
            request, Draft(verb=verb, text=text, typed=typed, problems=problems), status=422
        )
    result = await propose(request, form, verb, values)
    if result.state == "refused":
        problem = result.detail or "That is not possible now."
        return await ticket_page(
            request, Draft(verb=verb, text=text, typed=typed, problem=problem), status=409
        )
    return web.Response(status=303, headers={"Location": f"/desk/ticket/{request.match_info['ticket']}#end"})


async def _original(request: web.Request, form: Form) -> web.Response:
    """Shows what a masked message says, on this one page only."""
    site, entry = site_of(request), _number(field(form, "entry", 15))
    number = int(request.match_info["ticket"])
    text = await site.host.original(identity_of(agent_of(request)), number, entry)
    return await ticket_page(request, Draft(original=(entry, text)))


async def take_next(request: web.Request) -> web.Response:
    """Takes the next ticket of a queue, or of all that the agent works on, and shows it."""
    values = {"queue": field(form_of(request), "queue", 100)}
    result = await propose(request, form_of(request), Verb.NEXT, values)
    where = f"/desk/ticket/{result.ticket}" if result.state == "done" else "/desk?view=mine&nothing=1"
    return web.Response(status=303, headers={"Location": where})


def typed_in(form: Form, verb: Verb) -> dict[str, str]:
    """What stands in the fields of this verb; a day and time of the browser with the browser's offset."""
    typed = {f.name: field(form, f.name, f.max_length) for f in FORMS[verb].fields}
    for f in FORMS[verb].fields:
        text = typed[f.name]
        if f.kind is FieldKind.TIME and text and not _ZONED.search(text):
            typed[f.name] = text + _offset(field(form, f"{f.name}_zone", 6))
    return typed


def read_time(form: Form, name: str) -> datetime | None:
    """A day and time of the browser with the browser's offset; None for nothing, or for what is no time."""
    text = field(form, name, 40)
    zone = "" if _ZONED.search(text) else _offset(field(form, f"{name}_zone", 6))
    try:
        return datetime.fromisoformat(text + zone) if text else None
    except ValueError:
        return None


def _offset(minutes: str) -> str:
    """ "+01:00" for the minutes east of UTC that the page's script gives; UTC without a script."""
    count = int(minutes) if re.fullmatch(r"-?\d{1,4}", minutes) else 0
    hours, rest = divmod(abs(count), 60)
    return f"{'-' if count < 0 else '+'}{hours:02}:{rest:02}"


async def propose(request: web.Request, form: Form, verb: Verb, values: Mapping[str, Any]) -> ActionResult:
    """What the form says, in the agent's name; `values`: attributes of the action."""
    site = site_of(request)
    if not _ONCE.fullmatch(field(form, "once", 24)):
        raise web.HTTPBadRequest(text="The form is incomplete. Reload the page and try again.")
    action = AgentAction(
        connector="desk", account="browser", delivery_key=_key(request, form),
        at=site.clock.now(), actor=identity_of(agent_of(request)), verb=verb,
        ticket=int(request.match_info.get("ticket", 0)), send=_number(field(form, "send", 15)),
        seen_version=_number(field(form, "seen_version", 15)),
    )  # fmt: skip
    files = await _files(form) if any(f.kind is FieldKind.FILES for f in FORMS[verb].fields) else ()
    everyone = field(form, "everyone", 5) == "yes"
    return await site.host.act(
        msgspec.structs.replace(action, **{"everyone": everyone, "attachments": files, **values})
    )


async def _files(form: Form) -> tuple[Attachment, ...]:
    uploads = [
        value for value in form.getall("files", []) if isinstance(value, web.FileField) and value.filename
    ]
    if len(uploads) > MAX_FILES:
        raise web.HTTPRequestEntityTooLarge(max_size=MAX_FILES, actual_size=len(uploads))
    return tuple([_attachment(upload) for upload in uploads])


def _attachment(upload: web.FileField) -> Attachment:
    content = upload.file.read(MAX_FILE + 1)
    if len(content) > MAX_FILE:
        raise web.HTTPRequestEntityTooLarge(max_size=MAX_FILE, actual_size=len(content))
    name = re.sub(r"[\x00-\x1f\x7f/\\\u202a-\u202e\u2066-\u2069]+", " ", upload.filename).strip(" .")[-120:]
    return Attachment(
        filename=name or "file", content_type=upload.content_type[:100], size=len(content), content=content
    )


def _key(request: web.Request, form: Form) -> str:
    """The same for a form that is sent twice, and for nothing else."""
    texts = ((name, value) for name, value in form.items() if isinstance(value, str) and name != "csrf")
    said = "\x00".join(f"{name}={value[:20_000]}" for name, value in sorted(texts))
    digest = hashlib.sha256(said.encode()).hexdigest()[:32]
    return f"{agent_of(request).id}:{request.match_info.get('ticket', '0')}:{digest}"


def verb_of(word: str) -> Verb:
    """The verb that a form names. Raises HTTPBadRequest."""
    try:
        return Verb(word)
    except ValueError as error:
        raise web.HTTPBadRequest(text="The desk does not know that action.") from error


def _number(text: str) -> int:
    return int(text) if text.isascii() and text.isdigit() else 0
