"""The parts of hostile_bench.py: the people, the victims' probes, the attacks."""
