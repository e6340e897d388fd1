"""Results of the operations tools as lines for a person or a model to read. Decides nothing, and leaves the JSON as it is."""
