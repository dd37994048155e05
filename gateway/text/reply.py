"""The newest part of a plain-text mail, without quotes, reply headers and signature.

One pass over the lines, each looked at a bounded number of times. Knows nothing of MIME.
"""

import re

from msgspec import Struct

from gateway.text import reply_words as words
from gateway.text.reply_words import LABELS, Label


class Parts(Struct, frozen=True, kw_only=True):
    """A mail's text taken apart; nothing of it is lost between the three."""

    #: What the sender says now.
    newest: str
    #: What was quoted, with its headers.
    quoted: str
    #: Signature, "sent from" line, footer of a mailing list.
    signature: str


#: Lines that are looked at; what is below them in a longer text is taken as one line.
MAX_LINES = 20_000

#: The line above which an answer is asked for in our own mail; what follows it is ours.
REPLY_MARKER = "##- Please type your reply above this line -##"


def newest_reply(text: str, *, subject: str = "") -> str:
    """The newest part of a plain-text mail; the whole text rather than nothing.

    Forwarded mails and answers written between quoted lines are kept whole. The subject, when given, tells
    a forward by a program that marks it nowhere else. Time is linear in the length of the text.
    """
    return split_reply(text, subject=subject).newest


def split_reply(text: str, *, subject: str = "") -> Parts:
    """Take a plain-text mail apart into newest part, quotes and signature."""
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    parts = _Scan(text.split("\n", MAX_LINES), forwarded=is_forward_subject(subject)).parts()
    if parts.newest:
        return parts
    return Parts(newest=text.replace(words.ORIGINAL_MARK, "").strip("\n"), quoted="", signature="")


def strip_subject(subject: str) -> str:
    """A subject without the prefixes of replies and forwards, in any language and number, and with single spaces."""
    return _PREFIXES.sub("", " ".join(subject.split()), count=1)


def is_forward_subject(subject: str) -> bool:
    """Whether the outermost prefix of the subject says that a mail is passed on."""
    return _FORWARD_PREFIX.match(subject.strip()) is not None


def is_forward_line(line: str) -> bool:
    """Whether a line announces a forwarded mail ("---------- Forwarded message ---------")."""
    return _announced(line) in words.FORWARDED


_NUMBER = r"(?:\s?[\[(]\d{1,3}[\])]|\^\d{1,3}|\s?\d{1,2})?"
_PREFIXES = re.compile(
    rf"^(?:\s*(?:{words.REPLY_PREFIXES}|{words.FORWARD_PREFIXES}){_NUMBER}\s?[:：]\s*)+", re.IGNORECASE
)
_FORWARD_PREFIX = re.compile(rf"(?:{words.FORWARD_PREFIXES}){_NUMBER}\s?[:：]", re.IGNORECASE)

#: How often a header may be looked for in one text; real mail needs a dozen, hostile mail gets no more time.
_BUDGET = 2_000
#: A reply header is wrapped over so many lines at most, and no longer than this in all.
_WRAP, _WIDTH = 4, 600
_RULE = re.compile(r"[\s>]*[-_=*—–─━]{2,}[\s*]*")
_INITIALS = re.compile(r"\s{0,3}[A-Z]{1,3}>")
_LONG_ORIGINAL = 60  # characters; its longest words are half as many
_FRINGE = "-_=—–─━* >#\t·•\u200e\u200f\ufeff"


class _Segment(Struct):
    kind: str  # "text", "quote" or "head"
    start: int
    end: int


