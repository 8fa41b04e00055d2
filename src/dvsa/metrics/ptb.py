"""Penn Treebank tokens as the COCO caption scorers count them, without Java.

The scorers' tokeniser (`PTBTokenizer` of pycocoevalcap) runs Stanford CoreNLP 3.4.1, lowers the case and
drops punctuation. `tokenise` gives the same tokens for captions in any script; `tests/metrics` compares.
The rules were derived from the output of the Java program, not from its source. Emoticons, markup, telephone
numbers and mixed fractions (`3 1/2` is one token there) are not supported: Flickr's captions have none.

Two quirks of the scorers are kept because all published figures have them: brackets remain, as `-lrb-` and
`-rrb-` (the scorers remove only their upper-case forms), and so do runs such as `!!`, and two different
quotation marks that touch.
"""

import re
from functools import cache

from dvsa.metrics.ptb_characters import MARKS, SEPARATORS, SOFT_HYPHEN, SYMBOLS

_ABBREVIATIONS = """
    adj adm adv al ala alex apr ariz assn assoc asst atty attys aug ave bancorp bhd bldg blvd brig bros
    calif capt cf cie cmdr co col colo comdr conn corp cos cpl ct dak dec dept det dr drs elec ens esq
    est etc ext feb fla fri ft ga gen gov govs hon inc ind insp intl invt jan jos jr jul jun kan kans ky
    lieut lt ltd maj mar md messrs mich minn mlle mme mo mon mont mr mrs ms msgr mt natl neb nev nov oct
    okla penn pfc ph plc pres prof pvt rd rep reps rev rt sen sens sep sept seq sfc sgt spc sq sr st ste
    supt supts sys tel tenn thu thurs treas tue tues univ va vs vt wed wis wisc wm wyo
"""
_CAPITALISED = "Ark Az Del Ill La Mass Miss Ore Pa Tex Wash"
_BEFORE_A_NUMBER = "art ca fig figs no nos op pp prop"
_LETTER = "\U00010330"
"""Stands for a soft hyphen, which is a letter within a word and then dropped; other such letters are gone."""
_SENTENCE_STARTERS = """
    a about according after an as at but he her here however if in it last many more now once one other
    our she since so some such that the their then there these they this we what when while yet you
"""

_RENAMED = {
    "(": "-lrb-", ")": "-rrb-", "[": "-lsb-", "]": "-rsb-", "{": "-lcb-", "}": "-rcb-",
    "&amp;": "&", "&lt;": "<", "&gt;": ">", "£": "#", "€": "$", "¢": "cents", "½": "1/2",
    "¼": "1/4", "¾": "3/4", "⅓": "1/3", "⅔": "2/3", "\x80": "$", "¤": "$", "₠": "$",
}  # fmt: skip
_APOSTROPHES = "'’\x92"
_INNER = _APOSTROPHES + "`‘‛\x91"
"""Marks that stand inside of words, rightly or wrongly."""
_CLITIC = f"[{_APOSTROPHES}](?i:[smd]|re|ve|ll)"
"""A token of its own, unless more letters follow a straight apostrophe: 'red may be a quoted word."""
_STRAIGHT = {
    **dict.fromkeys("`‘‛‹\x91", "`"), **dict.fromkeys("’›\x92", "'"), **dict.fromkeys("“«\x93", "``"),
    **dict.fromkeys("”»\x94", "''"), "‚": "‚", "„": "„", "‟": "‟",
}  # fmt: skip
"""What Stanford's program writes for quotation marks other than straight ones."""
_QUOTES = "".join(_STRAIGHT)
_DROPPED = frozenset(".?!,:;-‐‑–—…'\"`‘’‛“”«»‹›\x91\x92\x93\x94") | {
    *("&quot;", "&apos;", "``", "''", "--", "---", "----")
}


