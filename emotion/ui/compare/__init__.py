"""The Cross-species tab: what is asked, what came out, and one panel for each further question."""
