"""Signs replies as a portal would, by libxmlsec: neither the bridge's own code nor the library that it verifies with.

Everything can be turned wrong by an argument, for a reply has to be signed to be a good forgery.
"""

import base64
from collections.abc import Sequence
from datetime import datetime, timedelta

import xmlsec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from lxml import etree

from sandbox.authority import Credential

SOAP = "http://schemas.xmlsoap.org/soap/envelope/"
WSSE = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-secext-1.0.xsd"
WSU = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-utility-1.0.xsd"
DS = "http://www.w3.org/2000/09/xmldsig#"
DIARY = "urn:diary-exchange:1"
X509V3 = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-x509-token-profile-1.0#X509v3"
BASE64 = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-soap-message-security-1.0#Base64Binary"
EXCLUSIVE = "http://www.w3.org/2001/10/xml-exc-c14n#"
FIVE_MINUTES = timedelta(minutes=5)


def envelope(payload: bytes, credential: Credential, now: datetime, life: timedelta = FIVE_MINUTES) -> etree._Element:
    """Return an envelope whose Security header holds token and timestamp but no signature yet."""
    token = base64.b64encode(credential.certificate.public_bytes(Encoding.DER)).decode()
    text = (
        f'<S:Envelope xmlns:S="{SOAP}" xmlns:u="{WSU}"><S:Header><w:Security xmlns:w="{WSSE}">'
        f'<w:BinarySecurityToken u:Id="X" EncodingType="{BASE64}" ValueType="{X509V3}">{token}</w:BinarySecurityToken>'
        f'<u:Timestamp u:Id="T"><u:Created>{now.isoformat()}</u:Created>'
        f"<u:Expires>{(now + life).isoformat()}</u:Expires></u:Timestamp></w:Security></S:Header>"
        f'<S:Body u:Id="B">'
    )
    return etree.fromstring(text.encode() + payload + b"</S:Body></S:Envelope>")


def sign(
    root: etree._Element,
    credential: Credential,
    *,
    parts: Sequence[str] = ("B", "T"),
    method: object = xmlsec.constants.TransformRsaSha256,
    digest: object = xmlsec.constants.TransformSha256,
    canonical: object = xmlsec.constants.TransformExclC14N,
    transform: object = xmlsec.constants.TransformExclC14N,
    pointer: str = "X",
    prefixes: str = "",
) -> bytes:
    """Sign the elements with these wsu:Ids and return the message."""
    signature = xmlsec.template.create(root, canonical, method)
    security = root.find(f"{{{SOAP}}}Header/{{{WSSE}}}Security")
    security.append(signature)
    context = xmlsec.SignatureContext()
    pem = credential.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    context.key = xmlsec.Key.from_memory(pem, xmlsec.constants.KeyDataFormatPem, None)
    for part in parts:
        element = root.xpath("//*[@u:Id=$id]", namespaces={"u": WSU}, id=part)[0]
        context.register_id(element, "Id", WSU)
        reference = xmlsec.template.add_reference(signature, digest, uri=f"#{part}")
        step = xmlsec.template.add_transform(reference, transform)
        if prefixes:
            etree.SubElement(step, f"{{{EXCLUSIVE}}}InclusiveNamespaces", PrefixList=prefixes)
    context.sign(signature)
    key_info = etree.SubElement(signature, f"{{{DS}}}KeyInfo")
    reference = etree.SubElement(key_info, f"{{{WSSE}}}SecurityTokenReference")
    etree.SubElement(reference, f"{{{WSSE}}}Reference", {"URI": f"#{pointer}", "ValueType": X509V3})
    return etree.tostring(root)


def signed(payload: bytes, credential: Credential, now: datetime, life: timedelta = FIVE_MINUTES) -> bytes:
    """Return the whole genuine message around `payload`."""
    return sign(envelope(payload, credential, now, life), credential)


def fault(code: str, retry_after: int | None = None) -> bytes:
    """Return the payload of the portal's fault."""
    wait = "" if retry_after is None else f' retryAfter="{retry_after}"'
    return (
        f'<S:Fault xmlns:S="{SOAP}"><faultcode>S:Server</faultcode><faultstring>{code}</faultstring><detail>'
        f'<d:ServiceFault xmlns:d="{DIARY}" code="{code}"{wait} message="of the portal\'s own"/></detail></S:Fault>'
    ).encode()
