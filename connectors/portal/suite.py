"""What signs the bridge's messages and what judges the portal's: one pair, put in as a whole.

Rules. `CONTRACT` is what diary-exchange-1 asks for. A certified provider (GOST R 34.10-2012 with Streebog, say, or a
key on a token) is another `Suite`: a `SignatureProvider` that makes digests and signatures under its own algorithm
URIs, made of whatever `[portal] signing_key` holds for it, and a `ReplyVerifier`, mostly `ByFunctions` with the
provider's functions. A module in `connectors/portals/` hands it to `SoapPortal`, and `[portal] connector` names that
module; nothing else changes. Envelope, references, canonical form and freshness stay the contract's.
Deliberately not here: TLS. A provider's TLS stands in front of the bridge as a local tunnel that ends it.
"""

from collections.abc import Callable
from dataclasses import dataclass, field

from connectors.portal.certificates import identity
from connectors.portal.signing import KeyInMemory, SignatureProvider
from connectors.portal.verifying import ByContract, ReplyVerifier


def key_in_memory(text: bytes) -> SignatureProvider:
    """Return what signs by the PEM key of `[portal] signing_key`. Raises BridgeError."""
    return KeyInMemory(identity(text, "signing_key"))


@dataclass(frozen=True, slots=True)
class Suite:
    """How to make the signer of the bytes that `[portal] signing_key` names, and what judges the replies."""

    signer: Callable[[bytes], SignatureProvider] = key_in_memory
    verifier: ReplyVerifier = field(default_factory=ByContract)


CONTRACT = Suite()
