"""The client of the Open Inference Protocol's own working group (`open-inference-openapi`) against Cordon.

Addresses, keys and route names come from the environment; `cargo xtask test` sets them up.

    ANTHROPIC_URL                the gateway without a path, such as http://127.0.0.1:4180
    API_KEY_LOANS MODEL_LOANS    a key and a route to a predictive model with a signature
"""

import asyncio
import os
import sys

import checks
import httpx
from checks import CALL_ID, CARD, check, digits
from open_inference.openapi.client import AsyncOpenInferenceClient, OpenInferenceClient
from open_inference.openapi.core.api_error import ApiError
from open_inference.openapi.errors import NotFoundError
from open_inference.openapi.types import InferenceRequest, RequestInput

GATEWAY = os.environ["ANTHROPIC_URL"]
ROUTE = os.environ["MODEL_LOANS"]
HEADERS = {"Authorization": "Bearer " + os.environ["API_KEY_LOANS"]}
TIMEOUT = 30


def client(headers=HEADERS):
    http = httpx.Client(timeout=TIMEOUT, headers=headers, trust_env=False)
    return OpenInferenceClient(base_url=GATEWAY, httpx_client=http)


def asks(ages, incomes, purposes):
    def column(name, datatype, data):
        return RequestInput(name=name, shape=[len(data)], datatype=datatype, data=data)

    inputs = [column("age", "FP64", ages), column("income", "FP64", incomes), column("purpose", "BYTES", purposes)]
    return InferenceRequest(id="a-1", inputs=inputs)


def refused(request, headers=HEADERS):
    try:
        client(headers).model_infer(ROUTE, request=request)
    except ApiError as error:
        return error
    raise AssertionError("it was answered")


@check
def the_server_says_that_it_is_there():
    client({}).check_server_liveness()
    client({}).check_server_readiness()
    assert client({}).read_server_metadata().name == "cordon"


@check
def a_route_is_ready_and_says_what_it_takes():
    client().check_model_readiness(ROUTE)
    about = client().read_model_metadata(ROUTE)
    assert about.name == ROUTE
    assert [tensor.name for tensor in about.inputs] == ["age", "income", "purpose"], about
    assert about.outputs[0].datatype == "FP64"


@check
def a_route_that_there_is_not_is_not_found():
    try:
        client().check_model_readiness("no-such-route")
    except NotFoundError as error:
        assert "does not exist" in str(error.body), error.body
    else:
        raise AssertionError("it is ready")


@check
def rows_have_predictions():
    answer = client().model_infer(ROUTE, request=asks([41, 30], [52000.5, 61000], ["car", "home"]))
    assert (answer.model_name, answer.id) == (ROUTE, "a-1"), answer
    (output,) = answer.outputs
    values = output.data.__root__
    assert (output.name, output.shape, len(values)) == ("probability", [2], 2), output
    assert all(0 <= value <= 1 for value in values)


@check
def rows_have_predictions_without_waiting():
    async def both():
        http = httpx.AsyncClient(timeout=TIMEOUT, headers=HEADERS, trust_env=False)
        asking = AsyncOpenInferenceClient(base_url=GATEWAY, httpx_client=http)
        requests = [asks([age], [1000], ["car"]) for age in (20, 70)]
        answers = await asyncio.gather(*(asking.model_infer(ROUTE, request=request) for request in requests))
        await http.aclose()
        return [answer.outputs[0].data.__root__[0] for answer in answers]

    young, old = asyncio.run(both())
    assert young != old


@check
def a_bad_row_is_named_and_never_repeated():
    error = refused(asks([41, 17], [52000.5, 61000], ["car", "boat"]))
    assert (error.status_code, error.body["code"]) == (422, "invalid_prediction_input"), error
    assert error.body["places"] == ["row[1].age: out of range", "row[1].purpose: not one of its categories"]
    assert "boat" not in str(error.body) and CALL_ID.match(error.body["call_id"]), error.body


@check
def a_card_is_found_though_the_client_makes_a_fraction_of_it():
    error = refused(asks([41], [int(digits(CARD))], ["car"]))
    assert error.body["code"] == "content_blocked", error.body


@check
def without_a_key_nobody_predicts():
    assert refused(asks([41], [1], ["car"]), {}).status_code == 401


if __name__ == "__main__":
    sys.exit(checks.main())
