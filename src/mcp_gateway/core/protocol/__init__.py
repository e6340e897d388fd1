"""The words of the Model Context Protocol that more than one part needs: revisions, headers, names, codes, frames."""
