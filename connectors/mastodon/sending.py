"""An answer as posts: in private as it is; in public one line that says nothing, and the answer in private."""

from __future__ import annotations

import re
from collections.abc import Sequence

from connectors.mastodon.media import File, fits, groups
from connectors.mastodon.normalize import DIRECT, NAME, PUBLIC, is_public, key
from connectors.mastodon.service import Service
from connectors.mastodon.settings import Settings
from gateway.connector import FileOf, content_of
from gateway.model import Post, Sent
from gateway.text.markup import split, to_plain

#: What everybody may read, in the language of the person.
FIRST_LINE = {
    "en": "Thank you for writing. We have answered you in a direct message.",
    "sl": "Hvala za sporočilo. Odgovorili smo vam v zasebnem sporočilu.",
    "zh-Hans": "谢谢您的留言，我们已通过私信回复您。",
    "zh-Hant": "謝謝您的留言，我們已透過私訊回覆您。",
    "de": "Danke für Ihre Nachricht. Wir haben Ihnen in einer Direktnachricht geantwortet.",
    "es": "Gracias por escribirnos. Le hemos respondido en un mensaje directo.",
}


async def send(post: Post, service: Service, settings: Settings, file_of: FileOf) -> Sent:
    """One attempt for the whole answer. Every post has a key of its own, so that trying again shows it once."""
    account, acct = post.address.account, post.address.conversation
    keys: list[str] = []
    above = _answered(post)
    shown, lost = await _files(post, service, file_of)
    if is_public(post.address) and (marker := f"{NAME}:{account}/first-line/{post.address.thread}"):
        if marker not in post.references:
            line = f"@{acct} {FIRST_LINE.get(post.language, FIRST_LINE['en'])}"
            first = await service.post(
                line,
                reply_to=above,
                visibility=settings.first_line,
                language=post.language,
                key=f"{post.id}-line",
            )
            keys.append(key(account, first))
        keys.append(marker)
    ids: list[str] = []
    for number, (part, files) in enumerate(laid_out(parts(post, settings.max_characters, lost), shown)):
        made = await service.post(
            part,
            reply_to=ids[-1] if ids else above,
            visibility=DIRECT,
            language=post.language,
            key=f"{post.id}-{number}",
            media=[await service.upload(file) for file in files],
        )
        ids.append(made)
    return Sent(external_ids=tuple(ids), keys=(*keys, *(key(account, each) for each in ids)))


async def _files(post: Post, service: Service, file_of: FileOf) -> tuple[list[list[File]], list[str]]:
    """The files that the server shows, by post, and the names of the others."""
    if not post.attachments:
        return [], []
    limits = await service.limits()
    found = [File(listed=each, data=await content_of(each, file_of)) for each in post.attachments]
    good = [file for file in found if fits(file, limits)]
    return groups(good, limits), [file.listed.filename for file in found if file not in good]


def laid_out(texts: Sequence[str], shown: Sequence[list[File]]) -> list[tuple[str, list[File]]]:
    """The posts in order: the first files with the last words, the others after them, naming the person only."""
    *before, last = texts
    name = last.partition(" ")[0]
    first, *others = shown or [[]]
    return [*((text, []) for text in before), (last, first), *((name, files) for files in others)]


def parts(post: Post, longest: int, lost: Sequence[str] = ()) -> list[str]:
    """The answer cut into posts, each naming the one person who shall see it. lost: files that are only named."""
    text = to_plain(post.text)
    if post.buttons:
        text += "\n\n" + "\n".join(f"{n}. {button.label}" for n, button in enumerate(post.buttons, 1))
    if lost:
        text += "\n\n[" + ", ".join(lost) + "]"
    head = f"@{post.address.conversation} "
    return [head + part for part in split(harmless(text), longest - len(head)) or ["…"]]


def harmless(text: str) -> str:
    """The text with every name in it broken, so that nobody but the person is called (and sees it)."""
    return re.sub(r"(?<![\w/.])@(?=\w)", "@\u200b", text)


def _answered(post: Post) -> str:
    """The post to answer: the newest of this leg that is known, else the one that the thread began with."""
    mine = f"{NAME}:{post.address.account}/"
    known = [each.removeprefix(mine) for each in post.references if each.startswith(mine)]
    newest = next((each for each in reversed(known) if each.isdecimal()), "")
    return newest or post.address.thread.removeprefix(PUBLIC)
