// Who is signed in, in the head of the page, and the way out.

import { button, h, replaceContent } from "../dom.js";
import { signOut } from "../session.js";

const HOW = { session: "signed in at this page", token: "a token", none: "nobody needs to sign in here" };

/** Wires the button and the dialog that stand in index.html; hidden where nobody signs in. `ways`: buttons of other panels. */
export function wireAccount({ trigger, dialog, me, ways }) {
  if (!me || me.login === "none") return;
  trigger.hidden = false;
  document.body.classList.add("signed-in");
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
    h("div", { class: "account-ways" }, ways.map((way) => wayTo(way, dialog)), leave),
  );
  trigger.addEventListener("click", () => dialog.showModal());
}

/** Where there is no room in the head, the panels open from here. */
function wayTo(way, dialog) {
  if (way.hidden) return null;
  return button(way.textContent.trim(), {
    on: {
      click: () => {
        dialog.close();
        way.click();
      },
    },
  });
}

const fact = (name, value) => h("div", {}, h("dt", {}, name), h("dd", {}, String(value)));
