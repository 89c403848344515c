"""A small server and its callers under the OpenTelemetry SDK for Python: seven spans, then it ends.

OTEL_EXPORTER_OTLP_* and OTEL_SEMCONV_STABILITY_OPT_IN say how they are sent.
"""
import os
import threading
import urllib.request
from socketserver import ThreadingMixIn
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

from opentelemetry import trace
from opentelemetry.instrumentation.urllib import URLLibInstrumentor
from opentelemetry.instrumentation.wsgi import OpenTelemetryMiddleware
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor

if os.environ["OTEL_EXPORTER_OTLP_PROTOCOL"] == "grpc":
    from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter
else:
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter

provider = TracerProvider()
provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
trace.set_tracer_provider(provider)
URLLibInstrumentor().instrument()


class Plain(urllib.request.HTTPErrorProcessor):
    """A 404 is an answer: as an exception it would be recorded with the paths of this machine."""

    def http_response(self, request, response):
        return response


opener = urllib.request.build_opener(Plain)


def get(url):
    with opener.open(url) as response:
        response.read()


def shop(environ, start_response):
    path = environ["PATH_INFO"]
    if path.startswith("/items/"):
        with trace.get_tracer("shop").start_as_current_span("look up"):
            get(f"{own}/prices/7")
    found = path.startswith(("/items/", "/prices/"))
    start_response("200 OK" if found else "404 Not Found", [("Content-Type", "text/plain")])
    return [b"ok"]


class Quiet(WSGIRequestHandler):
    def log_message(self, *args):
        pass


class Server(ThreadingMixIn, WSGIServer):
    """It asks itself, so each request has a thread of its own."""

    daemon_threads = True


server = make_server("127.0.0.1", 0, OpenTelemetryMiddleware(shop), Server, Quiet)
own = f"http://127.0.0.1:{server.server_port}"
threading.Thread(target=server.serve_forever, daemon=True).start()
get(f"{own}/items/42?key=secret")
get(f"{own}/missing")
server.shutdown()
provider.shutdown()
