"""Fine-tune an image classifier on human emotions, and find out whether it can read a dog."""

import os

# OpenMP reads this once, when torch is loaded. Its threads would otherwise wait for each other by spinning: with a
# training beside it on two cores, one prediction was measured to take 2,000 ms instead of 180.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
