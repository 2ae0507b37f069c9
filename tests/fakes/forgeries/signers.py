"""Replies that are signed well, by somebody who may not speak for the portal."""

import base64

import xmlsec
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding
from fakes.forgeries.scene import (
    HOUR,
    Scene,
    forgery,
    signature_of,
    token_of,
)
from fakes.reply_signing import DS, sign
from lxml import etree

from sandbox.authority import Authority, Credential, Purpose


def issued(scene: Scene, **changes: object) -> Credential:
    return scene.keys.city.issue("Portal", Purpose.SIGNING, **changes)


def certified(
    scene: Scene, key: rsa.RSAPrivateKey | ed25519.Ed25519PrivateKey, *extensions: tuple[x509.ExtensionType, bool]
) -> Credential:
    """Issue a certificate of the city's authority by hand, with just these extensions."""
    city = scene.keys.city.credential
    builder = x509.CertificateBuilder(city.certificate.subject, city.certificate.subject, key.public_key())
    builder = builder.serial_number(7).not_valid_before(scene.now - HOUR).not_valid_after(scene.now + HOUR)
    for extension, critical in extensions:
        builder = builder.add_extension(extension, critical=critical)
    return Credential(builder.sign(city.key, hashes.SHA256()), key)


@forgery("certificate: no authority issued it")
def a_strangers_certificate(scene: Scene) -> bytes:
    return scene.by(scene.keys.stranger.issue("Portal", Purpose.SIGNING))


@forgery("certificate: no authority issued it")
def an_authority_of_the_same_name(scene: Scene) -> bytes:
    return scene.by(Authority.create("City", scene.now).issue("Portal", Purpose.SIGNING))


@forgery("certificate: its key usage has no digital signature")
def a_self_signed_certificate(scene: Scene) -> bytes:
    return scene.by(Authority.create("Portal", scene.now).credential, method=xmlsec.constants.TransformEcdsaSha256)


@forgery("certificate: expired")
def an_expired_certificate(scene: Scene) -> bytes:
    return scene.by(issued(scene, not_before=scene.now - 2 * HOUR, not_after=scene.now - HOUR))


@forgery("certificate: not yet in force")
def a_certificate_of_tomorrow(scene: Scene) -> bytes:
    return scene.by(issued(scene, not_before=scene.now + HOUR, not_after=scene.now + 2 * HOUR))


@forgery("certificate: its key is weak or of an unknown kind")
def a_short_key(scene: Scene) -> bytes:
    return scene.by(certified(scene, rsa.generate_private_key(65537, 1024)))  # noqa: S505  the weak key is the point


@forgery("certificate: its key usage has no digital signature")
def a_certificate_for_encryption_only(scene: Scene) -> bytes:
    names = (
        "digital_signature",
        "content_commitment",
        "data_encipherment",
        "key_agreement",
        "key_cert_sign",
        "crl_sign",
    )
    bits = dict.fromkeys((*names, "encipher_only", "decipher_only"), False)
    usage = x509.KeyUsage(key_encipherment=True, **bits)
    return scene.by(certified(scene, scene.signer.key, (usage, True)))


@forgery("certificate: a critical extension is not understood")
def a_critical_extension_nobody_knows(scene: Scene) -> bytes:
    unknown = x509.UnrecognizedExtension(x509.ObjectIdentifier("1.2.643.100.999"), b"\x05\x00")
    return scene.by(certified(scene, scene.signer.key, (unknown, True)))


@forgery("certificate: not readable (ValueError)")
def an_extension_that_cannot_be_read(scene: Scene) -> bytes:
    usage = x509.UnrecognizedExtension(x509.ObjectIdentifier("2.5.29.15"), b"\x02\x01\x07")
    return scene.by(certified(scene, scene.signer.key, (usage, True)))


@forgery("the signature does not verify (InvalidInput)")
def a_key_that_cannot_have_signed(scene: Scene) -> bytes:
    root = scene.genuine()
    other = certified(scene, ed25519.Ed25519PrivateKey.generate())
    token_of(root).text = base64.b64encode(other.certificate.public_bytes(Encoding.DER)).decode()
    return etree.tostring(root)


@forgery("certificate: no authority issued it")
def issued_by_a_certificate_that_is_no_authority(scene: Scene) -> bytes:
    return scene.by(Authority(scene.signer, scene.now).issue("Portal", Purpose.SIGNING))


@forgery("the signature does not verify (InvalidInput)")
def another_certificate_of_the_same_authority_as_token(scene: Scene) -> bytes:
    root = scene.genuine()
    token_of(root).text = base64.b64encode(scene.keys.portal_tls.certificate.public_bytes(Encoding.DER)).decode()
    return etree.tostring(root)


@forgery("the token's certificate is not readable")
def a_token_that_is_no_base64(scene: Scene) -> bytes:
    root = scene.genuine()
    token_of(root).text = "=?=" + token_of(root).text
    return etree.tostring(root)


@forgery("the token's certificate is not readable")
def a_token_that_is_no_certificate(scene: Scene) -> bytes:
    root = scene.genuine()
    token_of(root).text = base64.b64encode(b"\x30\x03\x02\x01\x01").decode()
    return etree.tostring(root)


@forgery("the token is no X509v3 certificate in Base64")
def a_token_of_another_type(scene: Scene) -> bytes:
    root = scene.genuine()
    token_of(root).set("ValueType", token_of(root).get("ValueType").replace("X509v3", "X509PKIPathv1"))
    return etree.tostring(root)


@forgery("the token is no X509v3 certificate in Base64")
def a_token_with_elements(scene: Scene) -> bytes:
    root = scene.genuine()
    etree.SubElement(token_of(root), "more")
    return etree.tostring(root)


@forgery("the signature's key is not the message's token")
def a_key_info_that_points_elsewhere(scene: Scene) -> bytes:
    return sign(scene.unsigned(), scene.signer, pointer="B")


@forgery("the signature's key is not the message's token")
def a_key_info_with_a_key(scene: Scene) -> bytes:
    root = scene.genuine()
    info = signature_of(root).find(f"{{{DS}}}KeyInfo")
    info.remove(info[0])
    etree.SubElement(info, f"{{{DS}}}KeyName").text = "Portal"
    return etree.tostring(root)
