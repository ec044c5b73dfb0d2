"""The Predict tab: a picture and its prediction, a live camera, and many pictures at once."""
