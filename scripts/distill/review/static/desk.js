// The page of cards: one at a time, with the next ones fetched before they are needed.

import { api, newId, query } from "./api.js";
import { dialog, make, say } from "./dom.js";
import * as outbox from "./outbox.js";
import { TextView } from "./text.js";

const AHEAD = 12; // cards fetched before they are needed
const KEYS = [
  ["1 … 9", "label of what is picked, or of the span under the cursor"],
  ["← → ↑ ↓", "move; with Shift: pick"],
  [", .", "the span before, the next span"],
  ["Alt ← →", "move the end of a span; with Shift: its start"],
  ["d, Delete", "delete the span"],
  ["l", "all labels, to search in"],
  ["a, Enter", "accept"],
  ["x", "reject"],
  ["i", "ignore"],
  ["u, Backspace", "undo: back to the card before"],
  ["f, c", "flag; comment"],
  ["s, t", "take the student's version; the teacher's"],
  ["p", "the teacher's prompt and answer"],
  ["?", "these keys"],
];

export class Desk {
  constructor(state, showProgress) {
    this.state = state;
    this.showProgress = showProgress;
    this.client = newId();
    this.cards = [];
    this.past = []; // cards that were decided here, with what was decided
    this.filter = {};
    this.fetching = null;
    this.keys = (event) => this.#key(event);
    // While a page is open, its cards stay with it
    setInterval(() => this.active && this.run && this.#fetch().catch(() => {}), 120_000);
    addEventListener("pagehide", () => api("leave", { client: this.client }).catch(() => {}));
    addEventListener("visibilitychange", () => (document.hidden ? this.#stopClock() : this.#startClock()));
  }

  async enter(main, id) {
    this.main = main;
    this.active = true;
    addEventListener("keydown", this.keys);
    if (id) {
      this.#putBack();
      this.card = { ...(await api(query("cards", { id, annotator: this.state.annotator, ...this.#pass }))), opened: true };
      this.cards = this.cards.filter((card) => card.id !== id);
      history.replaceState(null, "", "#review");
    }
    if (this.card) this.#show();
    else await this.#next();
  }

  leave() {
    this.#keep();
    this.active = false;
    removeEventListener("keydown", this.keys);
    this.#stopClock();
  }

  /** Let only the cards through that a filter lets through. */
  async use(filter) {
    this.filter = filter;
    this.cards = [];
    this.card = null;
    location.hash = "review";
  }

  /** The only label that is decided on, for requests. */
  get #pass() {
    return this.task.label ? { label: this.task.label } : {};
  }

  /** What a decision says of the page and the card on which it was made. */
  #how(card) {
    return { ...this.#pass, guidelines: this.task.version, mode: card.mode };
  }

  /** Whether cards ask nothing but whether a text has one label. */
  get #asksYesOrNo() {
    return Boolean(this.task.label && !this.task.span_kind);
  }

  /** Keep what was done on the card that is left. */
  #keep() {
    if (this.card && this.view) {
      this.card.kept = { spans: this.view.spans, accept: [...this.accept], flag: this.flag, comment: this.comment };
    }
  }

  #putBack() {
    this.#keep();
    if (this.card && !this.card.returned) this.cards.unshift(this.card);
    this.card = null;
  }

  #fetch() {
    this.fetching ??= this.#fetchNow().finally(() => (this.fetching = null));
    return this.fetching;
  }

  async #fetchNow() {
    const { filter } = this;
    const decided = outbox.pending().map(({ decision }) => decision.card);
    const { cards, taken, progress } = await api("next", {
      annotator: this.state.annotator,
      client: this.client,
      filter,
      count: Math.max(0, AHEAD - this.cards.length),
      ...this.#pass,
      without: [...[...this.cards, this.card].filter(Boolean).map(({ id }) => id), ...decided],
    });
    if (filter !== this.filter) return this.#fetchNow();
    const gone = (card) => taken.includes(card.id) && !decided.includes(card.id) && !card.opened;
    const still = this.cards.filter((card) => !gone(card));
    this.cards = [...still, ...cards.filter(({ id }) => id !== this.card?.id && !still.some((card) => card.id === id))];
    this.run = progress.run;
    this.showProgress(progress);
    // Somebody else has it by now, and nothing has been done on it here
    if (this.active && this.card && !this.touched && gone(this.card)) this.#next();
  }

  /** Hear how far the work is. A server that was started anew does not know who has which cards, and is told at once. */
  hear(progress) {
    this.showProgress(progress);
    if (progress.version !== this.task.version) this.outdated = true;
    if (this.run && progress.run !== this.run) this.#fetch().catch(() => {});
  }

  /** Fetch, and where the server is away, as often as it takes. */
  async #fetchPatiently() {
    for (;;) {
      try {
        return await this.#fetch();
      } catch (error) {
        if (!(error instanceof TypeError || error.status >= 500)) {
          this.card = null;
          this.main.replaceChildren(make("div", { className: "empty" }, make("h2", { className: "error" }, error.message), make("p", {}, "Reload the page, or take up all labels.")));
          return false;
        }
        if (this.active) this.main.replaceChildren(
          make("div", { className: "empty" }, make("h2", {}, "The server is away"), make("p", {}, "The next cards come when it is back. What you decided is kept here until then.")),
        );
        await new Promise((resolve) => setTimeout(resolve, 1000));
      }
    }
  }

  async #next() {
    // The task is another one now: go on with its labels
    if (this.outdated && !outbox.pending().length) return location.reload();
    this.card = this.cards.shift() ?? null;
    if (!this.card) {
      this.main.ariaBusy = "true";
      const fetched = await this.#fetchPatiently();
      this.main.ariaBusy = null;
      if (this.card || fetched === false) return;
      this.card = this.cards.shift() ?? null;
    } else if (this.cards.length < (2 * AHEAD) / 3) {
      this.#fetch().catch(() => {});
    }
    this.#show();
  }

