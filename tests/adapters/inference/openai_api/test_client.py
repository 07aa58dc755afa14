"""How the client reaches a server: through proxies, with certificates of one's own, and cheaply to import."""

import asyncio
import base64
import contextlib
import datetime as dt
import ipaddress
import ssl
import subprocess
import sys

import attrs
import pytest
from aiohttp import web

from qwen_dataset.adapters.inference.openai_api.chat import ChatBackend
from qwen_dataset.adapters.inference.openai_api.client import open_client
from qwen_dataset.adapters.inference.openai_api.options import BATCH_CHAT
from qwen_dataset.domain.inference import Completion
from qwen_dataset.errors import BackendUnavailable
from qwen_dataset.testing.inference_contract import Asked

pytestmark = pytest.mark.usefixtures("connections")


async def _ask(options, request):
    passed = [0.0]

    async def no_wait(seconds):
        passed[0] += seconds
        await asyncio.sleep(0)

    async with ChatBackend(options, now=lambda: passed[0], sleep=no_wait) as backend:
        handle = await backend.submit("k", Asked([request]))
        return [outcome async for outcome in backend.results(handle, Asked([request]))]


def _proxy_of(stub):
    return stub.base_url.removesuffix("/v1")


def test_a_proxy_that_was_named_is_used(stub, kit):
    options = kit.options_of("http://server.invalid/v1", parameters={"proxy": _proxy_of(stub)})
    (outcome,) = asyncio.run(_ask(options, kit.request_of()))
    assert isinstance(outcome, Completion)
    assert stub.calls[0].headers["Host"] == "server.invalid"


def test_the_proxy_of_the_environment_is_used(stub, kit, monkeypatch):
    monkeypatch.setenv("HTTP_PROXY", _proxy_of(stub))
    (outcome,) = asyncio.run(_ask(kit.options_of("http://server.invalid/v1"), kit.request_of()))
    assert isinstance(outcome, Completion)
    assert stub.calls[0].headers["Host"] == "server.invalid"


def test_the_password_of_a_proxy_is_sent_to_it(stub, kit, monkeypatch):
    monkeypatch.setenv("HTTP_PROXY", _proxy_of(stub).replace("://", "://m%C3%BCller:a%20b@"))
    (outcome,) = asyncio.run(_ask(kit.options_of("http://server.invalid/v1"), kit.request_of()))
    assert isinstance(outcome, Completion)
    said = base64.b64decode(stub.calls[0].headers["Proxy-Authorization"].removeprefix("Basic "))
    assert said.decode() == "müller:a b"


def test_what_no_proxy_names_is_asked_directly(stub, kit, monkeypatch):
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    (outcome,) = asyncio.run(_ask(kit.options_of(stub.base_url), kit.request_of()))
    assert isinstance(outcome, Completion)


@pytest.mark.parametrize("stream", ["no", "yes"])
def test_a_redirect_is_followed(stub, kit, stream):
    stub.will(kit.says(308, "", {"Location": f"{stub.base_url}/elsewhere"}))
    options = kit.options_of(stub.base_url, parameters={"stream": stream})
    (outcome,) = asyncio.run(_ask(options, kit.request_of("Hello")))
    assert outcome.text == "Hello"
    assert [call.path for call in stub.calls] == ["/v1/chat/completions", "/v1/elsewhere"]


def test_a_proxy_that_is_not_there_was_sent_nothing(kit):
    options = kit.options_of("https://server.invalid/v1", parameters={"proxy": "http://127.0.0.1:9"})
    with pytest.raises(BackendUnavailable, match="no connection"):
        asyncio.run(_ask(options, kit.request_of()))


@pytest.fixture
def certificate(tmp_path):
    """Return the files of a certificate of 127.0.0.1 that nobody else trusts, and of its key."""
    pytest.importorskip("cryptography")
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "a test")])
    now = dt.datetime.now(dt.UTC)
    address = x509.IPAddress(ipaddress.ip_address("127.0.0.1"))
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(7)
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([address]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    pem, secret = tmp_path / "ca.pem", tmp_path / "key.pem"
    pem.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    form = (serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    secret.write_bytes(key.private_bytes(*form))
    return pem, secret


def test_a_certificate_of_ones_own_is_trusted_when_it_is_named(kit, certificate):
    pem, secret = certificate

    async def scenario():
        async with _secure_server(pem, secret) as url:
            trusting = kit.options_of(url, parameters={"ca": str(pem), "attempts": "1"})
            (outcome,) = await _ask(trusting, kit.request_of())
            assert outcome.text == "Hi"
            with pytest.raises(BackendUnavailable, match="ca=FILE"):
                await _ask(attrs.evolve(trusting, ca=None), kit.request_of())

    asyncio.run(scenario())


@pytest.mark.parametrize("opens", [True, False])
def test_a_proxy_opens_a_tunnel_to_a_server_with_tls(kit, certificate, opens):
    pem, secret = certificate
    asked = []

    async def tunnel(reader, writer):
        head = await reader.readuntil(b"\r\n\r\n")
        asked.append(head)
        if not opens:
            writer.write(b"HTTP/1.1 407 Who are you\r\ncontent-length: 0\r\n\r\n")
            writer.close()
            return
        host, _, port = head.split()[1].decode().partition(":")
        there, back = await asyncio.open_connection(host, int(port))
        writer.write(b"HTTP/1.1 200 OK\r\n\r\n")
        await asyncio.gather(_pumped(reader, back), _pumped(there, writer))

    async def scenario():
        async with _secure_server(pem, secret) as url, await asyncio.start_server(tunnel, "127.0.0.1", 0) as proxy:
            address = f"http://127.0.0.1:{proxy.sockets[0].getsockname()[1]}"
            trusting = kit.options_of(url, parameters={"ca": str(pem), "attempts": "1", "proxy": address})
            if opens:
                (outcome,) = await _ask(trusting, kit.request_of())
                assert outcome.text == "Hi"
            else:
                with pytest.raises(BackendUnavailable, match="no connection"):
                    await _ask(trusting, kit.request_of())
        assert [head.split()[0] for head in asked] == [b"CONNECT"]
        assert b"sk-test" not in asked[0]

    asyncio.run(scenario())


async def _pumped(reader, writer):
    with contextlib.suppress(OSError):
        while piece := await reader.read(65536):
            writer.write(piece)
    writer.close()


@contextlib.asynccontextmanager
async def _secure_server(pem, secret):
    async def says(request):
        return web.json_response({"choices": [{"message": {"content": "Hi"}}]})

    app = web.Application()
    app.router.add_post("/v1/chat/completions", says)
    runner = web.AppRunner(app)
    await runner.setup()
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(pem, secret)
    await web.TCPSite(runner, "127.0.0.1", 0, ssl_context=context).start()
    try:
        yield f"https://127.0.0.1:{runner.addresses[0][1]}/v1"
    finally:
        await runner.cleanup()


def test_the_client_waits_as_long_as_was_said_and_never_repeats(kit):
    async def scenario():
        client = open_client(kit.options_of(parameters={"timeout": "90", "connect_timeout": "3"}))
        assert client.max_retries == 0
        assert (client.timeout.read, client.timeout.connect, client.timeout.pool) == (90, 3, None)
        await client.close()
        patient = open_client(kit.options_of(name=BATCH_CHAT))
        assert patient.timeout.read == 3660
        await patient.close()

    asyncio.run(scenario())


def test_importing_the_adapter_imports_no_sdk():
    names = "factories, chat, client, errors, lines, options, stream, wire"
    code = f"from qwen_dataset.adapters.inference.openai_api import {names}; import sys; print('openai' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
