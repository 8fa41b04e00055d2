"""Run pycocoevalcap's PTBTokenizer (needs Java) and write ptb_golden.json, which test_ptb.py reads.

    python tests/metrics/make_ptb_golden.py /path/to/data

The folder has flickr8k/Flickr8k.token.txt and flickr30k_captions_without_flickr8k.txt.gz. Only digests of
their sentences are kept.
"""

import gzip
import hashlib
import json
import sys
import unicodedata
from pathlib import Path

from pycocoevalcap.tokenizer.ptbtokenizer import PTBTokenizer  # type: ignore[import-untyped]

STRINGS = """
Two dogs , one brown , run -- fast !
The man said, "hello."
A girl's dog and the boys' toys aren't here; they're there.
I'm sure he'd say we'll've gone, didn't you?
DON'T! She can't, won't and shouldn't've.
it’s a “small” dog’s life
We cannot stay, gonna go, gotta run; gimme that, lemme see. Wanna play?
'tis the season, 'Twas the night
rock 'n roll, 'em all, 'til dawn, 'cause we can
'em' rock'n'roll y'all
five o'clock at O'Brien's hors-d'oeuvres L'Oreal d'Artagnan ma'am
the '90s , the 1980's , the 80s and '09
6' 2" tall , 5'10" high
a single quote ' and a ` backtick
(left) [right] {curly}
x -lrb- y
A t-shirt-wearing 4-wheeler with a k-9 unit and U.S.-based 4x4.
semi- automatic -like a- b -c a--b a---b
one – two — three…
wait...what .. now ....
No. 5 and no. It is no.
No.3 and fig. 2 on p. 7 , pp. 8
Mr. Smith, Mrs. Jones and Dr. St. John Jr. of Acme Inc. met vs. Corp.
MR. SMITH lives on Main St.
He lives on Main St. in St. Louis, Wash. by the Blvd. and Ave. A
Mass. and Miss. and mass. and miss.
the U.S. and the U.S.A. at 5 p.m. or 10 a.m.
J.P. Morgan and J. P. Morgan and Mary B. Smith
This is plan B. The man has a plan B. It works.
This is plan B. Man and plan B. Dog
a man named J.
man., dog.; cat-dog.: 4th.,
stops.Then runs.A dog
a.b.c and x.y.z
Ph.D. and Ph.D and e.g. this, i.e., that, etc.
$5 , $5.00 , 5$ , US $ 5 , 5% , £5 , €5 , 5¢
1,000 and 1,000,000.50 and .99 and 3.5 and 1.2.3
10:30am , 10:30 am , 53:11 , 9-11 , 7-10pm , 09-09-2007
1/2 , 24/7 , 1-1/2 , 10/12/2009 , 1.5-inch , 1/2-mile ½ ¾
-5 +5 a -1 a-1 5-6 5x6 1st 2nd 3rd 10k 3-D 5ft. 10a.m.
and/or w/ w/o he/she/it a / b a/b/c/d
Q&A AT&T A & W R&B a&b M&Ms A&P's
Tom &amp; Jerry &lt;3 &quot;hi&quot; &apos;
#tag #1 # 1 @home @ home foo@bar.com a_b __ _ ___
http://a.b.com/x?y=z. www.rouleur.cc movies.com, bus.co.uk
a* * ** ~ ^ a^b = a=b + a+b \\ a|b
café gubbängen naïve Zoë's señor ñ 日本
hello!! hello?! what??? !
, ,, ;; :: :11 a:b a;b a,b
.
! ? , . '' ``
(a)(b) a(s) )a(
""".strip().split("\n")

