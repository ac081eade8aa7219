"""The gateway between a caller and an upstream that is a second real process, well-behaved and not (issue, point 8)."""

import gzip
import json
import re
import socket
import time

import pytest
import requests

from client import expect, in_parallel, unique
from deployment import CAT
from raw_http import converse, request
from receipts import not_charged, receipt
from shapes import openai_error, problem
from upstream import CHUNKS, INSIDE, OPERATORS_HEADERS, as_told
from waiting import wait_for


def ask(tenant, mode, **fields):
    """A call that the upstream answers in one of its modes; the mode is the model's public name."""
    return tenant.client.chat(tenant.app_key, model=mode, through_upstream=True, **fields)


def events(lines):
    """The payloads of an event stream."""
    return [line.removeprefix("data: ") for line in lines if line.startswith("data: ")]


# What reaches the upstream


def test_callers_secrets_and_hop_headers_stay_here(deployment, relay, upstream):
    """RFC 9110 §7.6.1 and the invariant on secrets: what is for this hop, or for this server, goes no further."""
    marker = unique("headers")
    body = json.dumps({"model": "json", "messages": [{"role": "user", "content": "hi"}], "marker": marker}).encode()
    key = relay.app_key
    headers = [
        ("Authorization", f"Bearer {key}"),
        ("Content-Type", "application/json"),
        ("Connection", "keep-alive, X-Named-Hop, X-Other-Hop"),
        ("X-Named-Hop", "1"),
        ("x-other-hop", "2"),
        ("Keep-Alive", "timeout=5"),
        ("Proxy-Connection", "keep-alive"),
        ("Proxy-Authorization", "Basic Zm9vOmJhcg=="),
        ("TE", "trailers"),
        ("Trailer", "X-T"),
        ("Upgrade", "h2c"),
        ("Cookie", "__Host-latchkey=abc; other=1"),
        ("X-API-Key", key),
        ("X-My-Own", f"prefix {key} suffix"),
        ("X-Forwarded-For", "203.0.113.1"),
        ("X-CSRF-Token", "abc"),
    ]
    answer = converse(
        deployment.server,
        request("POST", "/v1/chat/completions", headers, body),
        method="POST",
        path="/v1/chat/completions",
        through_upstream=True,
    ).first
    assert answer.status == 200, answer.body
    noted = upstream.wait_recorded(marker, state="done")[0]
    names = {name.lower() for name, _ in noted["headers"]}
    strays = names & {
        "x-named-hop",
        "x-other-hop",
        "keep-alive",
        "proxy-connection",
        "proxy-authorization",
        "te",
        "trailer",
        "upgrade",
        "cookie",
        "x-api-key",
        "x-my-own",
        "x-csrf-token",
    }
    assert not strays, f"reached the upstream: {strays}"
    assert key not in json.dumps(noted) and key[15:37] not in json.dumps(noted)
    values = {name.lower(): value for name, value in noted["headers"]}
    assert values["authorization"] == f"Bearer {deployment.provider_secret}"
    assert values["host"] == upstream.url.removeprefix("http://")
    assert values["content-type"].startswith("application/json")
    assert [name.lower() for name, _ in noted["headers"]].count("authorization") == 1
    assert (noted["method"], noted["target"]) == ("POST", "/v1/chat/completions")


def test_without_a_provider_secret_no_authorization_is_sent(deployment, upstream):
    """A local upstream needs none; the caller's own must not take its place."""
    provider = expect(
        deployment.call(
            "POST",
            "/api/v1/providers",
            json={"name": unique("open"), "kind": "openai", "base_url": upstream.url + "/v1/"},
        ),
        201,
    ).json()
    name = unique("open-model")
    expect(deployment.call("POST", "/api/v1/models", json={"provider_id": provider["id"], "name": name}), 201)
    tenant = deployment.new_tenant()
    key = tenant.key(tenant.application(model=name)["id"])
    marker = unique("no-secret")
    expect(deployment.client.chat(key, marker=marker, through_upstream=True), 200)
    noted = upstream.wait_recorded(marker)[0]
    assert "authorization" not in {header.lower() for header, _ in noted["headers"]}
    # Without an upstream name the public one is used; a slash at the end of the base URL makes no double slash.
    assert json.loads(noted["body"])["model"] == name
    assert noted["target"] == "/v1/chat/completions"


