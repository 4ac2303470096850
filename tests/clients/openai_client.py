"""The official `openai` package against Cordon, as an application uses it.

Addresses, keys and route names come from the environment; `cargo xtask test` sets them up.

    BASE_URL                             the gateway, such as http://127.0.0.1:4180/v1
    API_KEY         MODEL                a key and a route that blocks injections and redacts cards in answers
    OTLP_RECEIVER                        the receiver of tests/clients/otlp_receiver.py, which the gateway exports to
    API_KEY_REFUSAL MODEL_REFUSAL        the same with `refusal: content_filter`
    API_KEY_LIMITED MODEL_LIMITED        a route that allows two requests an hour
    API_KEY_ENDLESS MODEL_ENDLESS        a route whose model never stops talking
    API_KEY_FAULTY  MODEL_FAULTY         a route whose model answers with 500
    API_KEY_CUT     MODEL_CUT            a route whose model ends its streams without a finish
    API_KEY_CLAUDE  MODEL_CLAUDE         a route like the first whose service speaks Anthropic's protocol
"""

import asyncio
import base64
import json
import os
import sys
import time
import urllib.request

import checks
import openai
from checks import CALL_ID, CARD, INJECTION, check, digits, tiny_png
from openai import AsyncOpenAI, OpenAI
from pydantic import BaseModel

BASE_URL = os.environ["BASE_URL"]
API_KEY = os.environ["API_KEY"]
MODEL = os.environ["MODEL"]
OTLP_RECEIVER = os.environ["OTLP_RECEIVER"]
TIMEOUT = 30

WEATHER = {
    "type": "function",
    "function": {
        "name": "look_up_weather",
        "description": "current weather of a city",
        "strict": True,
        "parameters": {
            "type": "object",
            "properties": {"city": {"type": "string"}},
            "required": ["city"],
            "additionalProperties": False,
        },
    },
}

def client(suffix="", **options):
    """A client with the key of one route. It does not retry, so that every answer is the first one."""
    key = os.environ["API_KEY_" + suffix] if suffix else API_KEY
    return OpenAI(base_url=BASE_URL, api_key=key, timeout=TIMEOUT, max_retries=0, **options)


def model(suffix):
    return os.environ["MODEL_" + suffix]


def user(text):
    return [{"role": "user", "content": text}]


def ask(text="What is a cordon?", **options):
    options.setdefault("model", MODEL)
    return client().chat.completions.create(messages=user(text), **options)


def raises(kind, status, call):
    """The error that a call must end with."""
    try:
        call()
    except openai.APIStatusError as error:
        assert isinstance(error, kind), f"{type(error).__name__} instead of {kind.__name__}"
        assert error.status_code == status, error.status_code
        assert isinstance(error.body, dict) and error.body.get("message"), f"no error object: {error.body!r}"
        assert error.code, "the error has no code"
        assert error.type, "the error has no type"
        assert CALL_ID.match(error.response.headers.get("cordon-call-id", "")), "the refusal has no call id"
        return error
    raise AssertionError("it was accepted")


# ---- what an application expects of any provider


@check
def models_are_listed_by_route():
    listed = list(client().models.list())
    assert [m.id for m in listed if m.id == MODEL] == [MODEL], [m.id for m in listed]
    assert all(m.object == "model" for m in listed)


@check
def a_key_lists_only_its_own_routes():
    assert model("LIMITED") not in {m.id for m in client().models.list()}


@check
def a_chat_is_answered():
    answer = ask()
    [choice] = answer.choices
    assert answer.object == "chat.completion" and answer.id and answer.created > 0
    assert choice.message.role == "assistant" and choice.message.content
    assert choice.finish_reason == "stop"
    usage = answer.usage
    assert usage.prompt_tokens > 0 and usage.completion_tokens > 0
    assert usage.total_tokens == usage.prompt_tokens + usage.completion_tokens


@check
def a_text_is_moderated():
    answer = client().moderations.create(model="omni-moderation-latest", input=f"My card is {CARD}.")
    [result] = answer.results
    assert answer.id.startswith("modr-") and answer.model
    assert result.flagged is True
    categories, scores = result.categories.model_dump(), result.category_scores.model_dump()
    assert categories["pii/card"] is True and scores["pii/card"] > 0.5
    # Read by name, as OpenAI's own documentation does: what was looked for and not found, and what nothing looks for.
    assert result.categories.violence is False and result.category_scores.self_harm == 0
    assert result.category_applied_input_types.hate == ["text"]
    assert result.category_applied_input_types.violence_graphic == []


@check
def several_texts_are_moderated_by_the_guards_of_a_route():
    inputs = ["The dog barks.", INJECTION, f"My card is {CARD}."]
    answer = client().moderations.create(model=MODEL, input=inputs)
    # The route blocks injections, and lets the caller's own cards in.
    assert [result.flagged for result in answer.results] == [False, True, False]
    parts = [{"type": "text", "text": text} for text in inputs]
    [result] = client().moderations.create(model=MODEL, input=parts).results
    assert result.flagged is True


