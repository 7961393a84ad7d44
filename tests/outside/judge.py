"""Asks a host's OpenAI-compatible API with openai-python. Usage: judge.py OPENAI_URL TOKEN"""

import sys
import time

import openai
from openai import OpenAI
from pydantic import BaseModel

client = OpenAI(base_url=sys.argv[1], api_key=sys.argv[2])
ask = [{"role": "user", "content": "Hello"}]
MODEL = "openrouter:openai/gpt-4o"

reply = client.chat.completions.create(model=MODEL, messages=ask)
assert reply.choices[0].message.content and reply.usage.total_tokens > 0, reply
assert reply._request_id, "an id of the request"

stream = client.chat.completions.create(
    model=MODEL, messages=ask, stream=True, stream_options={"include_usage": True}
)
chunks = list(stream)
text = "".join(c.choices[0].delta.content or "" for c in chunks if c.choices)
assert text, chunks
assert any(c.usage for c in chunks)
# The sandbox seeds its text by the body: `stream_options` above makes another one.
text = ""
for chunk in client.chat.completions.create(model=MODEL, messages=ask, stream=True):
    assert chunk.choices, "a chunk without a choice, unasked"
    text += chunk.choices[0].delta.content or ""
assert text == reply.choices[0].message.content, (text, reply)

tools = [{"type": "function", "function": {
    "name": "get_weather", "description": "The weather of a city",
    "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}}}]
messages = [{"role": "user", "content": "What is the weather in Paris?"}]
called = client.chat.completions.create(model=MODEL, messages=messages, tools=tools).choices[0]
assert called.finish_reason == "tool_calls", called
call = called.message.tool_calls[0]
messages += [called.message, {"role": "tool", "tool_call_id": call.id, "content": "sunny"}]
assert client.chat.completions.create(model=MODEL, messages=messages, tools=tools).choices[0].message.content
with client.chat.completions.stream(model=MODEL, messages=messages[:1], tools=tools) as events:
    assert events.get_final_completion().choices[0].message.tool_calls[0].function.name == "get_weather"


class Person(BaseModel):
    name: str


parsed = client.chat.completions.parse(model=MODEL, messages=ask, response_format=Person)
assert isinstance(parsed.choices[0].message.parsed, Person), parsed

for model, kind in [
    ("openrouter:sandbox/rate-limit", openai.RateLimitError),
    ("openrouter:sandbox/context-length", openai.BadRequestError),
    ("openrouter:sandbox/no-credits", openai.APIStatusError),
    ("openrouter:sandbox/moderation", openai.PermissionDeniedError),
    ("openrouter:sandbox/no-endpoints", openai.NotFoundError),
    ("openrouter:sandbox/upstream-error", openai.InternalServerError),
    ("nobody:none/none", openai.NotFoundError),
]:
    began = time.monotonic()
    try:
        client.chat.completions.create(model=model, messages=ask)
        raise SystemExit(f"{model}: an answer")
    except kind as error:
        assert error.request_id and error.body["message"], error
    # The host has asked several times by then; the SDK waits longer.
    assert time.monotonic() - began < 15, f"{model}: the SDK tried again"
for model in ["openrouter:sandbox/mid-stream-error", "openrouter:sandbox/truncated-tool-call"]:
    try:
        for chunk in client.chat.completions.create(model=model, messages=ask, stream=True):
            assert chunk.choices[0].finish_reason != "tool_calls", "a call that was cut is called finished"
        raise SystemExit(f"{model}: a failing stream ended well")
    except openai.APIError as error:
        assert error.message, error
try:
    OpenAI(base_url=sys.argv[1], api_key="wst_wrong").models.list()
    raise SystemExit("a wrong token was let in")
except openai.AuthenticationError:
    pass

with client.chat.completions.create(model="openrouter:sandbox/slow", messages=ask, stream=True) as slow:
    next(iter(slow))

models = [model.id for model in client.models.list()]
# An id that one provider alone lists stands without it.
assert MODEL.partition(":")[2] in models, models
assert client.models.retrieve(MODEL).id == MODEL