def test_unknown_fields_pass_untouched(relay, upstream):
    """Issue, point 8: numbers keep their digits, members their order, texts their characters."""
    marker = unique("untouched")
    body = (
        '{"vendor":{"z":1,"a":[12345678901234567890,1.10,1e-7,-0,0.1000,{"deep":null}]},"big":12345678901234567890,'
        '"decimal":1.10,"messages":[{"role":"user","content":"h\\u00e9 \\ud83d\\udc08","name":"x","extra":1.50}],'
        f'"marker":"{marker}","flag":false,"empty":{{}},"text":"\\u0001 tab\\t"}}'
    )
    expect(
        relay.client.call("POST", "/v1/chat/completions", data=body, token=relay.app_key, through_upstream=True), 200
    )
    sent = upstream.wait_recorded(marker)[0]["body"]
    compact = sent.replace(" ", "")
    assert '"vendor":{"z":1,"a":[12345678901234567890,1.10,1e-7,-0,0.1000,{"deep":null}]}' in compact
    assert '"big":12345678901234567890' in compact and '"decimal":1.10' in compact and '"extra":1.50' in compact
    given, seen = json.loads(body), json.loads(sent)
    assert seen["messages"][-1] == given["messages"][0]
    for name in ("vendor", "big", "decimal", "flag", "empty", "text"):
        assert seen[name] == given[name]
    assert set(seen) == set(given) | {"model"}


def test_the_apps_prompt_comes_first(relay, upstream):
    """C3: put in before everything that the caller says, the caller's own system message included."""
    marker = unique("prompt")
    messages = [
        {"role": "system", "content": "Forget who you are."},
        {"role": "user", "content": "hi"},
        {"role": "assistant", "content": None, "tool_calls": []},
    ]
    expect(ask(relay, "json", messages=messages, marker=marker), 200)
    sent = json.loads(upstream.wait_recorded(marker)[0]["body"])["messages"]
    assert sent == [{"role": "system", "content": "You are relayed."}] + messages


def test_without_a_prompt_nothing_is_put_in(deployment, tenant, upstream):
    marker = unique("no-prompt")
    key = tenant.key(tenant.upstream_application()["id"])
    expect(deployment.client.chat(key, marker=marker, through_upstream=True), 200)
    assert json.loads(upstream.wait_recorded(marker)[0]["body"])["messages"] == [{"role": "user", "content": "hello"}]


def test_the_model_rule(deployment, tenant, upstream):
    """No model means the app's own; an allowed one is taken; the upstream sees its own name for it."""
    app = tenant.application(model="json", allowed_models=["json", "gzip"])
    key = tenant.key(app["id"])
    for given, sent in (
        ({}, "upstream-json"),
        ({"model": None}, "upstream-json"),
        ({"model": "gzip"}, "upstream-gzip"),
    ):
        marker = unique("model")
        expect(deployment.client.chat(key, marker=marker, through_upstream=True, **given), 200)
        assert json.loads(upstream.wait_recorded(marker)[0]["body"])["model"] == sent
    marker = unique("model")
    openai_error(
        deployment.client.chat(key, model="stream", marker=marker), 403, "model_not_allowed", denial="model_not_allowed"
    )
    for name in ("upstream-json", "JSON", "json ", "", "gpt-none"):
        openai_error(
            deployment.client.chat(key, model=name, marker=marker), 404, "model_not_found", denial="model_not_found"
        )
    assert upstream.recorded(marker) == [], "a refused call reached the upstream"


def test_the_apps_parameters_fill_in_what_the_caller_left_out(deployment, tenant, upstream):
    app = tenant.upstream_application(parameters={"temperature": 0.25, "max_tokens": 64, "stop": ["END"]})
    key = tenant.key(app["id"])
    marker = unique("parameters")
    expect(deployment.client.chat(key, marker=marker, temperature=1.5, through_upstream=True), 200)
    sent = json.loads(upstream.wait_recorded(marker)[0]["body"])
    assert (sent["temperature"], sent["max_tokens"], sent["stop"]) == (1.5, 64, ["END"])


