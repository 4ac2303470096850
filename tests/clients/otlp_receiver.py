"""A receiver of OTLP over HTTP that decodes with OpenTelemetry's own message classes, for the tests of telemetry.

It listens on loopback and says where. `POST /v1/traces` and `/v1/metrics` are the protocol. `GET /received`
gives what came, as JSON. `POST /answers` takes a list of answers for the next requests, such as
`[{"status": 503, "retry_after": 2}, {"rejected": 1}]`; after them everything is taken.
"""

import http.server
import json
import sys

from google.protobuf.json_format import MessageToDict
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsServiceRequest,
    ExportMetricsServiceResponse,
)
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)

received = {"spans": [], "metrics": [], "resources": [], "headers": [], "requests": 0}
answers = []


def plain(value):
    """An `AnyValue` as JSON."""
    kind = value.WhichOneof("value")
    if kind == "array_value":
        return [plain(item) for item in value.array_value.values]
    return None if kind is None else getattr(value, kind)


def attributes(pairs):
    names = [pair.key for pair in pairs]
    assert len(names) == len(set(names)), f"an attribute is there twice: {names}"
    return {pair.key: plain(pair.value) for pair in pairs}


def take_traces(message):
    for resource in message.resource_spans:
        received["resources"].append(attributes(resource.resource.attributes))
        for scope in resource.scope_spans:
            for span in scope.spans:
                received["spans"].append(
                    {
                        "trace": span.trace_id.hex(),
                        "id": span.span_id.hex(),
                        "parent": span.parent_span_id.hex(),
                        "name": span.name,
                        "kind": span.kind,
                        "start": span.start_time_unix_nano,
                        "end": span.end_time_unix_nano,
                        "flags": span.flags,
                        "status": span.status.code,
                        "attributes": attributes(span.attributes),
                        "events": [[event.name, attributes(event.attributes)] for event in span.events],
                        "scope": scope.scope.name,
                        "schema": resource.schema_url,
                    }
                )


def take_metrics(message):
    for resource in message.resource_metrics:
        received["resources"].append(attributes(resource.resource.attributes))
        for scope in resource.scope_metrics:
            for metric in scope.metrics:
                kind = metric.WhichOneof("data")
                body = getattr(metric, kind)
                points = []
                for point in body.data_points:
                    shown = MessageToDict(point)
                    shown["attributes"] = attributes(point.attributes)
                    if kind == "histogram":
                        assert len(point.bucket_counts) == len(point.explicit_bounds) + 1, metric.name
                        assert sum(point.bucket_counts) == point.count, metric.name
                        shown["bounds"] = list(point.explicit_bounds)
                    points.append(shown)
                received["metrics"].append(
                    {"name": metric.name, "unit": metric.unit, "kind": kind, "points": points}
                )


SIGNALS = {
    "/v1/traces": (ExportTraceServiceRequest, ExportTraceServiceResponse, take_traces, "rejected_spans"),
    "/v1/metrics": (ExportMetricsServiceRequest, ExportMetricsServiceResponse, take_metrics, "rejected_data_points"),
}


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def say(self, status, body=b"", kind="application/json", extra=()):
        self.send_response(status)
        self.send_header("content-type", kind)
        self.send_header("content-length", str(len(body)))
        for name, value in extra:
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def do_GET(self):
        self.say(200, json.dumps(received).encode())

    def do_POST(self):
        body = self.rfile.read(int(self.headers.get("content-length", "0")))
        if self.path == "/answers":
            answers.extend(json.loads(body))
            return self.say(200)
        request, response, take, rejected = SIGNALS[self.path]
        if self.headers["content-type"] != "application/x-protobuf":
            return self.say(415)
        received["requests"] += 1
        received["headers"].append({name.lower(): value for name, value in self.headers.items()})
        answer = answers.pop(0) if answers and self.path == "/v1/traces" else {}
        if "status" in answer:
            after = answer.get("retry_after")
            return self.say(answer["status"], extra=[] if after is None else [("retry-after", str(after))])
        take(request.FromString(body))
        said = response()
        if "rejected" in answer:
            setattr(said.partial_success, rejected, answer["rejected"])
        return self.say(200, said.SerializeToString(), "application/x-protobuf")


server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
for stream in (sys.stdout, sys.stderr):
    print(f"listening on http://127.0.0.1:{server.server_address[1]}", file=stream, flush=True)
server.serve_forever()
