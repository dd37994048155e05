// What the chat itself says, in the languages that the sample articles come in.

const WORDS = {
  en: {
    greeting: "Hello! I am the automatic assistant of {company}. Ask me anything: I answer from our help articles, and bring in a person whenever you like.",
    topics: "Topics", open: "Automatic assistant, a person on request", connecting: "Connecting …", offline: "No connection. Trying again …",
    you: "You", write: "Write a message", send: "Send", attach: "Attach a file", close: "Close the chat", home: "Start page",
    log: "Conversation", typing: "{name} is writing …", someone: "Someone",
    sending: "Sending …", sent: "Sent", failed: "Not sent.", again: "Try again",
    emailTitle: "So that the answer finds you", emailText: "If you close this page, we send the answer by e-mail, with a link back to this chat.",
    email: "E-mail address", emailSend: "Save address", emailLater: "No, thanks", emailThanks: "Thank you. Answers that you miss here go to {address}.", emailBad: "That does not look like an e-mail address.",
    tooLarge: "That file is too large. The limit is {size}.", tooFast: "That was a lot at once. One moment, please.", tooLong: "That message is too long to send in one piece.",
    expired: "That link has expired. Write to us here and we will find your case.", notKept: "not kept", download: "Download {name}", today: "Today", yesterday: "Yesterday",
  },
  sl: {
    greeting: "Pozdravljeni! Sem samodejni pomočnik podjetja {company}. Vprašajte me karkoli: odgovarjam iz naših člankov pomoči in kadarkoli pokličem sodelavca.",
    topics: "Teme", open: "Samodejni pomočnik, na željo oseba", connecting: "Povezovanje …", offline: "Ni povezave. Poskušam znova …",
    you: "Vi", write: "Napišite sporočilo", send: "Pošlji", attach: "Pripni datoteko", close: "Zapri klepet", home: "Začetna stran",
    log: "Pogovor", typing: "{name} piše …", someone: "Nekdo",
    sending: "Pošiljanje …", sent: "Poslano", failed: "Ni poslano.", again: "Poskusi znova",
    emailTitle: "Da vas odgovor najde", emailText: "Če zaprete to stran, vam odgovor pošljemo po e-pošti s povezavo nazaj v ta klepet.",
    email: "E-poštni naslov", emailSend: "Shrani naslov", emailLater: "Ne, hvala", emailThanks: "Hvala. Odgovore, ki jih tu zamudite, pošljemo na {address}.", emailBad: "To ni videti kot e-poštni naslov.",
    tooLarge: "Datoteka je prevelika. Omejitev je {size}.", tooFast: "To je bilo veliko naenkrat. Trenutek, prosim.", tooLong: "Sporočilo je predolgo za eno pošiljanje.",
    expired: "Povezava je potekla. Pišite nam tukaj in poiskali bomo vaš primer.", notKept: "ni shranjeno", download: "Prenesi {name}", today: "Danes", yesterday: "Včeraj",
  },
  "zh-Hans": {
    greeting: "您好！我是{company}的自动助理。有问题请直接问我：我根据帮助文章回答，您也可以随时要求人工服务。",
    topics: "主题", open: "自动助理，可转人工", connecting: "正在连接…", offline: "连接中断，正在重试…",
    you: "您", write: "输入消息", send: "发送", attach: "添加文件", close: "关闭聊天", home: "首页",
    log: "对话", typing: "{name}正在输入…", someone: "对方",
    sending: "发送中…", sent: "已发送", failed: "未发送。", again: "重试",
    emailTitle: "以便把答复发给您", emailText: "如果您关闭此页面，我们会通过电子邮件发送答复，并附上返回此聊天的链接。",
    email: "电子邮件地址", emailSend: "保存地址", emailLater: "不用了", emailThanks: "谢谢。您在此错过的答复会发送到 {address}。", emailBad: "这不像是电子邮件地址。",
    tooLarge: "文件太大，上限为 {size}。", tooFast: "发送过快，请稍候。", tooLong: "消息太长，请分段发送。",
    expired: "该链接已过期。请在此给我们留言，我们会找到您的记录。", notKept: "未保存", download: "下载 {name}", today: "今天", yesterday: "昨天",
  },
  "zh-Hant": {
    greeting: "您好！我是{company}的自動助理。有問題請直接問我：我根據說明文章回答，您也可以隨時要求真人服務。",
    topics: "主題", open: "自動助理，可轉真人", connecting: "連線中…", offline: "連線中斷，正在重試…",
    you: "您", write: "輸入訊息", send: "傳送", attach: "附加檔案", close: "關閉聊天", home: "首頁",
    log: "對話", typing: "{name}正在輸入…", someone: "對方",
    sending: "傳送中…", sent: "已傳送", failed: "未傳送。", again: "重試",
    emailTitle: "以便把答覆寄給您", emailText: "如果您關閉此頁面，我們會以電子郵件寄送答覆，並附上返回此聊天的連結。",
    email: "電子郵件地址", emailSend: "儲存地址", emailLater: "不用了", emailThanks: "謝謝。您在此錯過的答覆會寄到 {address}。", emailBad: "這不像是電子郵件地址。",
    tooLarge: "檔案太大，上限為 {size}。", tooFast: "傳送過快，請稍候。", tooLong: "訊息太長，請分段傳送。",
    expired: "此連結已過期。請在此留言，我們會找到您的紀錄。", notKept: "未保存", download: "下載 {name}", today: "今天", yesterday: "昨天",
  },
  de: {
    greeting: "Guten Tag! Ich bin der automatische Assistent von {company}. Fragen Sie mich: Ich antworte aus unseren Hilfeartikeln und hole jederzeit einen Menschen dazu.",
    topics: "Themen", open: "Automatischer Assistent, auf Wunsch ein Mensch", connecting: "Verbindung wird aufgebaut …", offline: "Keine Verbindung. Neuer Versuch …",
    you: "Sie", write: "Nachricht schreiben", send: "Senden", attach: "Datei anhängen", close: "Chat schließen", home: "Startseite",
    log: "Gespräch", typing: "{name} schreibt …", someone: "Jemand",
    sending: "Wird gesendet …", sent: "Gesendet", failed: "Nicht gesendet.", again: "Noch einmal",
    emailTitle: "Damit die Antwort Sie findet", emailText: "Wenn Sie diese Seite schließen, schicken wir die Antwort per E-Mail, mit einem Link zurück in diesen Chat.",
    email: "E-Mail-Adresse", emailSend: "Adresse merken", emailLater: "Nein, danke", emailThanks: "Danke. Antworten, die Sie hier verpassen, gehen an {address}.", emailBad: "Das sieht nicht wie eine E-Mail-Adresse aus.",
    tooLarge: "Die Datei ist zu groß. Erlaubt sind {size}.", tooFast: "Das war viel auf einmal. Einen Moment bitte.", tooLong: "Die Nachricht ist zu lang für einmal Senden.",
    expired: "Dieser Link ist abgelaufen. Schreiben Sie uns hier, wir finden Ihren Fall.", notKept: "nicht aufbewahrt", download: "{name} herunterladen", today: "Heute", yesterday: "Gestern",
  },
  es: {
    greeting: "¡Hola! Soy el asistente automático de {company}. Pregúnteme: respondo con nuestros artículos de ayuda y llamo a una persona cuando usted quiera.",
    topics: "Temas", open: "Asistente automático; una persona si lo pide", connecting: "Conectando …", offline: "Sin conexión. Intentándolo de nuevo …",
    you: "Usted", write: "Escriba un mensaje", send: "Enviar", attach: "Adjuntar un archivo", close: "Cerrar el chat", home: "Página de inicio",
    log: "Conversación", typing: "{name} está escribiendo …", someone: "Alguien",
    sending: "Enviando …", sent: "Enviado", failed: "No enviado.", again: "Reintentar",
    emailTitle: "Para que la respuesta le llegue", emailText: "Si cierra esta página, enviamos la respuesta por correo electrónico, con un enlace a este chat.",
    email: "Correo electrónico", emailSend: "Guardar", emailLater: "No, gracias", emailThanks: "Gracias. Las respuestas que no vea aquí irán a {address}.", emailBad: "Eso no parece un correo electrónico.",
    tooLarge: "El archivo es demasiado grande. El límite es {size}.", tooFast: "Ha sido mucho de una vez. Un momento, por favor.", tooLong: "El mensaje es demasiado largo para un solo envío.",
    expired: "Ese enlace ha caducado. Escríbanos aquí y encontraremos su caso.", notKept: "no conservado", download: "Descargar {name}", today: "Hoy", yesterday: "Ayer",
  },
};

export const language = choose(document.body.dataset.language || navigator.language || "en");

export function say(name, values = {}) {
  return WORDS[language][name].replace(/\{(\w+)\}/g, (_, key) => values[key] ?? "");
}

function choose(wanted) {
  const tag = wanted.toLowerCase();
  if (tag.startsWith("zh")) return /hant|tw|hk|mo/.test(tag) ? "zh-Hant" : "zh-Hans";
  return Object.keys(WORDS).find((ours) => tag.split("-")[0] === ours) ?? "en";
}