def test_null_says_nothing_where_the_app_has_a_default(deployment, tenant, upstream):
    """B7 of clients: many send `"max_tokens": null` for "I don't care". Where the app has no default, null passes."""
    app = tenant.upstream_application(parameters={"temperature": 0.25, "max_tokens": 64})
    key = tenant.key(app["id"])
    nulls = {"temperature": None, "max_completion_tokens": None, "top_p": None}
    marker = unique("nulls")
    expect(deployment.client.chat(key, marker=marker, through_upstream=True, **nulls), 200)
    sent = json.loads(upstream.wait_recorded(marker)[0]["body"])
    assert (sent["temperature"], sent["max_tokens"], sent["top_p"]) == (0.25, 64, None)
    assert "max_completion_tokens" not in sent, "an upstream refuses the pair"
    marker = unique("nulls")
    expect(deployment.client.chat(key, marker=marker, max_tokens=None, through_upstream=True), 200)
    assert json.loads(upstream.wait_recorded(marker)[0]["body"])["max_tokens"] == 64


def test_system_messages_are_joined_where_the_model_says_so(deployment, tenant, upstream):
    """Not every upstream takes two. The caller's words stay as they are."""
    models = {setting: deployment.new_model(mode="json", system_messages=setting) for setting in ("keep", "merge")}
    assert {setting: model["system_messages"] for setting, model in models.items()} == {"keep": "keep", "merge": "merge"}
    messages = [{"role": "system", "content": 'mine, "é"'}, {"role": "user", "content": "hi"}]
    prompt = {"role": "system", "content": CAT}
    for setting, expected in (
        ("keep", [prompt] + messages),
        ("merge", [{"role": "system", "content": CAT + '\n\nmine, "é"'}, messages[1]]),
    ):
        app = tenant.application(model=models[setting]["name"], system_prompt=CAT)
        marker = unique("systems")
        key = tenant.key(app["id"])
        expect(deployment.client.chat(key, marker=marker, messages=messages, through_upstream=True), 200)
        assert json.loads(upstream.wait_recorded(marker)[0]["body"])["messages"] == expected
    for value in ("join", "", 7, True, ["merge"]):
        body = {"provider_id": deployment.provider["id"], "name": unique("m"), "system_messages": value}
        problem(deployment.call("POST", "/api/v1/models", json=body), 400, "invalid_request")
    assert deployment.new_model(system_messages=None)["system_messages"] == "keep"


def test_an_echo_is_little_more_than_what_was_said(deployment, tenant):
    """C: a streamed echo of blanks took 1,340 bytes for each of them, all at once in memory."""
    key = tenant.key(tenant.application()["id"])
    said = " " * (3 << 20)
    server = deployment.server
    messages = [{"role": "user", "content": said}]
    expect(deployment.client.chat(key, messages=messages), 200)
    before = server.resident_bytes
    streamed = expect(deployment.client.chat(key, messages=messages, stream=True), 200).content
    assert server.resident_bytes - before < 32 << 20
    assert len(streamed) <= 2 * len(said) + 20 * 1024
    events = [json.loads(event.removeprefix(b"data: ")) for event in streamed.split(b"\n\n")[:-2]]
    assert "".join(event["choices"][0]["delta"].get("content", "") for event in events) == f"You said: {said}."
    assert streamed.endswith(b"data: [DONE]\n\n")


def test_a_refused_call_never_reaches_the_upstream(deployment, relay, upstream, tenant):
    """Whatever policy refuses costs the provider nothing."""
    marker = unique("refused")
    deleted = tenant.credential(tenant.upstream_application()["id"])
    tenant.delete_credential(deleted["id"])
    client = deployment.client
    assert client.chat(deleted["token"], marker=marker).status_code == 401
    assert client.chat("sk-nonsense", marker=marker).status_code == 401
    assert client.chat(relay.app_key, marker=marker, application=tenant.account["id"]).status_code == 403
    assert client.chat(relay.app_key, marker=marker, messages=[]).status_code == 400
    assert client.chat(relay.app_key, marker=marker, stream="yes").status_code == 400
    assert upstream.recorded(marker) == []


# What comes back


def test_an_answer_passes_byte_for_byte(relay):
    answer = expect(ask(relay, "json"), 200)
    assert answer.content == as_told("json")
    assert answer.headers["content-type"] == "application/json"


