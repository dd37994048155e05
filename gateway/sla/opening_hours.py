"""Whether somebody asks when we are open, and the answer from the calendar. Pure."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from gateway.sla.calendars import Calendar
from gateway.text.terms import Terms
from gateway.words import Words

#: Longer messages, and those with two questions, are about more than the hours.
MOST_CHARACTERS = 160
#: How far ahead holidays and other exceptions are told, and how many of each.
AHEAD, MOST_DAYS = timedelta(days=60), 3
_ASKED = Terms(
    {
        "en": (
            "(opening|business|office|working|service|support) (hours|times)",
            "when (are|is) (you|your shop|your team|customer service|support) (open|available|closed|reachable)",
            "when do you (open|close)",
            "(are|is) (you|customer service|support|anyone|somebody) (open|closed|available|working|reachable) .. "
            "(now|today|tonight|tomorrow|weekend*|saturday*|sunday*|monday*|holiday*|christmas|easter)",
            "what time .. (you|service|support) (open|close)",
            "(do|are) you (work|working|open) on (weekend*|saturday*|sunday*|public holiday*|holiday*)",
            "until (when|what time) .. (open|reach|call)",
        ),
        "de": (
            "(öffnungszeiten|geschäftszeiten|servicezeiten|bürozeiten|sprechzeiten)",
            "wann (habt ihr|haben sie) (offen|auf|geöffnet|zu|geschlossen)",
            "wann (seid ihr|sind sie) .. (erreichbar|da)",
            "(habt ihr|haben sie) .. (offen|geöffnet|geschlossen)",
            "(sind sie|seid ihr) .. (samstag*|sonntag*|feiertag*|wochenende) .. (erreichbar|da)",
            "bis wann .. (offen|geöffnet|erreichbar|erreiche)",
        ),
        "es": (
            "(horario|horarios) (de|del) (atención|apertura|servicio|oficina)",
            "cuál es (su|vuestro|el) horario",
            "qué horario (tienen|tenéis|hacen)",
            "a qué hora (abren|cierran|abrís|cerráis)",
            "(abren|abrís|trabajan|atienden) (el|los) (fin de semana|sábado*|domingo*|festivo*)",
            "(están|estáis) abiertos .. (hoy|mañana|ahora|sábado*|domingo*|festivo*)",
            "hasta qué hora .. (abierto*|atienden|llamar)",
        ),
        "sl": (
            "(delovni|odpiralni|uradni) (čas|časi|ure)",
            "(kdaj|do kdaj|od kdaj) (delate|ste odprti|imate odprto|ste dosegljivi)",
            "ob kateri uri (odprete|zaprete)",
            "(ali|a) (delate|ste odprti|imate odprto) .. (danes|jutri|soboto|nedeljo|praznik*|vikend*)",
            "(delate|imate odprto|ste odprti) (ob|v|med) (soboto|sobotah|nedeljo|nedeljah|praznikih|vikend*)",
        ),
        "zh": (
            "(营业时间|上班时间|工作时间|服务时间|营业到几点|几点开门|几点关门|几点上班|几点下班)",
            "(營業時間|上班時間|工作時間|服務時間|營業到幾點|幾點開門|幾點關門|幾點上班|幾點下班)",
            "(周末|星期六|星期天|星期日|节假日|假日) .. (上班|营业|开门)",
            "(週末|星期六|星期天|星期日|節假日|假日) .. (上班|營業|開門)",
        ),
    }
)


def asked(text: str) -> bool:
    """Whether this is a question about the opening hours and about nothing else."""
    said = text.strip()
    questions = said.count("?") + said.count("？")
    return 0 < len(said) <= MOST_CHARACTERS and questions < 2 and bool(_ASKED.find(said))


def told(calendar: Calendar, words: Words, language: str, now: datetime) -> list[str]:
    """The hours of a week, what is other in the coming weeks, and whether we are open now: paragraphs."""
    moments = words.moments(language)
    today = now.astimezone(ZoneInfo(calendar.zone)).date()
    ahead = [today + timedelta(days=n) for n in range(AHEAD.days)]
    lines = [words.say(language, "opening_hours", zone=calendar.zone)]
    lines.append("\n".join(f"- {line}" for line in moments.week(calendar)))
    if closed := [moments.on_day(day, calendar.holiday(day)) for day in ahead if _holiday(calendar, day)]:
        lines.append(words.say(language, "closed_days", days=", ".join(closed[:MOST_DAYS])))
    if other := [
        moments.on_day(day, moments.windows(calendar.exceptions[day]))
        for day in ahead
        if day in calendar.exceptions
    ]:
        lines.append(words.say(language, "other_days", days="; ".join(other[:MOST_DAYS])))
    return [*lines, *_now(calendar, words, language, now)]


def _holiday(calendar: Calendar, day: date) -> bool:
    usual = calendar.days[day.weekday()]
    return bool(usual) and day not in calendar.exceptions and bool(calendar.holiday(day))


def _now(calendar: Calendar, words: Words, language: str, now: datetime) -> list[str]:
    span = next(calendar.spans(now, now + timedelta(days=14)), None)
    if span is None:
        return []
    opens, closes = span
    key, at = ("open_now", closes) if opens <= now else ("closed_now", opens)
    if key == "open_now" and closes - now >= timedelta(days=14):
        return []
    return [words.say(language, key, when=words.when(language, at, now, calendar.zone))]
