"""A deployment seen from outside: its health pages, its metrics page, its Redis, its engine. Everything here only reads."""
