"""The schools' databases: opened read-only, read in one snapshot, handed to a mapping profile."""
