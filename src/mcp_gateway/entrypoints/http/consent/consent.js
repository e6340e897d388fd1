// The page on which somebody lets a program act for them: signing in first, then yes or no. Keeps nothing.

const say = (text) => {
  const place = document.getElementById("fault");
  place.textContent = text;
  place.hidden = !text;
};

const send = async (address, body, headers = {}) => {
  const response = await fetch(address, {
    method: "POST",
    headers: { "Content-Type": "application/json", Accept: "application/json", ...headers },
    body: JSON.stringify(body),
    cache: "no-store",
  });
  const answer = await response.json();
  if (!response.ok) throw new Error(`${answer.error?.message ?? "That did not work."} ${answer.error?.hint ?? ""}`);
  return answer;
};

const busy = (form, on) => form.querySelectorAll("button").forEach((button) => (button.disabled = on));

const attempt = async (form, work) => {
  say("");
  busy(form, true);
  try {
    await work();
  } catch (error) {
    say(error.message);
    busy(form, false);
  }
};

const decision = document.getElementById("decision");
decision?.addEventListener("submit", (event) => {
  event.preventDefault();
  const agree = event.submitter?.value === "allow";
  attempt(decision, async () => {
    const { request, csrf } = decision.dataset;
    const { location: next } = await send("/oauth/consent", { request, agree }, { "X-CSRF-Token": csrf });
    document.getElementById("done").hidden = false;
    window.location.replace(next);
  });
});

const listens = (form) => {
  if (form) form.querySelector("fieldset").disabled = false;
};

// A pasted sign-in link counts wherever the gateway was reached: its code is what matters.
const codeOf = (text) => /\/login\?code=([A-Za-z0-9_-]+)/.exec(text)?.[1];

const signIn = document.getElementById("sign-in");
signIn?.addEventListener("submit", (event) => {
  event.preventDefault();
  const field = signIn.elements.credential;
  const text = field.value.trim();
  field.value = "";
  const code = codeOf(text);
  if (code) window.location.assign(`/login?code=${code}`);
  else attempt(signIn, async () => {
    await send("/login", { token: text });
    window.location.replace("/oauth/consent");
  });
});

listens(decision);
listens(signIn);
