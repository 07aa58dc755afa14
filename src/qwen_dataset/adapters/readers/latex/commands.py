"""What the commands of LaTeX and its common packages are for a reader of the text.

An argument specification is that of pylatexenc: ``*`` an optional star, ``[`` an optional argument, ``{`` one that must
be there.
"""

from __future__ import annotations

# Levels of headings; an abstract or a list of references stands at the top level of its paper.
HEADINGS = {
    "part": 0,
    "chapter": 1,
    "addchap": 1,
    "section": 2,
    "addsec": 2,
    "subsection": 3,
    "subsubsection": 4,
    "paragraph": 5,
    "subparagraph": 6,
    "subsubparagraph": 6,
    "frametitle": 4,
}
TITLES = frozenset({"title", "icmltitle", "Title", "ititle", "papertitle", "ctitle", "thesistitle"})
SUBTITLES = frozenset({"subtitle", "Subtitle"})
AUTHORS = frozenset({"author", "icmlauthor", "Author", "authors", "addauthor", "cauthor"})
ABSTRACTS = frozenset({"abstract", "Abstract", "cabstract", "abstracts", "summary"})
THANKS = frozenset(
    {"acknowledgments", "acknowledgements", "acknowledgment", "acknowledgement", "ack", "acknow", "acks"}
)
NOTES = frozenset({"footnote", "footnotetext", "endnote", "tablefootnote", "blfootnote", "sidenote", "tnote"})


def _names(listed: str) -> frozenset[str]:
    return frozenset(listed.split())


def _table(*rows: tuple[str, str]) -> dict[str, str]:
    return {name: arguments for arguments, listed in rows for name in listed.split()}


# Commands that show nothing, with all their arguments.
DROPPED = _table(
    (
        "",
        (
            "songti heiti bigskip medskip smallskip raggedbottom noaffiliation makeindex balance appendices"
            " doublespacing listfiles newblock maketitle tableofcontents linenumbers printindex listoffigures"
            " listoftables today hfill hfil hss"
        ),
    ),
    (
        "{",
        (
            "label index nocite pagestyle thispagestyle pagenumbering hypersetup bibliographystyle bibliography"
            " hyphenation usetikzlibrary tikzset pgfplotsset lstset captionsetup graphicspath stepcounter"
            " refstepcounter newlength newsavebox usebox geometry setstretch linespread phantom hphantom vphantom"
            " microtypesetup urlstyle sisetup selectlanguage theoremstyle dedicatory date thanks corref fnref"
            " fnmark inst orcid orcidID orcidlink received revised accepted published doi pacs Keywords subject"
            " subjclass MSC PACS preprint copyrightyear acmYear acmDOI acmISBN acmPrice acmJournal acmVolume"
            " setcopyright citestyle journal conference journalname volume issue articletype history runninghead"
            " titlerunning authorrunning shorttitle shortauthor shortauthors runningtitle runningauthor dochead"
            " institution homepage collaboration curraddr city country urladdr altaffilmark IEEEauthorblockA"
            " IEEEmembership IEEEspecialpapernotice icmlkeywords icmltitlerunning icmlsetsymbol"
            " printAffiliationsAndNotice includeonly graphicalabstract lhead rhead chead lfoot rfoot cfoot"
            " pagecolor ctexset zihao fontfamily fontseries fontshape bookmarksetup PACSnumbers keyword algstore"
            " algrestore captionlistentry marginnote setlist enlargethispage extrafloats needspace Needspace"
            " floatstyle markright setcitestyle keywords bstctlcite vadjust theoremsymbol"
            " usepgfplotslibrary usetheme usecolortheme usefonttheme setbeamertemplate setbeamercolor"
            " AtBeginDocument AtEndDocument"
        ),
    ),
    (
        "[",
        (
            "pagebreak nopagebreak linebreak nolinebreak printbibliography printglossary printglossaries"
            " listoftodos footnotemark addlinespace allowdisplaybreaks"
        ),
    ),
    ("*{", "hspace vspace"),
    (
        "[{",
        (
            "usepackage RequirePackage documentclass documentstyle todo missingfigure affil address institute"
            " email ead altaffiliation cortext tnotetext fancyhead fancyfoot fancyhf icmladdress addbibresource"
            " marginpar bookmark ccsdesc setmainfont setsansfont setmonofont setCJKmainfont setCJKsansfont"
            " setCJKmonofont setmathfont nomenclature altaffiltext newcolumntype titlenote authornote"
        ),
    ),
    ("*[{", "affiliation"),
    ("*[[{", "includegraphics includesvg includepdf"),
    (
        "{{",
        (
            "setlength addtolength setcounter addtocounter settowidth settoheight fontsize markboth floatname"
            " newunit setkeys counterwithin counterwithout PassOptionsToPackage colorlet icmlaffiliation"
            " icmlcorrespondingauthor addtocontents DeclareTextFontCommand DeclareFieldFormat crefalias"
            " creflabelformat DeclareUnicodeCharacter"
        ),
    ),
    ("{[", "newcounter newglossaryentry"),
    ("[{{", "rule savebox numberwithin pdfbookmark"),
    ("{{{", "crefname Crefname definecolor addcontentsline crefrangeformat newacronym"),
    ("[{{{", "acmConference"),
    ("{[{{", "newfloat"),
    ("{{{{", "usefont DeclareGraphicsRule DeclareMathSymbol"),
    ("*{{{{[", "titlespacing"),
    ("*{[{{{{[", "titleformat"),
    ("{{{{{", "DeclareFontShape DeclareSymbolFont"),
    ("{" * 9, "newtheoremstyle"),
)