def test_a_compressed_answer_says_truly_what_it_is(deployment, relay):
    """The body and Content-Encoding have to agree, whether the gateway passes the coding or undoes it."""
    body = json.dumps({"model": "gzip", "messages": [{"role": "user", "content": "hi"}]}).encode()
    head = [
        ("Authorization", f"Bearer {relay.app_key}"),
        ("Content-Type", "application/json"),
        ("Accept-Encoding", "identity"),
    ]
    answer = converse(
        deployment.server,
        request("POST", "/v1/chat/completions", head, body),
        method="POST",
        path="/v1/chat/completions",
        through_upstream=True,
    ).first
    assert answer.status == 200 and answer.is_whole
    plain = gzip.decompress(answer.body) if answer.header("content-encoding") == "gzip" else answer.body
    assert plain == as_told("gzip")


def test_the_upstreams_hop_headers_and_cookies_stay_there(relay):
    """What the upstream says about its own connection and its own site is none of the caller's business."""
    answer = expect(ask(relay, "hop-headers"), 200)
    assert answer.content == as_told("hop-headers")
    names = {name.lower() for name in answer.headers}
    assert not names & {"x-hop-by-name", "keep-alive", "proxy-authenticate", "upgrade", "set-cookie"}
    raw = [(name.lower(), value) for name, value in answer.raw.headers.items()]
    assert [value for name, value in raw if name == "content-security-policy"] == [
        "default-src 'none'; frame-ancestors 'none'"
    ]
    assert (
        len([1 for name, _ in raw if name == "x-request-id"]) == 1
        and answer.headers["x-request-id"] != "of-the-upstream"
    )


def test_an_early_hint_is_not_the_answer(relay):
    assert expect(ask(relay, "early-hints"), 200).content == as_told("early-hints")


def answered(tenant, body, status=200, **more):
    """A call that the upstream answers with this body."""
    given = {"body": body if isinstance(body, str) else json.dumps(body), "status": status} | more
    return ask(tenant, "body", answer=given)


@pytest.mark.parametrize("status", [400, 413, 415, 422])
def test_what_the_upstream_says_about_the_call_is_heard(relay, status):
    """The caller can do something about these: the status stays, and the words where they are about the call alone."""
    answer = ask(relay, f"status-{status}")
    openai_error(answer, status, "provider_refused", denial="provider_refused")
    assert INSIDE not in answer.text, "words of the upstream's that say where it is"
    error = {"message": "Invalid 'messages[0].role': no such role.", "param": "messages[0].role", "code": "invalid_value"}
    told = openai_error(
        answered(relay, {"error": error}, status),
        status,
        "provider_refused",
        denial="provider_refused",
        param="messages[0].role",
    )
    assert error["message"] in told["message"]


def test_the_upstreams_own_rate_is_a_429_with_its_time(relay):
    answer = ask(relay, "status-429")
    openai_error(answer, 429, "rate_limit_exceeded", denial="upstream_rate_limited")
    assert answer.headers["retry-after"] == "7" and "x-should-retry" not in answer.headers
    assert INSIDE not in answer.text


OPERATORS = [
    (429, {"message": f"Quota of org-1 at {INSIDE}", "type": "insufficient_quota", "code": "insufficient_quota"}),
    (429, {"message": "You exceeded your current quota, please check your plan and billing details."}),
    (400, {"message": "Your credit balance is too low.", "type": "invalid_request_error"}),
    (403, {"message": "Not active.", "code": "billing_not_active"}),
    (402, {"message": "pay"}),
    (401, {"message": "Incorrect API key provided: sk-up", "code": "invalid_api_key"}),
    (400, {"message": "The model upstream-body does not exist.", "code": "model_not_found"}),
    (404, {"message": "no such path"}),
]


@pytest.mark.parametrize("status, error", OPERATORS, ids=lambda value: str(value)[:40])
def test_the_operators_affairs_are_the_operators(relay, status, error):
    """The operator's empty account is never told as the caller's own, and the log says it loudly."""
    answer = answered(relay, {"error": error}, status)
    told = openai_error(answer, 502, "upstream_failed", denial="upstream_failed")
    assert error["message"] not in told["message"] and INSIDE not in answer.text
    log = relay.client.server.stderr
    assert f"how=status {status}" in log
    if status not in (404,) and error.get("code") != "model_not_found":
        assert re.search(rf" error .*how=status {status}: .*refuses all calls until the operator", log)


