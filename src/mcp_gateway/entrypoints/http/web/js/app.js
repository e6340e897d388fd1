// Puts the page together: one conversation in the middle, the panels around it.

import { getSchema, runSql, streamAnswer, RequestFailed, errorFrom } from "./api.js";
import { createTurn } from "./answer/turn.js";
import { wireAskBox } from "./ask-box.js";
import { createConversations } from "./conversations.js";
import { replaceContent, h } from "./dom.js";
import { wireDrafter } from "./drafter.js";
import { wireAccount } from "./panels/account.js";
import { wireAudit } from "./panels/audit.js";
import { drawHistory } from "./panels/history.js";
import { wireOperations } from "./panels/operations/panel.js";
import { wireRegistry } from "./panels/registry/panel.js";
import { drawSchema } from "./panels/schema.js";
import { wireServers } from "./panels/servers.js";
import { wireSide } from "./panels/side.js";
import { wireSignIn } from "./panels/sign-in.js";
import { wireWhy } from "./panels/why.js";
import { askWho, ownerOf, whenEnded } from "./session.js";
import { wireShortcuts } from "./shortcuts.js";
import { insertAtCursor } from "./sql/editor.js";
import { errorNotice } from "./answer/notices.js";
import { drawWelcome } from "./welcome.js";

const at = (id) => document.getElementById(id);
const signIn = wireSignIn({ dialog: at("sign-in") });
const me = await begin();
const talks = createConversations(window.localStorage, ownerOf(me));
const turns = at("turns");
let schema = null;
let asking = null;
// Where a name clicked in the side panel goes: the field used last.
let lastField = null;

const askBox = wireAskBox({ form: at("ask"), onAsk: ask, onStop: stop, questions: () => talks.questions });
const drafter = wireDrafter({ place: at("ask-options") });
const side = wireSide({
  panel: at("side"),
  toggle: at("side-toggle"),
  shade: at("shade"),
  main: at("page"),
  onShow: (name) => name === "history" && showHistory(),
});
wireServers({
  trigger: at("server-status"),
  dialog: at("servers"),
  banner: at("offline"),
  onReturn: () => !schema && loadSchema(),
});
wireWhy({ trigger: at("why-open"), dialog: at("why"), me });
wireRegistry({ trigger: at("registry-open"), dialog: at("registry") });
wireOperations({ trigger: at("operations-open"), dialog: at("operations") });
wireAudit({ trigger: at("audit-open"), dialog: at("audit"), me });
wireAccount({ trigger: at("account"), dialog: at("account-card"), me, ways: [at("registry-open"), at("operations-open"), at("why-open"), at("audit-open")] });
whenEnded(signInAgain);
wireShortcuts({ focusAsk: () => askBox.field.focus(), stop, startOver, help: at("help"), helpTrigger: at("help-open") });
at("new-talk").addEventListener("click", startOver);
document.addEventListener("focusin", ({ target }) => {
  if (target.matches("#question, .sql-field")) lastField = target;
});

showConversation();
loadSchema();
// A link may bring a question; asking it is left to the reader.
const brought = new URLSearchParams(window.location.search).get("q");
if (brought) askBox.put(brought);

/** Who is here; asks them to sign in first where that is wanted. Null when the gateway does not answer. */
async function begin() {
  const refusal = whyNotSignedIn();
  if (window.location.pathname === "/login") window.history.replaceState(null, "", "/");
  try {
    const known = await askWho();
    return known ?? (await signIn.open(refusal));
  } catch {
    return null;
  }
}

/** What is said over the sign-in card after a way in that did not lead in; the gateway shows the page at /login then. */
function whyNotSignedIn() {
  const asked = new URLSearchParams(window.location.pathname === "/login" ? window.location.search : "");
  if (asked.has("code")) return "That link was used before, or its ten minutes are over.";
  return asked.has("failed") ? "The sign-in at the provider did not come to its end. Begin it again, or ask whoever runs the gateway." : "";
}

/** The sign-in ended while the page was in use: what is written stays, for the same person. */
async function signInAgain() {
  const now = await signIn.open("Your sign-in has ended. What you wrote is still here.");
  if (ownerOf(now) !== ownerOf(me)) window.location.reload();
  else if (!schema) loadSchema();
}

