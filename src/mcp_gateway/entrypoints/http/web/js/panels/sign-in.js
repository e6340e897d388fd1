// The sign-in card: by the link in the terminal, with a token, or at a provider.

import { h, icon, replaceContent, announce } from "../dom.js";
import { askWho, signInOptions, signInWith } from "../session.js";

/**
 * Wires the dialog that stands in index.html. `open(reason)` resolves to the caller once somebody has signed in; what stands on
 * the page behind it stays.
 */
export function wireSignIn({ dialog }) {
  const body = dialog.querySelector("[data-sign-in]");
  let waiting = null;

  // There is nothing to go back to before somebody is known.
  dialog.addEventListener("cancel", (event) => event.preventDefault());
  dialog.addEventListener("keydown", (event) => event.key === "Escape" && event.preventDefault());

  async function open(reason = "") {
    waiting ??= draw(reason);
    return waiting;
  }

  async function draw(reason) {
    const options = await signInOptions();
    return new Promise((resolve) => {
      replaceContent(body, ...content(options, reason, async () => {
        const me = await askWho().catch(() => null);
        if (!me) return;
        dialog.close();
        waiting = null;
        announce(`Signed in as ${me.name}`);
        resolve(me);
      }));
      if (!dialog.open) dialog.showModal();
      body.querySelector("input").focus();
    });
  }

  return { open };
}

function content({ providers }, reason, onSignedIn) {
  return [
    reason && h("p", { class: "notice notice-warning", role: "alert" }, icon("alert"), h("span", { class: "notice-body" }, reason)),
    providers.length > 0 ? providerList(providers) : linkHint(),
    tokenForm(onSignedIn, providers.length === 0),
  ];
}

function providerList(providers) {
  const entry = ({ title, href }) => h("li", {}, h("a", { class: "button button-primary", href }, `Sign in with ${title}`));
  return h("ul", { class: "sign-in-providers" }, providers.map(entry));
}

/** Only a gateway without providers prints a link and a first token. */
function linkHint() {
  return h(
    "p",
    {},
    "The gateway printed a link when it was started. It stands in the terminal, in a line with ",
    h("code", {}, "/login?code="),
    ". Open it in this browser: it signs you in, once, within ten minutes.",
  );
}

function tokenForm(onSignedIn, printed) {
  const field = h("input", {
    type: "password",
    class: "text-field",
    id: "sign-in-token",
    autocomplete: "off",
    spellcheck: "false",
    required: true,
    "aria-describedby": "sign-in-hint",
  });
  const submit = h("button", { type: "submit", class: "button button-primary" }, "Sign in");
  const refusal = h("p", { class: "sign-in-refusal", role: "alert", hidden: true });
  const form = h(
    "form",
    { class: "sign-in-token" },
    h("label", { for: "sign-in-token" }, "Or paste a token"),
    h("div", { class: "sign-in-row" }, field, submit),
    refusal,
    h(
      "p",
      { class: "sign-in-hint", id: "sign-in-hint" },
      printed ? "One is printed at the first start. " : "On the gateway's machine, ",
      h("code", {}, "mcp-gateway tokens issue --tenant local --role analyst --expires 8h"),
      printed ? " makes others." : " makes one.",
    ),
  );
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    submit.disabled = true;
    refusal.hidden = true;
    const refused = await signInWith(field.value.trim());
    submit.disabled = false;
    field.value = "";
    if (!refused) return onSignedIn();
    const hint = refused.data?.reason === "malformed" ? "Paste the whole token, as it was printed." : refused.hint;
    replaceContent(refusal, refused.message, " ", hint.split("`").map((part, index) => (index % 2 ? h("code", {}, part) : part)));
    refusal.hidden = false;
    field.focus();
  });
  return form;
}
