// What HTML can't do by itself: the clipboard, forms in a dialog, and one click that is one click. Everything works without.
"use strict";

const say = document.body.dataset;

function announce(text) {
  const place = document.querySelector("dialog[open] [role=status]") ?? document.querySelector("[role=status]");
  if (place) place.textContent = text;
}

// A copy button copies what stands beside it, or what `data-copy` names. It says "Copied" once the clipboard has it;
// where the browser doesn't allow it, the text is selected.
function prepare(root) {
  for (const button of root.querySelectorAll("button[data-copy]")) button.hidden = false;
}

async function copy(button) {
  const named = button.dataset.copy;
  const source = named ? document.getElementById(named) : button.closest(".copyable")?.querySelector("code, output, pre, .secret");
  if (!source) return;
  const label = button.querySelector("span");
  const before = label.textContent;
  try {
    await navigator.clipboard.writeText(source.dataset.text ?? source.textContent);
    button.classList.add("done");
    label.textContent = say.copied;
    announce(say.copied);
    setTimeout(() => { button.classList.remove("done"); label.textContent = before; announce(""); }, 2000);
  } catch {
    getSelection().selectAllChildren(source);
    let help = button.parentElement.nextElementSibling;
    if (!help?.matches("[data-selected-help]")) {
      help = Object.assign(document.createElement("p"), { className: "help" });
      help.setAttribute("data-selected-help", "");
      button.parentElement.after(help);
    }
    help.textContent = say.selected;
    announce(say.selected);
  }
}

// A linked form opens in a dialog; the same address works as a page.
function sheet(html) { return new DOMParser().parseFromString(html, "text/html").querySelector("[data-sheet]"); }

function show(dialog, section) {
  const status = Object.assign(document.createElement("p"), { className: "announce" });
  status.setAttribute("role", "status");
  dialog.replaceChildren(section, status);
  const title = section.querySelector("h1, h2");
  if (title) {
    title.id = "sheet-title";
    dialog.setAttribute("aria-labelledby", title.id);
  }
  prepare(dialog);
  hideLater(section);
  dialog.closedBy = "unstored" in section.dataset ? "none" : "closerequest";
}

// A secret that was shown again is not left on the screen.
function hideLater(section) {
  if (!section?.dataset.hide) return;
  setTimeout(() => {
    const place = section.querySelector("[data-hides]");
    place?.replaceWith(Object.assign(document.createElement("p"), { className: "note", textContent: section.dataset.hidden }));
    announce(section.dataset.hidden);
  }, Number(section.dataset.hide) * 1000);
}

// What is shown this once is not lost by a key or a click: the dialog stays, and the browser asks, until somebody says
// that it is stored.
function unstored() {
  const section = document.querySelector("[data-unstored]");
  return section?.querySelector("[name=stored]:checked") ? null : section;
}

function hold(event) {
  const section = unstored();
  if (!section) return;
  event.preventDefault();
  section.querySelector("[name=stored], [data-stored]")?.focus();
  announce(section.dataset.unstored);
}

addEventListener("beforeunload", (event) => { if (unstored()) event.preventDefault(); });
addEventListener("keydown", (event) => { if (event.key === "Escape" && document.querySelector("dialog[open]")) hold(event); });

// A limit in calls, as it is typed.
function tellWorth(form) {
  const door = form.querySelector("[name=application_id]")?.selectedOptions[0] ?? form;
  const group = form.querySelector("[name=group]")?.selectedOptions[0];
  const cost = Math.round(Number(door.dataset.price) * Number(group?.dataset.multiplier ?? 1) * 1e6) / 1e6;
  for (const output of form.querySelectorAll("output.worth")) {
    const typed = form.querySelector("#" + output.htmlFor[0]).value.replaceAll(",", "").trim();
    const calls = Math.floor(Number(typed) / cost + 1e-9);
    const isTold = typed && door.dataset.price && cost > 0 && calls >= 0;
    const text = calls === 1 ? form.dataset.worthOne : form.dataset.worthOther;
    output.value = isTold ? text.replace("{count}", calls.toLocaleString("en")).replace("{cost}", cost.toLocaleString("en", { maximumFractionDigits: 6 })) : "";
  }
}

addEventListener("input", (event) => { if (event.target.form?.dataset.worthOne) tellWorth(event.target.form); });

async function open(link) {
  const answer = await fetch(link.href, { headers: { "Console-Dialog": "1" } });
  const section = answer.ok ? sheet(await answer.text()) : null;
  if (!section) return location.assign(link.href);
  const dialog = document.createElement("dialog");
  show(dialog, section);
  document.body.append(dialog);
  dialog.addEventListener("close", () => { dialog.remove(); link.focus(); });
  dialog.showModal();
  (dialog.querySelector(".wrong :is(input, select, textarea)") ?? dialog.querySelector("[autofocus]"))?.focus();
}

// On to another page; the same one is made anew, also when only its part is another.
function go(path) {
  const there = new URL(path, location.href);
  if (there.pathname !== location.pathname || there.search !== location.search) return location.assign(there);
  history.replaceState(null, "", there);
  location.reload();
}

