// The chat page: what the visitor does goes to the link, what the link hears goes to the view.

import { Link } from "./link.js";
import { View, icon, make, size } from "./view.js";
import { language, say } from "./words.js";

const settings = document.body.dataset, at = (id) => document.getElementById(id);
const [log, form, box, file, problem, typing] = ["log", "composer", "text", "file", "problem", "typing"].map(at);
const frames = new Map(), files = new Map(), OFFERED = "deskgate.chat.offered";
const newId = () => [...crypto.getRandomValues(new Uint8Array(12))].map((b) => b.toString(16).padStart(2, "0")).join("");
const embedded = settings.embedded && window.parent !== window;

const link = new Link();
const view = new View(log, { press, start, again, download });
let first = true, typingTimer = 0, lastTyping = 0, offered = false;

label();
view.greet(settings.bot, say("greeting", { company: settings.company }), say("topics"));
state("open");
listen();
link.start(resumeFromAddress()).then(() => link.waiting.forEach(redraw));
if (!matchMedia("(pointer: coarse)").matches || embedded) box.focus();

function label() {
  document.documentElement.lang = language;
  for (const [id, name] of [["send", "send"], ["attach", "attach"], ["close", "close"], ["home", "home"]]) {
    at(id).append(icon(id));
    at(id).setAttribute("aria-label", say(name));
    at(id).title = say(name);
  }
  at("text-label").textContent = box.placeholder = say("write");
  log.setAttribute("aria-label", say("log"));
  at("attach").hidden = !Number(settings.maxFile);
  at("close").hidden = !embedded;
  at("home").hidden = embedded;
}

function listen() {
  form.onsubmit = (event) => { event.preventDefault(); speak(); };
  box.onkeydown = (event) => {
    if (event.key === "Enter" && !event.shiftKey && !event.isComposing) { event.preventDefault(); speak(); }
  };
  box.oninput = () => { complain(""); signalTyping(); };
  at("attach").onclick = () => file.click();
  file.onchange = () => { [...file.files].forEach(upload); file.value = ""; };
  box.onpaste = (event) => [...event.clipboardData.files].forEach(upload);
  at("close").onclick = close;
  if (embedded) document.addEventListener("keydown", (event) => { if (event.key === "Escape") close(); });
  link.addEventListener("state", ({ detail }) => state(detail));
  link.addEventListener("taken", ({ detail }) => view.taken(detail));
  link.addEventListener("refused", ({ detail }) => view.failed(detail.id));
  link.addEventListener("slow", () => complain(say("tooFast")));
  link.addEventListener("typing", showTyping);
  link.addEventListener("entries", ({ detail }) => hear(detail));
  link.addEventListener("resumed", () => { offered = true; });
  link.addEventListener("expired", () => view.add(make("p", "aside", say("expired"))));
}

function speak() {
  const text = box.value.trim();
  if (!text) return;
  if (new TextEncoder().encode(text).length > 30_000) return complain(say("tooLong"));
  box.value = "";
  complain("");
  tell({ type: "message", text }, text);
}

function press(button) { tell({ type: "choice", label: button.label, ...button.choice }, button.label); }

function start(text) { tell({ type: "message", text }, text); }

function tell(words, text) {
  const frame = { ...words, id: newId(), lang: language };
  frames.set(frame.id, [words, text]);
  view.pend(frame.id, text);
  link.say(frame);
}

function again(id) {
  if (files.has(id)) return upload(files.get(id));
  tell(...frames.get(id));
}

/** What was said before a reload and never confirmed. */
function redraw(frame) {
  if (frame.type !== "email") view.pend(frame.id, frame.text ?? frame.label);
}

async function upload(chosen) {
  const limit = Number(settings.maxFile);
  if (chosen.size > limit) return complain(say("tooLarge", { size: size(limit) }));
  const id = newId();
  files.set(id, chosen);
  view.pend(id, chosen.name);
  try { await link.upload(id, chosen); view.taken(id); if (first) link.start(); }
  catch { view.failed(id); }
}

async function download(wanted) {
  const blob = await link.download(wanted.sha256).catch(() => null);
  if (!blob) return complain(say("failed"));
  const anchor = make("a");
  anchor.href = URL.createObjectURL(blob);
  anchor.download = wanted.name;
  anchor.click();
  setTimeout(() => URL.revokeObjectURL(anchor.href), 10_000);
}

function hear(entries) {
  const fresh = entries.some((entry) => entry.kind !== "message");
  if (fresh) typing.hidden = true;
  view.show(entries);
  link.signal({ type: "seen", ids: view.seen.slice(-100) });
  if (view.reference) offerEmail();
  if (fresh && !first && embedded) parent.postMessage({ deskgate: "unread" }, "*");
  if (first) setTimeout(() => log.setAttribute("aria-live", "polite"), 200); // the past is not read out
  first = false;
}

function offerEmail() {
  if (offered || !settings.email || stored() === view.reference) return; // asked once for each matter
  offered = true;
  const input = make("input"), save = make("button", "choice", say("emailSend")), later = make("button", "link-button", say("emailLater"));
  Object.assign(input, { type: "email", required: true, autocomplete: "email", id: "email", maxLength: 254 });
  later.type = "button";
  const label = make("label", "", say("email"));
  label.htmlFor = "email";
  const card = make("form", "offer", make("h2", "", say("emailTitle")), make("p", "", say("emailText")), label, make("div", "row", input, save), later);
  card.noValidate = true;
  card.onsubmit = (event) => { event.preventDefault(); giveEmail(card, input); };
  later.onclick = () => { card.remove(); markOffered(); box.focus(); };
  view.add(card);
}

function giveEmail(card, input) {
  const address = input.value.trim();
  if (!input.checkValidity() || !/^[^@\s]+@[^@\s]+\.[^@\s]+$/.test(address)) {
    input.setAttribute("aria-invalid", "true");
    input.focus();
    return complain(say("emailBad"));
  }
  complain("");
  link.say({ type: "email", address, id: newId() });
  markOffered();
  card.replaceWith(make("p", "aside", say("emailThanks", { address })));
  box.focus();
}

function stored() { try { return localStorage.getItem(OFFERED); } catch { return ""; } }
function markOffered() { offered = true; try { localStorage.setItem(OFFERED, view.reference); } catch { /* storage may be denied */ } }

function resumeFromAddress() {
  const address = new URL(location.href), resume = address.searchParams.get("resume") ?? "";
  if (resume) { address.searchParams.delete("resume"); history.replaceState(null, "", address); }
  return resume;
}

function signalTyping() {
  if (Date.now() - lastTyping < 3000) return;
  lastTyping = Date.now();
  link.signal({ type: "typing" });
}

function showTyping() {
  at("typing-text").textContent = say("typing", { name: view.latest?.author || say("someone") });
  typing.hidden = false;
  clearTimeout(typingTimer);
  typingTimer = setTimeout(() => { typing.hidden = true; }, 5000);
}

function state(name) {
  at("status").textContent = say(name);
  at("status").dataset.state = name;
}

function complain(text) { problem.textContent = text; problem.hidden = !text; }
function close() { parent.postMessage({ deskgate: "close" }, "*"); }
