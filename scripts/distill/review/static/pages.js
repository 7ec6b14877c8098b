// The pages beside the cards: the list, the conflicts, the statistics.

import { api, newId, pass, query } from "./api.js";
import { duration, make, percent } from "./dom.js";
import * as outbox from "./outbox.js";
import { TextView } from "./text.js";

const STATUSES = ["ok", "ok_empty", "partial", "truncated", "parse_error", "refused", "api_error"];

export async function showList(main, state, isShown) {
  const names = [...state.whole.spans, ...state.whole.accept].map(({ name }) => name);
  const choice = (words, name, values) =>
    make("label", {}, words, make("select", { name }, make("option", { value: "" }, "any"), values.map((value) => make("option", { value }, value))));
  const check = (words, name) => make("label", { className: "check" }, make("input", { type: "checkbox", name }), words);
  const form = make(
    "form",
    { className: "filters", role: "search", "aria-label": "Filter" },
    make("label", {}, "Text", make("input", { name: "text", type: "search" })),
    choice("State", "state", ["todo", "done", "conflict"]),
    choice("Label", "label", names),
    choice("Teacher", "status", STATUSES),
    make("label", {}, "Annotator", make("input", { name: "annotator", autocomplete: "off" })),
    check("student differs", "differs"),
    check("flagged", "flag"),
    make("button", { className: "main" }, "Show"),
    make("button", { type: "button", onclick: () => state.desk.use(filter()) }, "Review these"),
    make("button", { type: "button", onclick: () => (filter().label ? pass.take(filter().label) : form.elements.label.focus()) }, "Only this label"),
  );
  const rows = make("tbody");
  const count = make("p", { role: "status" });
  const more = make("button", { type: "button", hidden: true }, "More");
  function filter() {
    const found = {};
    for (const element of form.elements) {
      if (element.type === "checkbox" ? element.checked : element.name && element.value) found[element.name] = element.type === "checkbox" ? true : element.value;
    }
    return found;
  }
  async function show(start) {
    const found = await api("find", { filter: filter(), start, count: 50 });
    if (!isShown()) return;
    if (!start) rows.replaceChildren();
    for (const row of found.rows) {
      rows.append(
        make(
          "tr",
          {},
          make("td", {}, make("a", { href: `#review/${encodeURIComponent(row.id)}` }, row.id)),
          make("td", { dir: "auto" }, row.text, row.comments.map((comment) => make("p", {}, `“${comment}”`))),
          make("td", {}, row.state),
          make("td", {}, row.mode === "shown" ? "" : row.mode),
          make("td", {}, row.annotators.join(", ")),
          make("td", {}, row.flag ? "⚑" : ""),
        ),
      );
    }
    count.textContent = `${found.count} texts`;
    more.hidden = rows.children.length >= found.count;
    more.onclick = () => show(rows.children.length);
  }
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    show(0);
  });
  const head = ["Id", "Text", "State", "Sample", "Annotators", "Flag"].map((words) => make("th", { scope: "col" }, words));
  main.replaceChildren(make("h2", { className: "visually-hidden" }, "List"), form, count, make("div", { className: "panel", tabindex: "0" }, make("table", {}, make("thead", {}, make("tr", {}, head)), rows)), more);
  await show(0);
}

export async function showConflicts(main, state, isShown) {
  const underway = outbox.pending().map(({ decision }) => decision.card);
  const found = await api(query("conflicts", { annotator: state.annotator }));
  if (!isShown()) return;
  const cards = found.cards.filter(({ id }) => !underway.includes(id) && !settled.has(id));
  if (!cards.length) {
    main.replaceChildren(make("div", { className: "empty" }, make("h2", {}, "No conflicts"), make("p", {}, "Texts that two annotators decided differently stand here until somebody settles them.")));
    return;
  }
  main.replaceChildren(make("h2", { className: "visually-hidden" }, "Conflicts"), ...cards.map((card) => conflict(card, state, main, isShown)));
}

const settled = new Set(); // texts that were settled here, for the server may not have heard of it yet

