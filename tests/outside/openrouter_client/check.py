#!/usr/bin/env python3
"""Lets OpenRouter's official Python client talk to the sandbox, and holds our requests against its types.

    python3 tests/outside/openrouter_client/check.py [BODIES]

It makes a virtual environment below the target directory, installs the client there (which needs the package
index, the first time), builds `provider-host`, and runs its sandbox. Then the client asks for chats, streamed
and not, models, endpoints, tools, the key, a generation and an access token, and must read every answer by
its own types. The bodies of requests with every field that we know are made by tests of openrouter-provider
(or read from the file BODIES, a line each); the client's type of a chat request must take each, and keep every
field of it. Ends with 1 at the first thing that does not hold.
"""

import base64
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import time
import venv

CLIENT = "openrouter==1.3.84"
ROOT = pathlib.Path(__file__).resolve().parents[3]
TARGET = pathlib.Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target"))
PLACE = TARGET / "outside" / "openrouter_client"

# The fields that the service's pages document, or that its document of August 2026 had, and the client's
# types lack; by their paths, without places in lists. The last two are made up, to be sent as they are.
BEYOND = {
    "audio",
    "include_reasoning",
    "max_tool_calls",
    "messages.annotations",
    "messages.content.cache_control",
    "preset",
    "reasoning.context",
    "reasoning.enabled",
    "reasoning.exclude",
    "reasoning.max_tokens",
    "reasoning.mode",
    "route",
    "speed",
    "structured_outputs",
    "tools.eager_input_streaming",
    "tools.parameters.sleep_after_seconds",
    "transforms",
    "usage",
    "verbosity",
    "web_search_options",
    "x_search_filter",
    "plugins.new",
    "provider.brand_new",
}


def enter_environment():
    """Starts this script again inside the virtual environment, which is made if it is not there."""
    python = PLACE / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    if pathlib.Path(sys.prefix).resolve() == PLACE.resolve():
        return
    wanted = PLACE / "client"
    if not wanted.exists() or wanted.read_text(encoding="utf-8") != CLIENT:
        venv.create(PLACE, with_pip=True, clear=True)
        subprocess.run([python, "-m", "pip", "install", "--quiet", CLIENT], check=True)
        wanted.write_text(CLIENT, encoding="utf-8")
    sys.exit(subprocess.run([python, __file__, *sys.argv[1:]], check=False).returncode)


def cargo(*args, **more):
    subprocess.run(["cargo", *args], cwd=ROOT, check=True, **more)


