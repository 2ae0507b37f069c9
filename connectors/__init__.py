"""The two outer worlds: `school` (databases) and `portal` (SOAP). All that knows SQL dialects, XML, TLS."""
