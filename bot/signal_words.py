"""What people write to ask for a person, to say yes or no, to greet and to thank: patterns over folded text.

Folded: lower case, no diacritics, simplified Chinese, punctuation turned into single spaces. One language a line.
Plain lists of words stand in data/signal_words.toml.
"""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

# ruff: noqa: E501  one language a line

_FILE = Path(__file__).parent / "data" / "signal_words.toml"
_WORDS: dict[str, dict[str, str]] = tomllib.loads(_FILE.read_text(encoding="utf-8"))


def _every_word(list_name: str) -> frozenset[str]:
    """The words of one list of the file, of all languages together."""
    return frozenset(word for words in _WORDS[list_name].values() for word in words.split())


_WHO_EN = r"(?:(?:real|live|actual|human|proper|support|service) )*(?:human being|human|person|agent|representative|rep|operator|advis[eo]r|supervisor|manager|someone|somebody|staff(?: member)?|member of staff|employee|customer service(?: (?:agent|rep|representative))?|support(?: (?:agent|team|staff))?)"
_WHO_DE = r"(?:(?:echten|echter|echte|richtigen|richtige|lebenden|menschlichen) )*(?:menschen?|mitarbeitern?|mitarbeiterin|person|agenten|kundenberater(?:in)?|berater(?:in)?|kundendienst|kundenservice|support|jemand(?:em|en)?|sachbearbeiter(?:in)?)"
_WHO_ES = r"(?:persona|humano|humana|ser humano|agente|operador(?:a)?|asesor(?:a)?|representante|alguien|empleado|ejecutivo)"
_WHO_SL = r"(?:(?:prav\w+|ziv\w+|resnicn\w+) )*(?:clovek(?:a|om|u)?|oseb(?:o|a|e)|agent(?:om|a)?|operater(?:jem|ja|ko)?|svetovalc?(?:em|a)|svetovalk[oe]|zaposlenim|nekom|sodelavcem|referent(?:om|a)|podporo)"