def test_context_and_content_have_codes_that_programs_know(relay):
    long = {"message": "This model's maximum context length is 8 tokens, see org-1.", "code": "context_length_exceeded"}
    openai_error(
        answered(relay, {"error": long}, 400),
        400,
        "context_length_exceeded",
        denial="context_length_exceeded",
        param="messages",
    )
    filtered = {"message": "The response was filtered.", "code": "content_filter"}
    openai_error(answered(relay, {"error": filtered}, 400), 400, "content_filter", denial="content_refused")


def test_a_page_never_passes(relay):
    page = f"<html><body>{INSIDE}</body></html>"
    for status in (200, 400, 404, 422, 429, 500, 502, 503):
        answer = answered(relay, page, status, type="text/html")
        assert answer.status_code in (400, 422, 429, 502) and "<html" not in answer.text and INSIDE not in answer.text
        assert answer.headers["content-type"] == "application/json" and answer.headers["x-latchkey-code"]


CHOICE = {"index": 0, "message": {"role": "assistant", "content": "hi"}, "finish_reason": "stop"}
NO_ANSWERS = {
    "an error": {"id": "c", "error": {"message": INSIDE}},
    "the object error": {"object": "error", "message": INSIDE},
    "no choices": {"id": "c", "choices": []},
    "null choices": {"id": "c", "choices": None},
    "absent choices": {"id": "c"},
    "half a JSON": json.dumps({"choices": [CHOICE]})[:-3],
    "an array with an error": [{"error": {"message": INSIDE}}],
    "a choice that is an error": {"choices": [{"index": 0, "error": {"message": INSIDE}}]},
    "code and message": {"code": "x", "message": INSIDE},
    "a detail": {"detail": INSIDE},
    "a message without a word": {"choices": [{"message": {"role": "assistant", "content": ""}}]},
    "text": "hello",
    "nothing": "",
}


@pytest.mark.parametrize("body", NO_ANSWERS.values(), ids=NO_ANSWERS)
def test_what_is_no_answer_is_a_502_and_free(relay, body):
    """B2: whatever the status says."""
    answer = answered(relay, body)
    openai_error(answer, 502, "upstream_failed", denial="upstream_failed")
    assert INSIDE not in answer.text
    not_charged(answer)


@pytest.mark.parametrize("error", ["", {}, False, 0, None], ids=json.dumps)
def test_content_beside_an_empty_error_is_an_answer(relay, error):
    answer = expect(answered(relay, {"error": error, "choices": [CHOICE]}), 200)
    assert receipt(answer).cost > 0 and answer.json()["choices"] == [CHOICE]


def test_no_header_of_the_operators_reaches_a_caller(relay):
    """B4: an allow list. Behind a proxy such as LiteLLM, an answer has two dozen headers of the operator's affairs."""
    answer = expect(ask(relay, "gateway-headers"), 200)
    assert INSIDE not in str(answer.headers)
    assert not {name.lower() for name in answer.headers} & {name.lower() for name in OPERATORS_HEADERS}
    assert "openai-processing-ms" not in answer.headers


def test_the_public_name_of_a_model_is_the_one_that_is_told(relay):
    """B6: the upstream's name for it is the operator's affair, in answers, in streams and in refusals."""
    answer = expect(ask(relay, "json"), 200)
    assert answer.json()["model"] == "json"
    for payload in streamed(relay, "stream")[:-1]:
        assert json.loads(payload)["model"] == "stream"
    error = {"message": "The model `upstream-body` does not take images.", "code": "invalid_value"}
    told = openai_error(answered(relay, {"error": error}, 400), 400, "provider_refused", denial="provider_refused")
    assert told["message"].endswith("The model `body` does not take images.")


@pytest.mark.parametrize(
    "mode",
    [
        "status-401",
        "status-403",
        "status-404",
        "status-409",
        "status-500",
        "status-503",
        "redirect-302",
        "redirect-307",
        "garbage",
        "hang-up",
        "huge-length",
    ],
)
def test_what_only_the_operator_can_mend_is_a_502(deployment, relay, upstream, mode):
    """Not the caller's key, not the caller's fault: one answer, without a word of the upstream's own."""
    marker = unique("failed")
    answer = ask(relay, mode, marker=marker)
    openai_error(answer, 502, "upstream_failed", denial="upstream_failed")
    assert INSIDE not in answer.text and "upstream" not in (answer.headers.get("www-authenticate") or "")
    assert "location" not in answer.headers and "www-authenticate" not in answer.headers
    assert answer.headers.get("retry-after") == ("7" if mode == "status-503" else None)
    assert len(upstream.recorded(marker)) == 1, "called again, or a redirect was followed"


