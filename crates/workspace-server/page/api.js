// The host's API: its paths and shapes are known here and nowhere else in the page.

import { sessions } from "./keep.js";

/** An error of a request, in the words of the host's envelope. */
export class ApiError extends Error {
  constructor({
    status,
    code,
    message,
    problems = [],
    retryAfter = null,
    next = null,
    kind = null,
    conversation = null,
    attempts = [],
  }) {
    super(message);
    this.status = status;
    this.code = code;
    this.problems = problems;
    this.retryAfter = retryAfter && Math.ceil(retryAfter);
    /** The next step, if the provider names one. */
    this.next = next;
    /** The kind of a provider's error. */
    this.kind = kind;
    /** The attempts that failed before. */
    this.attempts = attempts;
    /** The conversation that keeps the question all the same. */
    this.conversation = conversation;
  }
}

const BASE = "/api/v1";
const segment = encodeURIComponent;
/** The longest page that the host gives. */
const MOST_ITEMS = 200;
/** So many branches of a conversation are loaded. */
const MOST_BRANCHES = 30;

/** The API for a session. `onSignedOut` is called when its token is refused. */
export class Api {
  constructor(session, onSignedOut) {
    this.session = session;
    this.onSignedOut = onSignedOut;
  }

  get root() {
    return `${BASE}/workspaces/${segment(this.session.workspace)}`;
  }

  async fetch(method, path, body, { signal, accept = "application/json" } = {}) {
    // The token is read for each request: another one may have been given since the view was made.
    // A session that signs in is not kept yet, and goes with its own.
    const current = this.session.id
      ? (sessions.all().find((one) => one.workspace === this.session.workspace) ?? this.session)
      : this.session;
    const headers = { authorization: `Bearer ${current.token}`, accept };
    if (body !== undefined) headers["content-type"] = "application/json";
    let response;
    try {
      response = await fetch(path, {
        method,
        headers,
        body: body === undefined ? undefined : JSON.stringify(body),
        signal,
        credentials: "omit",
        cache: "no-store",
      });
    } catch (error) {
      if (error.name === "AbortError") throw error;
      throw new ApiError({ status: 0, code: "network", message: String(error.message) });
    }
    if (response.ok) return response;
    const error = await errorOf(response);
    if (response.status === 401) this.onSignedOut?.(this.session);
    throw error;
  }

  async json(method, path, body, options) {
    const response = await this.fetch(method, path, body, options);
    if (response.status === 204) return null;
    return (await response.json()).data;
  }

  // Workspace

  /** Asks for the workspace and the role of a token. */
  static async signIn(token, workspace) {
    const api = new Api({ token, workspace });
    const data = await api.json("GET", `${BASE}/token`);
    const session = { token, workspace: data.workspace, name: data.workspace, role: data.role, id: data.id };
    const found = await new Api({ token, workspace: session.workspace }).workspace();
    return { ...session, name: found.name || data.workspace };
  }

  workspace() {
    return this.json("GET", this.root);
  }

  // Providers

  providerKinds() {
    return this.json("GET", `${BASE}/providers`);
  }

  providers() {
    return this.json("GET", `${this.root}/providers`);
  }

  addProvider({ kind, id, settings, enabled_models }) {
    return this.json("POST", `${this.root}/providers`, {
      kind,
      id: id || undefined,
      settings,
      enabled_models,
    });
  }

  /** Changes the settings: a key that is left out stays, `null` deletes it. */
  changeProvider(provider, { settings, enabled_models }) {
    const body = { revision: provider.revision, settings, enabled_models };
    return this.json("PATCH", `${this.root}/providers/${segment(provider.id)}`, body);
  }

  removeProvider(provider) {
    return this.json("DELETE", `${this.root}/providers/${segment(provider.id)}`);
  }

  testSaved(provider) {
    return this.json("POST", `${this.root}/providers/${segment(provider.id)}/test`);
  }

  testUnsaved({ kind, settings }) {
    return this.json("POST", `${this.root}/provider-tests`, { kind, settings });
  }

  /** Starts to get a key by the user's approval on the provider's own page: `{url, expires}`. */
  startConnection({ kind, id, settings }) {
    return this.json("POST", `${this.root}/provider-connections`, { kind, id: id || undefined, settings });
  }

  /** Finishes it with the query that the browser came back with. */
  finishConnection(query) {
    return this.json("POST", `${this.root}/provider-connections/finish`, { query });
  }