class _Scan:
    """One text's lines and what has been found out about them."""

    def __init__(self, lines: list[str], *, forwarded: bool) -> None:
        self.lines = lines
        self.forwarded = forwarded
        self.budget = _BUDGET
        self.segments: list[_Segment] = []
        #: For each line the first at or after it that ends as the header of a quote ends.
        self.next_end = _next_ends(lines)

    def parts(self) -> Parts:
        self._segment()
        self._join_wrapped_quotes()
        signature: list[int] = []
        for seg in self.segments:
            if seg.kind == "text":
                end = self._signature_start(seg)
                signature.extend(range(end, seg.end))
                seg.end = end
        kept = self._kept()
        taken = set(kept) | set(signature)
        quoted = [i for i in range(len(self.lines)) if i not in taken]
        return Parts(newest=self._join(kept), quoted=self._join(quoted), signature=self._join(signature))

    def _join(self, numbers: list[int]) -> str:
        text = "\n".join(self.lines[i].rstrip() for i in numbers)
        return text.replace(words.ORIGINAL_MARK, "").strip("\n")

    # -- lines into segments

    def _segment(self) -> None:
        i, n = 0, len(self.lines)
        while i < n:
            if self._is_quoted(i):
                self._add("quote", i, i + 1)
                i += 1
                continue
            kind, end = self._header(i)
            self._add(kind, i, end)
            i = end

    def _add(self, kind: str, start: int, end: int) -> None:
        last = self.segments[-1] if self.segments else None
        if last is not None and last.kind == kind:
            last.end = end
        else:
            self.segments.append(_Segment(kind, start, end))

    def _is_quoted(self, i: int) -> bool:
        line = self.lines[i].lstrip()
        if line.startswith((">", "＞")):
            return line.rstrip() not in (">:", "> :")
        return _INITIALS.match(line) is not None

    def _header(self, i: int) -> tuple[str, int]:
        """What begins at an unquoted line: plain text, the header of a quote, or a quote up to the end."""
        line = self.lines[i]
        n = len(self.lines)
        if not line.strip():
            return "text", i + 1
        if len(line) > _WIDTH:
            return "text", i + 1
        if words.ORIGINAL_MARK in line:
            return ("text" if self.forwarded else "quote"), n
        if is_forward_line(line) or self._is_lotus_forward(line):
            return "text", n
        if self._is_original(i) or self._is_block(i):
            return ("text" if self.forwarded else "quote"), n
        end = self._wrote(i)
        if end is None:
            return "text", i + 1
        return ("head", end) if self._quote_follows(end) else ("quote", n)

    def _is_lotus_forward(self, line: str) -> bool:
        return line.lstrip().startswith("--") and _bare(line).startswith(
            ("forwarded by ", "weitergeleitet von ")
        )

    def _is_original(self, i: int) -> bool:
        line = self.lines[i].strip()
        if line.startswith("##-") and line.endswith("-##"):
            return True
        if len(line) > _LONG_ORIGINAL and not line.startswith(_ANNOUNCING):
            return False
        if _bare(line) not in words.ORIGINAL:
            return False
        return line.lstrip("*_ ").startswith(("--", "—", "==", "──", "__")) or self._rule_before(i)

    def _rule_before(self, i: int) -> bool:
        for k in range(i - 1, max(-1, i - 3), -1):
            if self.lines[k].strip():
                return _RULE.fullmatch(self.lines[k]) is not None
        return False

    def _is_block(self, i: int) -> bool:
        """Whether copied header fields (From, Sent, To, Subject) begin here."""
        if header_label(self.lines[i]) is None or not self._spend():
            return False
        found: set[Label] = set()
        others = 0
        for line in self.lines[i : i + 16]:
            label = header_label(line)
            if label is not None:
                found.add(label)
                others = 0
            elif (others := others + 1) > 3:
                break
            if Label.SENDER in found and len(found) >= 3:
                return True
        enough = Label.SENDER in found and len(found) == 2 and Label.RECIPIENT not in found
        return enough and (self._rule_before(i) or self.lines[i].lstrip().startswith("*"))

    def _wrote(self, i: int) -> int | None:
        """The line after a reply header ("On ... wrote:") that begins at this line."""
        end = self._wrote_end(i)
        if end is None or end - i == 1:
            return end
        # The tightest header wins, so that a sentence before it is not taken for its beginning.
        for later in range(i + 1, end):
            rest = " ".join(self.lines[later:end])
            if (
                _INTRO.match(self.lines[later].strip())
                and words.EVIDENCE.search(rest)
                and self._wrote_end(later) == end
            ):
                return None
        return end

    def _wrote_end(self, i: int) -> int | None:
        if "GMT" in self.lines[i] and words.DATE_GMT.match(self.lines[i].strip()) is not None:
            return i + 1
        if self.next_end[i] >= i + _WRAP:
            return None
        joined = ""
        for k in range(i, min(i + _WRAP, len(self.lines))):
            line = self.lines[k].strip()
            if not line or len(joined) + len(line) > _WIDTH:
                return None
            joined = f"{joined} {line}" if joined else line
            if line.endswith(_ENDS) and self._spend() and self._is_wrote(joined, i, k):
                return k + 1
        return None

    def _is_wrote(self, joined: str, first: int, last: int) -> bool:
        text = joined.strip("-*_ \u200e\u200f\ufeff").replace("\u00a0", " ").replace("\u202f", " ")
        colon = text.endswith((":", "："))
        text = text.rstrip(":： *_-")
        if words.FIRST_PERSON.search(text):
            return False
        at_end = _END_VERB.search(text) is not None
        if words.DATE_ADDRESS.search(joined) is not None:
            return True
        if not at_end and not (colon and words.MID_VERBS.search(text)):
            return False
        if not colon and not joined.startswith("--"):
            return False
        if not words.EVIDENCE.search(text):
            return first == last and at_end and self._directly_quoted(last + 1)
        if first == last:
            return at_end or _INTRO.match(text) is not None or "@" in text
        head = self.lines[first].strip()
        return _INTRO.match(head) is not None or "<" in head or "@" in head

    def _spend(self) -> bool:
        self.budget -= 1
        return self.budget >= 0

    def _quote_follows(self, i: int) -> bool:
        while i < len(self.lines) and not self.lines[i].strip():
            i += 1
        return i < len(self.lines) and self._is_quoted(i)

    def _directly_quoted(self, i: int) -> bool:
        return any(k < len(self.lines) and self._is_quoted(k) for k in (i, i + 1))

    # -- segments into parts

    def _join_wrapped_quotes(self) -> None:
        """A short line between two quoted ones, after a long one, is the rest of that long line."""
        merged: list[_Segment] = []
        for k, seg in enumerate(self.segments):
            following = self.segments[k + 1].kind if k + 1 < len(self.segments) else ""
            before = merged[-1].kind if merged else ""
            if seg.kind == "text" and before == following == "quote" and self._is_wrapped(seg):
                seg.kind = "quote"
            if (
                seg.kind == "text"
                and before in ("quote", "head")
                and following == "quote"
                and self._is_blank(seg)
            ):
                seg.kind = "quote"
            if merged and merged[-1].kind == seg.kind:
                merged[-1].end = seg.end
            else:
                merged.append(seg)
        self.segments = merged

    def _is_blank(self, seg: _Segment) -> bool:
        return all(not self.lines[i].strip() for i in range(seg.start, seg.end))

    def _is_wrapped(self, seg: _Segment) -> bool:
        line = self.lines[seg.start].strip()
        return (
            seg.end - seg.start == 1 and 0 < len(line) <= 40 and len(self.lines[seg.start - 1].rstrip()) >= 60
        )

    def _kept(self) -> list[int]:
        """The numbers of the lines that are the newest part."""
        spoken = [k for k, seg in enumerate(self.segments) if seg.kind == "text" and not self._is_blank(seg)]
        if not spoken:
            return []
        first, last = spoken[0], spoken[-1]
        quotes = [k for k, seg in enumerate(self.segments[:last]) if seg.kind == "quote"]
        headed = any(seg.kind == "head" for seg in self.segments[:first])
        answered_below = len(quotes) == 1 and quotes[0] < first and headed
        if quotes and quotes[0] < first and not answered_below:
            first = quotes[0]
        kinds = ("text",) if answered_below else ("text", "quote")
        return [
            i
            for seg in self.segments[first : last + 1]
            if seg.kind in kinds
            for i in range(seg.start, seg.end)
        ]

    # -- signatures

    def _signature_start(self, seg: _Segment) -> int:
        end = self._delimiter(seg)
        end = self._trim(seg.start, end)
        for _ in range(3):
            if end > seg.start and self._is_mobile(end - 1):
                end = self._trim(seg.start, end - 1)
        return self._contact_block(seg.start, end)

    def _delimiter(self, seg: _Segment) -> int:
        """The line of dashes or underscores that begins the signature, or the segment's end."""
        filled = 0
        found = seg.end
        for i in range(seg.end - 1, seg.start - 1, -1):
            line = self.lines[i].rstrip()
            rule = len(line) >= 2 and not line.strip("_") and 0 < filled <= 6
            if rule or (line == "--" and filled <= 30):
                found = i
            filled += bool(line)
            if filled > 30:
                break
        return found

    def _trim(self, start: int, end: int) -> int:
        """Without blank lines and rules at the end."""
        while end > start and (not self.lines[end - 1].strip() or _RULE.fullmatch(self.lines[end - 1][:200])):
            end -= 1
        return end

    def _is_mobile(self, i: int) -> bool:
        line = self.lines[i].strip(" \t*_\u200e\u00a0")
        return len(line) <= 260 and words.MOBILE.fullmatch(line) is not None

    def _contact_block(self, start: int, end: int) -> int:
        """Where telephone numbers and addresses begin after a closing formula and a name."""
        for i in range(max(start, end - 16), end):
            if self.lines[i].strip(" ,.!，。！*").casefold() in words.CLOSINGS:
                block = [k for k in range(i + 1, end) if self.lines[k].strip()]
                if len(block) > 1 and any(words.CONTACT.search(self.lines[k][:200]) for k in block):
                    return self._trim(
                        start, block[1] if not words.CONTACT.search(self.lines[block[0]]) else block[0]
                    )
        return end


