"""What an agent does on the desk: each form becomes one proposal to the core, which decides."""

from __future__ import annotations

import hashlib
import re

from aiohttp import web

from gateway.model import ActionResult, AgentAction, Attachment, Priority, Verb
from gateway.web.desk import Draft, ticket_page
from gateway.web.entrance import agent_of
from gateway.web.security import Form, field, form_of
from gateway.web.site import identity_of, site_of

#: Files of one reply, and bytes of each.
MAX_FILES, MAX_FILE = 5, 5 * 1024 * 1024

_ONCE = re.compile(r"[0-9a-f]{24}")


def add_to(app: web.Application) -> None:
    app.router.add_post("/desk/ticket/{ticket:[0-9]{1,15}}/act", act)


async def act(request: web.Request) -> web.Response:
    """Does what the form says. A reply is shown first and leaves only with the second press."""
    form = form_of(request)
    word, text = field(form, "verb", 20), field(form, "text")
    if word == "edit":
        return await ticket_page(request, Draft(verb="reply", text=text))
    verb = _verb(word)
    if verb in (Verb.REPLY, Verb.NOTE) and not text:
        return await ticket_page(request, Draft(verb=verb, problem="Write something first."), status=422)
    if verb is Verb.REPLY and field(form, "confirmed") != "yes":
        return await ticket_page(request, Draft(verb=verb, text=text, preview=True))
    result = await _propose(request, form, verb, text)
    if result.state == "refused":
        problem = result.detail or "That is not possible now."
        return await ticket_page(
            request, Draft(verb=verb, text=text, queue=field(form, "queue", 100), problem=problem), status=409
        )
    return web.Response(status=303, headers={"Location": f"/desk/ticket/{request.match_info['ticket']}#end"})


async def _propose(request: web.Request, form: Form, verb: Verb, text: str) -> ActionResult:
    site = site_of(request)
    if not _ONCE.fullmatch(field(form, "once", 24)):
        raise web.HTTPBadRequest(text="The form is incomplete. Reload the page and try again.")
    number = request.match_info["ticket"]
    action = AgentAction(
        connector="desk", account="browser", delivery_key=_key(request, form),
        at=site.clock.now(), actor=identity_of(agent_of(request)), verb=verb, ticket=int(number),
        text=text, queue=field(form, "queue", 100), tags=_tags(field(form, "tags", 500)),
        priority=_priority(field(form, "priority", 20)), send=_number(field(form, "send", 15)),
        entry=_number(field(form, "entry", 15)), other=_number(_bare(field(form, "other", 20))),
        seen_version=_number(field(form, "seen_version", 15)),
        attachments=await _files(form) if verb in (Verb.REPLY, Verb.NOTE) else (),
    )  # fmt: skip
    return await site.host.act(action)


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
    said = "\x00".join(
        field(form, name)
        for name in ("once", "verb", "text", "send", "queue", "tags", "priority", "entry", "other")
    )
    digest = hashlib.sha256(said.encode()).hexdigest()[:32]
    return f"{agent_of(request).id}:{request.match_info['ticket']}:{digest}"


def _verb(word: str) -> Verb:
    try:
        return Verb(word)
    except ValueError as error:
        raise web.HTTPBadRequest(text="The desk does not know that action.") from error


def _priority(word: str) -> Priority | None:
    return next((priority for priority in Priority if priority == word), None)


def _tags(text: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys(tag.strip().lower() for tag in text.split(",") if tag.strip()))[:20]


def _bare(reference: str) -> str:
    """The number in "DG-42"."""
    return reference.strip().upper().removeprefix("DG-")


def _number(text: str) -> int:
    return int(text) if text.isascii() and text.isdigit() else 0