  get task() {
    return this.state.task;
  }

  #show() {
    if (!this.active) return;
    if (!this.card) {
      const filtered = Object.keys(this.filter).length > 0;
      this.main.replaceChildren(
        make(
          "div",
          { className: "empty" },
          make("h2", {}, filtered ? "No more cards with this filter" : "Nothing left to review"),
          make("p", {}, "weasel run all trains on what was decided."),
          make("p", {}, make("button", { type: "button", onclick: () => this.undo() }, "Undo ", make("kbd", {}, "u"))),
          filtered ? make("button", { type: "button", onclick: () => this.use({}).then(() => this.enter(this.main)) }, "All cards") : null,
        ),
      );
      say("Nothing left to review");
      return;
    }
    const { card, task } = this;
    const versions = [card.kept, card.own, card.teacher].filter(Boolean);
    const from = versions[0] ?? {};
    const first = (key) => versions.find((version) => version[key])?.[key] ?? [];
    this.accept = new Set(first("accept").filter((name) => task.accept.some((label) => label.name === name)));
    this.flag = from.flag ?? false;
    this.comment = from.comment ?? "";
    this.seconds = 0;
    this.since = null;
    this.#startClock();
    this.view = new TextView({
      tokens: card.tokens,
      spans: this.#known(first("spans")),
      labels: task.spans,
      overlaps: task.span_kind === "spancat",
      language: task.language,
      changed: () => this.#update(),
    });
    if (this.lastLabel) this.view.active = this.lastLabel;
    this.#draw();
    this.touched = false;
    this.view.element.focus({ preventScroll: true });
    say(`${card.mode === "shown" ? "" : "without suggestions. "}${this.view.words(0, card.tokens.length - 1)}`);
  }

  /** The spans whose label the task has: a renamed one may still stand in older files. */
  #known(spans) {
    return spans.filter((span) => this.task.spans.some((label) => label.name === span.label));
  }

  #startClock() {
    if (this.card && this.active && !this.since) this.since = performance.now();
  }

  #stopClock() {
    if (this.since) this.seconds += (performance.now() - this.since) / 1000;
    this.since = null;
  }

  #draw() {
    const { card, task } = this;
    const modes = { blind: "blind sample", hidden: "without suggestions", shown: "" };
    this.labelBar = make(
      "div",
      { className: "labels", role: "group", "aria-label": "Labels of spans" },
      task.spans.map((label, at) =>
        make(
          "button",
          { type: "button", hue: label.hue, "data-name": label.name, onclick: () => this.#choose(label.name), onmouseenter: () => this.#guide(label), onfocus: () => this.#guide(label) },
          label.name,
          at < 9 ? make("kbd", {}, String(at + 1)) : null,
        ),
      ),
    );
    const shift = task.span_kind ? "⇧" : "";
    const one = task.label_kind === "textcat";
    this.topics = make(
      "fieldset",
      { className: "topics" },
      make("legend", {}, one ? "Label of the text" : "Labels of the text"),
      task.accept.map((label, at) =>
        make(
          "label",
          { onmouseenter: () => this.#guide(label) },
          make("input", {
            type: one ? "radio" : "checkbox",
            name: "topic",
            value: label.name,
            checked: this.accept.has(label.name),
            onchange: () => this.#topic(label.name),
            onfocus: () => this.#guide(label),
          }),
          label.name,
          at < 9 ? make("kbd", {}, `${shift}${at + 1}`) : null,
        ),
      ),
    );
    const button = (words, key, act, kind = "") => make("button", { type: "button", className: kind, onclick: act }, `${words} `, make("kbd", {}, key));
    this.flagButton = button("Flag", "f", () => this.#toggleFlag());
    this.commentButton = button("Comment", "c", () => this.#askComment());
    const meta = Object.entries(card.meta).map(([key, value]) => make("span", {}, `${key}: ${typeof value === "string" ? value : JSON.stringify(value)}`));
    const about = Object.entries(card.teacher?.statuses ?? {}).map(([kind, status]) => make("span", {}, `${kind}: ${status}`));
    this.other = make("div", { className: "other", hidden: !card.student || this.#asksYesOrNo });
    this.guide = make("section", { "aria-label": "Guideline" });
    this.main.replaceChildren(
      make(
        "div",
        { className: "desk" },
        make(
          "article",
          { className: "card", "aria-label": `Card ${card.id}` },
          make("div", { className: "top" }, make("span", {}, card.id), modes[card.mode] ? make("span", { className: "pill" }, modes[card.mode]) : null, make("span", {}, card.why), about, meta, card.unknown.length ? make("span", { className: "pill" }, `left out, for the task has no such label: ${card.unknown.join(", ")}`) : null),
          task.span_kind ? this.labelBar : null,
          this.view.element,
          this.#asksYesOrNo ? this.#question() : task.label_kind ? this.topics : null,
          this.other,
          make(
            "div",
            { className: "acts" },
            button(this.#asksYesOrNo ? "Yes" : "Accept", "a", () => this.decide("accept"), "main"),
            button(this.#asksYesOrNo ? "No" : "Reject", "x", () => this.decide("reject"), this.#asksYesOrNo ? "main" : ""),
            button("Ignore", "i", () => this.decide("ignore")),
            button("Undo", "u", () => this.undo()),
            make("span", { className: "gap" }),
            this.flagButton,
            this.commentButton,
          ),
        ),
        make(
          "aside",
          {},
          this.guide,
          task.guidelines ? make("section", {}, make("h2", {}, "Guidelines"), make("p", {}, task.guidelines.replace(/\n[ \t]+/g, " "))) : null,
          make("section", {}, make("h2", {}, "More"), make("p", {}, make("button", { type: "button", onclick: () => this.#showKeys() }, "Keys ", make("kbd", {}, "?")), " ", card.mode === "shown" ? make("button", { type: "button", onclick: () => this.#showTeacher() }, "Teacher ", make("kbd", {}, "p")) : null)),
        ),
      ),
    );
    this.#update();
  }

  /** Whether the text has the label, and who says so. */
  #question() {
    const says = (who, version) => (version?.accept ? make("span", { className: "pill" }, `${who}: ${version.accept.length ? "yes" : "no"}`) : null);
    const [label] = this.task.accept;
    return make(
      "p",
      { className: "question" },
      make("strong", {}, `${label.name}?`),
      make("span", {}, label.definition),
      says("the teacher", this.card.teacher),
      says("the student", this.card.student),
      says("you", this.card.own),
    );
  }

  #update() {
    this.touched = true;
    const { task, view, card } = this;
    const name = view.current?.label ?? view.active;
    this.#guide(task.spans.find((label) => label.name === name) ?? task.accept.find((label) => this.accept.has(label.name)) ?? task.accept[0]);
    for (const button of this.labelBar.children) button.setAttribute("aria-pressed", String(button.dataset.name === view.active));
    this.flagButton.setAttribute("aria-pressed", String(this.flag));
    this.commentButton.firstChild.textContent = this.comment ? "Comment ✓ " : "Comment ";
    this.flagButton.firstChild.textContent = this.flag ? "Flagged ⚑ " : "Flag ";
    if (card.student) {
      const differing = card.student.spans?.filter((span) => !view.spans.some((own) => own.start === span.start && own.end === span.end && own.label === span.label)) ?? [];
      const spans = differing.map((span) => make("span", { className: "tag", hue: view.hue(span.label) }, `${view.words(span.start, span.end)} · ${span.label}`));
      const labels = (card.student.accept ?? []).filter((label) => !this.accept.has(label));
      this.other.replaceChildren(
        make("span", {}, "The student differs: "),
        ...(spans.length || labels.length ? [...spans, ...labels.map((label) => make("span", { className: "pill" }, label))] : [make("span", {}, "it has less, or what you have now")]),
        make("button", { type: "button", onclick: () => this.#take(card.student) }, "Take it ", make("kbd", {}, "s")),
      );
    }
  }

  #guide(label) {
    if (!label || !this.guide) return;
    this.guide.replaceChildren(make("h2", {}, label.name), make("p", {}, label.definition));
  }

  #label(name) {
    this.lastLabel = name;
    this.view.label(name);
    this.view.element.focus({ preventScroll: true });
  }

  /** With the mouse: label what is picked or the current span, or else what is picked next. */
  #choose(name) {
    if (this.view.current || this.view.picked) return this.#label(name);
    this.lastLabel = name;
    this.view.active = name;
    this.view.element.focus({ preventScroll: true });
    this.#update();
  }

  #topic(name) {
    if (this.task.label_kind === "textcat") this.accept = new Set([name]);
    else if (!this.accept.delete(name)) this.accept.add(name);
    for (const input of this.topics.querySelectorAll("input")) input.checked = this.accept.has(input.value);
    this.#update();
    say(`${name} ${this.accept.has(name) ? "on" : "off"}`);
  }

  #take(version) {
    if (!version) return;
    if (version.spans) this.view.replace(this.#known(version.spans));
    this.accept = new Set(version.accept ?? this.accept);
    for (const input of this.topics.querySelectorAll("input")) input.checked = this.accept.has(input.value);
    this.#update();
    say("taken");
  }

  /** Put the decision into the outbox, and go on to the next card at once. */
  decide(answer) {
    const { card, task, view } = this;
    if (!card || this.undoing) return;
    if (this.#asksYesOrNo && answer !== "ignore") {
      this.accept = new Set(answer === "accept" ? [task.label] : []);
      answer = "accept";
    }
    if (answer === "accept" && task.label_kind === "textcat" && this.accept.size !== 1) {
      say("choose the label of the text first");
      this.topics.classList.add("error");
      this.topics.querySelector("input")?.focus();
      return;
    }
    this.#stopClock();
    const spans = view.spans.map(({ start, end, label }) => ({ start, end, label }));
    const accept = task.accept.map(({ name }) => name).filter((name) => this.accept.has(name));
    outbox.put({
      id: newId(),
      card: card.id,
      annotator: this.state.annotator,
      answer,
      spans: answer === "accept" && task.span_kind ? spans : null,
      accept: answer === "accept" && task.label_kind ? accept : null,
      seconds: Math.round(this.seconds * 1000) / 1000,
      comment: this.comment || null,
      flag: this.flag || null,
      settles: (card.versions ?? []).map(({ id }) => id),
      ...this.#how(card),
    });
    this.past.push({ ...card, returned: false, kept: { spans, accept, flag: this.flag, comment: this.comment } });
    if (this.past.length > 500) this.past.shift();
    this.#next();
  }

  /** Take the last decision back, and show its card again as it was decided. */
  async undo() {
    if (this.undoing || this.main.ariaBusy) return;
    this.undoing = true;
    let card = this.past.pop();
    try {
      if (!card) {
        await outbox.flush();
        ({ card } = await api(query("last", { annotator: this.state.annotator, before: this.undone ?? "", ...this.#pass })));
      }
    } catch {
      say("the server is away");
      return;
    } finally {
      this.undoing = false;
    }
    if (!card) {
      say("nothing to undo");
      return;
    }
    card.opened = true;
    this.undone = card.id;
    outbox.put({ id: newId(), card: card.id, annotator: this.state.annotator, answer: "open", ...this.#how(card) });
    this.#putBack();
    this.card = card;
    this.#show();
    say("taken back");
  }

  #toggleFlag() {
    this.flag = !this.flag;
    this.#update();
    say(this.flag ? "flagged" : "not flagged");
  }

  #askComment() {
    dialog("Comment", (element, close) => {
      const input = make("textarea", { id: "comment", rows: "4", maxlength: "10000" });
      input.value = this.comment;
      const save = (event) => {
        event.preventDefault();
        this.comment = input.value.trim();
        this.#update();
        close();
        this.view.element.focus({ preventScroll: true });
      };
      input.addEventListener("keydown", (event) => event.key === "Enter" && (event.ctrlKey || event.metaKey) && save(event));
      element.append(make("form", { onsubmit: save }, make("label", { for: "comment" }, "It is kept with the decision. Ctrl-Enter saves."), input, make("div", { className: "row" }, make("button", { className: "main" }, "Save"))));
      setTimeout(() => input.focus());
    });
  }

  #showKeys() {
    dialog("Keys", (element, close) => {
      const topics = this.task.label_kind ? [[this.task.span_kind ? "Shift 1 … 9" : "1 … 9", "label of the text"]] : [];
      const rows = [...topics, ...KEYS].map(([key, words]) => make("tr", {}, make("td", {}, make("kbd", {}, key)), make("td", {}, words)));
      element.append(make("table", {}, make("tbody", {}, rows)), make("div", { className: "row" }, make("button", { type: "button", className: "main", onclick: close }, "Close")));
    });
  }

  async #showTeacher() {
    if (this.card.mode !== "shown") return say("this card has no suggestions");
    const { card } = this;
    let said;
    try {
      said = await api(query("teacher", { id: card.id }));
    } catch (error) {
      said = { runs: {}, exchanges: [], problem: error instanceof TypeError ? "The server is away." : error.message };
    }
    if (this.card !== card || !this.active) return;
    const { runs, exchanges, problem } = said;
    dialog("What the teacher was asked, and said", (element, close) => {
      if (problem) element.append(make("p", { className: "error" }, problem));
      for (const [kind, run] of Object.entries(runs)) {
        element.append(make("p", {}, `${kind}: ${run.status}${run.error ? ` (${run.error})` : ""}`));
        for (const { reason, item } of run.dropped) element.append(make("p", {}, `not used: ${item} (${reason})`));
      }
      for (const { prompt, answer } of exchanges) {
        const words = typeof prompt === "string" ? prompt : (prompt ?? []).map(({ role, content }) => `${role}> ${content}`).join("\n\n");
        element.append(make("pre", { tabindex: "0" }, words), make("pre", { tabindex: "0" }, answer ?? "no answer"));
      }
      element.append(make("div", { className: "row" }, make("button", { type: "button", className: "main", onclick: close }, "Close")));
    });
  }

  /** All labels, to search in: for those that have no number. */
  #pickLabel() {
    const choices = [...this.task.spans.map((label) => [label, () => this.#label(label.name)]), ...this.task.accept.map((label) => [label, () => this.#topic(label.name)])];
    dialog("Labels", (element, close) => {
      const input = make("input", { id: "find-label", autocomplete: "off", role: "combobox", "aria-expanded": "true", "aria-controls": "found-labels", "aria-label": "Find a label" });
      const list = make("ul", { className: "pick", id: "found-labels", role: "listbox", "aria-label": "Labels" });
      let found = [];
      let at = 0;
      const choose = ([, act]) => {
        close();
        act();
        this.view.element.focus({ preventScroll: true });
      };
      const draw = () => {
        found = choices.filter(([label]) => `${label.name} ${label.definition}`.toLowerCase().includes(input.value.toLowerCase()));
        at = Math.max(0, Math.min(at, found.length - 1));
        list.replaceChildren(
          ...found.map((choice, number) => make("li", { role: "option", "aria-selected": String(number === at), onclick: () => choose(choice) }, `${choice[0].name}: ${choice[0].definition}`)),
        );
      };
      input.addEventListener("input", () => ((at = 0), draw()));
      input.addEventListener("keydown", (event) => {
        if (event.key === "ArrowDown") at++;
        else if (event.key === "ArrowUp") at--;
        else if (event.key === "Enter" && found[at]) choose(found[at]);
        else return;
        event.preventDefault();
        draw();
      });
      element.append(input, list);
      draw();
      setTimeout(() => input.focus());
    });
  }

  #key(event) {
    if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey) return;
    if (document.getElementById("dialog").open || event.target.closest("textarea, select, input:not([type=radio], [type=checkbox])")) return;
    if (event.repeat && /^(a|x|i|u|Enter|Backspace)$/.test(event.key)) return event.preventDefault();
    if (!this.card) {
      if (event.key === "u" || event.key === "Backspace") this.undo();
      return;
    }
    const { task, view } = this;
    const digit = this.#asksYesOrNo ? null : /^Digit([1-9])$/.exec(event.code)?.[1];
    const onButton = event.target.closest("button, a");
    if (digit) {
      const topics = event.shiftKey || !task.span_kind;
      const label = (topics ? task.accept : task.spans)[digit - 1];
      if (!label) return;
      if (topics) this.#topic(label.name);
      else this.#label(label.name);
    } else if (event.key === "Enter") {
      if (onButton) return;
      this.decide("accept");
    } else {
      const acts = {
        a: () => this.decide("accept"),
        x: () => this.decide("reject"),
        i: () => this.decide("ignore"),
        u: () => this.undo(),
        Backspace: () => this.undo(),
        f: () => this.#toggleFlag(),
        c: () => this.#askComment(),
        s: () => this.#take(this.card.student),
        t: () => this.#take(this.card.teacher),
        p: () => this.#showTeacher(),
        l: () => this.#asksYesOrNo || this.#pickLabel(),
        d: () => view.remove(),
        Delete: () => view.remove(),
        ".": () => view.step(1),
        ",": () => view.step(-1),
        "?": () => this.#showKeys(),
      };
      if (!Object.hasOwn(acts, event.key)) return;
      acts[event.key]();
    }
    event.preventDefault();
  }
}