async function send(form, submitter) {
  const dialog = form.closest("dialog");
  const body = new URLSearchParams(new FormData(form, submitter));
  const answer = await fetch(form.action, { method: "POST", body, headers: { "Console-Dialog": "1" } });
  const going = answer.headers.get("Console-Location");
  if (going) return go(going);
  const section = sheet(await answer.text());
  if (!section) throw new Error("no form");
  show(dialog, section);
  dialog.querySelector(".wrong :is(input, select, textarea), [role=alert], [autofocus]")?.focus();
}

addEventListener("click", (event) => {
  const stored = event.target.closest("[data-stored]");
  if (stored) {
    unstored()?.removeAttribute("data-unstored");
    if (stored.closest("dialog")) {
      event.preventDefault();
      return go(stored.href);
    }
  }
  const button = event.target.closest("button[data-copy]");
  if (button) return void copy(button);
  const close = event.target.closest("dialog [data-close]");
  if (close) {
    event.preventDefault();
    return close.closest("dialog").close();
  }
  const link = event.target.closest("a[data-dialog]");
  if (link && !event.ctrlKey && !event.metaKey && !event.shiftKey && event.button === 0) {
    event.preventDefault();
    open(link).catch(() => location.assign(link.href));
  }
});

addEventListener("submit", (event) => {
  const form = event.target;
  if (!form.matches("[data-once]")) return;
  if (form.dataset.sent) return event.preventDefault();
  form.dataset.sent = "1";
  const button = event.submitter;
  if (button) {
    button.setAttribute("aria-disabled", "true");
    button.textContent = say.busy;
  }
  if (form.closest("dialog")) {
    event.preventDefault();
    send(form, button).catch(() => form.submit());
  }
});

// A choice among filters is taken at once.
for (const form of document.querySelectorAll("form[data-auto]")) {
  form.classList.add("auto");
  form.addEventListener("change", (event) => { if (event.target.matches("select")) form.requestSubmit(); });
}

// Figures that move. The server says when they have, and what is new is put in its place: what has the focus, what is
// selected, where the page stands and what is open stay.
function update(old, fresh) {
  if (old.outerHTML === fresh.outerHTML) return;
  const selection = getSelection();
  if (!selection.isCollapsed && old.contains(selection.anchorNode)) return;
  const [rows, newRows] = [old.querySelector("[data-rows]"), fresh.querySelector("[data-rows]")];
  if (rows && newRows) {
    // Rows never change, so those that stay are left alone.
    const stay = new Set([...newRows.children].map((row) => row.id));
    for (const row of [...rows.children]) if (!stay.has(row.id)) row.remove();
    [...newRows.children].forEach((row, place) => {
      if (rows.children[place]?.id !== row.id) rows.insertBefore(row, rows.children[place] ?? null);
    });
    const foot = fresh.querySelector("tfoot");
    if (foot) old.querySelector("tfoot")?.replaceWith(foot);
    return;
  }
  const link = old.contains(document.activeElement) ? document.activeElement.getAttribute("href") : null;
  old.replaceChildren(...fresh.childNodes);
  if (link) [...old.querySelectorAll("a")].find((a) => a.getAttribute("href") === link)?.focus({ preventScroll: true });
}

async function refresh() {
  const answer = await fetch(location.href);
  // To the door: nobody is signed in any more.
  if (answer.redirected || answer.status === 401) return location.reload();
  if (!answer.ok) throw new Error(`${answer.status}`);
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  for (const part of document.querySelectorAll("[data-part]")) {
    const fresh = page.getElementById(part.id);
    if (fresh) update(part, fresh);
  }
  const balances = page.querySelectorAll(".balance");
  document.querySelectorAll(".balance").forEach((old, place) => { if (balances[place]) update(old, balances[place]); });
  return page.querySelector("[data-live]")?.dataset.mark;
}

const live = document.querySelector("[data-live]");
if (live) {
  let [mark, source, touched, failures, again] = [live.dataset.mark, null, Date.now(), 0, null];
  // Nobody is here any more: a session must be able to end by itself.
  const isIdle = () => document.hidden || Date.now() - touched > 600000;
  const look = async (seen) => {
    if (isIdle()) return stop();
    if (seen === mark) return;
    mark = await refresh() ?? seen;
    failures = 0;
  };
  const stop = () => { source?.close(); source = null; };
  // What could not be had is tried again, after one second, then two, up to a minute.
  const later = () => {
    stop();
    again ??= setTimeout(() => {
      again = null;
      if (!isIdle()) refresh().then((seen) => { mark = seen ?? mark; start(); }, later);
    }, Math.min(60000, 1000 * 2 ** failures++));
  };
  const start = () => {
    if (source || again || isIdle()) return;
    source = new EventSource(live.dataset.live);
    source.onmessage = (event) => look(event.data).catch(later);
    source.onerror = () => { if (source?.readyState === EventSource.CLOSED) later(); };
  };
  for (const kind of ["pointermove", "keydown", "scroll", "focus"]) {
    addEventListener(kind, () => { touched = Date.now(); start(); }, { passive: true });
  }
  addEventListener("visibilitychange", () => { touched = Date.now(); document.hidden ? stop() : start(); });
  start();
}

// A page that comes back from the browser's memory takes forms again.
addEventListener("pageshow", (event) => { if (event.persisted) location.reload(); });

prepare(document);
hideLater(document.querySelector("main [data-hide]"));
