"""Run folders: the settings, events and results of each training, and the folder that holds them all."""
