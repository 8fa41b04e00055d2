"""Penn Treebank tokens as the COCO caption scorers count them, without Java.

The scorers' tokeniser (`PTBTokenizer` of pycocoevalcap) runs Stanford CoreNLP 3.4.1, lowers the case and
drops punctuation. `tokenise` gives the same tokens for the language of captions; `tests/metrics` compares.
The rules were derived from the output of the Java program, not from its source. Emoticons, markup, telephone
numbers and mixed fractions (`3 1/2` is one token there) are not supported: Flickr's captions have none.

Two quirks of the scorers are kept because all published figures have them: brackets remain, as `-lrb-` and
`-rrb-` (the scorers remove only their upper-case forms), and so do runs such as `!!`.
"""

import re
from functools import cache

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
_SENTENCE_STARTERS = """
    a about according after an as at but he her here however if in it last many more now once one other
    our she since so some such that the their then there these they this we what when while yet you
"""

_RENAMED = {
    "(": "-lrb-", ")": "-rrb-", "[": "-lsb-", "]": "-rsb-", "{": "-lcb-", "}": "-rcb-",
    "&amp;": "&", "&lt;": "<", "&gt;": ">", "£": "#", "€": "$", "¢": "cents", "½": "1/2",
    "¼": "1/4", "¾": "3/4",
}  # fmt: skip
_DROPPED = frozenset(".?!,:;-–—…'\"`‘’“”«»‹›") | {"&quot;", "&apos;"}


@cache
def _pattern() -> re.Pattern[str]:
    """One alternative for each kind of token; the first that matches wins."""

    def any_of(words: str) -> str:
        return "(?:" + "|".join(words.split()) + ")"

    letter, alnum, apostrophe = r"[^\W\d_]", r"[^\W_]", "['’]"
    known = rf"(?={letter}{{2,8}}\.)(?:(?i:{any_of(_ABBREVIATIONS)})|{any_of(_CAPITALISED)})\."
    initials = rf"{letter}(?:\.{letter})+(?!{letter})\.?+(?!{letter})"
    elided = rf"[dloDLO]{apostrophe}(?={letter}{letter})"
    part = rf"(?:{elided})?(?:{initials}|(?:{known}|{letter}\.)(?=-{alnum})|{alnum}+(?:_{alnum}+)*)"
    compound = rf"{part}(?:-{part})*"
    starter = rf"\s+(?=[A-Z])(?i:{any_of(_SENTENCE_STARTERS)}|mr\.)(?!\w)"
    kinds = (
        # One written word that becomes two tokens.
        r"(?i:can(?=not\b)|(?:gon|wan)(?=na\b)|got(?=ta\b)|(?:gim|lem)(?=me\b)|'t(?=(?:is|was)\b))",
        r"[A-Za-z]+(?=\s)",  # most words match here: this line is for speed
        rf"{letter}+(?=[nN]{apostrophe}[tT])",
        rf"(?i:n{apostrophe}t\w*|{apostrophe}(?:s|m|d|re|ve|ll)(?!\w))",
        rf"[dlDL]'(?={letter}(?!{letter}))|[jyJY]'(?={letter})",
        # Addresses and tags.
        r"https?://\S*[\w/]",
        r"\w[\w.-]*@[\w-]+(?:\.[\w-]+)*",
        rf"[@#]{letter}\w*",
        # The apostrophe is part of the word.
        r"(?<!\w)'(?:\d0s|\d\d)(?![\w'])",
        r"'[nN]'|(?i:'(?:em|till?|cause|n)|ma'am|ne'er|c'mon|c'est)(?!\w)",
        # The full stop is part of the word.
        rf"(?i:ph|ed)\.[dD]\.?(?!{letter})",
        rf"(?:{known}|{initials})(?!{letter}|-{alnum})",
        rf"{compound}\.(?=[,;:])",
        rf"[A-Za-z]\.(?!{letter}|-{alnum}|(?<!\. ..){starter})",
        rf"(?i:{any_of(_BEFORE_A_NUMBER)})\.(?=\s*\d)",
        # Compounds, numbers, words.
        r"[A-Z]+(?:&[A-Z]+)+",
        rf"{compound}(?:/{compound}){{1,2}}",
        rf"{part}(?:-{part})+",
        rf"\d+(?:[.,:]\d+)+-{letter}+",
        r"[+-]?\d*(?:[.,:]\d+)+",
        r"[+-]\d+(?!\w)",
        rf"{letter}{alnum}*(?:[.!?]{letter}{alnum}*)+",
        part,
        # Punctuation.
        r"&(?:amp|lt|gt|quot|apos);|(?i:-[lr][crs]b-)",
        r"[?!]+|\*+|_+",
        r"[^\s\U00010000-\U0010FFFF]",
    )
    return re.compile("|".join(kinds))


def tokenise(text: str) -> list[str]:
    """The tokens of a sentence in lower case, without punctuation.

    >>> tokenise("A dog's ball can't roll, or can it?")
    ['a', 'dog', "'s", 'ball', 'ca', "n't", 'roll', 'or', 'can', 'it']
    >>> tokenise("...")
    []
    """
    tokens = (token for token in _pattern().findall(text) if token not in _DROPPED)
    return [_RENAMED.get(token, token).lower().replace("’", "'") for token in tokens]