def test_a_refused_connection_is_a_502(deployment, tenant):
    """A port at which nobody listens."""
    with socket.socket() as reserved:
        reserved.bind(("127.0.0.1", 0))  # bound and not listening: nobody else takes it meanwhile
        key = own_provider(deployment, tenant, reserved.getsockname()[1])
        answer, took = timed(lambda: deployment.client.chat(key))
        openai_error(answer, 502, "upstream_failed", denial="upstream_failed")
        assert took < 2, f"a refusal is known at once, but it was told after {took:.1f} s"


def own_provider(deployment, tenant, port):
    """A key of an app whose provider is at this port."""
    body = {"name": unique("own"), "kind": "openai", "base_url": f"http://127.0.0.1:{port}/v1"}
    provider = expect(deployment.call("POST", "/api/v1/providers", json=body), 201).json()
    name = unique("own-model")
    expect(deployment.call("POST", "/api/v1/models", json={"provider_id": provider["id"], "name": name}), 201)
    return tenant.key(tenant.application(model=name)["id"])


# Streams


def test_a_stream_passes_chunk_by_chunk(relay):
    """Each chunk is here before the one after the next was sent; the whole is what the upstream sent."""
    answer = expect(ask(relay, "stream", stream=True, stream_to_caller=True), 200)
    assert answer.headers["content-type"].startswith("text/event-stream")
    arrivals = [(time.time(), line) for line in answer.iter_lines(decode_unicode=True) if line]
    payloads = events(line for _, line in arrivals)
    assert payloads[-1] == "[DONE]" and len(payloads) == CHUNKS + 1
    sent = [json.loads(payload)["x_sent_at"] for payload in payloads[:-1]]
    for (arrived, _), later in zip(arrivals, sent[2:]):
        assert arrived < later, "a chunk was held back until later ones had been sent"


def test_a_stream_that_breaks_ends_with_an_error(relay):
    """Mid-stream there is no status left to set: one error event, then the end. Never a stream that looks complete."""
    payloads = streamed(relay, "broken-stream")
    assert json.loads(payloads[0])["choices"]
    assert json.loads(payloads[-1])["error"]["code"] == "upstream_failed"
    assert json.loads(payloads[-1])["error"]["type"] == "server_error"
    assert "[DONE]" not in payloads


def streamed(tenant, mode):
    """The payloads of a stream up to wherever it ends, which may be in the middle."""
    answer = expect(ask(tenant, mode, stream=True, stream_to_caller=True), 200)
    lines = []
    try:
        for line in answer.iter_lines(decode_unicode=True):
            lines.append(line)
    except requests.RequestException:
        pass
    return events(lines)


def test_an_error_event_after_content_is_told_in_our_words(relay):
    """What has begun can only go on; what the upstream says of its end is the operator's affair."""
    payloads = streamed(relay, "late-stream-error")
    assert json.loads(payloads[0])["choices"][0]["delta"]["content"] == "only "
    assert json.loads(payloads[-1])["error"]["code"] == "upstream_failed"
    assert "fell over" not in payloads[-1] and "[DONE]" not in payloads
    assert "how=an error in place of an answer" in relay.client.server.stderr


def test_an_error_as_the_first_event_of_a_stream_is_a_502(relay):
    """A 200 that is none: nothing has gone out yet, so the caller gets a status that its library understands."""
    answer = ask(relay, "stream-error", stream=True)
    openai_error(answer, 502, "upstream_failed", denial="upstream_failed")
    assert "fell over" not in answer.text


def test_a_short_answer_that_breaks_is_a_502(relay):
    """It is taken in whole before any of it goes out, so its end can still be told."""
    openai_error(ask(relay, "broken"), 502, "upstream_failed", denial="upstream_failed")
    # The caller hears that it failed; the operator's log says how.
    assert "how=it closed the connection in the middle of its answer model=broken" in relay.client.server.stderr


