// A text in tokens with its spans, and the editing of them with the mouse or with the keyboard alone.

import { make, say } from "./dom.js";

const same = (one, other) => one.start === other.start && one.end === other.end && one.label === other.label;
const order = (one, other) => one.start - other.start || other.end - one.end || one.label.localeCompare(other.label);

export class TextView {
  /** labels: [{name, hue}]; overlaps: whether spans may; direction: of the script; changed: called after each edit. */
  constructor({ tokens, spans, labels, overlaps, language, editable = true, changed = () => {} }) {
    this.tokens = tokens;
    this.spans = spans.map((span) => ({ ...span })).sort(order);
    this.labels = labels;
    this.overlaps = overlaps;
    this.changed = changed;
    this.editable = editable;
    this.cursor = 0;
    this.anchor = null; // the other end of what is picked
    this.current = null; // the span that keys change
    this.active = labels[0]?.name; // the label that the mouse gives
    this.element = make("div", {
      className: "text",
      lang: language,
      dir: "auto",
      ...(editable
        ? { tabindex: "0", role: "application", "aria-label": "Text. Arrow keys move, with Shift they pick, a number gives a label." }
        : { tabindex: "0", role: "group", "aria-label": "Text" }),
    });
    this.render();
    if (editable) this.#listen();
  }

  hue(label) {
    return this.labels.find(({ name }) => name === label)?.hue ?? 0;
  }

  words(start, end) {
    return this.tokens.slice(start, end + 1).map(([text, space], at) => (at < end - start ? text + space : text)).join("");
  }

  get picked() {
    if (this.anchor === null) return null;
    return { start: Math.min(this.anchor, this.cursor), end: Math.max(this.anchor, this.cursor) };
  }

  render() {
    const lanes = [];
    const placed = this.spans.map((span) => {
      let lane = lanes.findIndex((end) => end < span.start);
      if (lane < 0) lane = lanes.length;
      lanes[lane] = span.end;
      return { span, lane };
    });
    const deep = placed.some(({ lane }) => lane > 0);
    const covering = new Map();
    const ending = new Map();
    for (const one of placed) {
      for (let at = one.span.start; at <= one.span.end; at++) covering.set(at, [...(covering.get(at) ?? []), one]);
      ending.set(one.span.end, [...(ending.get(one.span.end) ?? []), one]);
    }
    const parts = [];
    this.elements = this.tokens.map(([text, space], at) => {
      const over = covering.get(at) ?? [];
      const goesOn = over.some(({ span }) => span.end > at);
      const element = make("span", { className: over.length ? "tok in" : "tok", hue: over.length ? this.hue(over.at(-1).span.label) : undefined });
      element.dataset.at = at;
      element.append(goesOn ? text + space : text);
      if (deep && over.length) {
        element.style.setProperty("--lanes", Math.max(...over.map(({ lane }) => lane)) + 1);
        for (const { span, lane } of over) {
          const bar = make("i", { className: "bar", hue: this.hue(span.label), "aria-hidden": "true" });
          bar.style.setProperty("--lane", lane);
          element.append(bar);
        }
      }
      parts.push(element);
      for (const { span } of ending.get(at) ?? []) parts.push(this.#tag(span));
      if (!goesOn) parts.push(space);
      return element;
    });
    this.element.replaceChildren(...parts);
    this.#mark();
  }

  #tag(span) {
    const tag = make("span", { className: "tag", hue: this.hue(span.label) }, span.label);
    tag.span = span;
    return tag;
  }

