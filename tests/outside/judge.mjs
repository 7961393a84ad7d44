// Asks a host's OpenAI-compatible API with the npm package openai. Usage: judge.mjs OPENAI_URL TOKEN

import assert from "node:assert/strict";
import OpenAI from "openai";

const [baseURL, apiKey] = process.argv.slice(2);
const client = new OpenAI({ baseURL, apiKey });
const messages = [{ role: "user", content: "Hello" }];
const model = "openrouter:openai/gpt-4o";

const reply = await client.chat.completions.create({ model, messages });
assert.ok(reply.choices[0].message.content && reply.usage.total_tokens > 0);
assert.ok(reply._request_id, "an id of the request");

let text = "";
for await (const chunk of await client.chat.completions.create({ model, messages, stream: true })) {
  assert.equal(chunk.choices.length, 1, "a chunk without a choice, unasked");
  text += chunk.choices[0].delta.content ?? "";
}
assert.equal(text, reply.choices[0].message.content);
const helper = client.chat.completions.stream({
  model,
  messages,
  stream_options: { include_usage: true },
});
assert.ok((await helper.finalContent()).length > 0 && (await helper.totalUsage()).total_tokens > 0);

const asked = [];
const tool = {
  type: "function",
  function: {
    name: "get_weather",
    description: "The weather of a city",
    parameters: { type: "object", properties: { city: { type: "string" } }, required: ["city"] },
    parse: JSON.parse,
    function: ({ city }) => {
      asked.push(city);
      return "sunny";
    },
  },
};
for (const stream of [false, true]) {
  const question = [{ role: "user", content: `What is the weather in ${stream ? "Rome" : "Paris"}?` }];
  const runner = client.chat.completions.runTools({ model, messages: question, tools: [tool], stream });
  assert.ok((await runner.finalContent()).length > 0);
}
assert.equal(asked.length, 2);

const schema = {
  type: "object",
  properties: { name: { type: "string" } },
  required: ["name"],
  additionalProperties: false,
};
const parsed = await client.chat.completions.parse({
  model,
  messages,
  response_format: { type: "json_schema", json_schema: { name: "person", strict: true, schema } },
});
assert.equal(typeof JSON.parse(parsed.choices[0].message.content).name, "string");

for (const [failing, kind] of [
  ["openrouter:sandbox/rate-limit", OpenAI.RateLimitError],
  ["openrouter:sandbox/context-length", OpenAI.BadRequestError],
  ["openrouter:sandbox/no-credits", OpenAI.APIError],
  ["openrouter:sandbox/moderation", OpenAI.PermissionDeniedError],
  ["openrouter:sandbox/no-endpoints", OpenAI.NotFoundError],
  ["openrouter:sandbox/upstream-error", OpenAI.InternalServerError],
  ["nobody:none/none", OpenAI.NotFoundError],
]) {
  const began = Date.now();
  await assert.rejects(client.chat.completions.create({ model: failing, messages }), (error) => {
    assert.ok(error instanceof kind && error.requestID && error.error.message, `${failing}: ${error}`);
    return true;
  });
  // The host has asked several times by then; the SDK waits longer.
  assert.ok(Date.now() - began < 15_000, `${failing}: the SDK tried again`);
}
for (const failing of ["openrouter:sandbox/mid-stream-error", "openrouter:sandbox/truncated-tool-call"]) {
  await assert.rejects(async () => {
    for await (const chunk of await client.chat.completions.create({ model: failing, messages, stream: true })) {
      assert.notEqual(chunk.choices[0]?.finish_reason, "tool_calls", "a call that was cut is called finished");
    }
  }, OpenAI.APIError);
}
const stranger = new OpenAI({ baseURL, apiKey: "wst_wrong" });
await assert.rejects(stranger.models.list(), OpenAI.AuthenticationError);

const slow = await client.chat.completions.create({
  model: "openrouter:sandbox/slow",
  messages,
  stream: true,
});
for await (const chunk of slow) {
  assert.ok(chunk.choices);
  break;
}
slow.controller.abort();
const stop = new AbortController();
const stalled = client.chat.completions.create(
  { model: "openrouter:sandbox/stall", messages },
  { signal: stop.signal },
);
setTimeout(() => stop.abort(), 300);
await assert.rejects(stalled, OpenAI.APIUserAbortError);

const models = [];
for await (const { id } of client.models.list()) models.push(id);
// An id that one provider alone lists stands without it.
assert.ok(models.includes(model.slice(model.indexOf(":") + 1)));
assert.equal((await client.models.retrieve(model)).id, model);