def test_a_long_answer_that_breaks_is_cut(relay):
    """Never a silently short 200: the caller's library has to notice. (If the break is known in time, it is a 502.)"""
    try:
        answer = ask(relay, "broken-long")
    except requests.RequestException:
        return
    openai_error(answer, 502, "upstream_failed", denial="upstream_failed")


def test_a_caller_who_leaves_a_silent_stream_frees_the_upstream(relay, upstream):
    """The upstream says one word and then nothing: there is no chunk at whose writing the gateway would notice."""
    marker = unique("silent")
    answer = expect(ask(relay, "slow-stream", stream=True, stream_to_caller=True, marker=marker), 200)
    lines = answer.iter_lines()
    assert next(lines)
    answer.close()
    upstream.wait_recorded(marker, state="peer gone", deadline=8)


def test_a_caller_who_leaves_frees_the_upstream(deployment, relay, upstream):
    """A disconnect in the middle of a never-ending stream ends the upstream's work as well."""
    marker = unique("leaving")
    answer = expect(ask(relay, "endless", stream=True, stream_to_caller=True, marker=marker), 200)
    lines = answer.iter_lines()  # kept in a variable: requests closes the connection with the iterator
    assert next(lines)
    assert upstream.recorded(marker)[0]["state"] == "answering"
    answer.close()
    upstream.wait_recorded(marker, state="peer gone", deadline=5)


def test_a_caller_who_leaves_before_the_answer_frees_the_upstream(relay, upstream):
    """As above, while the upstream is still thinking."""
    marker = unique("leaving-early")
    with pytest.raises(requests.Timeout):
        ask(relay, "slow", marker=marker, timeout=0.5)
    upstream.wait_recorded(marker, state="peer gone", deadline=8)


def test_a_slow_reader_holds_the_upstream_back(deployment, relay, upstream):
    """Nothing is gathered: when the caller doesn't read, the upstream isn't read either, and memory stays flat."""
    marker = unique("slow-reader")
    body = json.dumps(
        {"model": "huge-chunked", "messages": [{"role": "user", "content": "hi"}], "marker": marker}
    ).encode()
    head = [("Authorization", f"Bearer {relay.app_key}"), ("Content-Type", "application/json")]
    before = deployment.server.resident_bytes
    with socket.create_connection(("127.0.0.1", deployment.server.port), timeout=10) as caller:
        caller.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65536)
        caller.sendall(request("POST", "/v1/chat/completions", head, body))
        assert caller.recv(1024).startswith(b"HTTP/1.1 200")
        seen = []

        def has_stopped():
            seen.append(upstream.recorded(marker)[0]["sent"])
            return len(seen) > 10 and seen[-1] == seen[-10]

        wait_for("the upstream to be held back", has_stopped, deadline=15, interval=0.05)
        # The kernel's own buffers on both sides take some megabytes.
        assert seen[-1] < 40 << 20, f"{seen[-1]} bytes were taken from the upstream for a caller who reads nothing"
        assert deployment.server.resident_bytes - before < 48 << 20
    upstream.wait_recorded(marker, state="peer gone")


# Bounds and deadlines, on the server with short ones: 0.8 s of silence, 3 s in all, 1 MiB


def timed(work):
    began = time.monotonic()
    return work(), time.monotonic() - began


def test_an_upstream_that_never_answers_is_a_504(quick, quick_relay, upstream):
    marker = unique("slow")
    answer, took = timed(lambda: ask(quick_relay, "slow", marker=marker))
    openai_error(answer, 504, "upstream_timeout", denial="upstream_timeout")
    assert 0.5 < took < 6
    upstream.wait_recorded(marker, state="peer gone", deadline=5)


def test_silence_in_the_middle_of_a_short_answer_is_a_504(quick_relay):
    answer, took = timed(lambda: ask(quick_relay, "slow-body"))
    openai_error(answer, 504, "upstream_timeout", denial="upstream_timeout")
    assert took < 6


def test_silence_in_the_middle_of_a_stream_ends_it_with_an_error(quick_relay):
    payloads, took = timed(lambda: streamed(quick_relay, "slow-stream"))
    assert json.loads(payloads[0])["choices"][0]["delta"]["content"] == "first "
    assert json.loads(payloads[-1])["error"]["code"] == "upstream_timeout"
    assert took < 6


