"""Faces of people, dogs and cats, drawn by this project's own code. Needs Pillow and nothing else."""
