"""LangChain's packages against Cordon, over both protocols.

Addresses, keys and route names come from the environment, as for openai_client.py and anthropic_client.py.
"""

import os
import sys

import checks
from checks import CARD, INJECTION, check, check_for, digits
from langchain_anthropic import ChatAnthropic
from langchain_core.messages import HumanMessage, SystemMessage, ToolMessage
from langchain_core.tools import tool
from langchain_openai import ChatOpenAI, OpenAIEmbeddings
from pydantic import BaseModel

TIMEOUT = 30
# The package, or what its Responses mode speaks, and the protocol of the service behind the route.
CASES = (
    "openai to openai",
    "openai to anthropic",
    "anthropic to anthropic",
    "anthropic to openai",
    "responses to openai",
)


def of(case):
    package, service = case.split(" to ")
    suffix = "_CLAUDE" if service == "anthropic" else ""
    key, model = os.environ["API_KEY" + suffix], os.environ["MODEL" + suffix]
    if package in ("openai", "responses"):
        url, responses = os.environ["BASE_URL"], package == "responses"
        return ChatOpenAI(
            base_url=url,
            api_key=key,
            model=model,
            max_retries=0,
            timeout=TIMEOUT,
            stream_usage=True,
            use_responses_api=responses,
        )
    url = os.environ["ANTHROPIC_URL"]
    return ChatAnthropic(base_url=url, api_key=key, model=model, max_retries=0, timeout=TIMEOUT, max_tokens=200)


class City(BaseModel):
    """A form that an answer must have."""

    name: str
    inhabitants: int


@tool
def look_up_weather(city: str) -> str:
    """Current weather of a city."""
    return f"sunny in {city}, 21 degrees"


@check_for(*CASES)
def a_question_is_answered(case):
    answer = of(case).invoke([SystemMessage("You answer briefly."), HumanMessage("What is a cordon?")])
    assert answer.text and answer.usage_metadata["total_tokens"] > 0, answer


@check_for(*CASES)
def a_stream_says_what_an_answer_says(case):
    chunks = list(of(case).stream("Tell me about walls."))
    assert "".join(chunk.text for chunk in chunks) == of(case).invoke("Tell me about walls.").text
    assert any(chunk.usage_metadata for chunk in chunks)


@check_for(*CASES)
def ten_at_once(case):
    assert len(of(case).batch(["What is a cordon?"] * 10)) == 10


@check_for(*CASES)
def a_tool_is_called_and_its_result_used(case):
    bound = of(case).bind_tools([look_up_weather])
    question = HumanMessage("What is the weather in Lisbon? Please look it up.")
    first = bound.invoke([question])
    [call] = first.tool_calls
    assert call["name"] == "look_up_weather" and isinstance(call["args"]["city"], str)
    result = ToolMessage(look_up_weather.invoke(call["args"]), tool_call_id=call["id"])
    assert "21 degrees" in bound.invoke([question, first, result]).text


@check_for(*CASES)
def a_structured_answer_is_parsed(case):
    assert isinstance(of(case).with_structured_output(City).invoke("A city, please."), City)


@check_for(*CASES)
def guards_hold(case):
    try:
        of(case).invoke(INJECTION)
        raise AssertionError("it was answered")
    except Exception as error:
        assert "blocked by this organisation" in str(error), error
    answer = of(case).invoke(f'Reply with exactly "Card: {CARD}. Thank you."')
    assert answer.text.startswith("Card: ") and not digits(answer.text), answer.text


@check
def texts_are_embedded():
    url, key, model = (os.environ[name] for name in ("BASE_URL", "API_KEY", "MODEL"))
    # Else it sends tokens, which no guard can read.
    embeddings = OpenAIEmbeddings(base_url=url, api_key=key, model=model, check_embedding_ctx_length=False)
    assert [len(vector) for vector in embeddings.embed_documents(["The dog barks.", "Rates fell."])] == [256, 256]


if __name__ == "__main__":
    sys.exit(checks.main())
