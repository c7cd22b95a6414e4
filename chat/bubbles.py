"""The look of a text in its bubble, as the scripts choose it, too."""

from __future__ import annotations

import re

# The same as in static/js/chat/words.js, so that nothing moves when the script takes over.
FOLDED_FROM = 700  # UTF-16 code units, as scripts count
FOLDED_LINES = 16
EMOJI_AT_MOST = 3  # are shown large
LONGEST = 20  # code units of one emoji, and more

# Nearly what browsers know as RGI_Emoji: a mistake costs a movement, which the script corrects.
_PICTURE = (
    "(?:[\U0001f300-\U0001f6ff\U0001f7e0-\U0001f9ff\U0001fa70-\U0001faff\U0001f004\U0001f0cf"
    "\U0001f18e\U0001f191-\U0001f251⌚⌛⏩-⏬⏰⏳◽◾☔☕♈-♓♿⚓⚡⚪⚫⚽⚾⛄⛅⛎⛔⛪⛲⛳⛵⛺⛽"
    "✅✊✋✨❌❎❓-❕❗➕-➗➰➿⬛⬜⭐⭕]\ufe0f?|[©®‼-㊙]\ufe0f)[\U0001f3fb-\U0001f3ff]?"
)
_EMOJI = f"(?:{_PICTURE}(?:\u200d{_PICTURE})*|[\U0001f1e6-\U0001f1ff]{{2}}|[0-9#*]\ufe0f\u20e3)"
ONLY_EMOJI = re.compile(f"{_EMOJI}{{1,{EMOJI_AT_MOST}}}")


def bubble_look(text: str | None) -> str:
    """Choose how a text is shown: `folded`, `large` for a few emoji alone, or plainly."""
    if not text:
        return ""
    units = len(text) if text.isascii() else len(text.encode("utf-16-le", "replace")) // 2
    if units > FOLDED_FROM or text.count("\n") >= FOLDED_LINES:
        return "folded"
    is_short = len(text) <= EMOJI_AT_MOST * LONGEST and not text.isalnum()
    return "large" if is_short and ONLY_EMOJI.fullmatch(text) else ""
