"""What stands in the certificates that we make: the authority's own, and those that it signs.

Knows neither files nor the time, which is an argument.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import NamedTuple, TypeAlias

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

SigningKey: TypeAlias = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey
PublicKey: TypeAlias = ec.EllipticCurvePublicKey | rsa.RSAPublicKey

AUTHORITY_LIFE = timedelta(days=3652)  # ten years
#: What strict clients take at the most (CA/Browser Forum, Baseline Requirements §6.3.2).
SERVER_LIFE = timedelta(days=397)
_SKEW = timedelta(days=1)  # the clock of whoever looks may be behind
_LONGEST_COMMON_NAME = 64  # RFC 5280 appendix A.1, ub-common-name


class Issuer(NamedTuple):
    """Who signs."""

    certificate: x509.Certificate
    key: SigningKey


def authority_certificate(
    key: SigningKey, time: datetime, common_name: str = "smtpproxy local authority"
) -> x509.Certificate:
    """Return the certificate of an authority that begins now, and signs no other authority."""
    name = _name(common_name)
    builder = _builder(key.public_key(), time - _SKEW, time + AUTHORITY_LIFE)
    builder = (
        builder.subject_name(name)
        .issuer_name(name)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_usage(key_cert_sign=True), critical=True)
    )
    return builder.sign(key, hashes.SHA256())


def server_certificate(
    issuer: Issuer,
    key: PublicKey,
    names: Sequence[x509.GeneralName],
    time: datetime,
    ended: datetime | None = None,
) -> x509.Certificate:
    """Return a server's certificate for these names, one of which must fit into a common name.

    It is valid from now on, or was until it `ended`.
    """
    own = issuer.certificate
    if ended is not None:
        begin, end = ended - SERVER_LIFE, ended
    else:
        begin = max(time - _SKEW, own.not_valid_before_utc)
        end = min(begin + SERVER_LIFE, own.not_valid_after_utc)
    builder = _server(_builder(key, begin, end), names).issuer_name(own.subject)
    builder = builder.add_extension(_key_identifier(issuer), critical=False)
    return builder.sign(issuer.key, hashes.SHA256())


def self_signed_certificate(
    key: SigningKey, names: Sequence[x509.GeneralName], time: datetime
) -> x509.Certificate:
    """Return the same, vouched for by nobody but the server itself."""
    builder = _builder(key.public_key(), time - _SKEW, time - _SKEW + SERVER_LIFE)
    builder = _server(builder, names).issuer_name(_name(_common_name(names)))
    return builder.sign(key, hashes.SHA256())


def _server(
    builder: x509.CertificateBuilder, names: Sequence[x509.GeneralName]
) -> x509.CertificateBuilder:
    purpose = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH])
    alternatives = x509.SubjectAlternativeName(dict.fromkeys(names))
    return (
        builder.subject_name(_name(_common_name(names)))
        .add_extension(alternatives, critical=False)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_usage(digital_signature=True), critical=True)
        .add_extension(purpose, critical=False)
    )


def _common_name(names: Sequence[x509.GeneralName]) -> str:
    texts = (str(name.value) for name in names)
    return next(text for text in texts if len(text) <= _LONGEST_COMMON_NAME)


def _key_identifier(issuer: Issuer) -> x509.AuthorityKeyIdentifier:
    # RFC 5280 §4.2.1.1: the one that the authority's certificate bears, however it was made.
    try:
        own = issuer.certificate.extensions.get_extension_for_class(x509.SubjectKeyIdentifier)
    except x509.ExtensionNotFound:
        return x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer.key.public_key())
    return x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(own.value)


def _builder(key: PublicKey, begin: datetime, end: datetime) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(begin)
        .not_valid_after(end)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key), critical=False)
    )


def _name(common_name: str) -> x509.Name:
    organization = x509.NameAttribute(NameOID.ORGANIZATION_NAME, "smtpproxy")
    return x509.Name([organization, x509.NameAttribute(NameOID.COMMON_NAME, common_name)])


def _usage(digital_signature: bool = False, key_cert_sign: bool = False) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=digital_signature,
        key_cert_sign=key_cert_sign,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        crl_sign=False,
        encipher_only=False,
        decipher_only=False,
    )
