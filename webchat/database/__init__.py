"""All that knows that the database is SQLite. A second one would be supported in here."""