# Other scripts, composed and decomposed accents, marks that cannot be seen: with escapes, to show them.
SCRIPTS = (
    r"""
एक कुत्ता बर्फ में दौड़ता है।
दो लड़के पानी में खेल रहे हैं
लाल शर्ट पहने हुए आदमी, कैमरा देखता है
सुनहरे बालों वाली लड़की-एक गेंद
कुत्ते का १२ बच्चा
हिन्दी में क्ष त्र ज्ञ श्र
สุนัขวิ่งบนหญ้า
ผู้ชายคนหนึ่งกำลังยืนอยู่ที่ร้าน
เด็กสองคน เล่นน้ำ ๑๒ คน
كَلْبٌ يَجْرِي فِي الثَّلْجِ
وَلَدٌ يَلْعَبُ بِالْكُرَةِ، فِي الحَدِيقَةِ؟
كلب يجري في الثلج
مُحَمَّدٌ ٣٤ كُرَةً
הַכֶּלֶב רָץ בַּשֶּׁלֶג
e\u0301tude cafe\u0301 nai\u0308ve
Zoe\u0308's sen\u0303or n\u0303
a\u0301-b e\u0301.g. cafe\u0301.
dog\ufe0f runs
a ❤\ufe0f dog
\ufe0f alone \ufe0f
a ☺\ufe0f smile ☀\ufe0f sun
dog\u200bhouse
a dog\u200b runs \u200b fast
\u200bdog
dog\u00adhouse
a dog\u00ad runs
\u00ad dog
semi\u00adautomatic-dog
soft\u00adhyphen's dog
zero\u200dwidth\u200cjoiner
क्\u200dष में
می\u200cخواهم
word\u2060joiner
bom\ufeffword
thin\u2009space narrow\u202fspace
left\u200eright\u200fmark
a dog 🐕 runs
👨\u200d👩\u200d👧 family
日本 の 犬
犬が走っている。
개가 눈밭을 달린다.
собака бежит по снегу
соба\u0301ка бежит
ο σκύλος τρέχει στο χιόνι
μια γάτα, μία
ĳssel ﬁsh ﬂower
ａｂｃ fullwidth １２３
တစ်ကောင် ခွေး
নীল জামা পরা ছেলে
ஒரு நாய் ஓடுகிறது
ਇੱਕ ਕੁੱਤਾ
કૂતરો દોડે છે
ఒక కుక్క
ಒಂದು ನಾಯಿ
ഒരു നായ
ලංකාව බල්ලා
ཁྱི་ཞིག་རྒྱུག
ខ្ញុំ ឆ្កែ
x\u0301\u0302\u0303 stacked
1\u0301 2\ufe0f 3\ufe0f\u20e3
#\ufe0f\u20e3 keycap
a\u0308\u0301b
\u0301 alone
a \u0301b
d\u2019e\u0301tude l'e\u0301cole
don\u2019t can\u00adnot
it\u200b's a dog
a\u200b, b
e\u0301e\u0301 -e\u0301-
don't\ufe0f
॥ श्लोक ॥
مرحبا، كيف؟ نعم؛ لا
« guillemets » „quotes“ ‚x‘
… ‥ ‐ ‑ ‒ – — ―
a‐b a‑b c–d
2×3 4÷2 5±1 90° №5 §3 ©x ®y ™z
ß ſ ŉ ǆ İstanbul ıı
b-a\u0301 c
ab-cd\u0301e f
a\u0301b-cd
a1\u0301 b
12ab\u0301c d
a\u0301/b c
a\u0301_b c
can\u00adnot do
#e\u0301t @e\u0301t
e\u0301n't x
O’Brien’s d’Artagnan
rock’n’roll ma’am
’em in the ’90s
qu'il n'est qu’il n’est
j’ai l’x
कि-ख क-ख
a‐b-c
 ‐a a‐ b
1⁄2 cup
U.S\u0301.A.
""".strip()
    .encode("ascii", "backslashreplace")
    .decode("unicode_escape")
    .split("\n")
)

# Every position of an apostrophe: as it is typed, and as others write it.
APOSTROPHES = "'’‘`\x92\u201b"
WITH_APOSTROPHES = """
don_t DON_T isn_t, Isn_t_it? shouldn_t_ve innn_t can_not n_t isn_tx
it_s IT_S I_m we_re they_ve she_ll he_d dog_s dogs_ James_s mother-in-law_s U.S._s café_s 2_s A_s
dog_site _dog _men _red _veil _llama _dog_s _Mr. _I_m (_a_) _re _s _s2 _d2 _RE dog_RE _s. _s, _dété
_tis _Tis _twas _this _em _emx _EM _til _till _tilx _cause _n _n_ rock_n_roll _nx _n, can_n
_90s _20s _10s _90sx _90 _09, 1980_s 80_s _1990s _2 _22 _222 dog_12
o_clock O_Brien d_Artagnan l_été L_eau l_é l_ j_ai J_ai j_ qu_il c_est C_est n_est aujourd_hui d_12 l_ll
l_vest a-d_ef hors-d_oeuvres A_vest A_ll B_xy B_x B_éa I_xy Y_all y_all y_x y_ T_xy b_xy
ma_am ne_er c_mon C_mon e_er o_er li_l nat_l ev_ry s_mores s_more nor_easter cont_d. cont_d ol_ ol_x cool_
bo_at bo_xt ba_At by_at bé_at Hawai_i aa_y aa_Y e_at somethin_ goin_ Dunkin_
_hello_ _hello_, _ __ ___ a_b a__b a_ 5_ 6_2
cafe\u0301_s _cafe\u0301_ l_e\u0301te\u0301 e\u0301_ll कुत्ता_s _कुत्ता_ 犬_s _собака_ собака_s
"""