def start_sandbox():
    """Runs the sandbox on a free port. Returns its process and its base URL."""
    cargo("build", "--quiet", "--package", "provider-host")
    command = [TARGET / "debug" / "provider-host", "sandbox", "--port", "0", "--token-delay-ms", "0"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    first = process.stdout.readline()
    if not first.startswith("Sandbox at "):
        sys.exit(f"the sandbox says {first!r}")
    return process, first.removeprefix("Sandbox at ").strip()


def holds(condition, what):
    if not condition:
        sys.exit(f"does not hold: {what}")
    print(f"ok: {what}")


def talk(base_url):
    """Asks the sandbox for everything by way of the client."""
    from openrouter import OpenRouter, errors

    client = OpenRouter(api_key="sk-or-v1-test", server_url=base_url)
    security = {"bearer": "sk-or-v1-test"}
    hello = [{"role": "user", "content": "Hello"}]

    whole = client.chat.send(model="openai/gpt-4o", messages=hello)
    text = whole.choices[0].message.content
    holds("Hello" in text and whole.usage.cost > 0, "a whole answer has text and cost")

    streamed, last = [], None
    with client.chat.send(model="openai/gpt-4o", messages=hello, stream=True) as events:
        for event in events:
            last = event
            streamed += [choice.delta.content or "" for choice in event.choices]
    holds("".join(streamed) == text, "a stream has the same text")
    holds(last.usage is not None and last.usage.total_tokens > 0, "and ends with its usage")

    function = {"name": "get_weather", "parameters": {"type": "object", "properties": {}}}
    tools = [{"type": "function", "function": function}]
    question = [{"role": "user", "content": "What is the weather in Rome?"}]
    called = client.chat.send(model="openai/gpt-4o", messages=question, tools=tools)
    calls = called.choices[0].message.tool_calls or []
    holds([call.function.name for call in calls] == ["get_weather"], "an answer has its tool call")

    thought = client.chat.send(
        model="anthropic/claude-sonnet-4.5", messages=hello, reasoning={"effort": "low"}
    ).choices[0].message
    holds(thought.reasoning and thought.reasoning_details, "an answer has its signed thoughts")

    # The record of a generation is there some time after the answer, at the service.
    record = client.generations.get_generation(id=whole.id).data
    holds(record.id == whole.id and record.total_cost == whole.usage.cost, "a generation has its cost")

    ids = [model.id for model in client.models.list(output_modalities="all").result.data]
    holds("openai/gpt-4o" in ids and len(ids) > 20, f"{len(ids)} models are read")
    holds(client.models.list_for_user(security=security).result.data, "so are those of the key")
    holds(client.models.count().data.count > 20, "and their number")
    holds(client.models.get(author="openai", slug="gpt-4o").data.id == "openai/gpt-4o", "one model is read")
    endpoints = client.endpoints.list(author="anthropic", slug="claude-sonnet-4.5").data.endpoints
    holds(endpoints[0].supports_tool_choice.required is True, "endpoints have their tests of tool_choice")
    holds(client.endpoints.list_zdr_endpoints().data, "the endpoints without retention are read")
    holds(client.providers.list().data, "the providers are read")

    tools = client.tools.list_tools(security=security).data
    holds(len(tools) > 10, f"{len(tools)} server tools are read")
    one = client.tools.get_tool(security=security, name="openrouter:web_search").result.data
    holds(one.parameters_schema["type"] == "object", "a server tool has the schema of its parameters")
    holds(client.presets.list().result.data, "the presets are read")

    key = client.api_keys.get_current_key_metadata().data
    holds(key.limit is not None or key.limit_remaining is None, "the key is read")
    holds(key.free_model_daily_requests.limit > 0, "with its free requests of the day")

    access_token(client, base_url, errors)

    for model, error in [
        ("sandbox/rate-limit", errors.TooManyRequestsResponseError),
        ("openai/no-such-model", errors.BadRequestResponseError),
    ]:
        try:
            client.chat.send(model=model, messages=hello, retries=None)
        except error:
            print(f"ok: {model} is an error of the client's own type")
        else:
            sys.exit(f"{model} answers")


def access_token(client, base_url, errors):
    """Exchanges a token of an identity provider, and asks with the access token."""
    from openrouter import OpenRouter

    def jwt(expires):
        claims = base64.urlsafe_b64encode(json.dumps({"exp": expires}).encode()).decode().rstrip("=")
        return f"e30.{claims}.c2ln"

    def exchange(token):
        return client.o_auth.create_oauth_token(
            federation_policy_id="policy",
            grant_type="urn:ietf:params:oauth:grant-type:token-exchange",
            subject_token=token,
            subject_token_type="urn:ietf:params:oauth:token-type:jwt",
        )

    granted = exchange(jwt(int(time.time()) + 3600))
    holds(granted.expires_in == 900, "an access token lives for 15 minutes")
    other = OpenRouter(api_key=granted.access_token, server_url=base_url)
    holds(other.api_keys.get_current_key_metadata().data, "and is a key")
    try:
        exchange(jwt(1))
    except errors.OAuthErrorResponse as refusal:
        holds(refusal.data.error == "invalid_grant", "an expired identity token is refused")
    else:
        sys.exit("an expired identity token is exchanged")


def lost(sent, kept, path=""):
    """The paths of what was sent and is not in what a type kept of it."""
    if isinstance(sent, dict) and isinstance(kept, dict):
        for name, value in sent.items():
            place = f"{path}.{name}" if path else name
            if name not in kept:
                if value is not None:
                    yield place
            else:
                yield from lost(value, kept[name], place)
    elif isinstance(sent, list) and isinstance(kept, list):
        for one, other in zip(sent, kept):
            yield from lost(one, other, path)


def check_bodies(path):
    """Holds each body of the file against the client's type of a chat request."""
    from openrouter import components
    from pydantic import ValidationError

    lines = pathlib.Path(path).read_text(encoding="utf-8").splitlines()
    fields, unknown = set(), set()
    for line in dict.fromkeys(lines):
        body = json.loads(line)
        fields |= body.keys()
        try:
            request = components.ChatRequest.model_validate(body)
        except ValidationError as error:
            sys.exit(f"{json.dumps(body, indent=1)}\nis no request of the client: {error}")
        kept = json.loads(request.model_dump_json(by_alias=True, exclude_unset=True))
        for place in lost(body, kept):
            if place not in BEYOND:
                unknown.add(place)
    for place in sorted(unknown):
        print(f"the client does not know: {place}")
    wanted = {field.alias or name for name, field in components.ChatRequest.model_fields.items()} - {"stream"}
    holds(not wanted - fields, f"every field of the client is said (not: {sorted(wanted - fields)})")
    holds(not unknown, f"{len(lines)} bodies are requests of the client, and it keeps every field")


def main():
    enter_environment()
    process, base_url = start_sandbox()
    try:
        talk(base_url)
    finally:
        process.terminate()
        process.wait()
    if len(sys.argv) > 1:
        check_bodies(sys.argv[1])
        return
    with tempfile.TemporaryDirectory() as folder:
        bodies = os.path.join(folder, "bodies")
        tests = ["newer_fields", "request_with_every_field_is_read_back_as_it_was"]
        command = ["test", "--quiet", "--package", "openrouter-provider", "--test", "client", "--", *tests]
        cargo(*command, env=os.environ | {"OPENROUTER_BODIES": bodies}, stdout=subprocess.DEVNULL)
        check_bodies(bodies)


if __name__ == "__main__":
    main()
