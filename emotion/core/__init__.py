"""The words that every room uses: settings, events, scored pictures, owners, errors, files, numbers in sentences."""
