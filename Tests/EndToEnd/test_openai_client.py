"""The `openai` package from PyPI, unchanged: base URL and key are all that is set (C1, C3, C4, B9)."""

import asyncio
import json
import time

import openai
import pytest

import recorder
from client import new_password, unique
from shapes import forged


def talk(server, key, application=None, **options):
    """The client that a user of OpenAI already has."""
    base = server.url + (f"/apps/{application}" if application else "") + "/v1"
    return openai.OpenAI(base_url=base, api_key=key, **({"max_retries": 0, "timeout": 20} | options))


def say(client, text="hello", model="echo", **fields):
    return client.chat.completions.create(model=model, messages=[{"role": "user", "content": text}], **fields)


def refused(error_class, call):
    """Runs a call that must raise exactly this class of the client library, and returns the error."""
    with pytest.raises(openai.APIStatusError) as caught:
        call()
    recorder.record_httpx(caught.value.response)
    assert type(caught.value) is error_class, f"{type(caught.value).__name__}: {caught.value}"
    return caught.value


def test_the_same_code_talks_to_the_cat_and_to_the_dog(deployment, pets):
    """C3, C4: only the key differs."""

    def ask(key):
        return say(talk(deployment.server, key), "good morning").choices[0].message.content

    assert ask(pets.cat_key) == "Meow! You said: good morning. Purr."
    assert ask(pets.dog_key) == "Woof! You said: good morning. Wag, wag."


def test_an_app_without_prompt_answers_plainly(deployment, tenant):
    """C3: the manner comes from the app's own prompt and from nothing else."""
    app = tenant.application()
    answer = say(talk(deployment.server, tenant.key(app["id"])), "good morning")
    assert answer.choices[0].message.content == "You said: good morning."


def test_a_plain_answer_has_the_members_that_the_client_reads(deployment, pets):
    """C4."""
    answer = say(talk(deployment.server, pets.cat_key), "one two")
    assert answer.object == "chat.completion"
    assert answer.model == "echo"
    assert isinstance(answer.created, int) and answer.id
    assert [choice.finish_reason for choice in answer.choices] == ["stop"]
    assert answer.choices[0].message.role == "assistant"
    # "usage counts words": the answer is "Meow! You said: one two. Purr."
    assert answer.choices[0].message.content == "Meow! You said: one two. Purr."
    assert answer.usage.completion_tokens == 6
    assert answer.usage.total_tokens == answer.usage.prompt_tokens + 6


def test_the_same_call_gets_the_same_answer(deployment, pets):
    """The built-in provider is deterministic."""
    client = talk(deployment.server, pets.dog_key)
    assert say(client, "again").choices[0].message == say(client, "again").choices[0].message


def test_a_stream_of_words(deployment, pets):
    """C4: streaming through the client, one word at a time."""
    chunks = list(say(talk(deployment.server, pets.cat_key), "one two three", stream=True))
    words = [chunk.choices[0].delta.content for chunk in chunks if chunk.choices and chunk.choices[0].delta.content]
    assert "".join(words) == "Meow! You said: one two three. Purr."
    assert len(words) == 7
    assert {chunk.object for chunk in chunks} == {"chat.completion.chunk"}
    assert len({chunk.id for chunk in chunks}) == 1
    assert [chunk.choices[0].finish_reason for chunk in chunks if chunk.choices][-1] == "stop"


def test_a_stream_arrives_chunk_by_chunk(deployment, relay):
    """C4: a chunk is here before the upstream has sent the one after the next; nothing gathers the stream."""
    arrivals = []
    stream = say(talk(deployment.server, relay.app_key), model="stream", stream=True)
    for chunk in stream:
        arrivals.append((time.time(), chunk.x_sent_at, chunk.choices[0].delta.content))
    assert [text for _, _, text in arrivals] == [f"word{number} " for number in range(6)]
    for (arrived, _, _), (_, sent_later, _) in zip(arrivals, arrivals[2:]):
        assert arrived < sent_later, "a chunk was held back until later ones had been sent"
    assert arrivals[-1][0] - arrivals[0][0] > 0.3, "the chunks came together"


def test_the_async_client(deployment, pets):
    """C4: the asynchronous client, several calls at once, plain and streaming."""

    async def everything():
        async with openai.AsyncOpenAI(
            base_url=deployment.server.url + "/v1", api_key=pets.dog_key, max_retries=0
        ) as client:

            async def plain(number):
                answer = await client.chat.completions.create(
                    model="echo", messages=[{"role": "user", "content": f"n{number}"}]
                )
                return answer.choices[0].message.content

            async def streamed():
                words = []
                async for chunk in await client.chat.completions.create(
                    model="echo", messages=[{"role": "user", "content": "sit"}], stream=True
                ):
                    words += [choice.delta.content or "" for choice in chunk.choices]
                return "".join(words)

            return await asyncio.wait_for(asyncio.gather(*(plain(n) for n in range(8)), streamed()), 30)

    *plain, streamed = asyncio.run(everything())
    assert plain == [f"Woof! You said: n{number}. Wag, wag." for number in range(8)]
    assert streamed == "Woof! You said: sit. Wag, wag."


