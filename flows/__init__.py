"""When the work is done and in what order: plain steps, and the Prefect flows that schedule them.

Rules. `steps` and `assembly` are plain Python and know no Prefect; `district` holds the flows and is the only
module that imports it. No rule about marks, consent or SOAP stands here.
"""
