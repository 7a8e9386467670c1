"""Whose certificates a client believes, as TLS contexts. Standard library, and truststore where the system decides."""

from __future__ import annotations

import hashlib
import hmac
import ssl

from desktop_logs.core.connecting import Trust
from desktop_logs.core.errors import ConnectError, UserError

_DIGITS = 64


def client_context(trust: Trust) -> ssl.SSLContext:
    """A context for connecting with *trust*. Raises ConnectError for a CA file that cannot be used.

    With a fingerprint it believes every certificate: who connects compares (`is_accepted`) before saying anything.
    """
    if trust.fingerprint:
        return trusting_anything()
    if trust.ca_file:
        return _of_file(trust.ca_file)
    # Loaded when it is wanted: it costs the start 20 ms.
    import truststore

    return truststore.SSLContext(ssl.PROTOCOL_TLS_CLIENT)


def trusting_anything() -> ssl.SSLContext:
    """A context that asks for no proof."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


def fingerprint_of(certificate: bytes) -> str:
    """SHA-256 of a *certificate* (DER): 64 small hexadecimal digits."""
    return hashlib.sha256(certificate).hexdigest()


def is_accepted(trust: Trust, certificate: bytes) -> bool:
    """True when *certificate* (DER) is the one that *trust* names."""
    return hmac.compare_digest(fingerprint_of(certificate), trust.fingerprint.lower())


def parse_fingerprint(text: str) -> str:
    """A SHA-256 fingerprint as a person types or pastes it, colons and spaces allowed: 64 small digits.
    Raises UserError."""
    digits = "".join(text.replace(":", " ").split()).lower()
    if len(digits) != _DIGITS or not all(character in "0123456789abcdef" for character in digits):
        raise UserError("A fingerprint is 64 hexadecimal digits (SHA-256). Copy all of it from where the hub runs.")
    return digits


def _of_file(path: str) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    try:
        context.load_verify_locations(cafile=path)
    except ssl.SSLError:
        raise ConnectError(
            f"{path} holds no certificates. Name a PEM file, with -----BEGIN CERTIFICATE----- in it."
        ) from None
    except OSError as failure:
        reason = failure.strerror or str(failure)
        raise ConnectError(f"The file of certificates {path} cannot be read: {reason}. Name another.") from None
    return context
