"""What runs by itself: the table of periodic jobs, the scheduler's lease, and the worker's loop."""