# Of those, and of what sets a length, these part two words.
SPACES = frozenset({"hspace", "hskip", "hfill", "hfil", "hss"})

# Commands that show one of their arguments: its position.
SHOWN: dict[str, tuple[str, int]] = {
    "href": ("{{", 1),
    "hyperref": ("[{", 1),
    "hyperlink": ("{{", 1),
    "hypertarget": ("{{", 1),
    "hyperdef": ("{{{", 2),
    "textcolor": ("[{{", 2),
    "colorbox": ("[{{", 2),
    "fcolorbox": ("[{{{", 3),
    "color": ("[{", -1),
    "parbox": ("[[[{{", 4),
    "raisebox": ("{[[{", 3),
    "makebox": ("[[{", 2),
    "framebox": ("[[{", 2),
    "scalebox": ("{[{", 2),
    "resizebox": ("*{{{", 3),
    "rotatebox": ("[{{", 2),
    "adjustbox": ("{{", 1),
    "texorpdfstring": ("{{", 0),
    "foreignlanguage": ("[{{", 2),
    "textlang": ("{{", 1),
    "ruby": ("{{", 0),
    "footnotemark": ("[", -1),
    "gls": ("*[{[", 2),
    "Gls": ("*[{[", 2),
    "glspl": ("*[{[", 2),
    "Glspl": ("*[{[", 2),
    "ac": ("*{", 1),
    "acp": ("*{", 1),
    "acs": ("*{", 1),
    "acl": ("*{", 1),
    "acf": ("*{", 1),
    "acrshort": ("*[{", 2),
    "acrlong": ("*[{", 2),
    "acrfull": ("*[{", 2),
    "multicolumn": ("{{{", 2),
    "multirow": ("[{[{[{", 5),
    "shortstack": ("[{", 1),
    "subfloat": ("[[{", -1),
    "added": ("[{", 1),
    "deleted": ("[{", -1),
    "replaced": ("[{{", 1),
    "highlight": ("[{", 1),
    "DIFadd": ("{", 0),
    "DIFdel": ("{", -1),
    "lowercase": ("{", 0),
    "centerline": ("{", 0),
    "leftline": ("{", 0),
    "rightline": ("{", 0),
    "textsuperscript": ("{", 0),
    "textsubscript": ("{", 0),
    "intertext": ("{", 0),
    "includegraphics": ("*[[{", -1),
    "today": ("", -1),
    "input": ("{", -1),
    "include": ("{", -1),
    "title": ("[{", -1),
    "author": ("[{", -1),
    "date": ("{", -1),
    "maketitle": ("", -1),
}
# Commands that show their argument as it was typed, without ligatures.
TYPED = _names("texttt code path url nolinkurl file pkg proglang ce")
# Commands that only choose a font: their argument, where they have one, is text as any.
FONTS = _names(
    "emph textbf textit textsl textsc textrm textsf textup textmd textnormal textmd underline uline uwave sout"
    " mbox hbox fbox strong alert hl bf it em sl sc rm sf tt bfseries itshape slshape scshape rmfamily sffamily"
    " ttfamily upshape mdseries normalfont scriptsize footnotesize small normalsize large Large LARGE huge Huge"
    " boldmath unboldmath noindent indent centering raggedright raggedleft flushleft leavevmode sloppy"
    " selectfont boldsymbol bm pmb textls tiny"
)
CITATIONS = _names(
    "cite citet citep citealt citealp citeauthor citeyear citeyearpar citenum citen citetext Cite Citet"
    " Citep Citeauthor parencite Parencite textcite Textcite autocite Autocite smartcite footcite"
    " footcitetext supercite fullcite footfullcite onlinecite shortcite shortciteN citeA citeN parencites"
    " textcites autocites citealtt citeasnoun citefield citetitle upcite cites ycite"
)
REFERENCES = _names(
    "ref eqref pageref autoref cref Cref cpageref vref Vref vpageref nameref Nameref fullref Ref"
    " labelcref namecref prettyref fref Fref subref thmref figref secref tabref zcref Autoref fref sref"
    " hyperref* crefrange Crefrange"
)
# TeX lengths that are set without braces, and skips of a length.
LENGTHS = _names(
    "vskip hskip parindent parskip itemsep topsep parsep partopsep baselineskip textwidth textheight"
    " topmargin oddsidemargin evensidemargin leftmargin rightmargin columnsep tabcolsep arraycolsep"
    " abovedisplayskip belowdisplayskip abovecaptionskip belowcaptionskip intextsep textfloatsep floatsep"
    " hsize vsize kern mkern hoffset voffset leftskip rightskip parfillskip fboxsep fboxrule unitlength"
    " lineskip lineskiplimit jot labelsep itemindent listparindent labelwidth tolerance emergencystretch"
    " hbadness vbadness hfuzz vfuzz clubpenalty widowpenalty interlinepenalty penalty vspace hspace raise"
    " lower moveleft moveright looseness predisplaypenalty postdisplaypenalty hangindent hangafter skip"
)
