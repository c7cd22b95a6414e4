"""Names that could pass for the staff's, however they are written.

The idea is the skeleton of UTS #39: two texts that look alike have the same one. The table holds
only the letters of the words for staff, so that no font has to be known.
"""

from __future__ import annotations

import re
import unicodedata

from webchat.base.text import fold, normalize

# As typed, in characters: names, and what groups and their members may be called one day.
LOOKED_AT = 128
STAFF = (
    "admin admins administrator root system moderator support official staff webchat"
    " sysadmin superadmin superuser"
    " админ администратор модератор"
    " 管理员 超级管理员 网站管理员 群管理员 管理者 系统 官方 客服 版主 관리자 운영자"
).split()
# By letter, its lookalikes: other scripts, small capitals, strokes and hooks, and digits
# where they stand for letters. After case folding, which leaves Cherokee and Lisu in capitals.
CONFUSABLES = {
    "a": "ɑɐαаᴀⲁӕᎪꓮᗅ4@ᶏⱥꭤ",
    "b": "ьвʙƅɓбᏴꓐ8ƀƃᵬᶀ",
    "c": "сᴄσⲥᏟꓚ¢ƈȼɕↄꞓ",
    "d": "ԁժɗɖđðᴅδдᎠꓓᏧᗞƌȡᵭᶁᶑꝺ",
    "e": "еєɛεҽᴇəɘⲉᎬꓰ3ǝɇᶒᶓⱸꬲꬴ",
    "f": "ƒғꝼքᖴꓝᵮᶂꜰ",
    "h": "һհʜɦħⲏᎻꓧɥʮⱨꞕ",
    # l as well: nobody can tell ADMlN from ADMIN.
    "i": "lɩɪıіӏιɨᴉǀןاⲓᎥᏆꓲ丨ᅵ1|!łɭʟᶖᵻƚȴɫᶅⱡ",
    "m": "мᴍɱμⲙᎷꓟᗰɯɰᵯᶆ",
    "n": "пոռηнᴎɴиⲛƞŋɲɳꓠȵᵰᶇꞑ",
    "o": "οоօᴏөøⲟ〇ᅌ໐๐ဝ०০0ꓳɔᶗⱺꝋꝍ",
    "p": "рρᴘթⲣᏢꓑƥᵱᵽᶈ",
    "r": "гʀɾɼɽᴦяⲅꓣᎡᖇɍɹɺɻᵲᵳᶉꞃꭇꭈ",
    "s": "ѕꜱʂƽⲋꓢᏚ5$ȿᵴᶊꞅ",
    "t": "тτᴛŧƭʈⲧᎢꓔ7ƫȶʇᵵⱦꞇ",
    "u": "υцսᴜʋʊⴎꓴᶙ",
    "w": "ԝѡաωшᴡⲱᎳꓪʍⱳ",
    "y": "уүγʏყᎩꓬƴɏʎ",
    # Han in its other forms: 管理員, 系統, 菅理员.
    "员": "員貟贠",
    "统": "統綂",
    "系": "係糸",
    "管": "菅筦館",
    "理": "埋",
    "级": "級",
    "网": "網",
    "官": "宫宮",
}
TABLE = str.maketrans({alike: letter for letter, others in CONFUSABLES.items() for alike in others})
# Two letters that look like one.
PAIRS = (("rn", "m"), ("vv", "w"), ("ci", "d"))  # l is i by then


def skeleton(text: str) -> str:
    """Reduce a text to what is seen at a glance: no marks, no case, no signs between letters.

    Empty for a text too long to be a name of any kind.
    """
    folded = fold(text, most=LOOKED_AT) or ""
    plain = normalize("NFKD", folded).translate(TABLE)
    letters = "".join(filter(_is_seen, plain))
    for pair, letter in PAIRS:
        letters = letters.replace(pair, letter)
    return letters


def resembles_staff(text: str) -> bool:
    """Return whether a name is one of the staff's, or made of those: 系统客服, webchat-admin."""
    return STAFF_ONLY.fullmatch(skeleton(text)) is not None


def _is_seen(character: str) -> bool:
    return unicodedata.category(character)[0] in "LN"


STAFF_ONLY = re.compile(f"(?:{'|'.join(sorted(map(skeleton, STAFF), reverse=True))})+")