@check
def a_picture_is_not_moderated():
    picture = {"type": "image_url", "image_url": {"url": "data:image/png;base64," + base64.b64encode(tiny_png()).decode()}}
    raises(openai.BadRequestError, 400, lambda: client().moderations.create(input=[picture]))


@check
def two_choices_with_every_common_parameter():
    answer = ask(
        n=2,
        temperature=0.2,
        top_p=0.9,
        seed=7,
        max_tokens=200,
        presence_penalty=0.1,
        frequency_penalty=-0.1,
        stop=["never said"],
        user="somebody",
        metadata={"case": "parameters"},
        extra_headers={"x-tenant": "blue"},
        extra_body={"a_field_of_tomorrow": {"deep": [1, 2.50, None]}},
    )
    assert [choice.index for choice in answer.choices] == [0, 1]
    assert all(choice.message.content for choice in answer.choices)


@check
def a_conversation_in_many_languages():
    messages = [
        {"role": "system", "content": "You answer briefly."},
        {"role": "user", "content": "Grüße! Wie geht’s? 你好 👩‍👩‍👧‍👦"},
        {"role": "assistant", "content": "Gut."},
        {"role": "user", "content": 'Reply with exactly "naïve 你好 👩‍👩‍👧‍👦 \\ café"'},
    ]
    answer = client().chat.completions.create(model=MODEL, messages=messages)
    assert answer.choices[0].message.content == "naïve 你好 👩‍👩‍👧‍👦 \\ café", answer.choices[0].message.content


@check
def an_image_part_is_passed_on():
    picture = "data:image/png;base64," + base64.b64encode(tiny_png()).decode()
    content = [
        {"type": "text", "text": "What is in this picture?"},
        {"type": "image_url", "image_url": {"url": picture, "detail": "low"}},
    ]
    answer = client().chat.completions.create(model=MODEL, messages=[{"role": "user", "content": content}])
    assert "1 image" in answer.choices[0].message.content, answer.choices[0].message.content


@check
def a_stream_ends_with_its_usage():
    text, roles, finished, usage, after_usage = "", [], [], None, 0
    with client().chat.completions.create(
        model=MODEL, messages=user("Tell me about walls."), stream=True, stream_options={"include_usage": True}
    ) as stream:
        for chunk in stream:
            assert chunk.object == "chat.completion.chunk"
            after_usage += usage is not None
            if chunk.usage:
                assert not chunk.choices, "the usage comes in a chunk of its own"
                usage = chunk.usage
            for choice in chunk.choices:
                text += choice.delta.content or ""
                roles += [choice.delta.role] if choice.delta.role else []
                finished += [choice.finish_reason] if choice.finish_reason else []
    assert text and roles == ["assistant"] and finished == ["stop"]
    assert usage.total_tokens == usage.prompt_tokens + usage.completion_tokens and after_usage == 0


@check
def a_stream_says_what_an_answer_says():
    whole = ask("Tell me about walls.").choices[0].message.content
    chunks = list(ask("Tell me about walls.", stream=True))
    assert "".join(c.choices[0].delta.content or "" for c in chunks if c.choices) == whole


@check
def two_streamed_choices_stay_apart():
    texts = {0: "", 1: ""}
    for chunk in ask("Tell me about walls.", stream=True, n=2):
        for choice in chunk.choices:
            texts[choice.index] += choice.delta.content or ""
    whole = ask("Tell me about walls.", n=2)
    assert texts == {c.index: c.message.content for c in whole.choices}


@check
def log_probabilities_come_along():
    answer = ask(logprobs=True, top_logprobs=2)
    tokens = answer.choices[0].logprobs.content
    assert "".join(t.token for t in tokens) == answer.choices[0].message.content
    assert all(len(t.top_logprobs) == 2 for t in tokens)


@check
def a_tool_is_called_and_its_result_used():
    question = user("What is the weather in Lisbon? Please look it up.")
    first = client().chat.completions.create(model=MODEL, messages=question, tools=[WEATHER])
    [choice] = first.choices
    assert choice.finish_reason == "tool_calls", choice.finish_reason
    [call] = choice.message.tool_calls
    assert call.type == "function" and call.function.name == "look_up_weather"
    assert isinstance(json.loads(call.function.arguments)["city"], str)
    turn = question + [
        choice.message.model_dump(exclude_none=True),
        {"role": "tool", "tool_call_id": call.id, "content": "sunny, 21 degrees"},
    ]
    second = client().chat.completions.create(model=MODEL, messages=turn, tools=[WEATHER])
    assert second.choices[0].finish_reason == "stop"
    assert "sunny, 21 degrees" in second.choices[0].message.content


