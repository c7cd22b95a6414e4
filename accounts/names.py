import unicodedata


def username_key(username: str) -> str:
    """The form of a name in which two names are the same: NFKC, casefold, NFKC."""
    folded = unicodedata.normalize("NFKC", username).casefold()
    return unicodedata.normalize("NFKC", folded)
