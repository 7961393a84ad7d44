// A conversation is a tree: an edited question and another answer are branches, and what is shown is the way
// from the root to one leaf.

/** The id of a message that the store does not have yet. */
const LOCAL = "local-";

/** Whether the store has this message. */
export const isStored = (id) => Boolean(id) && !id.startsWith(LOCAL);

/** The messages of a conversation, `{id, parent, role, text, parts, answer}`, and the leaf that is shown. */
export class Talk {
  constructor({ id = null, leaf = null, messages = [] } = {}) {
    this.id = id;
    this.leaf = leaf;
    this.messages = new Map(messages.map((one) => [one.id, one]));
  }

  get(id) {
    return this.messages.get(id);
  }

  children(parent) {
    return [...this.messages.values()].filter((one) => one.parent === parent);
  }

  /** The messages from the root to the leaf. */
  path() {
    const found = [];
    for (let at = this.get(this.leaf); at; at = this.get(at.parent)) found.unshift(at);
    return found;
  }

  /** The newest leaf below a message. */
  leafBelow(message) {
    let at = message;
    for (let next = this.children(at.id).at(-1); next; next = this.children(at.id).at(-1)) at = next;
    return at.id;
  }

  /** Puts a message that the store does not have yet behind its parent, and shows it. */
  put(message) {
    const made = { id: LOCAL + crypto.randomUUID(), ...message };
    this.messages.set(made.id, made);
    this.leaf = made.id;
    return made;
  }

  /** Gives a message the id that the store has for it. */
  rename(message, id) {
    if (!id || message.id === id) return;
    for (const child of this.children(message.id)) child.parent = id;
    this.messages.delete(message.id);
    if (this.leaf === message.id) this.leaf = id;
    message.id = id;
    this.messages.set(id, message);
  }
}

/** The text of a message's content, which is a text or a list of parts. */
export function textOf(content) {
  if (typeof content === "string") return content;
  if (Array.isArray(content)) return content.map((part) => part.text ?? "").join("");
  return content?.text ?? "";
}
