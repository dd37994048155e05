// On every page: times in the reader's own zone, and search as you type. Pages work without it.

const language = document.documentElement.lang || "en";
const hour = new Intl.DateTimeFormat(language, { timeStyle: "short" });
const exact = new Intl.DateTimeFormat(language, { dateStyle: "medium", timeStyle: "short" });

export function localize(root) {
  for (const time of root.querySelectorAll("time[data-when]")) {
    const at = new Date(time.dateTime), today = at.toDateString() === new Date().toDateString();
    time.textContent = (today ? hour : exact).format(at);
    time.title = exact.format(at);
  }
  for (const time of root.querySelectorAll("time[data-ago]")) time.title = exact.format(new Date(time.dateTime));
}

function suggest(input, box, wanted, shown) {
  let timer = 0, round = 0;
  input.addEventListener("input", () => {
    clearTimeout(timer);
    timer = setTimeout(async () => {
      const mine = ++round, text = input.value.trim();
      const found = text.length < 3 ? [] : await search(text, wanted);
      if (mine === round) shown(box, found, input);
    }, 180);
  });
}

async function search(text, wanted) {
  const query = new URLSearchParams({ q: text.slice(0, 200), lang: wanted });
  const answer = await fetch(`/help/search?${query}`).catch(() => null);
  return answer?.ok ? (await answer.json()).results : [];
}

function links(found) {
  return found.map(({ title, topic, link }) => {
    const anchor = document.createElement("a"), name = document.createElement("b"), about = document.createElement("span");
    name.textContent = title;
    about.textContent = topic;
    anchor.href = link;
    anchor.append(name, about);
    return anchor;
  });
}

function showResults(box, found, input) {
  box.replaceChildren(...links(found));
  box.hidden = !found.length;
  input.setAttribute("aria-expanded", String(!box.hidden));
}

for (const form of document.querySelectorAll("form[data-search]")) {
  const input = form.querySelector("input[type=search]"), box = document.createElement("div");
  box.className = "results";
  box.hidden = true;
  form.append(box);
  suggest(input, box, form.dataset.search, showResults);
  form.addEventListener("keydown", (event) => {
    const all = [input, ...box.querySelectorAll("a")], now = all.indexOf(document.activeElement);
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (event.key === "Escape") { box.hidden = true; input.focus(); }
    if (!step || box.hidden || now < 0) return;
    event.preventDefault();
    all[Math.max(0, Math.min(all.length - 1, now + step))].focus();
  });
  form.addEventListener("focusout", ({ relatedTarget }) => { if (!form.contains(relatedTarget)) box.hidden = true; });
}

for (const text of document.querySelectorAll("textarea[data-suggest]")) {
  const box = document.querySelector("[data-suggestions]");
  suggest(text, box, text.dataset.suggest, (_, found) => {
    const title = document.createElement("p");
    title.textContent = box.dataset.title;
    const anchors = links(found.slice(0, 3));
    for (const anchor of anchors) anchor.target = "_blank";
    box.replaceChildren(title, ...anchors);
    box.hidden = !found.length;
  });
}

localize(document);
