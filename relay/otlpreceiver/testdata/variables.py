"""Send a span by an exporter that the environment configures."""

from opentelemetry.exporter.otlp.proto.http import trace_exporter
from opentelemetry.sdk import trace
from opentelemetry.sdk.trace import export

provider = trace.TracerProvider()
provider.add_span_processor(export.SimpleSpanProcessor(trace_exporter.OTLPSpanExporter()))
with provider.get_tracer("variables.py").start_as_current_span("by variables"):
    pass
provider.shutdown()
