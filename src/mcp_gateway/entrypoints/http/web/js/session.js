// Who is signed in. Keeps what /api/me said, and tells when the sign-in has ended; keeps no token.

let me = null;
let onEnd = () => {};
let ending = false;

/** What the gateway says of the caller; null while nobody is known. */
export const caller = () => me;

export const may = (action) => Boolean(me?.may?.[action]);

/** Whose things are kept in this browser: nobody finds what somebody else asked. */
export const ownerOf = (one) => (one && one.login !== "none" ? `${one.tenant}/${one.subject}` : "");

/** `listener()` is called once for each sign-in that turns out to have ended. */
export function whenEnded(listener) {
  onEnd = listener;
}

/** The answer to a request was 401. */
export function ended() {
  if (ending) return;
  ending = true;
  onEnd();
}

/** Ask who is signed in: the caller, or null for nobody. Throws when the gateway does not answer. */
export async function askWho() {
  const response = await fetch("/api/me", { headers: { Accept: "application/json" }, cache: "no-store" });
  if (response.status !== 401 && !response.ok) throw new Error(`status ${response.status}`);
  me = response.ok ? await response.json() : null;
  ending = me === null;
  return me;
}

/** How people can sign in here: `{login, providers: [{name, title, href}]}`. */
export async function signInOptions() {
  try {
    const response = await fetch("/login/options", { headers: { Accept: "application/json" }, cache: "no-store" });
    return response.ok ? await response.json() : { providers: [] };
  } catch {
    return { providers: [] };
  }
}

/** Exchange a token for a session. Returns null, or the refusal as the gateway worded it. */
export async function signInWith(token) {
  try {
    const response = await fetch("/login", {
      method: "POST",
      headers: { "Content-Type": "application/json", Accept: "application/json" },
      body: JSON.stringify({ token }),
      cache: "no-store",
    });
    if (response.ok) return null;
    const { error } = await response.json();
    return error ?? { message: `The gateway answered with status ${response.status}.`, hint: "" };
  } catch {
    return { message: "The gateway does not answer.", hint: "Is it still running?" };
  }
}

export async function signOut() {
  await fetch("/logout", { method: "POST", headers: headers("POST"), cache: "no-store" }).catch(() => {});
  me = null;
}

/** What a request must carry besides its own: changes by cookie need the page's value. */
export const headers = (method) => (me?.csrf && method !== "GET" ? { "X-CSRF-Token": me.csrf } : {});