  /** The presets of the account at a provider's service, or none if the provider has no such thing. */
  presets(provider) {
    return this.json("GET", `${this.root}/providers/${segment(provider)}/presets`);
  }

  // Models

  /** The endpoints that serve a model, or none if the provider does not tell. */
  endpoints(reference) {
    return this.json("GET", `${this.root}/model/endpoints?${new URLSearchParams({ reference })}`);
  }

  /** All models of the workspace, with those providers that did not answer. */
  async models({ signal } = {}) {
    const models = [];
    let failed = [];
    let offset = 0;
    do {
      const query = new URLSearchParams({ limit: String(MOST_ITEMS), offset: String(offset) });
      const data = await this.json("GET", `${this.root}/models?${query}`, undefined, { signal });
      models.push(...data.items.map(model));
      failed = data.failed;
      offset = data.next;
    } while (offset);
    return { models, failed };
  }

  /** Tells what stands against a request, and what it may cost at most. The model is not asked. */
  check(reference, request, { signal } = {}) {
    return this.json("POST", `${this.root}/models/problems`, { model: reference, request }, { signal });
  }

  // Runs

  /** Runs an agent node, and calls `onEvent` for each event of the answer. */
  async chat(body, onEvent, signal) {
    const accept = "text/event-stream";
    const response = await this.fetch(
      "POST",
      `${this.root}/chat`,
      { ...body, stream: true },
      { signal, accept },
    );
    onEvent({ type: "opened", conversation: response.headers.get("x-conversation-id") });
    for await (const event of serverSentEvents(response.body)) onEvent(runEvent(event));
  }

  async compare(body, onEvent, signal) {
    const accept = "text/event-stream";
    const response = await this.fetch("POST", `${this.root}/comparisons`, body, { signal, accept });
    for await (const event of serverSentEvents(response.body)) onEvent(runEvent(event));
  }

  async comparisons() {
    return (await this.json("GET", `${this.root}/comparisons?limit=100`)).items;
  }

  comparison(id) {
    return this.json("GET", `${this.root}/comparisons/${segment(id)}`);
  }

  async exported(id, format) {
    const query = new URLSearchParams({ format });
    return (await this.fetch("GET", `${this.root}/comparisons/${segment(id)}/export?${query}`)).text();
  }

  async conversations() {
    return (await this.json("GET", `${this.root}/conversations?limit=100`)).items;
  }

  /** The last messages of the branches of a conversation, oldest first. */
  branches(id) {
    return this.json("GET", `${this.root}/conversations/${segment(id)}/branches`);
  }

  /** The messages of the newest branches of a conversation. A parent stands before its children. */
  async conversation(id) {
    const leaves = await this.branches(id);
    const branches = leaves.slice(-MOST_BRANCHES).map((leaf) => {
      const query = new URLSearchParams({ last: leaf.id });
      return this.json("GET", `${this.root}/conversations/${segment(id)}/messages?${query}`);
    });
    const messages = new Map();
    for (const branch of await Promise.all(branches)) {
      for (const message of branch) messages.set(message.id, message);
    }
    return [...messages.values()];
  }

  createConversation(title) {
    return this.json("POST", `${this.root}/conversations`, { title });
  }

  /** Stores messages behind `parent`, or beside the first one of the conversation, and returns their ids. */
  async append(id, messages, parent, run) {
    const path = `${this.root}/conversations/${segment(id)}/messages`;
    return (await this.json("POST", path, { messages, parent, run })).ids;
  }

  removeConversation(id) {
    return this.json("DELETE", `${this.root}/conversations/${segment(id)}`);
  }

  /** A page of runs, newest first, and where the next one begins. */
  async runs(filter, before, limit = MOST_ITEMS) {
    const query = new URLSearchParams({ limit: String(limit) });
    for (const [name, value] of Object.entries({ ...filter, before })) if (value) query.set(name, value);
    const { items, next } = await this.json("GET", `${this.root}/runs?${query}`);
    return { runs: items, next };
  }

  run(id) {
    return this.json("GET", `${this.root}/runs/${segment(id)}`);
  }

  /** The sums by day, provider and model, from a day on: `{from, to, time_zone, days}`. */
  runDays(from) {
    return this.json("GET", `${this.root}/run-days?${new URLSearchParams({ from })}`);
  }

  /** The prompt and the answer of a run, or none if the workspace does not keep them. */
  runContent(id) {
    return this.json("GET", `${this.root}/runs/${segment(id)}/content`);
  }

  // Budgets, tokens, audit

