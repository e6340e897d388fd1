"""Who may do what to which thing: one function decides for every face."""
