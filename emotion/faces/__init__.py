"""Faces of people, dogs and cats, drawn by this project's own code. Needs only Pillow."""
