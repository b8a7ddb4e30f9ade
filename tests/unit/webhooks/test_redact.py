import json
from base64 import b64decode, b64encode
from collections import Counter
from functools import cache

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from tests.unit.webhooks.planting import benign, forms, planted
from webhooks import otlp
from webhooks.redact import Redaction, redact
from webhooks.redaction.personal import PERSONAL
from webhooks.redaction.redactor import Redactor
from webhooks.redaction.secrets import SECRETS, canary

KEY = b"the tenant's key"
NOON_NS = 1_777_636_800 * 10**9
TOKEN = "ghp_" + "a1B2" * 9
DIALECTS = {"otlp-protobuf": otlp.PROTOBUF, "otlp-json": otlp.JSON}


@cache
def redactor() -> Redactor:
    return Redactor(SECRETS)


def request(texts: list[str]) -> ExportTraceServiceRequest:
    """Return a request with each text in one of the places where text can be."""
    message = ExportTraceServiceRequest()
    resource_spans = message.resource_spans.add()
    resource_spans.resource.attributes.add(key="service.name").value.string_value = "shop"
    spans = resource_spans.scope_spans.add().spans
    for number, text in enumerate(texts, start=1):
        span = spans.add(trace_id=b"\1" * 16, span_id=number.to_bytes(8), name="chat", start_time_unix_nano=NOON_NS)
        plant(span, text, place=number % 8)
    return message


def plant(span, text: str, *, place: int) -> None:  # noqa: ANN001  # a protobuf message
    match place:
        case 0:
            span.attributes.add(key="input.value").value.string_value = text
        case 1:
            span.events.add(name="exception").attributes.add(key="exception.message").value.string_value = text
        case 2:
            turns = json.dumps([{"role": "user", "content": f"it is {text}"}])
            span.attributes.add(key="gen_ai.input.messages").value.string_value = turns
        case 3:
            span.attributes.add(key="output.value").value.string_value = json.dumps({"result": text})
        case 4:
            span.attributes.add(key="parts").value.array_value.values.add().string_value = f"\n{text}\n"
        case 5:
            span.attributes.add(key="more").value.kvlist_value.values.add(key="it").value.string_value = f"<{text}>"
        case 6:
            span.status.message = f"failed with '{text}'"
        case _:
            span.links.add().attributes.add(key=text).value.bytes_value = text.encode()


def as_json(message: ExportTraceServiceRequest) -> bytes:
    """Return the request in OTLP's JSON, with hex ids, of the places that both encodings share."""
    spans = [
        {
            "traceId": span.trace_id.hex(),
            "spanId": span.span_id.hex(),
            "name": span.name,
            "startTimeUnixNano": str(span.start_time_unix_nano),
            "status": {"message": span.status.message},
            "attributes": [json_attribute(item) for item in span.attributes],
            "events": [
                {"name": event.name, "attributes": [json_attribute(item) for item in event.attributes]}
                for event in span.events
            ],
            "links": [{"attributes": [{"key": item.key} for item in link.attributes]} for link in span.links],
        }
        for span in message.resource_spans[0].scope_spans[0].spans
    ]
    return json.dumps({"resourceSpans": [{"scopeSpans": [{"spans": spans}]}]}).encode()


def json_attribute(item) -> dict:  # noqa: ANN001  # a protobuf message
    kind = item.value.WhichOneof("value")
    match kind:
        case "array_value":
            value = {
                "arrayValue": {"values": [{"stringValue": each.string_value} for each in item.value.array_value.values]}
            }
        case "kvlist_value":
            value = {"kvlistValue": {"values": [json_attribute(each) for each in item.value.kvlist_value.values]}}
        case _:
            value = {"stringValue": item.value.string_value}
    return {"key": item.key, "value": value}


@pytest.mark.parametrize("dialect", DIALECTS)
def test_no_planted_secret_is_left_in_the_body_or_in_its_spans(dialect: str) -> None:
    secrets = planted(1_680, seed=3)
    message = request([text for _, _, text in secrets])
    body = message.SerializeToString() if dialect == "otlp-protobuf" else as_json(message)
    found = redact(body, dialect=dialect, redactor=redactor(), key=KEY)
    spans = otlp.decode(found.body, DIALECTS[dialect])
    plain = (found.body.decode(errors="replace") + repr(spans)).replace("\\\\", "\\")
    assert len(spans) == len(secrets)
    assert [kind for kind, secret, _ in secrets if any(form in plain for form in forms(secret))] == []


def test_each_planted_secret_alone_is_suspected_found_and_counted() -> None:
    missed = []
    for kind, secret, text in planted(1_680, seed=4):
        counts: Counter[str] = Counter()
        after = redactor().redact(text.encode(), key=KEY, counts=counts).decode()
        if not counts or any(form in after for form in forms(secret)) or text in after:
            missed.append(kind)
    assert missed == []


def test_benign_lines_of_traces_come_out_as_they_went_in() -> None:
    lines = benign(2_000, seed=5)
    counts: Counter[str] = Counter()
    changed = [line for line in lines if redactor().redact_text(line, key=KEY, counts=counts) != line]
    assert len(changed) <= 2, (counts, changed[:5])