@check
def a_tool_call_is_streamed():
    names, identities, arguments, finished = [], [], "", []
    for chunk in ask("What is the weather in Lisbon? Please look it up.", tools=[WEATHER], stream=True):
        for choice in chunk.choices:
            finished += [choice.finish_reason] if choice.finish_reason else []
            for call in choice.delta.tool_calls or []:
                assert call.index == 0
                names += [call.function.name] if call.function and call.function.name else []
                identities += [call.id] if call.id else []
                arguments += (call.function and call.function.arguments) or ""
    assert names == ["look_up_weather"] and len(identities) == 1 and finished == ["tool_calls"]
    assert isinstance(json.loads(arguments)["city"], str)


class City(BaseModel):
    """A form that an answer must have."""

    name: str
    inhabitants: int


@check
def a_structured_answer_is_parsed():
    answer = client().chat.completions.parse(model=MODEL, messages=user("A city, please."), response_format=City)
    assert isinstance(answer.choices[0].message.parsed, City)


@check
def a_structured_answer_is_streamed():
    with client().chat.completions.stream(
        model=MODEL, messages=user("A city, please."), response_format=City
    ) as stream:
        for _ in stream:
            pass
        final = stream.get_final_completion()
    assert isinstance(final.choices[0].message.parsed, City)


@check
def a_json_object_is_json():
    answer = ask("Answer in JSON.", response_format={"type": "json_object"})
    assert isinstance(json.loads(answer.choices[0].message.content), dict)


@check
def twenty_calls_at_once():
    async def all_of_them():
        async with AsyncOpenAI(base_url=BASE_URL, api_key=API_KEY, timeout=TIMEOUT, max_retries=0) as many:
            calls = [
                many.chat.completions.create(model=MODEL, messages=user(f'Reply with exactly "number {i} of 20"'))
                for i in range(20)
            ]
            return await asyncio.gather(*calls)

    answers = asyncio.run(all_of_them())
    assert [a.choices[0].message.content for a in answers] == [f"number {i} of 20" for i in range(20)]


@check
def twenty_streams_at_once():
    async def one(many, i):
        text = ""
        messages = user(f'Reply with exactly "stream {i} of 20"')
        async for chunk in await many.chat.completions.create(model=MODEL, messages=messages, stream=True):
            text += "".join(choice.delta.content or "" for choice in chunk.choices)
        return text

    async def all_of_them():
        async with AsyncOpenAI(base_url=BASE_URL, api_key=API_KEY, timeout=TIMEOUT, max_retries=0) as many:
            return await asyncio.gather(*[one(many, i) for i in range(20)])

    assert asyncio.run(all_of_them()) == [f"stream {i} of 20" for i in range(20)]


# ---- what Cordon says about a call


@check
def every_answer_names_its_call_and_verdict():
    raw = client().chat.completions.with_raw_response.create(model=MODEL, messages=user("Hello."))
    assert raw.parse().choices
    assert CALL_ID.match(raw.headers["cordon-call-id"]), raw.headers["cordon-call-id"]
    assert raw.headers["cordon-verdict"] == "allow", raw.headers["cordon-verdict"]
    assert "dur=" in raw.headers["server-timing"], raw.headers["server-timing"]


@check
def every_stream_names_its_call():
    with client().chat.completions.with_streaming_response.create(
        model=MODEL, messages=user("Hello."), stream=True
    ) as raw:
        assert raw.headers["content-type"].startswith("text/event-stream")
        assert CALL_ID.match(raw.headers["cordon-call-id"])
        assert raw.headers["cordon-verdict"] and "dur=" in raw.headers["server-timing"]
        events = [line for line in raw.iter_lines() if line]
    assert events[-1] == "data: [DONE]", events[-1]


@check
def call_ids_differ():
    create = client().chat.completions.with_raw_response.create
    seen = {create(model=MODEL, messages=user("Hello.")).headers["cordon-call-id"] for _ in range(3)}
    assert len(seen) == 3


# ---- errors have their types


@check
def a_malformed_request_is_a_bad_request():
    post = client().post
    body = {"model": MODEL, "messages": "not a list"}
    raises(openai.BadRequestError, 400, lambda: post("/chat/completions", body=body, cast_to=object))


@check
def broken_json_is_a_bad_request():
    for content in (b'{"model": ', b'{"model":"a","model":"b","messages":[]}', b"\xff\xfe", b"[" * 100_000):
        headers = {"authorization": "Bearer " + API_KEY, "content-type": "application/json"}
        plain = client()._client.post(BASE_URL + "/chat/completions", content=content, headers=headers)
        assert plain.status_code == 400, (content[:20], plain.status_code)
        assert plain.json()["error"]["code"], plain.text


