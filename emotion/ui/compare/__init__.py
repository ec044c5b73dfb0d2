"""The Cross-species tab: the form, the result, and one panel for each further study."""
