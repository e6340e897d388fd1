// Remembers conversations in this browser: questions, answers, and the session each belongs to.

const KEY = "mcp-gateway.conversations";
const MOST_CONVERSATIONS = 20;
const MOST_ROWS = 200;
const MOST_TURNS = 40;

/** Newest first; `current` is the one being held. */
export function createConversations(storage = window.localStorage) {
  let all = read(storage);
  let current = all[0] ?? fresh();

  const save = () => {
    const kept = [current, ...all.filter(({ id }) => id !== current.id)].filter(({ turns }) => turns.length > 0);
    all = kept.sort((one, other) => other.at - one.at).slice(0, MOST_CONVERSATIONS);
    write(storage, all);
  };

  return {
    get all() {
      return all;
    },
    get current() {
      return current;
    },
    /** Earlier questions of all conversations, newest first, each once. */
    get questions() {
      const turns = [current, ...all.filter(({ id }) => id !== current.id)].flatMap(({ turns: some }) => [...some].reverse());
      return [...new Set(turns.map(({ question }) => question))];
    },
    start() {
      current = fresh();
    },
    open(id) {
      current = all.find((conversation) => conversation.id === id) ?? current;
    },
    remove(id) {
      all = all.filter((conversation) => conversation.id !== id);
      if (current.id === id) current = fresh();
      write(storage, all);
    },
    addTurn(question) {
      const turn = { question, at: Date.now(), data: null, error: null };
      current.turns = [...current.turns, turn].slice(-MOST_TURNS);
      current.title ||= question;
      current.at = turn.at;
      save();
      return turn;
    },
    settleTurn(turn, { data = null, error = null }) {
      Object.assign(turn, { data: data && withFewerRows(data), error });
      if (data?.session_id) ownerOf(turn).sessionId = data.session_id;
      save();
    },
  };

  function ownerOf(turn) {
    return [current, ...all].find(({ turns }) => turns.includes(turn)) ?? current;
  }
}

const fresh = () => ({ id: `${Date.now().toString(36)}-${Math.random().toString(36).slice(2, 8)}`, sessionId: null, title: "", at: Date.now(), turns: [] });

function withFewerRows(data) {
  const rows = data.results?.rows ?? [];
  if (rows.length <= MOST_ROWS) return data;
  return { ...data, results: { ...data.results, rows: rows.slice(0, MOST_ROWS), kept: MOST_ROWS } };
}

function read(storage) {
  try {
    const found = JSON.parse(storage.getItem(KEY) ?? "[]");
    return Array.isArray(found) ? found.filter(isConversation) : [];
  } catch {
    return []; // unreadable or forbidden: the page works without a memory
  }
}

function isConversation(found) {
  return typeof found?.id === "string" && Array.isArray(found.turns) && found.turns.length > 0
    && found.turns.every((turn) => typeof turn?.question === "string");
}

function write(storage, conversations) {
  let kept = conversations;
  for (;;) {
    try {
      storage.setItem(KEY, JSON.stringify(kept));
      return;
    } catch {
      if (kept.length === 0) return;
      kept = kept.slice(0, -1); // full: the oldest goes
    }
  }
}
