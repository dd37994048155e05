// The desk's page stays fresh: when the server says that something changed, it is fetched again and the parts that
// differ are put in place. What somebody is typing, and where the focus is, stays.

import { localize } from "./page.js";

const watch = document.querySelector("[data-watch]"), ticket = watch?.dataset.ticket ?? "";
const note = document.getElementById("live-note"), typing = document.getElementById("typing");
let failures = 0, typingTimer = 0, lastTyping = 0, socket = null, busy = false, again = false;

if (watch) connect();

function connect() {
  socket = new WebSocket(`${location.origin.replace(/^http/, "ws")}/desk/live${ticket ? `?ticket=${ticket}` : ""}`);
  socket.onopen = () => { if (failures) refresh(); failures = 0; };
  socket.onmessage = ({ data }) => (JSON.parse(data).typing ? showTyping() : refresh());
  socket.onclose = () => {
    failures += 1;
    setTimeout(connect, Math.min(30_000, 500 * 2 ** failures) * (0.7 + Math.random() * 0.6));
  };
}

async function refresh() {
  if (busy) { again = true; return; }
  busy = true;
  try {
    const answer = await fetch(`/desk${ticket ? `/ticket/${ticket}` : location.search}`, { headers: { Accept: "text/html" } });
    if (answer.ok) put(new DOMParser().parseFromString(await answer.text(), "text/html"));
  } catch { /* the next change or reconnection tries again */ }
  busy = false;
  if (again) { again = false; refresh(); }
}

function put(fresh) {
  localize(fresh);
  for (const old of document.querySelectorAll("[data-live]")) {
    const next = fresh.getElementById(old.id);
    if (!next || old.innerHTML === next.innerHTML) continue;
    if (old.id === "entries") putEntries(old, next);
    else if (!old.contains(document.activeElement) && !typedIn(old)) replace(old, next);
  }
  const version = fresh.querySelector('[data-composer] [name="seen_version"]');
  const mine = document.querySelector('[data-composer] [name="seen_version"]');
  if (version && mine && !document.getElementById("text").value) mine.value = version.value; // else the collision guard must see what the agent saw
}

function typedIn(part) {
  return [...part.querySelectorAll("textarea, input:not([type=hidden])")].some((field) => field.value !== field.defaultValue || field.checked !== field.defaultChecked);
}

function replace(old, next) {
  const open = [...old.querySelectorAll("details")].map((details) => details.open);
  old.replaceChildren(...next.childNodes);
  old.querySelectorAll("details").forEach((details, index) => { details.open = open[index] ?? false; });
}

function putEntries(old, next) {
  const known = new Set([...old.children].map((child) => child.id));
  const fresh = [...next.children].filter((child) => child.id && !known.has(child.id));
  for (const child of [...next.children]) {
    const mine = child.id && document.getElementById(child.id);
    if (!mine) old.append(document.adoptNode(child));
    else if (mine.innerHTML !== child.innerHTML && !mine.contains(document.activeElement)) mine.replaceWith(document.adoptNode(child));
  }
  for (const child of fresh) child.classList.add("arrived");
  if (fresh.length && note) note.textContent = `New in the conversation: ${fresh.at(-1).querySelector(".entry-head")?.textContent.replace(/\s+/g, " ").trim() ?? ""}`;
  if (typing) typing.hidden = true;
}

function showTyping() {
  if (!typing) return;
  typing.hidden = false;
  clearTimeout(typingTimer);
  typingTimer = setTimeout(() => { typing.hidden = true; }, 5000);
}

const composer = document.querySelector("[data-composer]"), text = document.getElementById("text");
if (composer) {
  const key = `deskgate.draft.${ticket}`;
  if (!text.value) text.value = sessionStorage.getItem(key) ?? "";
  text.addEventListener("input", () => {
    sessionStorage.setItem(key, text.value);
    const replying = composer.querySelector('[value="reply"]').checked;
    if (replying && socket?.readyState === WebSocket.OPEN && Date.now() - lastTyping > 3000) {
      lastTyping = Date.now();
      socket.send('{"typing":true}');
    }
  });
  text.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) { event.preventDefault(); composer.requestSubmit(); }
  });
  composer.addEventListener("submit", () => sessionStorage.removeItem(key));
}
for (const input of document.querySelectorAll("input[data-zone]")) {
  const zone = document.getElementById(input.dataset.zone), hint = input.parentElement.querySelector("[data-utc]");
  if (hint) hint.hidden = true; // with a script it is the reader's own time
  const set = () => { zone.value = input.value ? String(-new Date(input.value).getTimezoneOffset()) : ""; };
  input.addEventListener("input", set);
  set();
}
document.querySelector("[data-canned]")?.addEventListener("click", (event) => {
  const link = event.target.closest("a[data-text]");
  if (!link || !text) return;
  event.preventDefault();
  text.setRangeText(link.dataset.text, text.selectionStart, text.selectionEnd, "end");
  text.dispatchEvent(new Event("input", { bubbles: true }));
  link.closest("details").open = false;
  text.focus();
});
document.querySelector("#preview-title")?.focus();
document.addEventListener("keydown", (event) => {
  if (event.key === "/" && !/^(INPUT|TEXTAREA|SELECT)$/.test(document.activeElement.tagName)) {
    event.preventDefault();
    document.getElementById("desk-q")?.focus();
  }
});