def test_a_body_without_a_secret_is_returned_as_it_is() -> None:
    body = request(benign(50, seed=6)).SerializeToString()
    assert redact(body, dialect="otlp-protobuf", redactor=redactor(), key=KEY).body is body


def test_the_placeholder_names_the_kind_and_equal_secrets_stay_equal() -> None:
    body = orjson.dumps({"a": TOKEN, "b": [f"use {TOKEN}!"], "c": "ghp_" + "z9Y8" * 9})
    found = orjson.loads(redact(body, dialect="jsonl", redactor=redactor(), key=KEY).body)
    assert found["a"].startswith("[redacted:github-token:")
    assert found["b"] == [f"use {found['a']}!"]
    assert found["c"] != found["a"]


def test_another_tenant_gets_another_placeholder_for_the_same_secret() -> None:
    redaction = Redaction(redactor=redactor(), master_key=b"master")
    bodies = {redaction(TOKEN.encode(), dialect="text", tenant=tenant).body for tenant in ("acme", "globex", "acme")}
    assert len(bodies) == 2


def test_what_was_replaced_is_counted_by_rule() -> None:
    body = orjson.dumps([TOKEN, TOKEN, {"db.password": "hunter"}])
    found = redact(body, dialect="json", redactor=redactor(), key=KEY)
    assert found.counts == {"github-token": 2, "named-value": 1}


@pytest.mark.parametrize("dialect", DIALECTS)
def test_an_attribute_whose_name_says_secret_loses_its_whole_value(dialect: str) -> None:
    message = request(["hello"])
    message.resource_spans[0].scope_spans[0].spans[0].attributes.add(key="db.password").value.string_value = "tiger"
    body = message.SerializeToString() if dialect == "otlp-protobuf" else as_json(message)
    found = redact(body, dialect=dialect, redactor=redactor(), key=KEY)
    (span,) = otlp.decode(found.body, DIALECTS[dialect])
    assert span.attributes["db.password"].startswith("[redacted:named-value:")


def test_base64_stays_base64_so_that_an_attachment_can_still_be_read() -> None:
    body = orjson.dumps({"data": b64encode(f"KEY={TOKEN}\nnext line".encode()).decode()})
    found = orjson.loads(redact(body, dialect="json", redactor=redactor(), key=KEY).body)
    assert b64decode(found["data"]).startswith(b"KEY=[redacted:github-token:")
    assert b64decode(found["data"]).endswith(b"\nnext line")


@pytest.mark.parametrize("value", ["blue-Heron 42", 'tricky"quote\\slash', "snö-flinga-7"])
def test_a_canary_is_found_in_plain_text_in_json_and_in_disguise(value: str) -> None:
    with_canary = Redactor((canary(value), *SECRETS))
    for text in (value, json.dumps([value]), json.dumps(json.dumps([value])), value.encode().hex()):
        for body in (text.encode(), json.dumps({"text": text}).encode()):
            found = redact(body, dialect="json", redactor=with_canary, key=KEY)
            assert found.counts == {"canary": 1}, text


def test_a_canary_that_ordinary_text_holds_is_refused() -> None:
    with pytest.raises(ValueError, match="at least 8 characters, got 5"):
        canary("hello")


def test_logs_are_redacted_as_traces_are() -> None:
    message = ExportLogsServiceRequest()
    message.resource_logs.add().scope_logs.add().log_records.add().body.string_value = f"token {TOKEN}"
    found = redact(message.SerializeToString(), dialect="otlp-protobuf-logs", redactor=redactor(), key=KEY)
    logs = ExportLogsServiceRequest.FromString(found.body)
    assert logs.resource_logs[0].scope_logs[0].log_records[0].body.string_value.startswith("token [redacted:")


def test_json_lines_are_redacted_line_by_line() -> None:
    lines = [orjson.dumps({"text": TOKEN}), b'{"text": "fine"}', f"not json {TOKEN}".encode()]
    found = redact(b"\n".join(lines) + b"\n", dialect="jsonl", redactor=redactor(), key=KEY).body.split(b"\n")
    assert orjson.loads(found[0])["text"].startswith("[redacted:")
    assert found[1] == lines[1]
    assert found[2].startswith(b"not json [redacted:github-token:")


def test_multipart_parts_are_redacted_and_say_their_new_length() -> None:
    run = orjson.dumps({"inputs": {"text": TOKEN}})
    head = (
        b'--b\r\nContent-Disposition: form-data; name="post.1"\r\nContent-Type: application/json\r\nContent-Length: %d'
    )
    body = head % len(run) + b"\r\n\r\n" + run + b"\r\n--b--\r\n"
    found = redact(body, dialect="langsmith-multipart", redactor=redactor(), key=KEY)
    after = orjson.dumps({"inputs": {"text": redactor().redact_text(TOKEN, key=KEY, counts=Counter())}})
    assert found.body == head % len(after) + b"\r\n\r\n" + after + b"\r\n--b--\r\n"


