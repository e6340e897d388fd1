"""Finding the right tools among many by what one wants to do."""
