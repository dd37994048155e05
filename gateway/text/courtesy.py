"""The greetings, courtesies and sign-offs of mails in the shipped languages, recognised so that they can be left out."""

# ruff: noqa: E501  one family of phrases a line

from __future__ import annotations

import re

_NAME = r"(?:[ ,]+[^\W\d_][\w.'’-]*){0,4}"
_GREETING = re.compile(
    rf"^(?:(?:hi|hello|hey|hiya|howdy|greetings|good (?:morning|afternoon|evening|day)|g'day)(?: there| all| team| everyone| guys| folks| sir| madam)*"
    rf"|dear\b{_NAME}|to whom it may concern|ladies and gentlemen"
    rf"|hallo|guten (?:tag|morgen|abend)|moin|servus|grüezi|grüß gott|sehr geehrte[rs]?\b{_NAME}|liebe[rs]?\b{_NAME}"
    rf"|hola|buen[oa]s? (?:días|dias|tardes|noches|día)|estimad[oa]s?\b{_NAME}|querid[oa]s?\b{_NAME}|a quien corresponda"
    rf"|pozdravljeni|pozdravljena|zdravo|živjo|zivjo|dober dan|dobro jutro|dober večer|lep pozdrav|spoštovan[ia]\b{_NAME}|dragi\b{_NAME}"
    r"|您好|你好|嗨|哈囉|哈喽|尊敬的[^，,。]{0,12}|親愛的[^，,。]{0,12}|亲爱的[^，,。]{0,12}|早上好|早安|下午好|午安|晚上好)"
    r"\s*(?:[,.!:;，。！：、—-]+|$)\s*",
    re.IGNORECASE,
)
# A bare first word before the question: "hi where is my order".
_BARE = re.compile(
    r"^(?:hi|hello|hey|hallo|hola|živjo|zdravo|您好|你好)(?: there| team)?[ ,!.，！。]+(?=\S)", re.IGNORECASE
)