/** Ask a question in the current conversation, and show what becomes of it. */
async function ask(question) {
  if (asking) return;
  const talk = talks.current;
  const record = talks.addTurn(question);
  const turn = addTurn(record, talk);
  turn.reveal();
  await answer(record, turn, talk);
}

async function answer(record, turn, talk) {
  const mine = new AbortController();
  asking = mine;
  askBox.setBusy(true);
  showHistory();
  try {
    const response = await streamAnswer(
      { query: record.question, session_id: talk.sessionId, engine: drafter.wanted },
      { onStep: turn.showStep, signal: mine.signal },
    );
    if (!response.success) throw errorFrom(response, 0);
    talks.settleTurn(talk, record, { data: response.data });
    turn.showAnswer(response.data);
  } catch (error) {
    const failure =
      error instanceof RequestFailed
        ? error
        : new RequestFailed({
            code: "PAGE_ERROR",
            message: "The page could not show this answer.",
            hint: String(error?.message ?? error),
          });
    talks.settleTurn(talk, record, { error: plainError(failure) });
    turn.showError(failure);
  } finally {
    asking = null;
    askBox.setBusy(false);
    showHistory();
  }
}

const plainError = ({ code, message, hint, retryable, reference, data }) => ({ code, message, hint, retryable, reference, data });

function addTurn(record, talk) {
  at("welcome").hidden = true;
  const turn = createTurn({
    question: record.question,
    actions: {
      retry: () => !asking && retry(record, turn, talk),
      runSql: async (sql, signal) => {
        const response = await runSql({ sql, session_id: talk.sessionId }, signal);
        if (!response.success) throw errorFrom(response, 0);
        return response.data;
      },
      changed: (data) => talks.settleTurn(talk, record, { data }),
    },
  });
  turns.append(turn.element);
  return turn;
}

function retry(record, stale, talk) {
  const turn = addTurn(record, talk);
  stale.element.replaceWith(turn.element);
  answer(record, turn, talk);
}

function stop() {
  asking?.abort();
  return Boolean(asking);
}

function startOver() {
  stop();
  talks.start();
  showConversation();
  side.yieldToPage();
  askBox.field.focus();
}

function showTitle() {
  const asked = talks.current.turns.at(-1)?.question;
  document.title = asked ? `${asked} · MCP Gateway` : "MCP Gateway · ask your tables";
}

function showConversation() {
  replaceContent(turns);
  at("welcome").hidden = talks.current.turns.length > 0;
  for (const record of talks.current.turns) {
    const turn = addTurn(record, talks.current);
    try {
      if (record.data) turn.showAnswer(record.data);
      else turn.showError(record.error ?? { code: "CANCELLED", message: "Stopped." });
    } catch {
      turn.showError({
        code: "UNREADABLE_HISTORY",
        message: "This answer was kept in a way this page does not know.",
        hint: "Ask again.",
      });
    }
  }
  showHistory();
}

function showHistory() {
  showTitle();
  drawHistory(at("history"), {
    all: talks.all,
    current: talks.current,
    onOpen(id, index) {
      if (id !== talks.current.id) {
        stop();
        talks.open(id);
        showConversation();
      }
      side.yieldToPage();
      const chosen = turns.children[index ?? turns.children.length - 1];
      chosen?.scrollIntoView({ block: "start" });
      chosen?.querySelector(".question").focus({ preventScroll: true });
    },
    onRemove(id) {
      const wasCurrent = id === talks.current.id;
      if (wasCurrent) stop();
      talks.remove(id);
      if (wasCurrent) showConversation();
      else showHistory();
    },
  });
}

async function loadSchema() {
  drawWelcome(at("welcome"), schema, ask);
  try {
    schema = await getSchema();
    drafter.choose(schema.drafters ?? []);
    drawSchema(at("data"), schema, insert);
    drawWelcome(at("welcome"), schema, ask);
  } catch (error) {
    replaceContent(at("data"), h("div", { class: "side-error" }, errorNotice(error, loadSchema)));
  }
}

function insert(text) {
  side.yieldToPage();
  insertAtCursor(lastField?.isConnected ? lastField : askBox.field, text);
}
