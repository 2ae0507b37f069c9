"""The city portal over SOAP: diary-exchange-1, its XML, its signatures, its TLS.

Rules. `soap_portal.SoapPortal` is the only way in; it implements `journal.portal.Portal` and raises only what that
Protocol names. A message leaves only after it validated against the schema in `contract/`; of a reply nothing is
read but what a certificate of the given authorities signed. The contract is this project's own assumption: once
a school is given the real one, this folder is all that changes. Other algorithms: `suite`; other portals:
`connectors.portals`.
Deliberately not here: when to send, what to send, and whether to send again (`delivery`).
"""
