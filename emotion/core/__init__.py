"""Shared vocabulary of all packages: settings, events, scored pictures, owners, errors, files, number formats."""
