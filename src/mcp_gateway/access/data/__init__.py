"""What a caller may see of a database: tables, columns and rows, for questions, typed SQL and the tables server alike."""
