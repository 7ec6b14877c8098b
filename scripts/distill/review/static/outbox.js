// Decisions on their way to the server. Each has an entry of its own in local storage until the server has it on disk,
// so that neither a closed tab nor a second one loses any; sending one again is harmless, for its id is made here.

import { api, Refused } from "./api.js";

const PREFIX = "review-outbox/";
const LONGEST_PAUSE = 10000; // milliseconds

let sending = false;
let timer = null;
let pause = 500;
let changed = () => {};
let arrived = () => {};

export function watch(onChange, onArrival) {
  changed = onChange;
  arrived = onArrival;
  addEventListener("storage", changed);
  addEventListener("online", () => flush());
  flush();
}

export function put(decision) {
  localStorage.setItem(PREFIX + decision.id, JSON.stringify({ made: Date.now(), decision }));
  changed();
  flush();
}

export function pending() {
  return Object.keys(localStorage)
    .filter((key) => key.startsWith(PREFIX))
    .map((key) => ({ key, ...JSON.parse(localStorage.getItem(key)) }))
    .sort((one, other) => one.made - other.made);
}

export function discard(key) {
  localStorage.removeItem(key);
  changed();
}

export async function flush() {
  if (sending) return;
  sending = true;
  clearTimeout(timer);
  try {
    for (let next; (next = pending().find((entry) => !entry.refused)); ) {
      try {
        const progress = await api("decisions", next.decision);
        localStorage.removeItem(next.key);
        pause = 500;
        arrived(progress);
      } catch (error) {
        if (!(error instanceof Refused) || error.status === 403 || error.status >= 500) throw error;
        localStorage.setItem(next.key, JSON.stringify({ made: next.made, decision: next.decision, refused: error.message }));
      }
      changed();
    }
  } catch (error) {
    changed(error);
    timer = setTimeout(flush, pause);
    pause = Math.min(2 * pause, LONGEST_PAUSE);
  } finally {
    sending = false;
  }
}