# Every position of quotation marks; ~ is a space.
PAIRS = ("“”", "‘’", "„“", "‚‘", "«»", "‹›", "”“", "’‘", "\x93\x94", "''", "``", '""')
WITH_QUOTES = """
<hello> <~hello~> a~<b>~c <b>, <b,> >b< < > <> >< << >> <<a>> a<b a>b <a>b <It’s> <don’t> <90s> <’90s> (<a>)
<dogs>~run <(a)> <a-b> <U.S.> <No.>~5 <Stop!> <what?>~he a< >a <1,000> <’tis> <Mr.~Smith> 5> 6’2> <l’été>
<a.>~The plan~<B>. <https://a.b/c> <@home> <é> <can’t won’t> <O’Brien> it’>s dog>’s <’em’> ’<dog ’<s
"""

DASHES = ("–", "—", "―", "‐", "‑", "…", "--", "----", "-----", "...")
WITH_DASHES = """
a_b a~_~b a_~b a~_b _a a_ 1_2 1990_95 _1 5_ a__b _ ‘a’_‘b’ “a_b” “a”_b T_shirt 3_D it’s_ok é_à $5_6 5_6%
a_. a_, (a_b) mother_in_law _dog’s dog’s_ “_” “a_” ’_’
"""

TYPOGRAPHY = [
    *(word.replace("_", mark) for word in WITH_APOSTROPHES.split() for mark in APOSTROPHES),
    *(
        text.replace("~", " ").replace("<", pair[0]).replace(">", pair[1])
        for text in WITH_QUOTES.split()
        for pair in PAIRS
    ),
    *(text.replace("~", " ").replace("_", mark) for text in WITH_DASHES.split() for mark in DASHES),
]

SEPARATORS_OF_LINES = {0x85, 0x2028, 0x2029}
"""Java ends the line there, and answers for another sentence from there on."""


def tokens(sentences: list[str]) -> list[str]:
    """The tokens of each sentence, as one line."""
    answers = PTBTokenizer().tokenize({n: [{"caption": text}] for n, text in enumerate(sentences)})
    return [answers[n][0] for n in range(len(sentences))]


def characters() -> dict[str, str]:
    """What becomes of every character of the first plane between two letters: ranges of code points.

    `word`: it is a part of the word; `token`: it is a token of its own; `dropped`: it divides the word.
    Characters that are dropped without dividing, or renamed, are left out: `STRINGS` have them.
    """
    kinds: dict[str, list[list[int]]] = {"word": [], "token": [], "dropped": []}
    codes = [code for code in range(0x80, 0x10000) if is_assigned(code) and code not in SEPARATORS_OF_LINES]
    answers = tokens([f"xa{chr(code)}bx qq" for code in codes])
    for code, answer in zip(codes, answers, strict=True):
        character = chr(code).lower()
        lines = {f"xa{character}bx qq": "word", f"xa {character} bx qq": "token", "xa bx qq": "dropped"}
        ranges = kinds[lines[answer]] if answer in lines else []
        if ranges and ranges[-1][1] == code - 1:
            ranges[-1][1] = code
        else:
            ranges.append([code, code])
    return {kind: " ".join(f"{a:x}-{b:x}" for a, b in ranges) for kind, ranges in kinds.items()}


def is_assigned(code: int) -> bool:
    """Whether a code point is a character, in the Unicode of this Python."""
    return unicodedata.category(chr(code)) not in ("Cn", "Co", "Cs")


def digest(lines: list[str]) -> str:
    """SHA-256 of the lines, a line feed between them."""
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()


def main() -> None:
    """Write the golden file beside this script."""
    data = Path(sys.argv[1])
    with open(data / "flickr8k" / "Flickr8k.token.txt", encoding="utf-8") as file:
        flickr8k = tokens([line.rstrip("\n").split("\t")[1] for line in file if "\t" in line])
    with gzip.open(data / "flickr30k_captions_without_flickr8k.txt.gz", "rt", encoding="utf-8") as file:
        flickr30k = tokens([line.rstrip("\n").split("\t")[1] for line in file])
    # A plain sentence after each string: Java looks past the end of a line for the start of a sentence.
    both = list(dict.fromkeys([*STRINGS, *SCRIPTS, *TYPOGRAPHY]))
    strings = tokens([text for string in both for text in (string, "and so on")])[::2]
    golden = {
        "flickr8k_thousands": [digest(flickr8k[n : n + 1000]) for n in range(0, len(flickr8k), 1000)],
        "flickr8k": digest(flickr8k),
        "flickr30k": digest(flickr30k),
        "characters": characters(),
        "strings": dict(zip(both, strings, strict=True)),
    }
    text = json.dumps(golden, indent=1, ensure_ascii=False) + "\n"
    Path(__file__).with_name("ptb_golden.json").write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
