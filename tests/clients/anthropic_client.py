"""The official `anthropic` package against Cordon, as an application uses it.

Addresses, keys and route names come from the environment; `cargo xtask test` sets them up.

    ANTHROPIC_URL                        the gateway, without /v1
    API_KEY_CLAUDE  MODEL_CLAUDE         a key and a route that blocks injections and redacts cards in answers, to a
                                         service that speaks Anthropic's protocol
    API_KEY_MANNERLY MODEL_MANNERLY      the same with `refusal: content_filter`
    API_KEY_SEVERED MODEL_SEVERED        the same with a model that ends its streams without their last events
    API_KEY         MODEL                a route like the first whose service speaks OpenAI's protocol
    API_KEY_FAULTY  MODEL_FAULTY         a route whose model answers with 500
"""

import asyncio
import base64
import json
import os
import sys
import time

import anthropic
import checks
from anthropic import Anthropic, AsyncAnthropic
from checks import CALL_ID, CARD, INJECTION, check, check_for, digits, tiny_png

URL = os.environ["ANTHROPIC_URL"]
TIMEOUT = 30
# Of a service that speaks Anthropic's protocol, and of one that speaks OpenAI's.
BOTH = ("CLAUDE", "")

WEATHER = {
    "name": "look_up_weather",
    "description": "current weather of a city",
    "input_schema": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
}


def key(suffix):
    return os.environ["API_KEY_" + suffix] if suffix else os.environ["API_KEY"]


def model(suffix):
    return os.environ["MODEL_" + suffix] if suffix else os.environ["MODEL"]


def client(suffix="CLAUDE", **options):
    """A client with the key of one route. It does not retry, so that every answer is the first one."""
    options.setdefault("api_key", key(suffix))
    return Anthropic(base_url=URL, timeout=TIMEOUT, max_retries=0, **options)


def user(text):
    return [{"role": "user", "content": text}]


def asked(text="What is a cordon?", suffix="CLAUDE", **options):
    """What a request says."""
    return {"model": model(suffix), "max_tokens": 200, "messages": user(text)} | options


def ask(text="What is a cordon?", suffix="CLAUDE", **options):
    return client(suffix).messages.create(**asked(text, suffix, **options))


def raises(kind, status, call):
    """The error that a call must end with."""
    try:
        call()
    except anthropic.APIStatusError as error:
        assert isinstance(error, kind), f"{type(error).__name__} instead of {kind.__name__}"
        assert error.status_code == status, error.status_code
        body = error.body
        assert isinstance(body, dict) and body["type"] == "error" and body["error"]["message"], body
        assert body["error"]["type"] and body["error"]["code"], body
        assert CALL_ID.match(error.response.headers.get("cordon-call-id", "")), "the refusal has no call id"
        return error
    raise AssertionError("it was accepted")


def code(error):
    return error.body["error"]["code"]


# ---- what an application expects


@check_for(*BOTH)
def a_message_is_answered(suffix):
    answer = ask(suffix=suffix, system="You answer briefly.", metadata={"user_id": "somebody"})
    [block] = answer.content
    assert answer.type == "message" and answer.role == "assistant" and answer.model == model(suffix)
    assert block.type == "text" and block.text and answer.stop_reason == "end_turn"
    assert answer.usage.input_tokens > 0 and answer.usage.output_tokens > 0


@check_for(*BOTH)
def a_conversation_in_many_languages(suffix):
    exact = "naïve 你好 👩‍👩‍👧‍👦 \\ café"
    messages = user("Grüße!") + [{"role": "assistant", "content": "Gut."}] + user(f'Reply with exactly "{exact}"')
    assert ask(suffix=suffix, messages=messages).content[0].text == exact


@check_for(*BOTH)
def a_picture_is_passed_on(suffix):
    source = {"type": "base64", "media_type": "image/png", "data": base64.b64encode(tiny_png()).decode()}
    content = [{"type": "text", "text": "What is in this picture?"}, {"type": "image", "source": source}]
    answer = ask(suffix=suffix, messages=[{"role": "user", "content": content}])
    assert "1 image" in answer.content[0].text, answer.content[0].text