#: A wish for a person wherever it stands in the text.
PERSON = re.compile(
    "|".join(
        (
            rf"\b(?<!not )(?:talk|speak|chat|connect me|transfer me|put me through|pass me on|pass me|hand me over|switch me|escalate (?:this|me)|refer me)(?: directly| over| now| please)? (?:to|with) (?:a |an |the |your |one of your |some |any )?{_WHO_EN}\b(?! (?:about my data|else s))",
            r"\b(?:i )?(?:want|need|prefer|demand|give me|get me|would like|d like|wanna|can i (?:have|get)) (?:a|an|some|one) (?:(?:real|live|actual) )?(?:human being|human|person|agent|operator|representative|rep|supervisor)\b(?= (?:please|pls|plz|now|not|instead|asap|to (?:help|talk|speak|answer)|who)\b|$)",
            r"\b(?:human|person|agent|operator|representative|supervisor) (?:please|pls|plz)\b|\bplease (?:a |an )?(?:real |live )?(?:human|person|agent|operator)$|\b(?:real|live|actual) (?:human|person|agent|operator) (?:please|now)",
            r"\b(?:not|no|hate|stop|without|dont want|don t want)(?: (?:to )?(?:talk|talking|speak|chat)(?:ing)? (?:to|with))? (?:a |an |the |this |with |another )*(?:stupid |dumb )?(?:bot|bots|robot|chatbot|machine|computer)\b",
            rf"\bmit (?:einem |einer |ein |eurem |ihrem )?{_WHO_DE} (?:\w+ )?(?:sprechen|reden|chatten|verbinden|telefonieren|verbunden)\b|\b(?:verbinden sie mich|verbinde mich|verbindet mich)\b(?: bitte)? mit\b|\b(?:mochte|moechte|will|brauche|hatte gern|haette gern|geben sie mir|gib mir) (?:bitte )?(?:einen|eine|mit einem|mit einer|mit) {_WHO_DE}(?= (?:bitte|sprechen|reden)| kein|$)|\b(?:mensch|menschen|mitarbeiter|berater) bitte\b|\bkein(?:en)? (?:bot|roboter|chatbot)\b",
            rf"\b(?:hablar|comunicarme|comunicar|chatear|contactarme|conectarme|conecteme|paseme|pasame|pasarme|comuniqueme|ponme|pongame|transferirme|transfierame|comunicame)\b(?: \w+)? (?:con|a) (?:un |una |el |la |algun |alguna |su |tu )?{_WHO_ES}\b|\b(?:quiero|necesito|deme|dame|prefiero|quisiera) (?:a )?(?:un|una) (?:persona|humano|agente|operador|operadora|asesor)\b(?= (?:real|humano|humana|por favor|ahora|ya)|$)|\b(?:persona|humano|agente|operador) (?:real )?por favor\b|\bno (?:quiero )?(?:hablar con )?(?:un |el )?(?:bot|robot)\b",
            rf"\b(?:govoril|govorila|govoriti|govorim|pogovoril|pogovorila|pogovoriti|pogovorim|pogovarjal|pogovarjala|povezite|povezi|prevezite|prevezi|predajte|klepetal|klepetala)\b(?: \w+){{0,3}} (?:s|z|na|k)? ?{_WHO_SL}\b|\b(?:zelim|hocem|rabim|potrebujem|dajte mi|daj mi|rad bi|rada bi)(?: \w+)? {_WHO_SL}(?= prosim|$)|\b(?:cloveka?|osebo|oseba|agenta?|operaterja?) prosim\b|\bprosim (?:cloveka|agenta|operaterja|pravo osebo|zivo osebo)\b|\bnocem (?:\w+ )?(?:z |s )?(?:bota|botom|robota|robotom)\b",
            r"(?:转|接|找|换|叫|要|请|想|需要|给我).{0,4}(?:人工(?!智能)|真人|活人)|人工(?:客服|服务|坐席|座席)|真人(?:客服|服务)|(?:跟|和|与|找|同)(?:一个|个|你们的?)?(?:真人|活人|真正的人|客服人员|工作人员|客服|人)(?:来)?(?:说话|说|谈|聊|对话|讲|沟通|交谈)|(?:转|接|转接|换|叫)(?:到|给|个)?客服|不(?:要|想)(?:跟|和|与)?(?:机器人|机器)",
        )
    )
)
#: A wish for a person when it is all that is written.
PERSON_ALONE = re.compile(
    r"(?:a |an |the )?(?:(?:real|live|actual|human) )*(?:human|person|human being|agent|representative|operator|supervisor|customer service|support agent)(?: (?:please|pls|now|instead|asap))*"
    r"|(?:ein |einen |eine )?(?:(?:echter|echten|echte|richtiger|richtigen) )?(?:mensch|menschen|mitarbeiter|berater|person)(?: bitte)?"
    r"|(?:un |una )?(?:persona|humano|agente|operador|operadora|ser humano)(?: (?:real|humano|humana))?(?: por favor)?"
    r"|(?:(?:prav\w+|ziv\w+) )?(?:clovek|cloveka|oseba|osebo|agent|operater|svetovalec)(?: prosim)?"
    r"|人工|真人|活人|(?:转)?人工(?:客服|服务)?|客服"
)

