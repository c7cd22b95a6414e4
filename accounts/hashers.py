from django.contrib.auth.hashers import Argon2PasswordHasher


class Argon2Hasher(Argon2PasswordHasher):
    """Argon2id as the OWASP password storage cheat sheet has it.

    Django's own parameters take 100 MiB for each check: a class that logs in at once would
    stall a small server.
    """

    time_cost = 2
    memory_cost = 19 * 1024  # KiB
    parallelism = 1
