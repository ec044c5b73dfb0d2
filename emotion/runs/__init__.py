"""Run folders: what a training asked for, did and found, and the folder that holds them all."""
