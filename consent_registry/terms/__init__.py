"""The clocks of the law: what is owed since when, by which day, counted in working days."""
