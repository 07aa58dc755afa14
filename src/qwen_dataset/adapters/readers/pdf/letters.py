"""Characters as a reader means them: ligatures, look-alikes and script letters.

Not plain NFKC, which makes 10² into 102 and ℝ into R: only what is another way of writing the same letter is folded.
"""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

# Radicals (U+2E80 to U+2EFF) that Unicode's own compatibility mappings leave out, and the ideographs they stand for:
# the forms that simplified Chinese and common fonts use (EquivalentUnifiedIdeograph.txt of the Unicode database).
_RADICALS = dict(
    zip(
        "⺁⺄⺅⺆⺇⺈⺉⺊⺋⺌⺍⺏⺐⺒⺓⺔⺖⺗⺘⺙⺛⺝⺞⺟⺠⺡⺢⺣⺥⺦⺧⺨⺩⺫⺬⺭⺮⺯⺰⺱⺲⺷⺹⺺⺻⺼⺽⺾⺿⻀⻁⻂⻃⻄⻅⻆⻈⻉⻊⻋⻌⻍⻎⻏⻐⻑⻒⻓⻔⻖⻗⻘⻙⻚⻛⻜⻝⻟⻠⻡⻢⻣⻤⻥⻦⻧⻨⻩⻪⻫⻬⻭⻮⻯⻰⻱⻲",
        "厂乙亻冂几刀刂卜㔾小小尣尢巳幺彑忄忄扌攵无月歺母民氵氺灬爫爿牛犭王罒示礻竹糸纟罓罒羊耂肀聿月臼艹艹艹虎衤覀西见角讠贝足车辶辶辶阝钅長镸长门阝雨青韦页风飞食飠饣首马骨鬼鱼鸟卤麦黄黾斉齐歯齿竜龙龜亀",
        strict=True,
    )
)
# Pieces of tall brackets as Adobe's symbol fonts number them.
_BRACKETS = {0xF8EB + i: piece for i, piece in enumerate("⎛⎜⎝⎡⎢⎣⎧⎨⎩⎪")} | {
    0xF8F6 + i: piece for i, piece in enumerate("⎞⎟⎠⎤⎥⎦⎫⎬⎭")
}
_PLAIN = {
    **{ord(radical): ideograph for radical, ideograph in _RADICALS.items()},
    **_BRACKETS,
    **dict.fromkeys(map(ord, "\u00a0\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u202f\u3000\t"), " "),
    # Shown by nobody: soft hyphens, joiners, direction marks, what a font could not name.
    **dict.fromkeys(map(ord, "\u00ad\u200b\u200c\u200d\u200e\u200f\u2060\ufeff\ufffd\ufffe\uffff")),
    **dict.fromkeys([*range(9), *range(11, 32), *range(127, 160), *range(0xFE00, 0xFE10)]),
}
# Ligatures, Kangxi radicals, the compatibility ideographs, full-width digits and letters, mathematical letters.
_FOLDED = re.compile(
    "[\ufb00-\ufb06\u2f00-\u2fdf\u2e80-\u2eff\uf900-\ufaff\uff10-\uff19\uff21-\uff3a\uff41-\uff5a\U0001d400-\U0001d7ff]"
)
_SURROGATES = re.compile("[\ud800-\udfff]")
# A double-struck, script or Fraktur letter is another symbol than the plain one; an italic or bold one is a typeface.
_ANOTHER_SYMBOL = re.compile("DOUBLE-STRUCK|SCRIPT|FRAKTUR")
_SUPERSCRIPTS = dict(zip("0123456789+-−=()nijkmtTx", "⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻⁻⁼⁽⁾ⁿⁱʲᵏᵐᵗᵀˣ", strict=True))
_SUBSCRIPTS = dict(zip("0123456789+-−=()aeijkmnprtux", "₀₁₂₃₄₅₆₇₈₉₊₋₋₌₍₎ₐₑᵢⱼₖₘₙₚᵣₜᵤₓ", strict=True))
_CJK = re.compile(r"[\u2e80-\u303f\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\uff00-\uffef]")


def fold(text: str) -> str:
    """Return the text in the letters that it means, without control and invisible characters."""
    if text.isascii() and text.isprintable():
        return text
    if _SURROGATES.search(text):
        text = text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    return _FOLDED.sub(lambda found: _letter(found[0]), text.translate(_PLAIN))


def raised(text: str) -> str:
    """Return what is set above the line in superscript characters where Unicode has them all, else unchanged.

    10 and a raised -3 must not read as 10-3, which is another number.
    """
    return _script(text, _SUPERSCRIPTS)


def lowered(text: str) -> str:
    """Return what is set below the line in subscript characters where Unicode has them all, else unchanged."""
    return _script(text, _SUBSCRIPTS)


def is_cjk(character: str) -> bool:
    """Say whether a character is written without spaces around it: an ideograph, kana, or their punctuation."""
    return bool(_CJK.match(character))


def _script(text: str, characters: dict[str, str]) -> str:
    if len(text) > 8 or not all(character in characters or character in " ,*∗†‡" for character in text):
        return text
    return "".join(characters.get(character, character) for character in text)


@lru_cache(maxsize=4096)
def _letter(character: str) -> str:
    if character >= "\U0001d400" and _ANOTHER_SYMBOL.search(unicodedata.name(character, "")):
        return character
    return unicodedata.normalize("NFKC", character)
