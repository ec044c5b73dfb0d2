"""What a frozen backbone made of each picture, kept on disk from one training to the next."""
