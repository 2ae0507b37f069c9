"""The nouns that travel through the bridge: records, batches, receipts, outcomes, people's roster.

Rules. This package imports nothing of ours and knows no SQL, no XML, no clock. Bulk data are pandas
frames whose columns are declared once in `journal.frames`; everything of which there are few is a
frozen dataclass. Deliberately not here: any rule about what may be sent (`consent_registry`), how it is
sent (`connectors.portal`) or what has been sent (`delivery`).
"""