@pytest.mark.parametrize("dialect", [*DIALECTS, "jsonl"])
def test_a_body_that_cannot_be_decoded_is_redacted_all_the_same(dialect: str) -> None:
    found = redact(b"\xff\xfe{" + TOKEN.encode() + b"\0", dialect=dialect, redactor=redactor(), key=KEY)
    assert TOKEN.encode() not in found.body


def test_ids_and_times_are_left_alone_even_where_a_card_number_would_be_found() -> None:
    strict = Redactor((*SECRETS, *PERSONAL))
    body = orjson.dumps({"spanId": "4111111111111111", "startTimeUnixNano": "4111111111111111", "note": TOKEN})
    found = orjson.loads(redact(body, dialect="json", redactor=strict, key=KEY).body)
    assert found["spanId"] == found["startTimeUnixNano"] == "4111111111111111"


def test_the_head_of_a_multipart_part_is_redacted() -> None:
    body = f'--b\r\nContent-Disposition: form-data; name="{TOKEN}"\r\n\r\n{{}}\r\n--b--\r\n'.encode()
    found = redact(body, dialect="langsmith", redactor=redactor(), key=KEY).body
    assert found.startswith(b'--b\r\nContent-Disposition: form-data; name="[redacted:github-token:')


def test_an_id_that_is_too_long_for_one_is_redacted() -> None:
    message = request(["hello"])
    message.resource_spans[0].scope_spans[0].spans[0].trace_id = TOKEN.encode()
    found = redact(message.SerializeToString(), dialect="otlp-protobuf", redactor=redactor(), key=KEY).body
    assert b"[redacted:github-token:" in found
    assert TOKEN.encode() not in found


@pytest.mark.parametrize("before", ["\\n", "\\\\t", "\\u000a", "a%0A", "\x1b[31m", "\x1b[1;32m", "\\u001b[0m"])
def test_a_word_begins_after_an_escape_that_ends_in_a_letter(before: str) -> None:
    text = f"{before}AKIA{'ABCD' * 4}"
    after = redactor().redact_text(text, key=KEY, counts=Counter())
    assert after.startswith(f"{before}[redacted:aws-access-id:")


def test_a_percent_encoded_secret_is_found_after_an_escape() -> None:
    hidden = "".join(f"%{byte:02X}" for byte in f"AKIA{'ABCD' * 4}".encode())
    after = redactor().redact_text(f"\\n{hidden}", key=KEY, counts=Counter())
    assert after.startswith("\\n[redacted:aws-access-id:")


def test_a_deeply_nested_body_does_not_raise() -> None:
    body = b'{"a":' * 900 + json.dumps(TOKEN).encode() + b"}" * 900
    found = redact(body, dialect="otlp-json", redactor=redactor(), key=KEY)
    assert TOKEN.encode() not in found.body
    orjson.loads(found.body)


TEXTS = st.lists(
    st.one_of(
        st.text(max_size=40),
        st.sampled_from([text for _, _, text in planted(420, seed=7)]),
        st.sampled_from(
            ["%", "\\u200b", "\\", '"', "[redacted:jwt:", "]", "-----BEGIN PRIVATE KEY-----", "password=", "://"]
        ),
    ),
    min_size=1,
    max_size=4,
).map("".join)


@settings(deadline=None, max_examples=150)
@given(texts=st.lists(TEXTS, min_size=1, max_size=8), dialect=st.sampled_from(sorted(DIALECTS)))
def test_what_decodes_before_decodes_after_to_as_many_spans(texts: list[str], dialect: str) -> None:
    message = request(texts)
    body = message.SerializeToString() if dialect == "otlp-protobuf" else as_json(message)
    found = redact(body, dialect=dialect, redactor=redactor(), key=KEY)
    before, after = otlp.decode(body, DIALECTS[dialect]), otlp.decode(found.body, DIALECTS[dialect])
    assert [(span.trace_id, span.span_id) for span in after] == [(span.trace_id, span.span_id) for span in before]


@settings(deadline=None, max_examples=300)
@given(text=TEXTS)
def test_redacting_twice_changes_nothing_more(text: str) -> None:
    once = redactor().redact_text(text, key=KEY, counts=Counter())
    assert redactor().redact_text(once, key=KEY, counts=Counter()) == once


@settings(deadline=None, max_examples=300)
@given(body=st.one_of(st.binary(max_size=200), TEXTS.map(str.encode)), noise=st.binary(max_size=8))
def test_strange_bytes_never_raise(body: bytes, noise: bytes) -> None:
    for dialect in (*DIALECTS, "otlp-protobuf-logs", "jsonl"):
        redact(body + noise + body, dialect=dialect, redactor=strictest(), key=KEY)


@cache
def strictest() -> Redactor:
    return Redactor((canary("blue-Heron 42"), *SECRETS, *PERSONAL))


def test_a_body_that_was_cut_short_is_kept_without_its_secrets() -> None:
    secrets = planted(20, seed=8)
    body = request([text for _, _, text in secrets]).SerializeToString()
    for cut in range(37, len(body), 37):
        found = redact(body[:cut], dialect="otlp-protobuf", redactor=redactor(), key=KEY)
        assert not any(secret.encode() in found.body for _, secret, _ in secrets)
