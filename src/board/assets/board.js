// What lives on the board's pages. Every page works without it, but then it must be loaded again to be new.

const byId = (id) => document.getElementById(id);
const list = byId("list");
const rows = byId("rows");
const page = byId("case");

// Parses a table row that the server wrote.
function rowOf(html) {
  const holder = document.createElement("template");
  holder.innerHTML = `<table><tbody>${html}</tbody></table>`;
  return holder.content.querySelector("tr");
}

// A row takes the place of its older self. The row under the hand never moves, and keeps the focus and its tick.
function replace(changed) {
  const old = byId(`t-${changed.id}`);
  if (!old) return;
  if (!changed.here) {
    old.classList.add("gone");
    return;
  }
  const fresh = rowOf(changed.html);
  if (!fresh) return;
  const focused = old.contains(document.activeElement) ? document.activeElement.tagName : null;
  const ticked = old.querySelector("input")?.checked;
  if (old.classList.contains("here")) fresh.classList.add("here");
  fresh.classList.add("changed");
  old.replaceWith(fresh);
  if (ticked) fresh.querySelector("input").checked = true;
  if (focused) fresh.querySelector(focused.toLowerCase())?.focus();
}

// A browser has six connections to one server. A page that nobody sees keeps none, and asks again once it is seen.
let unseen = new AbortController();
document.addEventListener("visibilitychange", () => {
  if (!document.hidden) return;
  unseen.abort();
  unseen = new AbortController();
});

async function seen() {
  while (document.hidden) {
    await new Promise((done) => document.addEventListener("visibilitychange", done, { once: true }));
  }
}

// Asks again and again what has changed. Each question waits for an answer at the server.
async function follow(query, made, ids, onChange) {
  const asked = `/changes?${query}${query ? "&" : ""}made=${made}&ids=${ids.join(",")}&since=`;
  let since = made;
  let pause = 250;
  for (;;) {
    await seen();
    try {
      const answer = await fetch(asked + since, {
        headers: { accept: "application/json" },
        signal: AbortSignal.any([AbortSignal.timeout(40_000), unseen.signal]),
      });
      if (answer.status === 401) location.assign("/sign-in");
      if (!answer.ok) throw new Error(answer.status);
      const changes = await answer.json();
      // The server's store was built anew and counts from the beginning.
      if (changes.seq < since) location.reload();
      since = changes.seq;
      pause = 250;
      document.documentElement.removeAttribute("data-cut");
      byId("stale").innerHTML = changes.stale;
      onChange(changes);
    } catch {
      if (document.hidden) continue;
      document.documentElement.dataset.cut = "true";
      await new Promise((done) => setTimeout(done, pause));
      pause = Math.min(pause * 2, 5_000);
    }
  }
}

function liveList() {
  const fresh = byId("fresh");
  fresh.addEventListener("click", () => location.reload());
  const ids = [...rows.querySelectorAll("tr")].map((row) => row.dataset.id);
  follow(list.dataset.query, Number(list.dataset.made), ids, (changes) => {
    for (const changed of changes.rows) replace(changed);
    fresh.hidden = changes.new === 0;
    const text = changes.new === 1 ? fresh.dataset.one : fresh.dataset.many;
    fresh.textContent = text.replace("{}", changes.new);
  });
}

// The page of a task is made again when its task changes, but for what is being written.
function liveCase() {
  const made = Number(page.dataset.seq);
  follow("", made, [page.dataset.id], async (changes) => {
    if (changes.rows.length === 0) return;
    const answer = await fetch(location.href);
    if (!answer.ok) return;
    const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
    for (const part of ["#state", ".facts", ".history"]) {
      const [old, now] = [page.querySelector(part), fresh.querySelector(part)];
      if (old && now && !old.contains(document.activeElement)) old.replaceWith(now);
    }
  });
}

// The number, without leaving the page.
document.addEventListener("submit", async (event) => {
  const form = event.target;
  if (!form.classList.contains("number")) return;
  event.preventDefault();
  const answer = await fetch(form.action, {
    method: "POST",
    headers: { accept: "text/plain" },
    body: new URLSearchParams(new FormData(form)),
  });
  const text = await answer.text();
  const output = form.querySelector("output");
  const link = document.createElement("a");
  link.href = `tel:${text}`;
  link.textContent = text;
  output.replaceChildren(answer.ok ? link : text);
});

// Bulk actions are for the tasks that are ticked, if any are.
function picks() {
  const form = byId("bulk");
  if (!form) return;
  const scope = byId("scope");
  const all = scope.textContent;
  const count = () => {
    const ids = [...rows.querySelectorAll("input:checked")].map((box) => box.value);
    form.elements.picked.value = ids.join(",");
    scope.textContent = ids.length ? form.dataset.picked.replace("{}", ids.length) : all;
    if (ids.length) form.closest("details").open = true;
  };
  rows.addEventListener("change", count);
  form.addEventListener("submit", count);
}

function step(by) {
  const all = [...rows.querySelectorAll("tr")];
  const at = all.findIndex((row) => row.classList.contains("here"));
  const next = all[Math.max(0, Math.min(all.length - 1, at < 0 ? 0 : at + by))];
  if (!next) return;
  all[at]?.classList.remove("here");
  next.classList.add("here");
  next.querySelector("a")?.focus();
  next.scrollIntoView({ block: "nearest" });
}

// Takes the task of the row, without leaving the list.
async function takeRow() {
  const row = rows?.querySelector("tr.here");
  const csrf = document.querySelector("input[name=csrf]")?.value;
  if (!row) return;
  const body = new URLSearchParams({ csrf, action: "take" });
  const answer = await fetch(`/tasks/${row.dataset.id}/act`, { method: "POST", body });
  if (!answer.ok) row.classList.add("refused");
}

function openDetails(field) {
  field.closest("details")?.setAttribute("open", "");
  field.focus();
}

const keys = {
  j: () => rows && step(1),
  k: () => rows && step(-1),
  n: () => byId("next")?.click(),
  t: () => (page ? (byId("take") ?? byId("release"))?.click() : takeRow()),
  s: () => byId("snooze") && openDetails(byId("snooze")),
  m: () => byId("note")?.focus(),
  c: () => byId("call")?.click(),
  "/": () => byId("q")?.focus(),
  ".": () => byId("fresh")?.click(),
  "?": () => byId("help")?.showModal(),
  // What is written is not thrown away.
  Escape: () => [...document.querySelectorAll("textarea")].some((field) => field.value) || byId("back")?.click(),
};

document.addEventListener("keydown", (event) => {
  // The sheet of keys lies over the page: what is pressed then is not for the page.
  if (event.ctrlKey || event.metaKey || event.altKey || byId("help")?.open) return;
  const writing = event.target.closest("input:not([type=radio], [type=checkbox]), select, textarea");
  if (writing) {
    if (event.key === "Escape") writing.blur();
    return;
  }
  const answer = page?.querySelector(`input[data-key="${CSS.escape(event.key)}"]`);
  if (answer) {
    answer.checked = true;
    answer.focus();
    event.preventDefault();
  } else if (event.key === "Enter" && event.target.matches("input[name=result]")) {
    event.target.form.requestSubmit();
    event.preventDefault();
  } else if (Object.hasOwn(keys, event.key)) {
    keys[event.key]();
    event.preventDefault();
  }
});

const sheet = byId("keys");
if (sheet) {
  sheet.hidden = false;
  sheet.addEventListener("click", () => byId("help").showModal());
}
if (list) liveList();
if (page) liveCase();
picks();