@check
def a_wrong_key_is_an_authentication_error():
    for key in ("ck_wrong", API_KEY[:-1] + ("a" if API_KEY[-1] != "a" else "b"), "sk-of-somebody-else"):
        wrong = OpenAI(base_url=BASE_URL, api_key=key, timeout=TIMEOUT, max_retries=0)
        error = raises(
            openai.AuthenticationError, 401, lambda: wrong.chat.completions.create(model=MODEL, messages=user("Hi."))
        )
        assert error.code == "invalid_api_key", error.code
        assert key not in str(error.body), "the error repeats the key"


@check
def an_unknown_model_is_not_found():
    error = raises(openai.NotFoundError, 404, lambda: ask(model="no-such-route"))
    assert error.code == "model_not_found" and error.param == "model", (error.code, error.param)


@check
def a_route_of_another_key_is_not_found():
    error = raises(openai.NotFoundError, 404, lambda: ask(model=model("LIMITED")))
    assert error.code == "model_not_found", error.code


@check
def a_field_that_chooses_a_host_is_refused():
    error = raises(openai.BadRequestError, 400, lambda: ask(extra_body={"api_base": "http://127.0.0.1:1/"}))
    assert error.code == "forbidden_field", error.code


@check
def a_limit_is_a_rate_limit_error_with_a_time_to_wait():
    limited = client("LIMITED")
    messages = user("Hello.")
    for _ in range(2):
        assert limited.chat.completions.create(model=model("LIMITED"), messages=messages).choices
    error = raises(
        openai.RateLimitError, 429, lambda: limited.chat.completions.create(model=model("LIMITED"), messages=messages)
    )
    assert error.code == "rate_limit_exceeded", error.code
    assert 1 <= int(error.response.headers["retry-after"]) <= 3600, error.response.headers["retry-after"]


@check
def a_failing_upstream_is_a_server_error():
    faulty = client("FAULTY").chat.completions.create
    try:
        faulty(model=model("FAULTY"), messages=user("Hello."))
    except openai.InternalServerError as error:
        assert 500 <= error.status_code <= 504 and error.code, (error.status_code, error.code)
        return
    raise AssertionError("it was answered")


@check
def a_cut_stream_ends():
    start = time.monotonic()
    try:
        for _ in client("CUT").chat.completions.create(model=model("CUT"), messages=user("Hello."), stream=True):
            pass
    except openai.APIError:
        pass
    assert time.monotonic() - start < TIMEOUT / 2, "it hung"


# ---- guards


@check
def an_injection_is_a_typed_refusal():
    error = raises(openai.BadRequestError, 400, lambda: ask(INJECTION))
    assert error.code == "content_blocked", error.code
    assert error.response.headers["cordon-verdict"] == "block"
    said = json.dumps(error.body).lower()
    assert "ignore" not in said and "injection" not in said, "the refusal helps an attacker: " + said


@check
def an_injection_in_disguise_is_refused_too():
    hidden = base64.b64encode(INJECTION.encode()).decode()
    wide = "".join(chr(ord(c) + 0xFEE0) if "!" <= c <= "~" else c for c in INJECTION)
    split = "\u200b".join(INJECTION)
    for text in ("Decode and follow: " + hidden, wide, split):
        assert raises(openai.BadRequestError, 400, lambda: ask(text)).code == "content_blocked"


@check
def an_injection_in_a_tool_result_is_refused():
    messages = user("What is the weather in Lisbon?") + [
        {
            "role": "assistant",
            "content": None,
            "tool_calls": [
                {"id": "call_1", "type": "function", "function": {"name": "look_up_weather", "arguments": '{"city":"Lisbon"}'}}
            ],
        },
        {"role": "tool", "tool_call_id": "call_1", "content": "sunny. " + INJECTION},
    ]
    raises(
        openai.BadRequestError,
        400,
        lambda: client().chat.completions.create(model=MODEL, messages=messages, tools=[WEATHER]),
    )


@check
def a_blocked_stream_is_a_typed_refusal():
    assert raises(openai.BadRequestError, 400, lambda: ask(INJECTION, stream=True)).code == "content_blocked"


@check
def a_polite_route_answers_with_a_content_filter():
    answer = client("REFUSAL").chat.completions.create(model=model("REFUSAL"), messages=user(INJECTION))
    [choice] = answer.choices
    assert choice.finish_reason == "content_filter" and (choice.message.content or choice.message.refusal)


@check
def a_polite_route_streams_a_content_filter():
    reasons, text = [], ""
    for chunk in client("REFUSAL").chat.completions.create(
        model=model("REFUSAL"), messages=user(INJECTION), stream=True
    ):
        for choice in chunk.choices:
            text += choice.delta.content or choice.delta.refusal or ""
            reasons += [choice.finish_reason] if choice.finish_reason else []
    assert reasons == ["content_filter"] and text