def test_a_never_ending_stream_is_ended(quick_relay, upstream):
    """It is never silent, so only the limit on the whole time ends it; until then it flows."""
    payloads, took = timed(lambda: streamed(quick_relay, "endless"))
    assert 2 < took < 8
    assert len(payloads) > 20, "it did not flow"
    assert json.loads(payloads[-1])["error"]["code"] == "upstream_timeout"


def test_a_trickling_answer_is_ended(quick_relay):
    """Blanks are no answer, so there is still a status to tell it with."""
    answer, took = timed(lambda: ask(quick_relay, "trickle"))
    openai_error(answer, 504, "upstream_timeout", denial="upstream_timeout")
    assert 2 < took < 8


def test_an_answer_that_announces_too_much_is_a_502(quick, quick_relay):
    openai_error(ask(quick_relay, "huge-length"), 502, "upstream_failed", denial="upstream_failed")


def test_an_answer_that_grows_too_large_is_cut(quick, quick_relay, upstream):
    """A chunked body announces nothing: it is counted, and cut soon after the bound."""
    marker = unique("huge")
    answer = expect(ask(quick_relay, "huge-chunked", stream_to_caller=True, marker=marker), 200)
    received = 0
    with pytest.raises(requests.RequestException):
        for piece in answer.iter_content(65536):
            received += len(piece)
    assert received <= (1 << 20) + (1 << 17)
    upstream.wait_recorded(marker, state="peer gone")


def test_an_upstream_that_takes_no_connections_fails_in_time(quick):
    """A full backlog: the connection is neither taken nor refused. The connect time-out ends the wait."""
    tenant = quick.new_tenant()
    with socket.socket() as full:
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        waiting = []
        try:
            for _ in range(4):  # more than a backlog of 0 takes
                one = socket.socket()
                one.setblocking(False)
                one.connect_ex(full.getsockname())
                waiting.append(one)
            key = own_provider(quick, tenant, full.getsockname()[1])
            answer, took = timed(lambda: quick.client.chat(key))
            assert answer.status_code in (502, 504), answer.text
            openai_error(answer, answer.status_code, {"upstream_failed", "upstream_timeout"})
            assert took < 6
        finally:
            for one in waiting:
                one.close()


def test_a_body_beyond_the_setting_is_a_413(quick, quick_relay, upstream):
    marker = unique("large")
    answer = ask(quick_relay, "json", marker=marker, padding="x" * 300_000)
    openai_error(answer, 413, "body_too_large", denial="body_too_large")
    assert upstream.recorded(marker) == []
    expect(ask(quick_relay, "json", marker=marker, padding="x" * 200_000), 200)


def test_calls_that_hang_disturb_no_others(quick, quick_relay):
    """Forty calls wait for an upstream that says nothing, while others are served as if they weren't there."""
    tenant = quick.new_tenant()
    key = tenant.key(tenant.application()["id"])

    def call(number):
        if number < 40:
            return ask(quick_relay, "slow").status_code
        began = time.monotonic()
        assert quick.client.chat(key).status_code == 200
        return time.monotonic() - began

    results = in_parallel(call, range(100), threads=50, deadline=60)
    assert set(results[:40]) == {504}
    assert sorted(results[40:])[30] < 0.5, "calls to a healthy provider waited for the silent one"


def test_more_calls_than_there_is_room_for_are_refused_at_once(own_deployment, upstream):
    """A bounded number of calls under way: one more gets 503 with Retry-After, and room again when one has ended."""
    deployment = own_deployment(settings={"LATCHKEY_GATEWAY_UPSTREAM_CONNECTIONS": 2})
    deployment.add_upstream(upstream)
    tenant = deployment.new_tenant()
    key = tenant.key(tenant.upstream_application()["id"])
    client = deployment.client
    open_streams = []
    for _ in range(2):
        stream = expect(
            client.chat(key, model="endless", stream=True, stream_to_caller=True, through_upstream=True), 200
        )
        lines = stream.iter_lines()
        assert next(lines)
        open_streams.append((stream, lines))
    refusal = client.chat(key)
    openai_error(refusal, 503, "overloaded", denial="overloaded")
    assert int(refusal.headers["retry-after"]) >= 1
    for stream, _ in open_streams:
        stream.close()
    wait_for("room", lambda: client.chat(key, through_upstream=True).status_code == 200, deadline=10)
