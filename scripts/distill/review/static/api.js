// The API of the server. The token comes with the address, after `#`, and never goes into a request's address.

const given = /[#&]token=([\w-]+)/.exec(location.hash);
if (given) {
  const label = /&label=([^&]+)/.exec(location.hash)?.[1];
  sessionStorage.setItem("token", given[1]);
  if (label) sessionStorage.setItem("review-label", decodeURIComponent(label));
  else sessionStorage.removeItem("review-label");
  history.replaceState(null, "", `${location.pathname}#review`);
}

/** A pass over the texts that asks for one label only, if any; of this tab. */
export const pass = {
  label: sessionStorage.getItem("review-label"),
  take(name, page = "review") {
    if (name) sessionStorage.setItem("review-label", name);
    else sessionStorage.removeItem("review-label");
    location.hash = page;
    location.reload();
  },
};

/** An id that no other has. (crypto.randomUUID exists on this machine's own pages alone.) */
export const newId = () => [...crypto.getRandomValues(new Uint8Array(16))].map((byte) => byte.toString(16).padStart(2, "0")).join("");

export class Refused extends Error {
  constructor(status, message) {
    super(message);
    this.status = status;
  }
}

/** GET where there is no body, POST where there is. Throws Refused when the server says no, TypeError when it is away. */
export async function api(path, body) {
  const response = await fetch(`/api/${path}`, {
    method: body === undefined ? "GET" : "POST",
    headers: { "X-Token": sessionStorage.getItem("token") ?? "", "Content-Type": "application/json" },
    body: body === undefined ? undefined : JSON.stringify(body),
    keepalive: path === "leave", // it is sent while the page goes away
  });
  const said = await response.json().catch(() => ({}));
  if (!response.ok) throw new Refused(response.status, said.error ?? response.statusText);
  return said;
}

export const query = (path, values) => `${path}?${new URLSearchParams(values)}`;