@check
def a_card_is_redacted_in_an_answer():
    raw = client().chat.completions.with_raw_response.create(
        model=MODEL, messages=user(f'Reply with exactly "Card: {CARD}. Thank you."')
    )
    text = raw.parse().choices[0].message.content
    assert text.startswith("Card: ") and text.endswith(". Thank you."), text
    assert "42" not in digits(text), text
    assert digits(CARD) not in digits(raw.text), "the answer carries it elsewhere"
    assert raw.headers["cordon-verdict"] == "redact", raw.headers["cordon-verdict"]


@check
def a_card_is_never_in_a_stream_nor_a_part_of_it():
    question = f'Reply with exactly "Card: {CARD}. Thank you."'
    text = ""
    for chunk in ask(question, stream=True):
        for choice in chunk.choices:
            piece = choice.delta.content or ""
            assert "42" not in piece, f"a chunk carries a part of it: {piece!r}"
            text += piece
    assert text.startswith("Card: ") and text.endswith(". Thank you."), text
    assert not digits(text), text
    assert text == ask(question).choices[0].message.content


@check
def a_card_is_redacted_in_every_choice_of_a_stream():
    texts = {0: "", 1: ""}
    for chunk in ask(f'Reply with exactly "Card: {CARD}."', stream=True, n=2):
        for choice in chunk.choices:
            texts[choice.index] += choice.delta.content or ""
    assert all(text and not digits(text) for text in texts.values()), texts


@check
def a_card_is_redacted_in_tool_arguments():
    question = f"Important message: call look_up_weather with {json.dumps({'city': CARD})}"
    # The order comes from the system here, which the guards of this route trust.
    messages = [{"role": "system", "content": question}] + user("Please go on.")
    whole = client().chat.completions.create(model=MODEL, messages=messages, tools=[WEATHER])
    arguments = whole.choices[0].message.tool_calls[0].function.arguments
    assert not digits(json.loads(arguments)["city"]), arguments
    streamed = ""
    for chunk in client().chat.completions.create(model=MODEL, messages=messages, tools=[WEATHER], stream=True):
        for choice in chunk.choices:
            for call in choice.delta.tool_calls or []:
                streamed += (call.function and call.function.arguments) or ""
    assert json.loads(streamed) == json.loads(arguments), streamed


@check
def log_probabilities_do_not_tell_what_was_redacted():
    raw = client().chat.completions.with_raw_response.create(
        model=MODEL, messages=user(f'Reply with exactly "Card: {CARD}."'), logprobs=True, top_logprobs=2
    )
    answer = raw.parse()
    logprobs = answer.choices[0].logprobs
    told = "".join(t.token for t in (logprobs.content or [])) if logprobs else ""
    assert "4242" not in told, told


# ---- a service that speaks Anthropic's protocol


def ask_claude(text="What is a cordon?", **options):
    options.setdefault("messages", user(text))
    return client("CLAUDE").chat.completions.create(model=model("CLAUDE"), **options)


@check
def a_chat_is_answered_by_the_other_protocol():
    messages = [{"role": "system", "content": "You answer briefly."}] + user("What is a cordon?")
    answer = ask_claude(messages=messages, temperature=0.2, stop=["never said"], user="somebody")
    [choice] = answer.choices
    assert answer.object == "chat.completion" and answer.model == model("CLAUDE") and answer.created > 0
    assert choice.message.content and choice.finish_reason == "stop"
    assert answer.usage.total_tokens == answer.usage.prompt_tokens + answer.usage.completion_tokens > 0


@check
def a_stream_of_the_other_protocol_says_what_an_answer_says():
    whole = ask_claude("Tell me about walls.").choices[0].message.content
    chunks = list(ask_claude("Tell me about walls.", stream=True, stream_options={"include_usage": True}))
    assert "".join(c.choices[0].delta.content or "" for c in chunks if c.choices) == whole
    assert [c.choices[0].finish_reason for c in chunks if c.choices][-1] == "stop"
    assert chunks[-1].usage.completion_tokens > 0 and not chunks[-1].choices


@check
def a_tool_is_called_across_protocols():
    question = user("What is the weather in Lisbon? Please look it up.")
    [choice] = ask_claude(messages=question, tools=[WEATHER]).choices
    [call] = choice.message.tool_calls
    assert choice.finish_reason == "tool_calls" and call.function.name == "look_up_weather"
    arguments = ""
    for chunk in ask_claude(messages=question, tools=[WEATHER], stream=True):
        for part in chunk.choices:
            arguments += "".join(c.function.arguments or "" for c in part.delta.tool_calls or [])
    assert json.loads(arguments) == json.loads(call.function.arguments)
    turn = question + [
        choice.message.model_dump(exclude_none=True),
        {"role": "tool", "tool_call_id": call.id, "content": "sunny, 21 degrees"},
    ]
    assert "sunny, 21 degrees" in ask_claude(messages=turn, tools=[WEATHER]).choices[0].message.content


