"""What agents send in forms: an answer by way of its preview, and every other verb as its description says."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec
from slack_bolt.async_app import AsyncAck

from connectors.slack import incoming_files, modals
from connectors.slack.acting import NOT_DONE, Core, addressee, form_of
from connectors.slack.blocks import Block, actions, button, section, words
from connectors.slack.memory import MAX_METADATA, Memory
from connectors.slack.opening import Later, Opening
from connectors.slack.payloads import ViewSubmission
from connectors.slack.people import Person
from connectors.slack.typed import block_of, chosen_files, entered
from connectors.slack.webapi import WebApi
from connectors.slack.writing import Writing
from gateway.errors import Refused
from gateway.model import ActionResult, Attachment, TicketPage, Verb, VerbForm, filled, reference

TOO_LONG = "Too long for Slack: use the desk."


class Forms:
    """The listeners for view_submission. `file_limit`: bytes of one attached file."""

    def __init__(
        self,
        core: Core,
        api: WebApi,
        opening: Opening,
        writing: Writing,
        later: Later,
        file_limit: int,
    ) -> None:
        self._core, self._api, self._opening = core, api, opening
        self._writing, self._later, self._file_limit = writing, later, file_limit

    async def submit(self, ack: AsyncAck, context: dict[str, Any]) -> None:
        """A verb's form: done at once, or previewed where the requester would read it."""
        sent: ViewSubmission = context["interaction"]
        memory, who = Memory.unpacked(sent.view.private_metadata), await self._core.who(sent)
        typed = entered(sent.view.state)
        try:
            page = await self._core.page(who, memory.ticket)
            form = form_of(page, sent.view.callback_id)
        except Refused as refused:
            await ack(response_action="update", view=self._still(sent, memory, typed, str(refused)))
            return
        values, problems = filled(form, typed)
        files = chosen_files(sent.view.state)
        if files and modals.TEXT in problems:  # files alone are an answer too
            problems.pop(modals.TEXT)
            values[modals.TEXT] = typed.get(modals.TEXT, "")
        if problems:
            errors = {block_of(sent.view.state, name): line for name, line in problems.items()}
            await ack(response_action="errors", errors=errors)
            return
        memory = msgspec.structs.replace(memory, files=tuple(file.id for file in files) or memory.files)
        if form.preview or (form.verb is Verb.RESOLVE and str(values.get(modals.TEXT, "")).strip()):
            names = [file.name or "file" for file in files]
            await self._preview(ack, sent, memory, page, form, typed.get(modals.TEXT, ""), names)
            return
        await self._do(ack, sent, who, memory, form, typed, values)

    def _still(self, sent: ViewSubmission, memory: Memory, typed: dict[str, str], problem: str) -> Block:
        """The form as it was, with what stands in its way; without its description only the text can be kept."""
        return modals.closing_form("Not possible", problem, _kept(typed.get(modals.TEXT, "")))

    # ------------------------------------------------------------ an answer

    async def _preview(
        self,
        ack: AsyncAck,
        sent: ViewSubmission,
        memory: Memory,
        page: TicketPage,
        form: VerbForm,
        text: str,
        names: Sequence[str],
    ) -> None:
        """Shows what exactly would be sent, to whom and by which channel."""
        memory = msgspec.structs.replace(memory, text=text, verb=form.verb.value)
        if len(memory.packed()) > MAX_METADATA:
            await ack(response_action="errors", errors={block_of(sent.view.state, modals.TEXT): TOO_LONG})
            return
        view = modals.preview_form(memory, page.ticket.reference, addressee(page), files=names)
        await ack(response_action="update", view=view)

    async def send(self, ack: AsyncAck, context: dict[str, Any]) -> None:
        """Send was pressed. The key is made of the form, so that pressing twice is one reply."""
        sent: ViewSubmission = context["interaction"]
        memory, who = Memory.unpacked(sent.view.private_metadata), await self._core.who(sent)
        if memory.files or memory.source:
            # Fetching files may take longer than Slack waits: the form says so, and shows what came of it.
            doing = "Sending … If nothing happens within a minute, press Send again; it is sent only once."
            view = modals.preview_form(memory, reference(memory.ticket), "the requester", doing=doing)
            await ack(response_action="update", view=view)
            self._later(self._send_with_files(sent, who, memory))
            return
        result = await self._propose(sent, who, memory, ())
        if result.state in NOT_DONE:
            memory, to = await self._core.after(who, memory, result)
            view = modals.preview_form(memory, reference(memory.ticket), to, result.detail)
            await ack(response_action="update", view=view)
            return
        await ack(response_action="clear")
        self._sent(who, memory, result)

    async def _send_with_files(self, sent: ViewSubmission, who: Person, memory: Memory) -> None:
        files, problem = await self._files(who, memory)
        result = ActionResult(state="failed", detail=problem)
        if not problem:
            result = await self._propose(sent, who, memory, files)
        if result.state in NOT_DONE:
            memory, to = await self._core.after(who, memory, result)
            view = modals.preview_form(memory, reference(memory.ticket), to, result.detail)
        else:
            view = modals.closing_form("Sent", _sent_line(result, memory))
            self._sent(who, memory, result)
        await self._opening.update(sent.view, view, checked=False)

    async def _files(self, who: Person, memory: Memory) -> tuple[tuple[Attachment, ...], str]:
        """The files of the answer, and why it cannot be sent without one of them, "" when all are there."""
        found = list(await incoming_files.by_id(memory.files, self._api, self._file_limit))
        if memory.source:
            try:
                page = await self._core.page(who, memory.ticket)
            except Refused as refused:
                return (), str(refused)
            found += [f for e in page.entries if e.ledger_id == memory.source for f in e.attachments]
        missing = [f"{file.filename} ({file.skipped})" for file in found if file.skipped]
        return tuple(found), f"Not sent, for a file is missing: {', '.join(missing)}." if missing else ""

    async def _propose(
        self, sent: ViewSubmission, who: Person, memory: Memory, files: tuple[Attachment, ...]
    ) -> ActionResult:
        verb = Verb(memory.verb) if memory.verb else Verb.REPLY
        return await self._core.act(
            who,
            memory,
            verb,
            _form_key(sent, memory),
            text=memory.text,
            attachments=files,
        )

    def _sent(self, who: Person, memory: Memory, result: ActionResult) -> None:
        self._writing.ends(memory.ticket, who.user)
        self._opening.tell(who, memory, _sent_line(result, memory), _undo_blocks(result, memory))

    # ------------------------------------------------------------ everything else

    async def _do(
        self,
        ack: AsyncAck,
        sent: ViewSubmission,
        who: Person,
        memory: Memory,
        form: VerbForm,
        typed: dict[str, str],
        values: dict[str, Any],
    ) -> None:
        """Done at once; a refusal is shown above what was typed."""
        if memory.files:
            values["attachments"], problem = await self._files(who, memory)
            if problem:
                await ack(response_action="errors", errors={block_of(sent.view.state, modals.TEXT): problem})
                return
        result = await self._core.act(who, memory, form.verb, _form_key(sent, memory), **values)
        if result.state not in NOT_DONE:
            await ack(response_action="clear")
            return
        memory, _ = await self._core.after(who, memory, result)
        view = modals.verb_form(memory, form, reference(memory.ticket), typed, result.detail)
        await ack(response_action="update", view=view)


def _kept(text: str) -> list[Block]:
    """What was typed, so that it can be copied where the form cannot be shown again."""
    return [section("What you wrote:"), {"type": "section", "text": _plain(text)}] if text.strip() else []


def _plain(text: str) -> Block:
    return {"type": "plain_text", "text": text[:3000], "emoji": False}


def _form_key(sent: ViewSubmission, memory: Memory) -> str:
    """The same form sent twice has the same key; sent again after a refusal it has another."""
    return f"view/{sent.view.id}/{memory.attempt}"


def _sent_line(result: ActionResult, memory: Memory) -> str:
    return result.detail or f"Your reply to {reference(memory.ticket)} leaves in a few seconds."


def _undo_blocks(result: ActionResult, memory: Memory) -> list[Block] | None:
    if not result.send:
        return None
    value = f"{memory.ticket}:{result.send}"
    undo = actions([button("Undo", modals.UNDO, value, style="danger")], f"sent-{result.send}")
    return [section(words(_sent_line(result, memory))), undo]
