"""What the environments of LaTeX and its common packages are for a reader of the text."""

from __future__ import annotations

from .marks import FIGURE, TABLE


def _starred(names: str) -> frozenset[str]:
    return frozenset(name + star for name in names.split() for star in ("", "*"))


FORMULAS = _starred(
    "equation align alignat gather multline eqnarray flalign xalignat xxalignat displaymath dmath dgroup dseries"
    " IEEEeqnarray empheq tikzcd CD prooftree mathpar numcases subnumcases darray dcases"
)
INLINE_FORMULAS = frozenset({"math"})
TABLES = _starred(
    "tabular tabularx tabulary tabu longtabu longtable supertabular xtabular mpsupertabular NiceTabular NiceTabularX"
    " tblr longtblr talltblr deluxetable tabbing xltabular ltablex"
)
# Pseudocode: a drawing made of words, kept as it was typed.
CODES = _starred(
    "algorithm algorithmic algorithm2e procedure function algpseudocode pseudocode pseudo algo algorithmicx"
)
# What is drawn, and what is no text of the paper.
DRAWN = _starred(
    "tikzpicture pgfpicture picture pspicture circuitikz quantikz feynman feynmandiagram fmffile fmfgraph axis asy"
    " overpic xy pgfplot scope forest CCSXML keywords keyword IEEEkeywords AMS MSCcodes PACS tocdata filecontents"
    " graphicalabstract highlights pgfonlayer animateinline comment"
)
FLOATS = {
    **dict.fromkeys(
        _starred(
            "figure wrapfigure SCfigure floatingfigure sidewaysfigure marginfigure figwindow subfigure subcaptionblock"
        ),
        FIGURE,
    ),
    **dict.fromkeys(_starred("table wraptable SCtable sidewaystable margintable subtable"), TABLE),
}
LISTS = {
    **dict.fromkeys(_starred("itemize compactitem inparaitem asparaitem list trivlist easylist tightitemize"), "-"),
    **dict.fromkeys(_starred("description labeling"), ":"),
    **dict.fromkeys(_starred("enumerate compactenum inparaenum asparaenum tightenumerate remunerate"), "1"),
}
THEOREMS = {
    name: name.capitalize()
    for name in (
        *("theorem", "lemma", "proposition", "corollary", "definition", "remark", "example", "proof", "conjecture"),
        *("claim", "assumption", "axiom", "fact", "notation", "observation", "hypothesis", "problem", "exercise"),
        *("question", "property", "condition", "criterion", "principle", "postulate", "protocol", "solution"),
    )
} | {"thm": "Theorem", "lem": "Lemma", "prop": "Proposition", "cor": "Corollary", "defn": "Definition", "rem": "Remark"}
# The arguments of environments that show nothing themselves; others lose what looks like options.
ARGUMENTS = {
    "minipage": "[[[{",
    "multicols": "{[",
    "multicols*": "{[",
    "wrapfigure": "[{[{",
    "wraptable": "[{[{",
    "floatingfigure": "[{",
    "subfigure": "[[{",
    "subtable": "[[{",
    "subcaptionblock": "[{",
    "adjustbox": "{",
    "list": "{{",
    "CJK": "[{{",
    "CJK*": "[{{",
    "thebibliography": "{",
    "spacing": "{",
    "otherlanguage": "{",
    "otherlanguage*": "{",
    "adjustwidth": "{{",
    "changemargin": "{{",
    "labeling": "[{",
    "columns": "[",
    "column": "{",
    "block": "<",
    "beamercolorbox": "[{",
    "textblock": "{(",
    "tcolorbox": "[",
    "mdframed": "[",
    "lrbox": "{",
    "turn": "{",
    "rotate": "{",
    "landscape": "",
    "frame": "[",
    "appendices": "",
    "subequations": "",
    "small": "",
    "center": "",
    "document": "",
    "quote": "",
    "quotation": "",
    "verse": "",
    "framed": "",
    "frontmatter": "",
    "titlepage": "",
    "ruledtabular": "",
    "widetext": "",
    "threeparttable": "",
    "tablenotes": "[",
    "flushleft": "",
    "flushright": "",
    "sloppypar": "",
    "figure": "[",
    "table": "[",
    "SCfigure": "[[",
}
# These stand inside a paragraph and break none.
FLOWING = _starred(
    "small footnotesize scriptsize tiny normalsize large Large em sloppypar subequations inparaenum inparaitem"
)


def is_known_environment(name: str) -> bool:
    """Say whether an environment means something here that no definition of the author's may change."""
    return any(name in known for known in (FORMULAS, INLINE_FORMULAS, TABLES, CODES, DRAWN, FLOATS, LISTS, ARGUMENTS))