#: The answer did not help, at the beginning of the text or as all of it.
NO = re.compile(
    r"(?:no|nope|nah|not really|not at all|unfortunately not|sadly not|nein|nee|leider nicht|leider nein|nicht wirklich|no realmente|para nada|lamentablemente no|ne|zal ne|na zalost ne|nikakor)(?: .*)?"
    r"|(?:.{0,30} )?(?:(?:did|does|do|has|was|is|it|that|this)(?: not|n t| nt|nt)|didnt|doesnt|didn t|doesn t|wasn t|isn t|isnt|wasnt|hasn t|not|never|didn) (?:really |actually |even )*(?:help|helped|helpful|helping|work|worked|working|solve|solved|answer|answered|useful|what i (?:asked|meant|wanted|need|needed)|right|correct|resolved|fix|fixed)\b.{0,30}"
    r"|(?:.{0,20} )?(?:still (?:not|doesn t|doesnt|does not|no|broken|the same)|wrong (?:answer|article|topic)|useless|unhelpful|no help|not it)\b.{0,30}"
    r"|(?:.{0,30} )?(?:hat|das hat|hilft|das hilft|half)(?: mir)?(?: leider| gar)* nicht(?: (?:geholfen|weiter|weitergeholfen|funktioniert|geklappt))?\b.{0,20}|(?:.{0,20} )?(?:funktioniert|geht|klappt) (?:immer noch |leider |noch )?nicht\b.{0,20}|(?:das war )?(?:falsch|nutzlos)(?:e antwort)?"
    r"|(?:.{0,20} )?no (?:me )?(?:ha )?(?:ayuda|ayudo|ayudado|sirve|sirvio|funciona|funciono|resuelve|es lo que (?:pregunte|buscaba|busco))\b.{0,30}|sigue sin funcionar.{0,20}"
    r"|(?:.{0,20} )?(?:ni|mi ni|to ni|to mi ni|ne|to ne|to mi ne) (?:prav nic |res )?(?:pomagal[oa]?|pomaga|delal[oa]?|dela|deluje|resil[oa]?|uporabno|to kar)\b.{0,30}|(?:se vedno|se zmeraj) ne\b.{0,30}"
    r"|(?:这|那|还是|并|完全|根本)?(?:没|没有|不|未)(?:有)?(?:能)?(?:帮助|帮到|帮上|有用|用|解决|是|行|对|管用|可以)(?:到)?(?:我|忙|问题|任何|了|啊|吗|的)*|(?:还是|仍然|依然)(?:不行|没用|不能|没有|没).{0,10}|没用|不是这个|答非所问|否|没有|不是"
)
#: The answer helped.
YES = re.compile(
    r"(?:yes|yep|yeah|yup|yess+|sure|ok(?:ay)? (?:that|it|this) (?:worked|helped|helps|works)|ja|jap|jo|jawohl|genau|si|claro|da|ja ja|seveda|tako je)(?: (?:it|that|this|thanks?|thank you|thx|please|perfect|great|very|helped|did|does|worked|works|solved|all good|danke|vielen dank|hat geholfen|das hat geholfen|gracias|muchas gracias|hvala|najlepsa hvala|hvala lepa|je pomagalo|pomagalo je|me ayudo|me sirvio|so much|a lot|all|bitte|much))*"
    r"|(?:(?:yes|great|perfect|thanks?|thank you|ok|okay|awesome|wonderful|super|brilliant) )*(?:that|this|it|you)?(?: has| have| s| was)? ?(?:really |very |just |all |already )*(?:helped|helps|worked|works|solved(?: it| my problem| the problem| my issue)?|fixed it|did it|helpful|answers? my question|answered my question|works now|worked now|sorted|resolved)(?: (?:me|a lot|now|thanks?|thank you|great|perfectly|it|so much|fine|well))*"
    r"|(?:all (?:good|set|clear|sorted)|problem solved|perfect|great|awesome|brilliant|excellent|wonderful)(?: (?:now|thanks?|thank you|thx|so much))*"
    r"|(?:ja )?(?:das |es )?(?:hat |war )(?:mir )?(?:sehr )?(?:geholfen|geklappt|funktioniert|hilfreich|weitergeholfen)(?: (?:danke|vielen dank))*|(?:es |das )?(?:funktioniert|geht|klappt)(?: jetzt| wieder| nun)*(?: danke)?|(?:perfekt|super|alles klar|alles gut|problem gelost)(?: (?:danke|vielen dank))*"
    r"|(?:si )?(?:eso |esto )?(?:me )?(?:ha )?(?:ayudo|ayudado|sirvio|servido|funciono|funciona)(?: (?:mucho|gracias|muchas gracias|perfecto|ya))*|(?:perfecto|genial|excelente|solucionado|resuelto|todo bien|ya esta)(?: (?:gracias|muchas gracias))*"
    r"|(?:ja |da )?(?:to )?(?:mi )?(?:je )?(?:zelo )?(?:pomagalo|pomagalo mi|delalo|reseno|pomaga|dela|deluje)(?: (?:je|mi|hvala|zdaj|sedaj|najlepsa hvala|lepa))*|(?:super|odlicno|krasno|vse jasno|urejeno|reseno)(?: (?:hvala|najlepsa hvala))*"
    r"|(?:是的?|对的?|对|好的?|可以了?|行了?|有用|有帮助|很有用|很有帮助|解决了|已经解决了?|问题解决了|帮到我了|有|有的|明白了|知道了|搞定了?|没问题了)(?:了|啊|呀|哦)*(?:谢谢|感谢|多谢)?(?:你|您|了)?"
)
#: Nothing but thanks.
THANKS = re.compile(
    r"(?:(?:ok|okay|great|perfect|good|cool|alright|super|awesome|wonderful|brilliant|oh|ah|hi|hey|hello|yes) )*(?:many |a million |big )?(?:thanks?|thank you|thankyou|thx|thnx|tnx|ty|tysm|cheers|much appreciated)(?: (?:so much|very much|a lot|a million|a bunch|again|in advance|you|for (?:your|the|all your|all the|such a|this|that|you) ?(?:(?:quick|fast|great|kind|prompt|excellent|amazing|speedy|swift|useful|helpful|friendly) )*(?:help|answer|reply|support|information|info|time|response|assistance|service|explanation|patience|effort|efforts|update|hint|tip|work)|for (?:helping|explaining|letting me know|getting back to me|sorting (?:it|this|that)(?: out)?|fixing (?:it|this|that))(?: me)?|anyway|then|mate|team|all|very|guys|and bye|bye))*"
    r"|(?:(?:ok|super|gut|alles klar|perfekt|prima) )*(?:vielen |besten |herzlichen |tausend )?(?:dank|danke|dankeschon|danke schon|danke sehr|merci)(?: (?:schon|sehr|dir|ihnen|euch|vielmals|im voraus|fur (?:die|ihre|deine|eure|das|den|alles|den tollen) ?(?:(?:schnelle|rasche|prompte|tolle|freundliche|super|nette|gute) )*(?:hilfe|antwort|info|auskunft|unterstutzung|ruckmeldung|bearbeitung|erklarung|service|tipp|muhe|geduld)?|nochmal|nochmals|an alle))*"
    r"|(?:(?:ok|vale|perfecto|genial|bien) )*(?:muchas |mil |muchisimas )?gracias(?: (?:de antemano|por (?:su|la|tu|todo|todo el|el|vuestra|una|ayudarme|responder|avisar) ?(?:(?:rapida|pronta|gran|tan|amable|excelente) )*(?:ayuda|respuesta|apoyo|informacion|tiempo|atencion|paciencia|servicio|aclaracion)?(?: (?:rapida|tan rapida|inmediata))?|a todos|igualmente|igual|de nuevo))*"
    r"|(?:(?:ok|super|v redu|odlicno) )*(?:najlepsa |lepa |puno |iskrena |tisoc )?(?:hvala|fala)(?: (?:lepa|vam|ti|vnaprej|za (?:vaso |vas |vso |hitro |hiter |prijazno |prijazen |odlicno |tvojo |tvoj |res )*(?:pomoc|odgovor|informacije|informacijo|trud|podporo|razlago|potrpljenje|storitev)|se enkrat|najlepsa|za vse))*"
    r"|(?:好的?|嗯|哦|ok)*(?:非常|十分|多|太|真的?)?(?:感谢|谢谢|多谢|谢了|3q)(?:你|您|了|啊|哦|大家|你们|您的?帮助|你的?帮助|您的?回复|你的?回复|(?:你|您|你们|您们)的?(?:耐心|热心|大力|及时|快速)?(?:的)?(?:帮忙|帮助|回复|解答|支持|协助)|帮忙|帮助|回复|解答|协助|非常|谢谢)*"
)
#: Words of which what stands beside thanks is made: that it works, that it was kind, a parting line.
BESIDE_THANKS = _every_word("beside_thanks")
BESIDE_THANKS_HAN = re.compile(
    r"(?:好的|好|嗯|哦|行|可以|没事|没问题|收到|明白|知道|了解|懂|清楚|太好|太棒|很好|很棒|不错|解决|搞定|已经|已|问题|都|现在|能用|用|没有别的问题|没别的问题|麻烦|辛苦|您|你|们|了|啦|啊|呀|吧|ok)+"
)
GREETING = re.compile(
    r"(?:(?:hi+|hello+|hey+|hiya|yo|howdy|greetings|good (?:morning|afternoon|evening|day)|hallo|hi|guten (?:tag|morgen|abend)|moin(?: moin)?|servus|gruzi|gruss gott|hola|buenas|buenos dias|buenas (?:tardes|noches)|zdravo|zivjo|zivijo|pozdravljeni|pozdrav|dober dan|dobro jutro|dober vecer|oj|there|team|all|everyone|sir|madam|support|bot|zusammen|a todos|how are you(?: doing)?(?: today)?|wie geht(?:s| es)?(?: ihnen| dir)?|que tal|como esta(?:s|n)?|kako si|kako ste|anyone there|is anybody there|is anyone there|are you there)\b ?)+"
    r"|(?:您好|你好|嗨|哈啰|哈喽|在吗|在么|有人吗|早上好|早安|下午好|午安|晚上好|大家好|啊|呀|hi|hello| )+"
)
#: A call for help that says nothing of what it is about.
MENU = re.compile(
    r"(?:please )?(?:help(?: me)?|menu|main menu|topics|options|what can you do)(?: please)?"
    r"|(?:bitte )?(?:hilfe|themen|ubersicht|hauptmenu|was kannst du|was konnen sie)(?: bitte)?"
    r"|(?:por favor )?(?:ayuda|temas|opciones|que puedes hacer)(?: por favor)?"
    r"|(?:prosim )?(?:pomoc|na pomoc|meni|teme|moznosti|kaj znas)(?: prosim)?"
    r"|(?:请)?(?:帮助|帮忙|菜单|选单|目录|主题|有什么功能|你能做什么|你会什么)"
)
BYE = re.compile(
    r"(?:(?:ok|okay|thanks|thank you) )*(?:bye+(?: bye)?|goodbye|good bye|see you(?: later| soon)?|see ya|take care|have a (?:nice|good|great|lovely) (?:day|evening|weekend|one)|good night|cya)(?: (?:then|thanks|and thanks|all))*"
    r"|(?:danke )?(?:tschuss|tschuess|ciao|auf wiedersehen|bis bald|bis dann|schonen (?:tag|abend)(?: noch)?|schones wochenende|gute nacht)"
    r"|(?:gracias )?(?:adios|hasta luego|hasta pronto|chao|chau|buen dia|que tenga(?:s)? (?:un )?buen dia|nos vemos)"
    r"|(?:hvala )?(?:adijo|nasvidenje|na svidenje|lep pozdrav|lp|lep dan(?: se naprej)?|lahko noc|se vidimo|cao|caw)"
    r"|(?:再见|拜拜|拜|88|再会|回头见|晚安|祝您愉快)(?:了|啦|哦)*"
)
#: Words that typing mistakes are led back to.
TRIGGERS = _every_word("triggers")
