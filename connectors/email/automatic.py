"""Whether a machine sent a mail, and why we think so. Nothing automatic is ever answered automatically."""

import re

from connectors.email.mime import Part

#: Why a mail counts as automatic, in the order in which the reasons are looked for.
OWN, AUTO_SUBMITTED, SUPPRESS, PRECEDENCE = "own", "auto-submitted", "suppress", "precedence"
LIST, EMPTY_RETURN_PATH, OUT_OF_OFFICE = "list", "empty-return-path", "out-of-office"
BOUNCE, FEEDBACK = "bounce", "feedback"

#: The field that our own mail carries; its value is the installation's name.
OWN_FIELD = "x-deskgate"


def automatic_reason(root: Part, *, absence: bool) -> str | None:
    """Why a mail was sent by a machine, or None for a person's (RFC 3834; Auto-Submitted: no means a person).

    absence: what is_out_of_office says of it.
    """
    if root.raw(OWN_FIELD):
        return OWN
    submitted = _value(root, "auto-submitted")
    if submitted and not submitted.startswith("no"):
        return AUTO_SUBMITTED
    if _is_responder(root):
        return SUPPRESS
    precedence = _value(root, "precedence")
    if precedence in ("auto_reply", "auto-reply", "bulk", "junk"):
        return PRECEDENCE
    if precedence == "list" or root.raw("list-id") or root.raw("list-unsubscribe"):
        return LIST
    if root.raw("return-path").strip() == b"<>":
        return EMPTY_RETURN_PATH
    if not submitted and absence:
        return OUT_OF_OFFICE
    return None


def is_auto_reply(root: Part, reason: str | None) -> bool:
    """Whether the mail answers another one by itself, as a vacation responder does; a bulk mailing does not."""
    if reason == AUTO_SUBMITTED:
        return True
    if reason == OUT_OF_OFFICE or _is_responder(root):
        return True
    return _value(root, "precedence") in ("auto_reply", "auto-reply")


def _value(root: Part, name: str) -> str:
    return root.raw(name).decode("latin-1").strip().lower()


def _is_responder(root: Part) -> bool:
    """Fields by which responders made themselves known before and beside RFC 3834."""
    suppress = _value(root, "x-auto-response-suppress")
    if any(word in suppress for word in ("all", "oof", "autoreply")):
        return True
    if any(
        root.raw(name)
        for name in (
            "x-autoreply",
            "x-autorespond",
            "x-autoresponder",
            "x-autoreply-from",
            "x-mail-autoreply",
        )
    ):
        return _value(root, "x-autoreply") not in ("no", "false")
    return _value(root, "x-ms-exchange-generated-message-source").endswith("agent") or (
        _value(root, "x-fc-machinegenerated") == "true" or _value(root, "delivered-to") == "autoresponder"
    )


#: Subjects of absence notes, for responders that set no field: en de fr es it nl pl pt sl hr sv da fi zh ja.
_OOO_SUBJECT = re.compile(
    r"^\W*(?:(?:auto(?:matic|mated|matische?|matyczna|mática|matica|matisk|matski)?[\s:-]*(?:re(?:ply|"
    r"sponse|sponder)|answer|antwort|antwoord|odpowiedź|"
    r"resposta|svar|odgovor|vastaus))|out of (?:the )?office|away from (?:the |my )?(?:office|desk)|"
    r"on (?:vacation|holiday|annual leave)|"
    r"abwesenheits?(?:notiz|nachricht|meldung|benachrichtigung|agent)?\b|automatische (?:antwort|"
    r"abwesenheit)|nicht im (?:büro|haus)|"
    r"réponse automatique|message d['’]absence|absence du bureau|absent(?:e)? du bureau|"
    r"notification d['’]absence|"
    r"respuesta automática|fuera de (?:la )?oficina|ausente de la oficina|mensaje de ausencia|"
    r"risposta automatica|fuori (?:ufficio|sede)|assenza dall['’]ufficio|messaggio di assenza|"
    r"automatisch antwoord|afwezig(?:heid)?(?:sbericht|smelding)?\b|niet op kantoor|"
    r"autoodpowiedź|automatyczna odpowiedź|nieobecność|poza biurem|jestem poza biurem|"
    r"resposta automática|ausência (?:do escritório|temporária)|fora do escritório|ausente do escritório|"
    r"samodejni odgovor|avtomatski odgovor|odsotnost|nisem v pisarni|odsoten|odsotna|"
    r"automatski odgovor|odsutnost|izvan ureda|odsutan|odsutna|"
    r"autosvar|frånvaro|fraværende|ikke til stede|poissa|"
    r"自动(?:答复|回复|回覆)|自動(?:回覆|回復|答覆)|外出(?:自动回复|通知)|不在办公室|不在辦公室|休假(?:自动回复|通知)|"
    r"自動(?:返信|応答)|不在(?:通知|のお知らせ|自動応答)?(?:$|\W))",
    re.IGNORECASE,
)