_CLAUSE = re.compile(
    "|".join(
        (
            # English
            r"(?:many |kind )?thanks?(?: you)?(?: so much| very much| a lot| a million)?(?: (?:in advance|for)\b.{0,60})?",
            r"(?:i |we )?(?:hope|trust) (?:that )?(?:this|you|all|everything)\b.{0,60}\b(?:well|good|fine|great|safe)\b.{0,20}",
            r"(?:i am |i'm |im |we are )?(?:so |very )?sorry (?:to|for) (?:bother|disturb|troubl|writ)\w*(?: (?:you|to you))?(?: again)?",
            r"(?:it has|it's|it is) been (?:a |so |very )?(?:busy|long|hectic)\b.{0,30}|(?:i )?only (?:just )?now (?:got|found|had)\b.{0,40}",
            r"(?:please |kindly |pls )*(?:get back to|let|reply to|respond to|write back to|answer) (?:me|us)(?: know)?(?: (?:as soon as|asap|soon|at your|urgently|quickly)\b.{0,30})?",
            r"(?:i |we )?(?:am |are )?look(?:ing)? forward to\b.{0,50}|(?:i |we )?await(?:ing)? your\b.{0,30}|hope to hear\b.{0,30}",
            r"(?:i|we) (?:have been|'ve been|am|are|was) (?:an? )?(?:\w+ ){0,2}(?:customer|client|user|member|subscriber)s?(?: of yours)?(?: (?:for|since)\b.{0,40})?",
            r"(?:i|we) (?:\w+ )?(?:tried (?:to (?:call|phone|ring|reach)|calling|phoning|ringing)|called|phoned)(?: you| your \w+)?(?: \w+){0,2}",
            r"(?:nobody|no one|noone) (?:picked up|answered|replied|responded)",
            r"(?:i am|i'm|we are) (?:writing|contacting|mailing|emailing|sending|reaching out)(?: (?:to )?(?:you|this|an|e-?mail|mail|message|here|now|again|instead|today))*",
            r"(?:i|we) (?:could not|couldn't|did not|didn't|can't|cannot) find (?:the|an|any) (?:answer|information|info)\b.{0,40}",
            r"have an? (?:nice|great|good|lovely|wonderful) (?:day|weekend|week|evening|one)(?: ahead)?|enjoy your (?:day|weekend)",
            r"(?:any|your) (?:help|advice|assistance|support) (?:is|would be|will be) (?:much |greatly |very |highly )?appreciated",
            r"(?:please |can (?:you|someone|anyone) )?help(?: me)?(?: please)?|(?:i have|i've got|just) (?:a|one) (?:quick |small )?question",
            # German
            r"(?:vielen |herzlichen |besten )?dank(?:e|e schön|eschön)?(?: (?:im voraus|schon mal|für)\b.{0,50})?",
            r"(?:ich hoffe|hoffentlich) (?:es )?(?:geht|sie|ihnen|dir)\b.{0,50}",
            r"(?:bitte )?(?:melden sie sich|antworten sie|geben sie mir bescheid|(?:ich bitte )?um (?:eine )?(?:baldige |schnelle |kurze )?(?:antwort|rückmeldung))\b.{0,40}|ich freue mich auf\b.{0,40}",
            r"(?:ich|wir) (?:bin|sind) (?:seit|schon)\b.{0,40}\bkund\w+(?: bei (?:ihnen|euch))?|einen schönen (?:tag|abend)(?: noch)?|schönes wochenende|entschuldigen sie die störung",
            # Spanish
            r"(?:muchas |mil )?gracias(?: (?:de antemano|por)\b.{0,50})?",
            r"espero que (?:se encuentren?|estén?|todo)\b.{0,40}|quedo (?:a la espera|atent[oa]|pendiente)\b.{0,50}|espero (?:su|una) (?:pronta )?respuesta",
            r"(?:por favor )?(?:respóndanme|contesten|avísenme)\b.{0,30}|soy cliente\b.{0,40}|que tengan? (?:un )?buen\b.{0,20}|(?:disculpen?|perdonen?) (?:la|las) molestias?",
            # Slovenian
            r"(?:najlepša |lepa |že vnaprej |vnaprej )?hvala(?: (?:vam|vnaprej|lepa|za|že)\b.{0,40})?",
            r"upam da (?:ste|vam|je)\b.{0,40}|prosimo? (?:za (?:čimprejšnji |hiter )?odgovor|odgovorite|javite|sporočite)\b.{0,30}|veselim se\b.{0,30}",
            r"(?:sem|smo) (?:že )?(?:dolgo|dolgoletn|vaš)\w*\b.{0,30}strank\w*|lep (?:dan|vikend|večer)(?: še naprej)?|oprostite za motnjo",
            # Chinese
            r"(?:非常|十分|多|先)?(?:感谢|感謝|谢谢|謝謝|多谢|多謝).{0,10}|(?:期待|等待|盼|静候|靜候).{0,8}(?:回复|回覆|答复|答覆|回信|消息)|(?:请|請)?(?:尽快|盡快|儘快|及时|及時)(?:回复|回覆|答复|答覆).{0,4}",
            r"祝(?:您|你|好|商|顺|順|生).{0,8}|(?:希望|愿|願)(?:您|你)?一切.{0,6}|(?:打扰|打擾|抱歉打).{0,8}|我是(?:你们|你們|贵|貴).{0,8}(?:客户|客戶|顾客|顧客|用户|用戶)",
        )
    ),
    re.IGNORECASE,
)
_SIGN_OFF = re.compile(
    r"(?:with )?(?:best|kind(?:est)?|warm(?:est)?|many)?(?: and \w+)? ?(?:regards|wishes|greetings)|best|cheers|(?:yours )?(?:sincerely|faithfully|truly)(?: yours)?|yours|(?:many )?thanks|thank you|sent from my [\w ]+"
    r"|(?:mit )?(?:freundlichen|besten|lieben|herzlichen) grüßen|(?:viele|liebe|beste|schöne) grüße|mfg|lg|vg|gruß|danke|von meinem \w+ gesendet"
    r"|(?:un |cordiales |atentos )?(?:cordial )?saludos?(?: cordiales)?|atentamente|gracias|enviado desde mi \w+"
    r"|(?:lep |lepe |lepi |prijazen )?pozdrav(?:i|e|ček)?|s spoštovanjem|lp|hvala"
    r"|此致|敬礼|敬禮|敬上|谨上|謹上|顺颂商祺|祝好|谢谢|謝謝",
    re.IGNORECASE,
)
_JOINT = re.compile(
    r"\s*(?:[,;:]|，|；|\b(?:and|but|so|because|as|und|aber|y|pero|in|ampak)\b)\s*", re.IGNORECASE
)
_FRINGE = " \t.!?,;:…~—-()\"'。！？，；：、）（😀🙂😊🙏👍"
#: No courtesy is longer.
_LONGEST = 240


def is_courtesy(sentence: str) -> bool:
    """Return whether a sentence, clause by clause, only greets, thanks, explains itself or asks for an answer."""
    bare = sentence.strip(_FRINGE)
    if len(bare) > _LONGEST:
        return False
    if not bare or _CLAUSE.fullmatch(bare) or _GREETING.fullmatch(bare) or _SIGN_OFF.fullmatch(bare):
        return True
    clauses = [clause for part in _JOINT.split(bare) if (clause := part.strip(_FRINGE))]
    return len(clauses) > 1 and all(_CLAUSE.fullmatch(clause) for clause in _merged(clauses))


def is_sign_off(line: str) -> bool:
    """Return whether a line of its own ends a letter."""
    return len(line) < 60 and bool(_SIGN_OFF.fullmatch(line.strip(_FRINGE)))


def without_greeting(sentence: str) -> str:
    """Return a sentence without the greeting before it; a greeting alone stays."""
    if len(sentence) > 2000:
        return sentence
    match = _GREETING.match(sentence) or _BARE.match(sentence)
    return sentence[match.end() :] or sentence if match else sentence


def _merged(clauses: list[str]) -> list[str]:
    """Clauses without those of one word, which a joint cut off ("so", names)."""
    return [clause for clause in clauses if " " in clause or not clause.isascii()] or clauses
