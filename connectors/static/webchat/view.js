// Draws the conversation. Entry text arrives as HTML that the server made from Markdown and cleaned.

import { language, say } from "./words.js";

const clock = new Intl.DateTimeFormat(language, { hour: "2-digit", minute: "2-digit" });
const day = new Intl.DateTimeFormat(language, { day: "numeric", month: "long" });
const ICONS = {
  send: "M4 12 20 4l-4.6 16-4-6.4zM11.4 13.6 20 4",
  attach: "m20 11-8.2 8.2a5 5 0 0 1-7-7L13.4 3.600a3.300 3.300 0 0 1 4.700 4.700L9.700 16.700a1.700 1.700 0 0 1-2.400-2.400L15 6.700",
  close: "M6 6l12 12M18 6 6 18",
  home: "m4 11 8-7 8 7M6.500 9.500V20h11V9.500",
  file: "M7 3h7l5 5v13H7zM14 3v5h5",
};

export function icon(name) {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  svg.setAttribute("viewBox", "0 0 24 24");
  svg.setAttribute("aria-hidden", "true");
  const path = document.createElementNS("http://www.w3.org/2000/svg", "path");
  path.setAttribute("d", ICONS[name]);
  svg.append(path);
  return svg;
}

export function size(bytes) {
  const mega = bytes >= 1_000_000;
  return `${new Intl.NumberFormat(language, { maximumFractionDigits: 1 }).format(Math.max(0.1, bytes / (mega ? 1_048_576 : 1024)))} ${mega ? "MB" : "KB"}`;
}

export function make(tag, className = "", ...children) {
  const node = document.createElement(tag);
  if (className) node.className = className;
  node.append(...children);
  return node;
}

export class View {
  #entries = new Map(); #nodes = new Map(); #pending = new Map(); #start = null;

  /** `on`: press(button), start(words), again(id), download(file). */
  constructor(log, on) { this.log = log; this.on = on; }