function conflict(card, state, main, isShown) {
  const task = state.whole; // what differs is settled on all labels
  const settle = (version) => {
    const isWhole = !version.labels && (!task.span_kind || version.spans) && (!task.label_kind || version.accept);
    if (version.answer === "accept" && !isWhole) {
      // What it did not decide is for its card
      openCard();
      return;
    }
    outbox.put({
      id: newId(),
      card: card.id,
      annotator: state.annotator,
      answer: version.answer,
      spans: version.answer === "accept" && task.span_kind ? version.spans ?? [] : null,
      accept: version.answer === "accept" && task.label_kind ? version.accept ?? [] : null,
      comment: version.comment,
      settles: card.versions.map(({ id }) => id),
      guidelines: task.version,
      mode: card.mode,
    });
    settled.add(card.id);
    element.remove();
    if (!main.querySelector(".card")) showConflicts(main, state, isShown);
  };
  const openCard = () => (pass.label ? pass.take(null, `review/${encodeURIComponent(card.id)}`) : (location.hash = `review/${encodeURIComponent(card.id)}`));
  const element = make(
    "article",
    { className: "card", "aria-label": `Conflict on ${card.id}` },
    make("div", { className: "top" }, make("span", {}, card.id), make("span", {}, card.why)),
    make(
      "div",
      { className: "versions" },
      card.versions.map((version) => {
        const view = new TextView({ tokens: card.tokens, spans: version.spans ?? [], labels: task.spans, overlaps: true, language: task.language, editable: false });
        return make(
          "section",
          { className: "version", "aria-label": `Version of ${version.annotator} on ${card.id}` },
          make("h3", {}, version.annotator),
          make("p", {}, [version.answer, ...(version.accept ?? [])].join(" · "), version.guidelines === task.version ? "" : " · under older guidelines"),
          view.element,
          version.comment ? make("p", {}, `“${version.comment}”`) : null,
          make("div", { className: "acts" }, make("button", { type: "button", className: "main", onclick: () => settle(version) }, "This is right")),
        );
      }),
    ),
    make("div", { className: "acts" }, make("button", { type: "button", onclick: openCard }, "Decide anew on its card")),
  );
  return element;
}

export async function showStatistics(main, isShown) {
  const found = await api("statistics");
  if (!isShown()) return;
  const figure = (words, value) => make("div", {}, make("dt", {}, words), make("dd", {}, value));
  const table = (heads, rows) =>
    make(
      "table",
      {},
      make("thead", {}, make("tr", {}, heads.map((words, at) => make("th", { scope: "col", className: at ? "n" : "" }, words)))),
      make("tbody", {}, rows.map((cells) => make("tr", {}, cells.map((cell, at) => make(at ? "td" : "th", { className: at ? "n" : "", scope: at ? null : "row" }, cell))))),
    );
  const share = (value) => {
    const bar = make("i");
    bar.style.width = percent(value);
    return value === null ? "–" : make("span", {}, percent(value), make("span", { className: "meter", "aria-hidden": "true" }, bar));
  };
  const rate = ({ cards, edited }) => (cards ? `${percent(edited / cards)} of ${cards}` : "none yet");
  const round = (value) => (value === null ? "–" : value.toFixed(2));
  main.replaceChildren(
    make("h2", { className: "visually-hidden" }, "Statistics"),
    make(
      "div",
      { className: "panels" },
      make(
        "section",
        { className: "panel wide", tabindex: "0" },
        make("h2", {}, "Work"),
        make(
          "dl",
          { className: "figures" },
          figure("decisions", String(found.decisions)),
          figure("still wanted", String(found.remaining)),
          figure("a card, median", duration(found.median_seconds)),
          figure("left", duration(found.seconds_left)),
          figure("accepted", String(found.answers.accept ?? 0)),
          figure("rejected", String(found.answers.reject ?? 0)),
          figure("ignored", String(found.answers.ignore ?? 0)),
        ),
      ),
      make(
        "section",
        { className: "panel wide", tabindex: "0" },
        make("h2", {}, "The teacher, by label"),
        make("p", {}, "Of its suggestions on cards that showed them; the blind samples are not counted."),
        found.labels.length
          ? table(
              ["label", "suggested", "kept", "changed", "removed", "added", "accepted"],
              found.labels.map((row) => [row.label, row.suggested, row.kept, row.changed, row.removed, row.added, share(row.suggested ? row.kept / row.suggested : null)].map((cell) => (typeof cell === "number" ? String(cell) : cell))),
            )
          : make("p", {}, "Nothing yet."),
      ),
      make(
        "section",
        { className: "panel", tabindex: "0" },
        make("h2", {}, "Anchoring"),
        make("p", {}, "How often people decide otherwise than the teacher, where they see what it says and where they do not. Much rarer where they see it: they follow it."),
        table(["cards", "decided otherwise"], [["with suggestions", rate(found.anchoring.shown)], ["without", rate(found.anchoring.hidden)]]),
      ),
      make(
        "section",
        { className: "panel", tabindex: "0" },
        make("h2", {}, "Agreement"),
        make("p", {}, "F of the spans, and Cohen's kappa for labels of texts, on texts that both decided."),
        found.agreement.length
          ? table(["annotators", "texts", "F", "kappa"], found.agreement.map((row) => [`${row.one}, ${row.other}`, String(row.texts), round(row.span_f), round(row.kappa)]))
          : make("p", {}, "No text has been decided by two yet."),
      ),
      make(
        "section",
        { className: "panel", tabindex: "0" },
        make("h2", {}, "Annotators"),
        table(["annotator", "decisions", "a card", "flags"], found.annotators.map((row) => [row.annotator, String(row.decisions), duration(row.median_seconds), String(row.flags)])),
      ),
    ),
  );
}