@cache
def _pattern(marks: str, symbols: str) -> re.Pattern[str]:
    """One alternative for each kind of token; the first that matches wins.

    Args:
        marks: characters that count as letters within words, such as accents.
        symbols: digits that are tokens of their own.
    """

    def any_of(words: str) -> str:
        return "(?:" + "|".join(words.split()) + ")"

    letter, alnum, hyphen = rf"[^\W\d_{symbols}]", rf"[^\W_{symbols}]", "[-‐‑]"
    known = rf"(?={letter}{{2,8}}\.)(?:(?i:{any_of(_ABBREVIATIONS)})|{any_of(_CAPITALISED)})\."
    initials = rf"{letter}(?:\.{letter})+(?!{letter})\.?+(?!{letter})"

    elided = rf"[dloDLO](?!{_CLITIC}(?!{alnum}))[{_INNER}](?={alnum}{alnum})"
    part = rf"(?:{elided})?(?:{initials}|(?:{known}|{letter}\.)(?=-{alnum})|{alnum}+(?:_{alnum}+)*)"
    compound = rf"{part}(?:{hyphen}{part})*"
    starter = rf"\s+(?=[A-Z])(?i:{any_of(_SENTENCE_STARTERS)}|mr\.)(?!\w)"
    kinds = (
        # One written word that becomes two tokens.
        r"(?i:can(?=not\b)|(?:gon|wan)(?=na\b)|got(?=ta\b)|(?:gim|lem)(?=me\b)|'t(?=is|was))",
        r"[A-Za-z]+(?=\s)",  # most words match here: this line is for speed
        *_marked(letter, alnum, marks),
        *_with_apostrophes(letter, alnum),
        # Addresses and tags.
        r"https?://[^\s()<>{}|\"]+[^\s()<>{}|\".,!?-]",
        r"\w[\w.-]*@[\w-]+(?:\.[\w-]+)*",
        rf"[@#]{letter}\w*",
        # The full stop is part of the word.
        rf"(?i:ph|ed)\.[dD]\.?(?!{letter})",
        rf"(?:{known}|{initials})(?!{letter}|-{alnum})",
        rf"{compound}\.(?=[,;:])",
        rf"[A-Za-z]\.(?!{letter}|-{alnum}|(?<!\. ..){starter})",
        rf"(?i:{any_of(_BEFORE_A_NUMBER)})\.(?=\s*\d)",
        # Compounds, numbers, words.
        r"(?P<dots>\.{3,5}|(?:\. ){2,4}\.)|-{2,}",
        r"[A-Z]+(?:&[A-Z]+)+",
        rf"{compound}(?:/{compound}){{1,2}}",
        rf"{part}(?:{hyphen}{part})+",
        rf"\d+(?:[.,:]\d+)+-{letter}+",
        r"[+-]?\d*(?:[.,:]\d+)+",
        r"[+-]\d+|\d+⁄\d+",
        rf"{letter}{alnum}*(?:[.!?]{letter}{alnum}*)+",
        part,
        # Punctuation; two quotation marks that touch are one token.
        f"(?P<quotes>''|[{_QUOTES}]{{2}})",
        r"&(?:amp|lt|gt|quot|apos);|(?i:-[lr][crs]b-)",
        r"[?!]+|\*+|_+",
        r"[^\s\U00010000-\U0010FFFF]",
    )
    return re.compile("|".join(kinds))


def _with_apostrophes(letter: str, alnum: str) -> list[str]:
    """Words with an apostrophe in them, at an end or between two tokens."""
    apostrophe, inner, clitic = f"[{_APOSTROPHES}]", f"[{_INNER}]", _CLITIC
    return [
        # The apostrophe is inside the word.
        rf"[A-CE-HJKMNP-XZn](?!{clitic}(?!{letter})){inner}{letter}{{2,}}",
        rf"{letter}+[aeiouyAEIOUY](?!{clitic}(?!{letter})){inner}[aeiouA-Z]{letter}*",
        rf"(?i:c'mon|e'er|ev'ry|li'l|nat'l|nor'easter|s'mores|cont'd\.|c{apostrophe}est(?!\w))",
        # Contractions.
        rf"{letter}*[A-MO-Za-mo-z](?=[nN]{inner}[tT])",
        rf"(?P<clitic>[nN]{inner}[tT]|(?!'){clitic}|{clitic}(?![A-Za-z]))",
        rf"(?:[dlDL](?!.{alnum}{alnum})|[jJ])(?!{clitic}(?!{letter})){apostrophe}|[yY]{apostrophe}(?={letter})",
        # The apostrophe begins or ends the word.
        rf"{apostrophe}[2-9]0s|{apostrophe}\d\d(?!\S)",
        rf"(?i:{apostrophe}(?:em|till?|cause)|(?:ol|somethin|dunkin){apostrophe})",
        rf"{apostrophe}[nN]{apostrophe}|(?!'){apostrophe}[nN]|'[nN](?!\S)",
    ]


def _marked(letter: str, alnum: str, marks: str) -> list[str]:
    """Words with marks, which are no parts of compounds: the first mark is before the end of such a word."""
    if not marks:
        return []
    mark, dot = f"[{marks}]", "[.!?]"
    begin, inside = rf"(?:{letter}|{mark})", rf"(?:{alnum}|{mark})"
    word = rf"{begin}{inside}*"
    return [
        rf"(?=(?:{alnum}|{dot})*{mark}){word}(?:{dot}{word})+",
        rf"(?:{letter}{alnum}*)?{mark}{inside}*",
        rf"#(?={alnum}*{mark}){word}",
    ]


def tokenise(text: str) -> list[str]:
    """The tokens of a sentence in lower case, without punctuation.

    >>> tokenise("A dog's ball can't roll, or can it?")
    ['a', 'dog', "'s", 'ball', 'ca', "n't", 'roll', 'or', 'can', 'it']
    >>> tokenise("...")
    []
    """
    pattern = _pattern("", "")
    if not text.isascii() or "\x7f" in text or "\0" in text:
        text = SEPARATORS.sub(" ", text).replace(SOFT_HYPHEN, _LETTER)
        pattern = _pattern(MARKS, SYMBOLS)

    tokens = []
    for match in pattern.finditer(text):
        token = match[0].replace(_LETTER, "")
        if match["clitic"] or match["quotes"]:
            token = "".join(_STRAIGHT.get(mark, mark) for mark in token)
        if token and token not in _DROPPED and not match["dots"]:
            tokens.append(_RENAMED.get(token, token).lower())
    return tokens
