"""The Predict tab: one picture and what a run says of it, and the drawn examples."""