_ENDS = (":", "：", ":*", ":_", "--", ":**", "wrote")


def _next_ends(lines: list[str]) -> list[int]:
    found, after = [0] * len(lines), len(lines) + _WRAP
    for i in range(len(lines) - 1, -1, -1):
        if lines[i].rstrip().endswith(_ENDS):
            after = i
        found[i] = after
    return found


_INTRO = words.INTRO
_END_VERB = re.compile(
    r"(?:" + "|".join(re.escape(v) for v in sorted(words.END_VERBS, key=len, reverse=True)) + r")$",
    re.IGNORECASE,
)


def _bare(line: str) -> str:
    """A line without its fringe of dashes, in lower case: the words of an announcement."""
    return line.strip()[:160].strip(_FRINGE).rstrip(":：").strip().casefold()


_ANNOUNCING, _COLONS = ("-", "*", "_", "=", "—"), (":", "：", ":*")


def _announced(line: str) -> str:
    """The words of a line that looks like an announcement: between dashes, or ended by a colon."""
    line = line.strip()
    if not line.startswith(_ANNOUNCING) and not line.endswith(_COLONS):
        return ""
    return _bare(line) if len(line) <= 160 else ""


def header_label(line: str) -> Label | None:
    """What a line tells when it is a field of a copied header."""
    if ":" not in line and "：" not in line:
        return None
    head = line[:60].strip(" \t>*_\u200e\u200f\ufeff\u00a0")
    colon = min((p for p in (head.find(":"), head.find("：")) if p > 0), default=-1)
    if colon < 0 or colon > 24:
        return None
    return LABELS.get(head[:colon].strip(" *_\u200e\u00a0").casefold())
