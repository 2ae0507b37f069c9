"""Which classes take part, and how many of their students are covered."""
