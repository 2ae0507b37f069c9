"""A tamper-evident log of what was disclosed, to whom and on what ground.

Rules. Nothing is sent before its intent is durable in this log. The log only grows; its entries carry
opaque ids and counts, never a name, an address or a mark's value. The shape is public (RFC 6962 tree, C2SP
tiles and signed checkpoints; see FORMAT.md), so that an auditor needs neither this program nor its database.
Imports nothing else of the bridge. Deliberately not here: who may be told what (`consent_registry`), when to
write (`delivery`), where checkpoints are countersigned.
"""
