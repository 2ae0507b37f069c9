"""A register of people and consents as one table: read, checked, taken in whole or not at all, written out."""