@check_for(*BOTH)
def a_stream_says_what_an_answer_says(suffix):
    whole = ask("Tell me about walls.", suffix).content[0].text
    with client(suffix).messages.stream(**asked("Tell me about walls.", suffix)) as stream:
        text = "".join(stream.text_stream)
        final = stream.get_final_message()
    assert text == whole == final.content[0].text
    assert final.stop_reason == "end_turn" and final.usage.output_tokens > 0 and final.model == model(suffix)


@check_for(*BOTH)
def events_come_in_their_order(suffix):
    kinds = [event.type for event in ask(suffix=suffix, stream=True)]
    assert kinds[:2] == ["message_start", "content_block_start"], kinds[:3]
    assert kinds[-3:] == ["content_block_stop", "message_delta", "message_stop"], kinds[-4:]


@check_for(*BOTH)
def a_tool_is_called_and_its_result_used(suffix):
    question = user("What is the weather in Lisbon? Please look it up.")
    first = ask(suffix=suffix, messages=question, tools=[WEATHER])
    [call] = [block for block in first.content if block.type == "tool_use"]
    assert first.stop_reason == "tool_use" and call.name == "look_up_weather"
    assert isinstance(call.input["city"], str)
    result = {"type": "tool_result", "tool_use_id": call.id, "content": "sunny, 21 degrees"}
    turn = question + [
        {"role": "assistant", "content": [block.model_dump(exclude_none=True) for block in first.content]},
        {"role": "user", "content": [result]},
    ]
    second = ask(suffix=suffix, messages=turn, tools=[WEATHER])
    assert second.stop_reason == "end_turn" and "sunny, 21 degrees" in second.content[0].text


@check_for(*BOTH)
def a_tool_call_is_streamed(suffix):
    question = "What is the weather in Lisbon? Please look it up."
    whole = ask(question, suffix, tools=[WEATHER])
    with client(suffix).messages.stream(**asked(question, suffix, tools=[WEATHER])) as stream:
        final = stream.get_final_message()
    assert final.stop_reason == "tool_use" and final.content[0].input == whole.content[0].input


@check_for(*BOTH)
def tools_are_chosen(suffix):
    named = ask(suffix=suffix, tools=[WEATHER], tool_choice={"type": "tool", "name": "look_up_weather"})
    assert named.content[0].type == "tool_use"
    none = ask("Look up the weather in Lisbon.", suffix, tools=[WEATHER], tool_choice={"type": "none"})
    assert none.content[0].type == "text"


@check_for(*BOTH)
def an_answer_ends_where_it_must(suffix):
    assert ask(suffix=suffix, max_tokens=3).stop_reason == "max_tokens"


@check
def tokens_are_counted():
    counted = client().messages.count_tokens(model=model("CLAUDE"), messages=user("What is a cordon?"))
    assert counted.input_tokens > 5
    other = lambda: client("").messages.count_tokens(model=model(""), messages=user("Hello."))
    assert code(raises(anthropic.BadRequestError, 400, other)) == "not_translatable"


@check
def fields_and_headers_of_tomorrow_pass():
    answer = ask(extra_body={"a_field_of_tomorrow": {"deep": [1, 2.50, None]}}, extra_headers={"anthropic-beta": "new-2027-01-01"})
    assert answer.content[0].text


@check
def a_bearer_token_is_a_key_too():
    bearer = client(api_key=None, auth_token=key("CLAUDE"))
    assert bearer.messages.create(**asked()).content[0].text
    plain = {"x-api-key": key("CLAUDE"), "anthropic-version": "2023-06-01", "content-type": "application/json"}
    import httpx

    raw = httpx.post(URL + "/v1/messages", content=json.dumps(asked()), headers=plain, timeout=TIMEOUT)
    assert raw.status_code == 200 and raw.json()["content"], raw.text


@check
def twenty_calls_at_once():
    async def all_of_them():
        async with AsyncAnthropic(base_url=URL, api_key=key("CLAUDE"), timeout=TIMEOUT, max_retries=0) as many:
            texts = [f'Reply with exactly "number {i} of 20"' for i in range(20)]
            return await asyncio.gather(*[many.messages.create(**asked(text)) for text in texts])

    answers = asyncio.run(all_of_them())
    assert [a.content[0].text for a in answers] == [f"number {i} of 20" for i in range(20)]


# ---- what Cordon says and does


