"""Authority: certificates with which the replay stands in for the hosts that a tool asks over HTTPS.

Made anew by each process and trusted by replayed runs alone: its key never reaches a disk that outlives a handshake.
"""

import os
import socket
import ssl
import tempfile
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from functools import cache
from ipaddress import ip_address

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

VALID = timedelta(days=2)  # either way: a sandbox's clock may differ, and a fake one more
MAX_HOST = 64  # characters of a common name: RFC 5280


class Authority:
    """A certificate authority and one key for all hosts."""

    def __init__(self) -> None:
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = _name("Tracewright replay")
        usage = x509.BasicConstraints(ca=True, path_length=0)
        self._own = self._builder(self._name).add_extension(usage, critical=True).sign(self._key, hashes.SHA256())

    @property
    def certificate(self) -> bytes:
        """What a client needs in order to trust, as PEM."""
        return self._own.public_bytes(Encoding.PEM)

    def wrap(self, connection: socket.socket, host: str) -> ssl.SSLSocket:
        """Speak TLS on the connection as `host`; raises OSError when the client does not go along."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        key = self._key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        # ssl reads certificates from files only.
        with tempfile.NamedTemporaryFile(suffix=".pem") as file:
            file.write(key + self._leaf(host).public_bytes(Encoding.PEM))
            file.flush()
            os.chmod(file.name, 0o600)  # noqa: PTH101 - the file is made so; said again for the reader
            context.load_cert_chain(file.name)
        return context.wrap_socket(connection, server_side=True)

    def _leaf(self, host: str) -> x509.Certificate:
        named: x509.GeneralName = x509.DNSName(host.encode("idna").decode()[:253] if host else "unnamed")
        with suppress(ValueError):
            named = x509.IPAddress(ip_address(host))
        builder = self._builder(_name(host[:MAX_HOST]))
        builder = builder.add_extension(x509.SubjectAlternativeName([named]), critical=False)
        builder = builder.add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        return builder.sign(self._key, hashes.SHA256())

    def _builder(self, subject: x509.Name) -> x509.CertificateBuilder:
        now = datetime.now(UTC)
        made = x509.CertificateBuilder(subject_name=subject, issuer_name=self._name, public_key=self._key.public_key())
        made = (
            made.serial_number(x509.random_serial_number()).not_valid_before(now - VALID).not_valid_after(now + VALID)
        )
        key = self._key.public_key()
        made = made.add_extension(x509.SubjectKeyIdentifier.from_public_key(key), critical=False)
        return made.add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(key), critical=False)


@cache
def authority() -> Authority:
    """Return this process's authority."""
    return Authority()


def _name(common: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common or "unnamed")])
