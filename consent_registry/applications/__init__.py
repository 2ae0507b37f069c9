"""An application's way from a parent's request to a registered link: who applies, for whom, what a person decided."""