@check
def every_answer_names_its_call_and_verdict():
    raw = client().messages.with_raw_response.create(**asked())
    assert raw.parse().content
    assert CALL_ID.match(raw.headers["cordon-call-id"]) and raw.headers["cordon-verdict"] == "allow"


@check
def errors_have_their_types():
    assert code(raises(anthropic.NotFoundError, 404, lambda: ask(model="no-such-route"))) == "model_not_found"
    wrong = client(api_key="ck_wrong")
    assert code(raises(anthropic.AuthenticationError, 401, lambda: wrong.messages.create(**asked()))) == "invalid_api_key"
    malformed = lambda: ask(messages="not a list")
    assert code(raises(anthropic.BadRequestError, 400, malformed)) == "invalid_request"
    forbidden = lambda: ask(extra_body={"mcp_servers": [{"type": "url", "url": "https://example.com"}]})
    assert code(raises(anthropic.BadRequestError, 400, forbidden)) == "forbidden_field"
    unsayable = raises(anthropic.BadRequestError, 400, lambda: ask(suffix="", extra_body={"top_k": 5}))
    assert (code(unsayable), unsayable.body["error"]["param"]) == ("not_translatable", "top_k")


@check
def a_failing_upstream_is_a_server_error():
    try:
        ask(suffix="FAULTY")
    except anthropic.InternalServerError as error:
        assert 500 <= error.status_code <= 504, error.status_code
        return
    raise AssertionError("it was answered")


@check
def a_cut_stream_ends():
    start = time.monotonic()
    try:
        for _ in ask(suffix="SEVERED", stream=True):
            pass
    except anthropic.APIError:
        assert time.monotonic() - start < TIMEOUT / 2, "it hung"
        return
    raise AssertionError("it passed for whole")


@check_for(*BOTH)
def an_injection_is_a_typed_refusal(suffix):
    for options in ({}, {"stream": True}):
        error = raises(anthropic.BadRequestError, 400, lambda: ask(INJECTION, suffix, **options))
        assert code(error) == "content_blocked" and error.response.headers["cordon-verdict"] == "block"
        said = json.dumps(error.body).lower()
        assert "ignore" not in said and "injection" not in said, "the refusal helps an attacker: " + said


@check_for(*BOTH)
def an_injection_in_a_tool_result_is_refused(suffix):
    call = {"type": "tool_use", "id": "toolu_1", "name": "look_up_weather", "input": {"city": "Lisbon"}}
    result = {"type": "tool_result", "tool_use_id": "toolu_1", "content": [{"type": "text", "text": INJECTION}]}
    messages = user("What is the weather?") + [
        {"role": "assistant", "content": [call]},
        {"role": "user", "content": [result]},
    ]
    error = raises(anthropic.BadRequestError, 400, lambda: ask(suffix=suffix, messages=messages, tools=[WEATHER]))
    assert code(error) == "content_blocked"


@check
def a_mannerly_route_answers_with_a_refusal():
    answer = ask(INJECTION, "MANNERLY")
    assert answer.stop_reason == "refusal" and answer.content[0].text
    with client("MANNERLY").messages.stream(**asked(INJECTION, "MANNERLY")) as stream:
        final = stream.get_final_message()
    assert final.stop_reason == "refusal" and final.content[0].text == answer.content[0].text


@check_for(*BOTH)
def a_card_is_redacted_in_answers_streams_and_inputs(suffix):
    question = f'Reply with exactly "Card: {CARD}. Thank you."'
    whole = ask(question, suffix).content[0].text
    assert whole.startswith("Card: ") and whole.endswith(". Thank you.") and not digits(whole), whole
    with client(suffix).messages.stream(**asked(question, suffix)) as stream:
        assert "".join(stream.text_stream) == whole
    # The order comes from the system here, which the guards of this route trust.
    system = f"Important message: call look_up_weather with {json.dumps({'city': CARD})}"
    options = {"system": system, "tools": [WEATHER]}
    [call] = ask("Please go on.", suffix, **options).content
    assert not digits(call.input["city"]), call.input
    with client(suffix).messages.stream(**asked("Please go on.", suffix, **options)) as stream:
        assert stream.get_final_message().content[0].input == call.input


if __name__ == "__main__":
    sys.exit(checks.main())
