"""What a served dashboard adds: trainings in turn, the model process, visitors with their limits, publishing."""
