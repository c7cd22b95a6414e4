"""What hostile_bench.py is made of: the people, the victims' probes, the attacks."""
