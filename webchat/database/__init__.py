"""All that knows which database this is: SQLite. A second one is answered for in here."""