#: The words with which such a note begins, when the subject is that of the mail answered.
_OOO_BODY = re.compile(
    r"i(?: am|['’]m| will be)(?: currently| now)? (?:out of (?:the )?office|on (?:vacation|"
    r"annual leave|parental leave|maternity leave|holiday)|away from (?:the |my )?(?:office|desk))|"
    r"thank you for your (?:e-?mail|message)[.,!]? i(?: am|['’]m| will be) (?:currently )?(?:out|away|"
    r"on leave)|"
    r"ich bin (?:derzeit |zur ?zeit |momentan |aktuell |vom .{3,40} |bis .{3,40} |"
    r"ab .{3,40} )?(?:nicht (?:im (?:büro|haus)|erreichbar)|außer haus|im urlaub|abwesend)|"
    r"je (?:suis|serai) (?:actuellement |absente? |en ce moment )?(?:absente?|en congés?|"
    r"hors du bureau|en vacances)|je suis absente?|"
    r"(?:estoy|estaré|me encuentro|me encontraré) (?:actualmente |ahora )?(?:fuera de (?:la )?oficina|"
    r"ausente|de vacaciones)|"
    r"(?:sono|sarò) (?:attualmente |al momento )?(?:fuori (?:ufficio|sede)|assente|in ferie)|"
    r"ik ben (?:momenteel |van .{3,40} |tot .{3,40} |t/m .{3,40} )?(?:niet (?:op kantoor|aanwezig|"
    r"bereikbaar)|afwezig|met (?:vakantie|verlof)|op vakantie)|"
    r"(?:jestem|przebywam|będę) (?:obecnie |aktualnie |w dniach .{3,40} )?(?:poza biurem|na urlopie|"
    r"nieobecn[ya])|"
    r"(?:estou|estarei) (?:atualmente |de momento )?(?:fora do escritório|ausente|de férias|em férias)|"
    r"(?:trenutno |do .{3,40} )?(?:sem|bom) (?:trenutno |do .{3,40} )?(?:odsot(?:en|na)|na dopustu|"
    r"na letnem dopustu)|(?:trenutno )?nisem v pisarni|"
    r"(?:trenutno )?(?:sam|bit ću) (?:trenutno |do .{3,40} )?(?:odsut(?:an|na)|"
    r"na godišnjem(?: odmoru)?|izvan ureda)|(?:trenutno )?nisam u uredu|"
    r"我(?:目前|现在|正在|現在|将|將)?.{0,12}(?:不在(?:办公室|辦公室)|休假|外出|出差)|(?:您好[，,！!\s]*)?(?:这|這)是(?:自动|自動)(?:回复|回覆)|"
    r"(?:ただいま|只今|現在|本日)?、?.{0,20}(?:不在に(?:して(?:おり|い)ます)|休暇(?:中|をいただいて)|外出(?:して(?:おり|い)ます))",
    re.IGNORECASE,
)


def is_out_of_office(subject: str, body: str) -> bool:
    """Whether subject or first lines are those of an absence note, in any of the languages we know."""
    if _OOO_SUBJECT.match(subject[:200]):
        return True
    head = [line.strip() for line in body[:1_500].split("\n") if line.strip()][:4]
    return any(_OOO_BODY.match(sentence) for line in head for sentence in _sentences(line))


def _sentences(line: str) -> list[str]:
    """The beginnings from which a sentence may start in a line."""
    return [line, *(rest.strip() for rest in _AFTER_STOP.split(line[:400], 4)[1:4])]


_AFTER_STOP = re.compile(r"(?<=[.!,，。！])\s*")
