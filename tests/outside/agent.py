"""Runs an agent of openai-agents, with a tool, against a host. Usage: agent.py OPENAI_URL TOKEN"""

import asyncio
import sys

from agents import Agent, OpenAIChatCompletionsModel, RunConfig, Runner, function_tool
from openai import AsyncOpenAI
from openai.types.responses import ResponseTextDeltaEvent

client = AsyncOpenAI(base_url=sys.argv[1], api_key=sys.argv[2])
asked = []


@function_tool
def get_weather(city: str) -> str:
    """The weather of a city."""
    asked.append(city)
    return "sunny"


agent = Agent(
    name="weather",
    instructions="Answer in one sentence.",
    model=OpenAIChatCompletionsModel(model="openrouter:openai/gpt-4o", openai_client=client),
    tools=[get_weather],
)
config = RunConfig(tracing_disabled=True)


async def main():
    result = await Runner.run(agent, "What is the weather in Paris?", run_config=config)
    assert asked and result.final_output, (asked, result)
    asked.clear()
    streamed = Runner.run_streamed(agent, "What is the weather in Rome?", run_config=config)
    text = ""
    async for event in streamed.stream_events():
        if event.type == "raw_response_event" and isinstance(event.data, ResponseTextDeltaEvent):
            text += event.data.delta
    assert asked and text == streamed.final_output, (asked, text, streamed.final_output)
    usage = streamed.context_wrapper.usage
    assert usage.requests == 2 and usage.total_tokens > 0, usage


asyncio.run(main())
