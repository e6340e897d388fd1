"""The imported application beside its code: what FastAPI has made of it, and what of it the code alone does not show."""
