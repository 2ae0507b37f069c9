"""A school and a portal to try the bridge on: real Firebird files, real SOAP over real TLS, throw-away keys.

Rules. Nothing here reaches a real school or portal. Only the command line (and tests) know this package.
"""
