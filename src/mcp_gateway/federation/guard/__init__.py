"""What is looked at in a call's arguments and in its answer: pure functions; the filter that calls them is not here."""