def test_the_list_of_models(deployment, pets, relay):
    """C4: an app sees the models that it may use and no others."""
    models = list(talk(deployment.server, pets.cat_key).models.list())
    assert [(model.id, model.object, model.owned_by) for model in models] == [("echo", "model", "latchkey")]
    assert {model.id for model in talk(deployment.server, relay.app_key).models.list()} == set(
        relay.app["allowed_models"]
    )


def test_the_app_can_be_addressed(deployment, pets):
    """C4 with the base URL /apps/{id}/v1."""
    client = talk(deployment.server, pets.cat_key, application=pets.cat["id"])
    assert say(client, "hi").choices[0].message.content == "Meow! You said: hi. Purr."
    assert [model.id for model in client.models.list()] == ["echo"]


def test_a_wrong_key_is_an_authentication_error(deployment, pets):
    """B9 and OpenAI's error classes. The message never repeats the key."""
    for key in ("sk-nonsense", forged(pets.cat_key), new_password()):
        error = refused(openai.AuthenticationError, lambda: say(talk(deployment.server, key)))
        assert error.code == "invalid_api_key"
        assert "Incorrect API key provided" in error.message
        assert key not in str(error.body)


def test_another_apps_address_is_a_permission_error(deployment, pets):
    """C2."""
    client = talk(deployment.server, pets.cat_key, application=pets.dog["id"])
    assert refused(openai.PermissionDeniedError, lambda: say(client)).code == "wrong_app"
    assert refused(openai.PermissionDeniedError, lambda: client.models.list()).code == "wrong_app"


def test_a_model_of_others_is_a_permission_error(deployment, pets):
    """The model is offered by the operator, but not to this app."""
    error = refused(openai.PermissionDeniedError, lambda: say(talk(deployment.server, pets.cat_key), model="json"))
    assert error.code == "model_not_allowed"


def test_an_unknown_model_is_a_not_found_error(deployment, pets):
    error = refused(openai.NotFoundError, lambda: say(talk(deployment.server, pets.cat_key), model="gpt-none"))
    assert error.code == "model_not_found"


def test_a_bad_request_is_a_bad_request_error(deployment, pets):
    """The field at fault is named in `param`."""
    client = talk(deployment.server, pets.cat_key)
    error = refused(openai.BadRequestError, lambda: client.chat.completions.create(model="echo", messages=[]))
    assert (error.code, error.param, error.type) == ("invalid_request", "messages", "invalid_request_error")


def test_a_failing_upstream_is_an_internal_server_error(deployment, relay):
    """502 of the gateway, as the class that the client library retries."""
    error = refused(openai.InternalServerError, lambda: say(talk(deployment.server, relay.app_key), model="status-500"))
    assert (error.status_code, error.code, error.type) == (502, "upstream_failed", "server_error")


def test_the_upstreams_rate_limit_is_a_rate_limit_error(deployment, relay):
    """429 passes with its Retry-After, because only the caller can slow down."""
    error = refused(openai.RateLimitError, lambda: say(talk(deployment.server, relay.app_key), model="status-429"))
    assert error.response.headers["retry-after"] == "7"


@pytest.mark.parametrize("mode, retries, calls", [("status-500", 2, 3), ("status-500", 0, 1), ("status-400", 2, 1)])
def test_retries_are_the_clients_alone(deployment, relay, upstream, mode, retries, calls):
    """The upstream sees as many calls as the client made: the gateway repeats none of them, so none is paid twice."""
    marker = unique("retries")
    client = talk(deployment.server, relay.app_key, max_retries=retries)
    with pytest.raises(openai.APIStatusError) as caught:
        say(client, model=mode, extra_body={"marker": marker})
    recorder.record_httpx(caught.value.response)
    assert len(upstream.recorded(marker)) == calls


def test_every_field_of_the_client_reaches_the_upstream(deployment, relay, upstream):
    """C4: what the client library can send passes through, tools and all."""
    marker = unique("fields")
    tools = [{"type": "function", "function": {"name": "f", "parameters": {"type": "object", "properties": {}}}}]
    say(
        talk(deployment.server, relay.app_key),
        model="json",
        temperature=0.25,
        tools=tools,
        n=1,
        user="someone",
        response_format={"type": "json_object"},
        extra_body={"marker": marker, "vendor_field": {"a": [1, None, True]}},
    )
    body = json.loads(upstream.wait_recorded(marker)[0]["body"])
    assert body["tools"] == tools
    assert body["temperature"] == 0.25
    assert body["response_format"] == {"type": "json_object"}
    assert body["vendor_field"] == {"a": [1, None, True]}
    assert body["user"] == "someone"