  get seen() { return [...this.#entries.values()].filter((entry) => entry.send).map((entry) => entry.send); }
  /** The reference that the newest hand-off named, "" while only the assistant has it. */
  get reference() {
    const notices = [...this.#entries.values()].filter((entry) => entry.kind === "notice").sort(order);
    return notices.map((entry) => /\bDG-\d+\b/.exec(entry.html)?.[0]).filter(Boolean).at(-1) ?? "";
  }
  get latest() { return [...this.#entries.values()].sort(order).at(-1); }

  /** `start`: words that a visitor may send with one press, as long as nothing was said. */
  greet(name, text, start) {
    const bubble = make("div", "bubble", make("p", "", text)), button = make("button", "choice", start);
    button.type = "button";
    button.onclick = () => this.on.start(start);
    this.#start = make("div", "choices", button);
    this.log.prepend(make("article", "entry theirs greeting", make("p", "author", name), bubble, this.#start));
  }

  /** Something that the visitor said and the server has not confirmed yet. */
  pend(id, text) {
    const state = make("p", "state", say("sending"));
    const node = make("article", "entry mine pending", hidden(say("you")), make("div", "bubble", make("p", "", text)), state);
    this.#pending.set(id, node);
    this.#settle();
    this.log.append(node);
    this.#down(true);
  }

  taken(id) { this.#state(id, say("sent")); }

  failed(id, reason) {
    const again = make("button", "link-button", say("again"));
    again.type = "button";
    again.onclick = () => { this.#pending.get(id)?.remove(); this.#pending.delete(id); this.on.again(id); };
    this.#state(id, `${reason || say("failed")} `);
    this.#pending.get(id)?.querySelector(".state")?.append(again);
  }

  show(entries) {
    const near = this.log.scrollHeight - this.log.scrollTop - this.log.clientHeight < 120;
    for (const entry of entries) {
      if (entry.client) { this.#pending.get(entry.client)?.remove(); this.#pending.delete(entry.client); }
      this.#entries.set(entry.id, entry);
      const node = this.#draw(entry), old = this.#nodes.get(entry.id);
      this.#nodes.set(entry.id, node);
      if (old) old.replaceWith(node); else this.#place(entry, node);
    }
    this.#settle();
    this.#days();
    if (near && entries.length) this.#reveal(this.#nodes.get(entries.at(-1).id));
  }

  add(node) { this.log.append(node); this.#down(true); }

  #state(id, text) {
    const state = this.#pending.get(id)?.querySelector(".state");
    if (state) state.textContent = text;
  }

  #place(entry, node) {
    const later = [...this.#entries.values()].filter((other) => order(entry, other) < 0 && this.#nodes.has(other.id)).sort(order)[0];
    const first = later ? this.#nodes.get(later.id) : this.#pending.values().next().value;
    first ? first.before(node) : this.log.append(node);
  }

  #draw(entry) {
    const mine = entry.kind === "message";
    const bubble = make("div", "bubble");
    bubble.innerHTML = entry.html;
    for (const link of bubble.querySelectorAll("a")) { link.target = "_blank"; link.rel = "noopener"; }
    for (const file of entry.attachments) bubble.append(this.#file(file));
    const node = make("article", `entry ${mine ? "mine" : "theirs"} ${entry.kind}`);
    node.dataset.at = entry.at;
    node.dataset.author = mine ? "" : entry.author || say("someone");
    node.append(mine ? hidden(say("you")) : make("p", "author", node.dataset.author), bubble);
    if (entry.buttons.length) node.append(this.#buttons(entry));
    const time = make("time", "", clock.format(new Date(entry.at)));
    time.dateTime = entry.at;
    node.append(time);
    return node;
  }

  #file(file) {
    if (!file.sha256) return make("p", "file", icon("file"), `${file.name} (${say("notKept")})`);
    const button = make("button", "file", icon("file"), make("span", "", file.name), make("small", "", size(file.size)));
    button.type = "button";
    button.setAttribute("aria-label", say("download", { name: file.name }));
    button.onclick = () => this.on.download(file);
    return button;
  }

  #buttons(entry) {
    const group = make("div", "choices");
    for (const button of entry.buttons) {
      const node = make("button", "choice", button.label);
      node.type = "button";
      node.onclick = () => this.on.press(button);
      group.append(node);
    }
    return group;
  }

  /** Buttons belong to the last word; once something follows, they are history. */
  #settle() {
    const last = this.latest?.id;
    if (this.#start) this.#start.hidden = this.#entries.size + this.#pending.size > 0;
    for (const [id, node] of this.#nodes) {
      const group = node.querySelector(".choices");
      const later = id !== last && [...this.#entries.values()].some((other) => other.kind === "message" && order(this.#entries.get(id), other) < 0);
      if (group) group.hidden = later || this.#pending.size > 0;
    }
    let previous = null;
    for (const node of this.log.querySelectorAll(".entry")) {
      const same = previous && previous.className === node.className && previous.dataset.author === node.dataset.author;
      node.toggleAttribute("data-follows", Boolean(same));
      previous = node;
    }
  }

  #days() {
    for (const old of this.log.querySelectorAll(".day")) old.remove();
    const today = new Date().toDateString();
    let last = "";
    for (const node of [...this.log.querySelectorAll(".entry[data-at]")]) {
      const at = new Date(node.dataset.at), key = at.toDateString();
      if (key !== last && (key !== today || last)) node.before(make("p", "day", key === today ? say("today") : day.format(at)));
      last = key;
    }
  }

  /** Scrolls to the end, but never past the beginning of what is new. */
  #reveal(node) {
    this.#down(true);
    const above = this.log.getBoundingClientRect().top - node.getBoundingClientRect().top;
    if (above > 0) this.log.scrollTop -= above + 12;
  }

  #down(wanted) { if (wanted) this.log.scrollTop = this.log.scrollHeight; }
}

const hidden = (text) => make("span", "hidden", `${text}: `);
const order = (a, b) => (a.at < b.at ? -1 : a.at > b.at ? 1 : a.id - b.id);
