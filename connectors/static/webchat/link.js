// The line to the server: a WebSocket, or plain HTTP when there is none. Knows nothing of the page.
// Nothing is stored in the browser, and no name is asked for, until the first message is sent.

const TOKEN = "deskgate.chat.token", WAITING = "deskgate.chat.waiting";
const SLOWEST = 30_000, POLL = 4_000, TRIES_BEFORE_HTTP = 2;

// A browser may deny storage to a page inside another site's page; the very name then throws.
const SESSION = "sessionStorage", LOCAL = "localStorage";
const kept = (store, key) => { try { return window[store].getItem(key) ?? ""; } catch { return ""; } };
const keep = (store, key, value) => { try { value ? window[store].setItem(key, value) : window[store].removeItem(key); } catch { /* kept in memory only */ } };

export class Link extends EventTarget {
  #token = kept(SESSION, TOKEN) || kept(LOCAL, TOKEN);
  #waiting = new Map(JSON.parse(kept(SESSION, WAITING) || "[]"));
  #socket = null; #failures = 0; #known = new Set(); #poll = 0; #retry = 0; #beginning = null;

  get known() { return Boolean(this.#token); }
  get waiting() { return [...this.#waiting.values()]; }

  /** Takes up an earlier chat, or the one that a mailed link names. */
  async start(resume) {
    if (resume) await this.#resume(resume);
    if (this.known || this.#waiting.size) await this.#open();
    addEventListener("online", () => { this.#failures = 0; this.#again(0); });
  }

  /** Sends what the visitor said until the server has taken it; the same id each time. */
  async say(frame) {
    this.#waiting.set(frame.id, frame);
    this.#remember();
    if (!this.known) return this.#open();
    if (!this.#tell(frame)) this.#post(frame).then(() => this.#fetchHistory());
  }

  /** A signal that may be lost. */
  signal(frame) {
    if (!this.#tell(frame) && this.known && frame.type === "seen") this.#call("messages", JSON.stringify(frame)).catch(() => {});
  }

  async upload(id, file) {
    await this.#begin();
    const form = new FormData();
    form.append("file", file, file.name);
    const answer = await this.#call(`files?id=${id}`, form);
    if (!this.#socket) this.#fetchHistory();
    if (!answer.ok) throw new Error(String(answer.status));
  }

  async download(sha256) {
    const answer = await fetch(`/chat/api/files/${sha256}`, { headers: this.#headers() });
    if (!answer.ok) throw new Error(String(answer.status));
    return answer.blob();
  }

  #say(name, detail) { this.dispatchEvent(new CustomEvent(name, { detail })); }
  #headers() { return { Authorization: `Bearer ${this.#token}` }; }
  #remember() { keep(SESSION, WAITING, this.#waiting.size ? JSON.stringify([...this.#waiting]) : ""); }

  #call(path, body) {
    return fetch(`/chat/api/${path}`, { method: "POST", headers: this.#headers(), body });
  }

  async #resume(resume) {
    const answer = await fetch("/chat/api/session", { method: "POST", body: JSON.stringify({ resume }) }).catch(() => null);
    if (!answer?.ok) return this.#say("expired");
    const mine = kept(LOCAL, TOKEN);
    this.#token = (await answer.json()).token;
    keep(mine ? SESSION : LOCAL, TOKEN, this.#token); // never displaces this browser's own chat
    this.#say("resumed");
  }

  #begin() {
    if (this.known) return Promise.resolve();
    this.#beginning ??= this.#newToken().finally(() => { this.#beginning = null; });
    return this.#beginning;
  }

  async #newToken() {
    const answer = await fetch("/chat/api/session", { method: "POST", body: "{}" });
    if (!answer.ok) throw new Error(String(answer.status));
    this.#token = (await answer.json()).token;
    keep(LOCAL, TOKEN, this.#token);
  }

  async #open() {
    this.#say("state", "connecting");
    try { await this.#begin(); } catch { return this.#lost(); }
    if (this.#socket) return;
    const socket = new WebSocket(`${location.origin.replace(/^http/, "ws")}/chat/ws`);
    this.#socket = socket;
    let greeted = false;
    socket.onopen = () => socket.send(JSON.stringify({ type: "hello", token: this.#token }));
    socket.onmessage = ({ data }) => {
      if (!greeted) { greeted = true; this.#live(); }
      this.#hear(JSON.parse(data));
    };
    socket.onclose = ({ code }) => {
      if (this.#socket !== socket) return;
      this.#socket = null;
      if (code === 1008 && !greeted) this.#forget();
      this.#lost();
    };
  }

  #live() {
    this.#failures = 0;
    clearInterval(this.#poll);
    this.#poll = 0;
    this.#say("state", "open");
    for (const frame of this.#waiting.values()) this.#tell(frame);
  }

  #lost() {
    this.#failures += 1;
    if (this.#failures >= TRIES_BEFORE_HTTP && this.known && !this.#poll) {
      this.#poll = setInterval(() => this.#fetchHistory(), POLL);
      this.#fetchHistory();
    }
    if (!this.#poll) this.#say("state", "offline");
    this.#again(Math.min(SLOWEST, 500 * 2 ** this.#failures) * (0.7 + Math.random() * 0.6));
  }

  #again(wait) {
    clearTimeout(this.#retry);
    this.#retry = setTimeout(() => { if (!this.#socket && (this.known || this.#waiting.size)) this.#open(); }, wait);
  }

  #forget() {
    this.#token = "";
    this.#known.clear();
    keep(SESSION, TOKEN, "");
    keep(LOCAL, TOKEN, "");
  }

  #tell(frame) {
    if (this.#socket?.readyState !== WebSocket.OPEN) return false;
    this.#socket.send(JSON.stringify(frame));
    return true;
  }

  async #post(frame) {
    try {
      const answer = await this.#call("messages", JSON.stringify(frame));
      this.#hear({ id: frame.id, after: Number(answer.headers.get("Retry-After")), ...(await answer.json()) });
    } catch { /* stays in the queue and is sent again with the next connection */ }
  }

  async #fetchHistory() {
    try {
      const answer = await fetch(`/chat/api/history?after=${this.#settled()}`, { headers: this.#headers() });
      if (answer.status === 403) { clearInterval(this.#poll); this.#poll = 0; return this.#forget(); }
      if (!answer.ok) throw new Error(String(answer.status));
      this.#say("state", "open");
      this.#hear(await answer.json());
      if (!this.#socket) for (const frame of this.#waiting.values()) this.#post(frame);
    } catch { this.#say("state", "offline"); }
  }

  /** The entry behind which is read again: a held answer appears after entries that are younger than it. */
  #settled() {
    const newest = [...this.#known].sort((a, b) => a - b).slice(-30);
    return newest.length === 30 ? newest[0] - 1 : 0;
  }

  #hear(frame) {
    if (frame.type === "taken") this.#done(frame.id, "taken", frame.id);
    if (frame.type === "typing") this.#say("typing");
    if (frame.type === "entries") {
      for (const entry of frame.entries) this.#known.add(entry.id);
      this.#say("entries", frame.entries);
    }
    if (frame.type === "error" && frame.code === "invalid" && frame.id) this.#done(frame.id, "refused", frame);
    else if (frame.type === "error" && frame.id) this.#later(frame);
  }

  #done(id, name, detail) {
    this.#waiting.delete(id);
    this.#remember();
    this.#say(name, detail);
  }

  #later({ id, code, after }) {
    if (code === "slow") this.#say("slow");
    setTimeout(() => {
      const frame = this.#waiting.get(id);
      if (frame && !this.#tell(frame)) this.#post(frame);
    }, 1000 * Math.min(30, Math.max(1, after || 2)));
  }
}