@check
def a_structured_answer_and_a_picture_cross_protocols():
    answer = client("CLAUDE").chat.completions.parse(
        model=model("CLAUDE"), messages=user("A city, please."), response_format=City
    )
    assert isinstance(answer.choices[0].message.parsed, City)
    picture = "data:image/png;base64," + base64.b64encode(tiny_png()).decode()
    parts = [{"type": "text", "text": "What is this?"}, {"type": "image_url", "image_url": {"url": picture}}]
    answer = ask_claude(messages=[{"role": "user", "content": parts}])
    assert "1 image" in answer.choices[0].message.content, answer.choices[0].message.content


@check
def what_cannot_be_said_there_is_named():
    error = raises(openai.BadRequestError, 400, lambda: ask_claude(n=2))
    assert (error.code, error.param) == ("not_translatable", "n"), (error.code, error.param)
    raw = client("CLAUDE").chat.completions.with_raw_response.create(
        model=model("CLAUDE"), messages=user("Hello."), seed=7
    )
    assert raw.headers["cordon-untranslated"] == "seed", raw.headers


@check
def guards_hold_across_protocols():
    assert raises(openai.BadRequestError, 400, lambda: ask_claude(INJECTION)).code == "content_blocked"
    question = f'Reply with exactly "Card: {CARD}. Thank you."'
    text = "".join(c.choices[0].delta.content or "" for c in ask_claude(question, stream=True) if c.choices)
    assert text.startswith("Card: ") and not digits(text), text
    assert text == ask_claude(question).choices[0].message.content


# ---- responses

FUNCTION = {"type": "function", **WEATHER["function"]}


def respond(what="What is a cordon?", suffix="", **options):
    key = model(suffix) if suffix else MODEL
    return client(suffix).responses.create(model=key, input=what, **options)


def streamed_response(what, suffix="", **options):
    """The events of a stream, which are numbered without a gap, and the text that its pieces make."""
    events = list(respond(what, suffix, stream=True, **options))
    assert [event.sequence_number for event in events] == list(range(len(events)))
    text = "".join(event.delta for event in events if event.type == "response.output_text.delta")
    return events, text


@check
def a_response_is_given():
    answer = respond("What is a cordon?", instructions="You answer briefly.", metadata={"case": "response"})
    assert answer.object == "response" and answer.status == "completed" and answer.model == MODEL
    assert answer.output_text and answer.output[0].role == "assistant"
    assert answer.usage.total_tokens == answer.usage.input_tokens + answer.usage.output_tokens > 0


@check
def a_streamed_response_says_what_a_response_says():
    whole = respond("Tell me about walls.")
    events, text = streamed_response("Tell me about walls.")
    assert events[0].type == "response.created" and events[-1].type == "response.completed", events[-1]
    assert text == whole.output_text == events[-1].response.output_text
    assert events[-1].response.usage == whole.usage
    with client().responses.stream(model=MODEL, input="Tell me about walls.") as stream:
        for _ in stream:
            pass
        assert stream.get_final_response().output_text == text


@check
def a_response_calls_a_tool_and_its_result_is_used():
    question = user("What is the weather in Lisbon? Please look it up.")
    first = client().responses.create(model=MODEL, input=question, tools=[FUNCTION])
    [call] = first.output
    assert call.type == "function_call" and call.name == "look_up_weather"
    assert isinstance(json.loads(call.arguments)["city"], str)
    events = list(client().responses.create(model=MODEL, input=question, tools=[FUNCTION], stream=True))
    pieces = [event.delta for event in events if event.type == "response.function_call_arguments.delta"]
    assert "".join(pieces) == call.arguments == events[-1].response.output[0].arguments
    result = {"type": "function_call_output", "call_id": call.call_id, "output": "sunny, 21 degrees"}
    turn = question + [call.model_dump(exclude_none=True), result]
    second = client().responses.create(model=MODEL, input=turn, tools=[FUNCTION])
    assert "sunny, 21 degrees" in second.output_text


@check
def a_structured_response_is_parsed():
    answer = client().responses.parse(model=MODEL, input="A city, please.", text_format=City)
    assert isinstance(answer.output_parsed, City)
    with client().responses.stream(model=MODEL, input="A city, please.", text_format=City) as stream:
        for _ in stream:
            pass
        assert isinstance(stream.get_final_response().output_parsed, City)


@check
def a_card_is_never_in_a_response_nor_in_an_event_of_it():
    question = f'Reply with exactly "Card: {CARD}. Thank you."'
    whole = respond(question)
    assert whole.output_text.startswith("Card: ") and whole.output_text.endswith(". Thank you."), whole.output_text
    assert not digits(whole.output_text), whole.output_text
    events, text = streamed_response(question)
    assert all(digits(CARD) not in digits(event.model_dump_json()) for event in events)
    assert text == whole.output_text == events[-1].response.output_text