  budgets() {
    return this.json("GET", `${this.root}/budgets`);
  }

  addBudget(budget) {
    return this.json("POST", `${this.root}/budgets`, budget);
  }

  changeBudget(budget, limit) {
    const body = { revision: budget.revision, limit };
    return this.json("PATCH", `${this.root}/budgets/${segment(budget.id)}`, body);
  }

  removeBudget(budget) {
    return this.json("DELETE", `${this.root}/budgets/${segment(budget.id)}`);
  }

  tokens() {
    return this.json("GET", `${this.root}/tokens`);
  }

  createToken(token) {
    return this.json("POST", `${this.root}/tokens`, token);
  }

  revokeToken(token) {
    return this.json("DELETE", `${this.root}/tokens/${segment(token.id)}`);
  }

  /** A page of the audit log, newest first, and where the next one begins. */
  audit(before) {
    const query = new URLSearchParams({ limit: "50", ...(before && { before }) });
    return this.json("GET", `${this.root}/audit?${query}`);
  }
}

/** The key of a node's JSON that holds what the host adds: the provider, the fallback and the routing. */
export const NODE_EXTRA = "x_provider";

async function errorOf(response) {
  let body = null;
  try {
    body = await response.json();
  } catch {
    // A proxy's page, or an empty body.
  }
  return new ApiError({
    status: response.status,
    code: body?.code ?? (response.status === 401 ? "auth_error" : "unavailable"),
    message: body?.message || `${response.status} ${response.statusText}`,
    problems: body?.data?.problems ?? [],
    retryAfter: Number(response.headers.get("retry-after")) || null,
    kind: body?.data?.kind ?? body?.kind,
    next: body?.data?.next_step ?? body?.next_step,
    conversation: response.headers.get("x-conversation-id"),
  });
}

function model(from) {
  return {
    ...from,
    name: from.name || from.id,
    author: from.author ?? "",
    context: from.context_length,
    maxOutput: from.max_completion_tokens,
    priceIn: from.prices.prompt_per_million,
    priceOut: from.prices.completion_per_million,
    inputs: from.input_modalities,
    outputs: from.output_modalities,
  };
}

/** The events of a stream, whatever it is called in the host's list. */
function runEvent({ name, data }) {
  const cell = data.cell;
  switch (name) {
    case "llm_call_start":
      return { ...data, type: "start", cell, run: data.run_id };
    case "text_chunk":
      return { type: "text", cell, text: data.content };
    case "agent_thinking":
      return { type: "thinking", cell, text: data.content };
    case "agent_tool_call":
      return { type: "tool", cell, ...data };
    case "token_usage":
      return { type: "usage", cell, ...data };
    case "cost_update":
      return { type: "cost", cell, cost: data.cost_usd };
    case "llm_call_end":
      return { type: "end", cell, ...data };
    case "context_trimmed":
      return { type: "trimmed", cell, ...data };
    case "error": {
      const { problems, attempts, next_step: next, retry_after_seconds: retryAfter } = data;
      const { code, message, kind } = data;
      const told = { status: 200, code, message, problems, retryAfter, next, kind, attempts };
      return { type: "error", cell, error: new ApiError(told) };
    }
    default:
      return { ...data, type: name, cell };
  }
}

/** Reads server-sent events. A stream that ends without `done` is cut: that is an error, and not an end. */
async function* serverSentEvents(body) {
  const reader = body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "";
  let isDone = false;
  try {
    for (;;) {
      const { value, done } = await reader.read().catch((error) => {
        if (error.name === "AbortError") throw error;
        throw new ApiError({ status: 0, code: "cut", message: String(error.message) });
      });
      if (done) break;
      rest += value;
      const parts = rest.split(/\r?\n\r?\n/);
      rest = parts.pop();
      for (const part of parts) {
        const event = { name: "message", lines: [] };
        for (const line of part.split(/\r?\n/)) {
          if (line.startsWith("event:")) event.name = line.slice(6).trim();
          else if (line.startsWith("data:")) event.lines.push(line.slice(5).replace(/^ /, ""));
        }
        if (!event.lines.length) continue;
        isDone ||= event.name === "done";
        yield { name: event.name, data: parsed(event.lines.join("\n")) };
      }
    }
  } finally {
    reader.cancel().catch(() => {});
  }
  if (!isDone) throw new ApiError({ status: 0, code: "cut", message: "" });
}

function parsed(text) {
  try {
    return JSON.parse(text) ?? {};
  } catch {
    return { content: text };
  }
}
