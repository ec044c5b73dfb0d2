"""A trained model as a folder or a zip that others can use without this project."""
