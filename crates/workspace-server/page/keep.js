// This browser keeps the sessions, the choices of the person, and drafts, and never a provider's secret.

const SESSIONS = "host.sessions";
const CHOICES = "host.choices";
const DRAFT = "host.draft.";

function read(storage, key, otherwise) {
  try {
    return JSON.parse(storage.getItem(key)) ?? otherwise;
  } catch {
    return otherwise;
  }
}

function write(storage, key, value) {
  try {
    if (value === undefined) storage.removeItem(key);
    else storage.setItem(key, JSON.stringify(value));
  } catch {
    // A full or forbidden storage loses the draft, and nothing else.
  }
}

/**
 * The signed-in sessions: `{workspace, name, role, token, kept}`. A token is in `localStorage` only if the
 * person asked for it.
 */
export const sessions = {
  all() {
    return [...read(sessionStorage, SESSIONS, []), ...read(localStorage, SESSIONS, [])];
  },
  add(session) {
    sessions.remove(session.workspace);
    const storage = session.kept ? localStorage : sessionStorage;
    write(storage, SESSIONS, [...read(storage, SESSIONS, []), session]);
  },
  remove(workspace) {
    for (const storage of [sessionStorage, localStorage]) {
      const rest = read(storage, SESSIONS, []).filter((session) => session.workspace !== workspace);
      write(storage, SESSIONS, rest.length ? rest : undefined);
    }
  },
};

/** The person's choices: `language`, `theme`, `workspace`. */
export const choices = {
  get: (name) => read(localStorage, CHOICES, {})[name],
  set: (name, value) => write(localStorage, CHOICES, { ...read(localStorage, CHOICES, {}), [name]: value }),
};

/** The results of tool calls that were typed, by the id of the call. */
export const resultsOf = (workspace) => ({
  of: ({ id }) => drafts.get(workspace, "results", {})[id],
  keep: ({ id, result }) =>
    drafts.set(workspace, "results", { ...drafts.get(workspace, "results", {}), [id]: result }),
});

/** Drafts: what was typed and not yet sent, by workspace and name. */
export const drafts = {
  get: (workspace, name, otherwise) => read(localStorage, `${DRAFT}${workspace}.${name}`, otherwise),
  set: (workspace, name, value) => write(localStorage, `${DRAFT}${workspace}.${name}`, value),
};
