"""The Pictures tab: import pictures, review them and correct them."""
