// Remembers conversations in this browser: questions, answers, and the session each belongs to.

const KEY = "mcp-gateway.conversations";
const MOST_CONVERSATIONS = 20;
const MOST_ROWS = 200;
const MOST_TURNS = 40;
const LONGEST_CELL = 2000;

/** Each owner has a place of its own in the storage, "" the one there was before anybody signed in. */
function keptFor(owner, place) {
  const key = owner ? `${KEY}:${owner}` : KEY;
  return { getItem: () => place.getItem(key), setItem: (_, text) => place.setItem(key, text), removeItem: () => place.removeItem(key) };
}

/** Newest first; `current` is the one being held. Windows may share the storage: a save takes in what the others kept. */
export function createConversations(place = window.localStorage, owner = "") {
  const storage = keptFor(owner, place);
  let all = read(storage);
  let current = all[0] ?? fresh();

  const save = (conversation) => {
    const others = read(storage).filter(({ id }) => id !== conversation.id);
    all = [conversation, ...others].sort((one, other) => other.at - one.at).slice(0, MOST_CONVERSATIONS);
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
      all = read(storage).filter((conversation) => conversation.id !== id);
      if (current.id === id) current = fresh();
      write(storage, all);
    },
    addTurn(question) {
      const turn = { question, at: Date.now(), data: null, error: null };
      current.turns = [...current.turns, turn].slice(-MOST_TURNS);
      current.title ||= question;
      current.at = turn.at;
      save(current);
      return turn;
    },
    /** What became of a turn of this conversation, which need not be the current one any more. */
    settleTurn(conversation, turn, { data = null, error = null }) {
      Object.assign(turn, { data: data && withFewerRows(data), error });
      if (data?.session_id) conversation.sessionId = data.session_id;
      if (conversation === current || all.some(({ id }) => id === conversation.id)) save(conversation);
    },
  };
}

const fresh = () => ({
  id: `${Date.now().toString(36)}-${Math.random().toString(36).slice(2, 8)}`,
  sessionId: null,
  title: "",
  at: Date.now(),
  turns: [],
});

function withFewerRows(data) {
  const rows = data.results?.rows;
  if (!rows) return data;
  const kept = rows.slice(0, MOST_ROWS).map((row) => row.map(shortened));
  return { ...data, results: { ...data.results, rows: kept, ...(rows.length > MOST_ROWS && { kept: MOST_ROWS }) } };
}

const shortened = (value) =>
  typeof value === "string" && value.length > LONGEST_CELL ? `${value.slice(0, LONGEST_CELL)}…` : value;

function read(storage) {
  try {
    const found = JSON.parse(storage.getItem(KEY) ?? "[]");
    return Array.isArray(found) ? found.filter(isConversation) : [];
  } catch {
    return []; // unreadable or forbidden: the page works without a memory
  }
}

function isConversation(found) {
  return (
    typeof found?.id === "string" &&
    Array.isArray(found.turns) &&
    found.turns.length > 0 &&
    found.turns.every((turn) => typeof turn?.question === "string")
  );
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
