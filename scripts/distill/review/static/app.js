// The app: who reviews, which page is shown, what is not yet saved.

import { api, pass, query } from "./api.js";
import { dialog, make } from "./dom.js";
import * as outbox from "./outbox.js";
import { Desk } from "./desk.js";
import { showConflicts, showList, showStatistics } from "./pages.js";

const main = document.getElementById("main");
const state = { task: null, annotator: localStorage.getItem("review-annotator") ?? "", desk: null };

function showProgress(progress) {
  if (!progress) return;
  document.getElementById("progress").textContent = `${progress.done} of ${progress.all} done, ${progress.own} by you`;
  const count = document.getElementById("conflict-count");
  count.hidden = !progress.conflicts;
  count.textContent = progress.conflicts;
}

function showUnsaved(problem) {
  const pending = outbox.pending();
  const refused = pending.filter((entry) => entry.refused);
  const element = document.getElementById("unsaved");
  element.dataset.state = refused.length ? "refused" : pending.length ? "unsaved" : "saved";
  let words = pending.length ? `${pending.length} unsaved` : "all saved";
  if (refused.length) words = `${refused.length} refused`;
  else if (pending.length && problem instanceof TypeError) words += ", the server is away";
  else if (pending.length && problem instanceof Error) words += `: ${problem.message}`;
  document.getElementById("unsaved-text").textContent = words;
  element.onclick = refused.length ? () => showRefused(refused) : null;
}

function showRefused(refused) {
  dialog("Refused decisions", (element, close) => {
    for (const { key, decision, refused: reason } of refused) {
      element.append(
        make("p", {}, `${decision.card}: ${reason}`),
        make("div", { className: "row" }, make("button", { type: "button", onclick: () => (outbox.discard(key), close()) }, "Discard it")),
      );
    }
    element.append(make("div", { className: "row" }, make("button", { type: "button", onclick: close }, "Close")));
  });
}

function askName() {
  return new Promise((resolve) => {
    const element = dialog("Who reviews?", (box, close) => {
      const input = make("input", { id: "name", maxlength: "60", required: true, autocomplete: "off", value: state.annotator });
      const form = make(
        "form",
        {
          onsubmit: (event) => {
            event.preventDefault();
            const name = input.value.trim();
            if (!name) return;
            state.annotator = name;
            localStorage.setItem("review-annotator", name);
            close();
          },
        },
        make("label", { for: "name" }, "Your name stands on each of your decisions."),
        input,
        make("div", { className: "row" }, make("button", { className: "main" }, "Start")),
      );
      box.append(form);
      setTimeout(() => input.focus());
    });
    element.addEventListener("close", () => (state.annotator ? resolve() : askName().then(resolve)), { once: true });
  });
}

let turns = 0;

async function route() {
  // An address with a token that is opened in a tab where the app runs: begin as it says
  if (/[#&]token=/.test(location.hash)) return location.reload();
  const [view, argument] = location.hash.slice(1).split("/").map(decodeURIComponent);
  for (const link of document.querySelectorAll("nav a")) {
    const current = link.dataset.view === (view || "review");
    if (current) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  }
  state.desk?.leave();
  const turn = ++turns;
  const isShown = () => turn === turns; // and not another page by now
  try {
    if (view === "list") await showList(main, state, isShown);
    else if (view === "conflicts") await showConflicts(main, state, isShown);
    else if (view === "statistics") await showStatistics(main, isShown);
    else await state.desk.enter(main, argument);
  } catch (error) {
    if (!isShown()) return;
    const away = error instanceof TypeError;
    main.replaceChildren(
      make("div", { className: "empty" }, make("h2", {}, away ? "The server is away" : error.message), make("p", {}, away ? "Start it again with weasel run review; decisions are kept here meanwhile." : "")),
    );
  }
}

async function begin() {
  try {
    state.whole = await api("task");
    const { label } = pass;
    if (label && ![...state.whole.spans, ...state.whole.accept].some(({ name }) => name === label)) return pass.take(null);
    state.task = label ? await api(query("task", { label })) : state.whole;
  } catch (error) {
    main.replaceChildren(make("div", { className: "empty" }, make("h2", { className: "error" }, error.message)));
    return;
  }
  const task = state.task;
  const names = [...state.whole.spans, ...state.whole.accept];
  names.forEach((label, at) => {
    label.hue = Math.round((at * 360) / Math.max(names.length, 1) + 210) % 360;
  });
  for (const label of [...task.spans, ...task.accept]) label.hue = names.find(({ name }) => name === label.name).hue;
  const only = document.getElementById("only");
  only.hidden = !task.label;
  only.firstElementChild.textContent = task.label ?? "";
  only.querySelector("button").onclick = () => pass.take(null);
  document.title = `${task.title} – review`;
  document.getElementById("title").textContent = task.title;
  if (!state.annotator) await askName();
  const who = document.getElementById("who");
  who.textContent = state.annotator;
  who.onclick = async () => {
    const before = state.annotator;
    await askName();
    if (state.annotator !== before) location.reload();
  };
  state.desk = new Desk(state, showProgress);
  outbox.watch(showUnsaved, (progress) => state.desk.hear(progress));
  showUnsaved();
  addEventListener("hashchange", route);
  await route();
}

begin();