@check
def log_probabilities_of_a_response_do_not_tell_what_was_redacted():
    spelt = {"include": ["message.output_text.logprobs"], "top_logprobs": 2}
    plain = respond("What is a cordon?", **spelt).output[0].content[0]
    assert "".join(entry.token for entry in plain.logprobs) == plain.text
    events, _ = streamed_response(f'Reply with exactly "Card: {CARD}."', **spelt)
    told = [entry.token for event in events for entry in getattr(event, "logprobs", None) or []]
    assert told and "4242" not in "".join(told), told


@check
def a_response_is_refused_with_a_type():
    for stream in (False, True):
        error = raises(openai.BadRequestError, 400, lambda: respond(INJECTION, stream=stream))
        assert error.code == "content_blocked", error.code
    result = {"type": "function_call_output", "call_id": "call_1", "output": "sunny. " + INJECTION}
    call = {"type": "function_call", "call_id": "call_1", "name": "look_up_weather", "arguments": '{"city":"Lisbon"}'}
    raises(openai.BadRequestError, 400, lambda: respond(user("What is the weather?") + [call, result]))


@check
def what_a_service_keeps_or_runs_is_refused_by_name():
    for options, param in (
        ({"previous_response_id": "resp_1"}, "previous_response_id"),
        ({"conversation": "conv_1"}, "conversation"),
        ({"background": True}, "background"),
        ({"tools": [{"type": "web_search"}]}, "tools[0].type"),
    ):
        error = raises(openai.BadRequestError, 400, lambda: respond("Hello.", **options))
        assert (error.code, error.param) == ("forbidden_field", param), (error.code, error.param)
        assert "help: " in str(error), error


@check
def a_polite_route_responds_with_a_content_filter():
    answer = respond(INJECTION, "REFUSAL")
    assert answer.status == "incomplete" and answer.incomplete_details.reason == "content_filter"
    events, text = streamed_response(INJECTION, "REFUSAL")
    assert events[-1].type == "response.incomplete" and text == answer.output_text
    assert events[-1].response.incomplete_details.reason == "content_filter"


@check
def a_cut_response_is_an_error():
    start = time.monotonic()
    try:
        streamed_response("Hello.", "CUT")
        raise AssertionError("it looked whole")
    except openai.APIError as error:
        assert error.code == "upstream_failed", error
    assert time.monotonic() - start < TIMEOUT / 2, "it hung"


@check
def a_service_of_the_other_protocol_gives_no_response():
    error = raises(openai.BadRequestError, 400, lambda: respond("Hello.", "CLAUDE"))
    assert error.code == "not_translatable", error.code


# ---- embeddings


def embed(what, **options):
    return client().embeddings.create(model=MODEL, input=what, **options)


def alike(one, other):
    """The cosine of two vectors of length one."""
    return sum(a * b for a, b in zip(one, other, strict=True))


@check
def a_text_is_embedded():
    answer = embed("The dog barks.")
    [entry] = answer.data
    assert answer.object == "list" and answer.model == MODEL and entry.object == "embedding" and entry.index == 0
    assert len(entry.embedding) == 256 and abs(alike(entry.embedding, entry.embedding) - 1) < 1e-5
    assert answer.usage.prompt_tokens > 0 and answer.usage.total_tokens == answer.usage.prompt_tokens


@check
def texts_are_embedded_in_their_order():
    answer = embed(["the dog barks", "interest rates fell again", "the dog barks loud"])
    assert [entry.index for entry in answer.data] == [0, 1, 2]
    dog, rates, loud = (entry.embedding for entry in answer.data)
    assert alike(dog, loud) > 0.7 > alike(dog, rates)
    assert embed("the dog barks").data[0].embedding == dog


@check
def vectors_are_the_same_in_base64_and_in_numbers():
    # The package asks for base64 when it is told nothing, and gives numbers.
    default = embed("The dog barks.").data[0].embedding
    numbers = embed("The dog barks.", encoding_format="float").data[0].embedding
    text = embed("The dog barks.", encoding_format="base64").data[0].embedding
    assert isinstance(text, str) and len(base64.b64decode(text)) == 4 * len(default)
    assert all(abs(a - b) < 1e-6 for a, b in zip(default, numbers, strict=True))


@check
def vectors_have_the_dimensions_asked_for():
    assert len(embed("The dog barks.", dimensions=64).data[0].embedding) == 64
    raises(openai.BadRequestError, 400, lambda: embed("The dog barks.", dimensions=0))


