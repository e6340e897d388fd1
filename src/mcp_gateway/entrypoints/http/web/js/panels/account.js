// Who is signed in, in the head of the page, and the way out.

import { button, h, replaceContent } from "../dom.js";
import { signOut } from "../session.js";

const HOW = { session: "signed in at this page", token: "a token", none: "nobody needs to sign in here" };

/** Wires the button and the dialog that stand in index.html; hidden where nobody signs in. */
export function wireAccount({ trigger, dialog, me }) {
  if (!me || me.login === "none") return;
  trigger.hidden = false;
  trigger.setAttribute("aria-label", `Signed in as ${me.name}, tenant ${me.tenant}`);
  replaceContent(
    trigger,
    h("b", {}, me.name),
    h("span", { class: "wide-only account-more" }, [me.tenant, ...me.roles].join(" · ")),
  );
  const leave = button("Sign out", {
    class: "button button-primary",
    on: {
      click: async () => {
        leave.disabled = true;
        await signOut();
        window.location.assign("/");
      },
    },
  });
  replaceContent(
    dialog.querySelector("[data-account]"),
    h(
      "dl",
      { class: "facts account-facts" },
      fact("name", me.name),
      fact("subject", me.subject),
      fact("tenant", me.tenant),
      fact("roles", me.roles.join(", ") || "none"),
      me.issuer && fact("from", me.issuer),
      fact("known by", HOW[me.login] ?? me.login),
    ),
    h("p", {}, leave),
  );
  trigger.addEventListener("click", () => dialog.showModal());
}

const fact = (name, value) => h("div", {}, h("dt", {}, name), h("dd", {}, String(value)));