  #mark() {
    if (!this.editable) return;
    const { start, end } = this.picked ?? { start: -1, end: -2 };
    this.elements.forEach((element, at) => {
      element.classList.toggle("cursor", at === this.cursor);
      element.classList.toggle("picked", at >= start && at <= end);
    });
    for (const tag of this.element.querySelectorAll(".tag")) {
      const current = this.current !== null && same(tag.span, this.current);
      tag.classList.toggle("current", current);
      tag.replaceChildren(tag.span.label, current ? " ×" : "");
    }
  }

  #edit(spans, current) {
    this.spans = spans.sort(order);
    this.current = current;
    this.anchor = null;
    this.render();
    this.changed();
  }

  /** Give `label` to what is picked; or to the current span; or to the token at the cursor. */
  label(label) {
    if (!this.editable) return;
    if (this.current && !this.picked) {
      const changed = { ...this.current, label };
      const others = this.spans.filter((span) => !same(span, this.current) && !same(span, changed));
      this.#edit([...others, changed], changed);
    } else {
      const { start, end } = this.picked ?? { start: this.cursor, end: this.cursor };
      this.add({ start, end, label });
    }
    this.active = label;
    say(`${label}: ${this.current ? this.words(this.current.start, this.current.end) : ""}`);
  }

  /** Add a span; where spans must not overlap, it takes the place of those that it meets. */
  add(span) {
    while (span.start < span.end && !this.tokens[span.start][0].trim()) span.start++;
    while (span.end > span.start && !this.tokens[span.end][0].trim()) span.end--;
    const others = this.spans.filter((other) => !same(other, span) && (this.overlaps || other.end < span.start || span.end < other.start));
    this.#edit([...others, span], span);
  }

  remove() {
    if (!this.editable || !this.current) return;
    const gone = this.current;
    this.#edit(this.spans.filter((span) => !same(span, gone)), null);
    say(`deleted ${gone.label}: ${this.words(gone.start, gone.end)}`);
  }

  /** Move an end of the current span by one token. */
  resize(side, step) {
    if (!this.current) return;
    const changed = { ...this.current };
    changed[side] += step;
    if (changed.start > changed.end || changed.start < 0 || changed.end >= this.tokens.length) return;
    const others = this.spans.filter((span) => !same(span, this.current));
    if (!this.overlaps && others.some((span) => span.start <= changed.end && changed.start <= span.end)) return;
    this.#edit([...others, changed], changed);
    this.cursor = changed[side];
    this.#mark();
    say(`${changed.label}: ${this.words(changed.start, changed.end)}`);
  }

  /** A span with the active label, which is not the current one then: the next label that is clicked is for the next. */
  #markWithMouse({ start, end }) {
    this.add({ start, end, label: this.active });
    this.#deselect();
  }

  #deselect() {
    this.current = null;
    this.anchor = null;
    this.#mark();
    this.changed();
  }

  /** To the next or the previous span. */
  step(by) {
    if (!this.spans.length) return;
    const at = this.current ? this.spans.findIndex((span) => same(span, this.current)) : by > 0 ? -1 : 0;
    this.current = this.spans[(at + by + this.spans.length) % this.spans.length];
    this.cursor = this.current.start;
    this.anchor = null;
    this.#mark();
    this.#scroll();
    this.changed();
    say(`${this.current.label}: ${this.words(this.current.start, this.current.end)}`);
  }

  replace(spans) {
    this.#edit(spans.map((span) => ({ ...span })), null);
  }

  #move(to, pick) {
    to = Math.max(0, Math.min(this.tokens.length - 1, to));
    if (pick) this.anchor ??= this.cursor;
    else this.anchor = null;
    this.cursor = to;
    this.current = pick ? null : this.#under(to);
    this.#mark();
    this.#scroll();
    this.changed();
    const word = pick ? this.words(this.picked.start, this.picked.end) : this.tokens[to][0];
    say(this.current ? `${word}, ${this.current.label}` : word);
  }

  /** The shortest span at a token. */
  #under(at) {
    const over = this.spans.filter((span) => span.start <= at && at <= span.end);
    return over.sort((one, other) => one.end - one.start - (other.end - other.start))[0] ?? null;
  }

  #scroll() {
    this.elements[this.cursor]?.scrollIntoView({ block: "nearest" });
  }

  /** The token on the line above or below. */
  #line(by) {
    const here = this.elements[this.cursor].getBoundingClientRect();
    let best = this.cursor;
    let nearest = Infinity;
    let line = null;
    for (let at = this.cursor + by; at >= 0 && at < this.elements.length; at += by) {
      const box = this.elements[at].getBoundingClientRect();
      if (Math.abs(box.top - here.top) < here.height / 2) continue;
      line ??= box.top;
      if (Math.abs(box.top - line) > here.height / 2) break;
      if (Math.abs(box.left - here.left) < nearest) {
        nearest = Math.abs(box.left - here.left);
        best = at;
      }
    }
    return best;
  }

  #listen() {
    const at = (event) => {
      const token = event.target.closest?.(".tok");
      return token ? Number(token.dataset.at) : null;
    };
    let from = null;
    this.element.addEventListener("pointerdown", (event) => {
      const tag = event.target.closest(".tag");
      if (tag) {
        event.preventDefault();
        this.element.focus({ preventScroll: true });
        if (this.current && same(tag.span, this.current)) return this.remove();
        this.current = tag.span;
        this.cursor = tag.span.start;
        this.anchor = null;
        this.#mark();
        return this.changed();
      }
      const token = at(event);
      if (event.button) return;
      if (token === null) return this.#deselect();
      if (event.pointerType === "mouse") event.preventDefault();
      event.target.releasePointerCapture?.(event.pointerId);
      this.element.focus({ preventScroll: true });
      from = token;
      this.#move(token, false);
    });
    this.element.addEventListener("pointerover", (event) => {
      const token = at(event);
      if (from !== null && token !== null && event.buttons) {
        this.anchor = from;
        this.#move(token, true);
      }
    });
    this.element.addEventListener("pointerup", () => {
      if (from !== null && this.picked && this.active) this.#markWithMouse(this.picked);
      from = null;
    });
    this.element.addEventListener("dblclick", (event) => {
      const token = at(event);
      if (token !== null && this.active) this.#markWithMouse({ start: token, end: token });
    });
    this.element.addEventListener("keydown", (event) => {
      const rightToLeft = getComputedStyle(this.element).direction === "rtl";
      const forward = rightToLeft ? "ArrowLeft" : "ArrowRight";
      const back = rightToLeft ? "ArrowRight" : "ArrowLeft";
      if (event.ctrlKey || event.metaKey) return;
      if (event.altKey && (event.key === forward || event.key === back)) {
        this.resize(event.shiftKey ? "start" : "end", event.key === forward ? 1 : -1);
      } else if (event.key === forward) this.#move(this.cursor + 1, event.shiftKey);
      else if (event.key === back) this.#move(this.cursor - 1, event.shiftKey);
      else if (event.key === "ArrowDown") this.#move(this.#line(1), event.shiftKey);
      else if (event.key === "ArrowUp") this.#move(this.#line(-1), event.shiftKey);
      else if (event.key === "Home") this.#move(0, event.shiftKey);
      else if (event.key === "End") this.#move(this.tokens.length - 1, event.shiftKey);
      else return;
      event.preventDefault();
    });
  }
}
