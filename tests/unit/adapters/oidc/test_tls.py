"""Certificates: the name that was asked for is the one that must be proven, though the connection goes to a checked address."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Sequence
from datetime import timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from mcp_gateway.adapters.oidc.egress import Egress
from mcp_gateway.adapters.oidc.errors import ProviderUnusable
from mcp_gateway.adapters.oidc.http import Outbound
from mcp_gateway.core.clock import SystemClock

pytestmark = pytest.mark.anyio

NAME = "login.corp.test"


async def to_loopback(_host: str, _port: int) -> Sequence[str]:
    return ["127.0.0.1"]


@pytest.fixture
async def secure_port(tmp_path: Path) -> AsyncIterator[int]:
    """A site that proves to be `NAME`, by a certificate of an authority in ca.pem."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(self_signed(tmp_path))
    (tmp_path / "ca.pem").write_bytes((tmp_path / "both.pem").read_bytes().split(b"-----BEGIN EC")[0])

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\nconnection: close\r\n\r\n{}")
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=context)
    yield server.sockets[0].getsockname()[1]
    server.close()
    await server.wait_closed()


def self_signed(folder: Path) -> Path:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, NAME)])
    now = SystemClock().now()
    certificate = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(NAME)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    file = folder / "both.pem"
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.TraditionalOpenSSL, serialization.NoEncryption()
    )
    file.write_bytes(certificate.public_bytes(serialization.Encoding.PEM) + private)
    return file


def outbound(host: str, ca_file: str = "") -> Outbound:
    return Outbound(Egress(home=host, allow_private=True), ca_file=ca_file, resolve=to_loopback)


async def test_a_certificate_of_a_named_authority_proves_the_name(secure_port: int, tmp_path: Path) -> None:
    reply = await outbound(NAME, str(tmp_path / "ca.pem")).get(f"https://{NAME}:{secure_port}/")
    assert reply.status == 200


@pytest.mark.parametrize(("host", "ca"), [(NAME, ""), ("other.corp.test", "ca.pem"), ("127.0.0.1", "ca.pem")])
async def test_a_certificate_of_nobody_or_for_another_name_is_refused(
    secure_port: int, tmp_path: Path, host: str, ca: str
) -> None:
    ca_file = str(tmp_path / ca) if ca else ""
    with pytest.raises(ProviderUnusable) as fault:
        await outbound(host, ca_file).get(f"https://{host}:{secure_port}/")
    assert fault.value.kind == "tls"
