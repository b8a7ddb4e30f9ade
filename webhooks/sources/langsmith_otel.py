"""Name the project of spans that come by LangSmith's OTLP path: the SDK says it in a header alone. No I/O."""

from typing import Any

from google.protobuf.message import DecodeError
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from webhooks.errors import Undecodable
from webhooks.json_body import objects, read_object, write_json

SERVICE = "service.name"
# What LangSmith's and OpenTelemetry's SDKs call a service that nobody named.
UNNAMED = ("", "langsmith", "unknown_service")


def with_project_protobuf(body: bytes, project: str) -> bytes:
    """Return the export with the project as the service of every resource that has no name of its own.

    Raises
    ------
    Undecodable
        When the body is no export request.

    """
    request = ExportTraceServiceRequest()
    try:
        request.ParseFromString(body)
    except DecodeError as error:
        raise Undecodable(f"not an OTLP trace export request in protobuf ({len(body)} bytes): {error}") from error
    for resource_spans in request.resource_spans:
        attributes = resource_spans.resource.attributes
        named = next((item for item in attributes if item.key == SERVICE), None)
        if named is None:
            attributes.add(key=SERVICE).value.string_value = project
        elif _is_unnamed(named.value.string_value):
            named.value.string_value = project
    encoded: bytes = request.SerializeToString()
    return encoded


def with_project_json(body: bytes, project: str) -> bytes:
    """Do what `with_project_protobuf` does, for OTLP's JSON."""
    request = read_object(body, name="an OTLP trace export request")
    service = {"key": SERVICE, "value": {"stringValue": project}}
    for resource_spans in objects(request.get("resourceSpans"), name="resourceSpans"):
        resource = resource_spans.setdefault("resource", {})
        if isinstance(resource, dict):
            items = objects(resource.get("attributes"), name="attributes")
            unnamed = all(item.get("key") != SERVICE or _is_unnamed(_text(item)) for item in items)
            others = [item for item in items if item.get("key") != SERVICE]
            resource["attributes"] = [*others, service] if unnamed else items
    return write_json(request)


def _text(item: dict[str, Any]) -> str:
    value = item.get("value")
    return str(value.get("stringValue", "")) if isinstance(value, dict) else ""


def _is_unnamed(name: str) -> bool:
    return name in UNNAMED or name.startswith("unknown_service:")
