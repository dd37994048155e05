"""How mail servers and providers say that a mail was not delivered, where they write no report that "
"machines can read."""

import re

#: Local parts and names under which servers write.
SENDER = re.compile(
    r"mailer-?daemon|mail-?daemon|post_?mm?aster|poostmaster|mmdf|daemon@|mail deliver(?:y|"
    r"er)? (?:sub)?system|"
    r"mail delivery (?:service|agent|system)|mailerdaemon|system administrator|systemadministrator|"
    r"ndr administrator|"
    r"(?:^|<)(?:bounces?|ndr|mailadm|mail-?admin)@|microsoft exchange|microsoft outlook",
    re.IGNORECASE,
)

#: A postmaster may also be a person: then the subject has to say it too.
STRONG_SENDER = re.compile(
    r"mailer-?daemon|mail-?daemon|mailerdaemon|mail deliver(?:y|er)? (?:sub)?system", re.IGNORECASE
)

SUBJECT = re.compile(
    r"undeliver|undelivered|non[- ]?deliver|not deliver|deliver(?:y|ing)? (?:has |status )?(?:fail|"
    r"error|problem|notification|delayed|report|status)|"
    r"delivery status|fail(?:ed|ure)?:? (?:mail )?(?:delivery|notice|to deliver)|returned (?:mail|"
    r"e-?mail|message|to sender)|"
    r"mail (?:delivery )?(?:failed|failure|error|system error)|mail could not be|(?:could|can)(?:not|"
    r" not|n't) (?:send|be delivered|deliver)|"
    r"message (?:not delivered|delivery|status|undeliverable|delayed|rejected)|error (?:sending|"
    r"delivering)|warning.{0,12}(?:could not|message|e?mail)|"
    r"failed mail|delivery warning|user unknown|unknown (?:user|recipient|address)|rejected|"
    r"mailbox (?:is )?(?:full|unavailable)|delay(?:ed)? (?:mail|notification)|"
    r"bounce|permanent (?:fatal )?error|nondeliverable|are not (?:a )?member|loop alert|"
    r"unzustellbar|nicht zugestellt|zustellung|übermittlungsstatus|nicht ausgeliefert|unzustellbarkeit|"
    r"non remis|échec de (?:la )?(?:remise|livraison)|non distribu|rapport de non[- ]remise|"
    r"no (?:se )?(?:ha podido|pudo|entregado|se puede) ?(?:entregar)?|notificación de estado|"
    r"error de entrega|devuelto|"
    r"mancato recapito|non recapitabile|impossibile consegnare|notifica di mancato|"
    r"onbestelbaar|niet bezorgd|bezorging mislukt|kan niet worden (?:bezorgd|afgeleverd)|"
    r"niedostarcz|nie dostarczono|zwrot (?:poczty|wiadomości)|não (?:foi )?(?:entregue|"
    r"possível entregar)|falha (?:na|de) entrega|"
    r"nedostav|ni bilo mogoče dostaviti|neisporučen|isporuka|недостав|не доставлен|"
    r"退信|退件|系统退信|无法(?:投递|送达)|無法(?:投遞|傳遞|送達)|投递失败|未送达|未送達|"
    r"配信(?:できません|不能|エラー|失敗)|送信(?:エラー|できません)|エラーメール|届けられません",
    re.IGNORECASE,
)

TEXT = re.compile(
    r"(?:could|can|did|was|were|has|have|is|are)(?:\s+|n['’]t|n['’]t\s+)?(?:not|unable to|"
    r"been)?\s*(?:be(?:en)?\s+)?(?:deliver(?:ed)?|reach(?:ed)?)\b.{0,80}|"
    r"undeliver|unable to (?:deliver|send)|not deliver|delivery (?:has )?fail|"
    r"permanent (?:fatal )?error|fatal error|"
    r"error.{0,40}(?:deliver|sending your)|failed recipient|unrecoverable error|user (?:is )?unknown|"
    r"unknown user|no such (?:user|recipient|person)|"
    r"mailbox (?:is )?(?:full|unavailable|not found|disabled)|(?:recipient|address|user|sender|"
    r"message)s?(?: address)? (?:was |were |is |has been )?(?:rejected|refused)|"
    r"invalid (?:user|recipient|address)|no valid recipients|recipient.{0,30}(?:not found|affected|"
    r"disabled)|message (?:is|was|has been) delayed|full mailbox|has been postponed|"
    r"did not (?:exactly )?match|"
    r"returned (?:to sender|mail|message)|transcript of session|unsent message|bounced|"
    r"(?<!\d)5[0-5]\d[ -][45]\.\d\.\d|(?<!\d)55\d[ -]\S|(?<!\d)[45]\d\d [45]\.\d{1,3}\.\d{1,3}|"
    r"not (?:a )?member of|duplicated message-id|host (?:unknown|not found)|"
    r"zugestellt werden|nicht zustell|n['’]a pas pu être|n['’]ont pas pu|no se (?:pudo|"
    r"ha podido) entregar|non (?:è stato possibile|può essere) (?:consegn|recapit)|"
    r"niet (?:worden )?(?:bezorgd|afgeleverd)|nie (?:mogła|można|została|udało się)|não (?:pôde|"
    r"foi possível|pode) |ni bilo mogoče|nije (?:moguće|mogla|isporučen)|"
    r"无法(?:投递|送达|发送)|無法(?:投遞|傳遞|送達|傳送)|退信|退回|投递失败|(?:送信|配信|配送)(?:で|が)きません|送信できません|失敗(?:し|いた)|届けられ",
    re.IGNORECASE,
)

#: The server still tries: the address is not dead.
DELAYED = re.compile(
    r"delayed|postponed|will (?:continue|keep|be retried|retry)|still (?:trying|being)|"
    r"only a temporary|temporary failure|warning message only|you do not need to re-?send|"
    r"no need to re-?send|not yet been delivered|"
    r"could not send mail for past|wird weiter(?:hin)? versucht|verzöger|延迟|延遲|遅延",
    re.IGNORECASE,
)

#: Where the copy of the undelivered mail begins.
COPY = re.compile(
    r"^[ \t>-]*(?:(?:message headers|original message|message text|unsent message|returned message|"
    r"headers?) follows?|"
    r"below (?:is|this line is) a copy|-+ ?(?:original message|message header|unsent message|"
    r"returned message|returned mail|this is a copy)|"
    r"original mail as follows|received: (?:from|by) |return-path: |message-id: )",
    re.IGNORECASE | re.MULTILINE,
)

#: After which an address is the failed one.
NAMED = re.compile(
    r"(?:final-recipient|original-recipient|x-actual-recipient|recipients?|rcpt to|"
    r"failed (?:recipient|address)|delivered to|deliver(?:ing)? your mail to|"
    r"to|address(?:es)?|user|destinat\w{2,8}|empfänger|"
    r"收件人)\W{0,12}(?:rfc822\s*;\s*)?<?([^\s<>()\[\],;:\"']{1,120}@[^\s<>()\[\],;:\"']{1,120})",
    re.IGNORECASE,
)
#: An address alone on its line, or one with an answer of the server after it.
ALONE = re.compile(
    r"^[ \t>*-]*<?([^\s<>()\[\],;:\"']{1,120}@[^\s<>()\[\],;:\"']{1,120})>?(?:[ \t]*(?:\.\.\.|:|\(|,|"
    r"on \d).{0,200})?[ \t]*$",
    re.MULTILINE,
)
#: An address in a line that begins with a refusal.
REFUSED = re.compile(r"(?<!\d)[45]\d\d[ -][^\n]{0,60}?<([^\s<>]{1,120}@[^\s<>]{1,120})>")