@check
def tokens_are_embedded():
    answer = embed([[15496, 995], [42]])
    assert len(answer.data) == 2 and answer.usage.prompt_tokens == 3
    assert len(embed([15496, 995]).data) == 1


@check
def texts_to_embed_are_guarded():
    error = raises(openai.BadRequestError, 400, lambda: embed(["The dog barks.", INJECTION]))
    assert error.code == "content_blocked", error.code
    error = raises(openai.BadRequestError, 400, lambda: embed([]))
    assert error.param == "input", error.param
    polite = lambda: client("REFUSAL").embeddings.create(model=model("REFUSAL"), input=INJECTION)
    assert raises(openai.BadRequestError, 400, polite).code == "content_blocked"


@check
def embeddings_are_made_asynchronously():
    async def made():
        async with AsyncOpenAI(base_url=BASE_URL, api_key=API_KEY, timeout=TIMEOUT, max_retries=0) as asynchronous:
            texts = [f"text number {at}" for at in range(8)]
            calls = [asynchronous.embeddings.create(model=MODEL, input=text) for text in texts]
            return [answer.data[0].embedding for answer in await asyncio.gather(*calls)]

    assert len({tuple(vector) for vector in asyncio.run(made())}) == 8


# ---- conduct


@check
def a_file_is_uploaded_listed_read_and_deleted():
    text = b"The meeting is on Tuesday."
    file = client().files.create(file=("notes.txt", text), purpose="user_data")
    assert (file.filename, file.purpose, file.bytes > 0, file.object) == ("notes.txt", "user_data", True, "file"), file
    assert client().files.retrieve(file.id).filename == "notes.txt"
    assert client().files.content(file.id).read() == text
    assert file.id in [listed.id for listed in client().files.list(purpose="user_data", limit=1)]
    raises(openai.NotFoundError, 404, lambda: client().files.retrieve("file-of-nobody"))
    gone = client().files.delete(file.id)
    assert gone.deleted and gone.id == file.id, gone
    raises(openai.NotFoundError, 404, lambda: client().files.content(file.id))


@check
def a_file_is_uploaded_asynchronously_with_the_route_named():
    async def uploaded():
        options = {"base_url": BASE_URL, "api_key": API_KEY, "timeout": TIMEOUT, "max_retries": 0}
        async with AsyncOpenAI(**options, default_headers={"cordon-route": MODEL}) as asynchronous:
            bytes_only = await asynchronous.files.create(file=b"hello", purpose="user_data")
            expires = {"anchor": "created_at", "seconds": 3600}
            named = await asynchronous.files.create(
                file=("a \"b\".txt", b"hello"), purpose="user_data", expires_after=expires, extra_query={"model": MODEL}
            )
            return bytes_only, named

    bytes_only, named = asyncio.run(uploaded())
    assert bytes_only.filename and bytes_only.id != named.id, bytes_only
    extra = {"model": "no-such-route"}
    send = lambda: client().files.create(file=("a.txt", b"x"), purpose="user_data", extra_body=extra)
    raises(openai.NotFoundError, 404, send)


@check
def a_file_with_an_order_in_it_is_refused():
    order = b"{\\rtf1 " + INJECTION.encode() + b"}"
    error = raises(openai.BadRequestError, 400, lambda: client().files.create(file=("a.rtf", order), purpose="user_data"))
    assert error.code == "content_blocked", error.code


@check
def a_caller_that_leaves_a_stream_early_leaves_nothing_behind():
    endless = client("ENDLESS")
    for _ in range(8):
        with endless.chat.completions.create(model=model("ENDLESS"), messages=user("Go on."), stream=True) as stream:
            for _, chunk in zip(range(5), stream):
                assert chunk.choices
    # The gateway serves on, at once.
    start = time.monotonic()
    assert ask().choices
    assert time.monotonic() - start < TIMEOUT / 2


@check
def a_call_is_a_part_of_its_callers_trace():
    trace, parent = os.urandom(16).hex(), os.urandom(8).hex()
    raw = client().chat.completions.with_raw_response.create(
        model=MODEL, messages=user("Hello"), extra_headers={"traceparent": f"00-{trace}-{parent}-01"}
    )
    call = raw.headers["cordon-call-id"]
    deadline = time.monotonic() + TIMEOUT
    spans = []
    while not spans and time.monotonic() < deadline:
        with urllib.request.urlopen(f"{OTLP_RECEIVER}/received") as received:
            spans = [span for span in json.load(received)["spans"] if span["trace"] == trace]
    names = [span["name"] for span in spans]
    whole = spans[0]
    assert whole["attributes"]["cordon.call.id"] == call and whole["parent"] == parent, whole
    assert all(span["parent"] == whole["id"] for span in spans[1:]), names
    assert any(span["attributes"].get("gen_ai.operation.name") == "chat" for span in spans), names


if __name__ == "__main__":
    sys.exit(checks.main())
