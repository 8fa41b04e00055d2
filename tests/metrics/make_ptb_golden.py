"""Run pycocoevalcap's PTBTokenizer (needs Java) and write ptb_golden.json, which test_ptb.py reads.

    python tests/metrics/make_ptb_golden.py /path/to/data

The folder has flickr8k/Flickr8k.token.txt and flickr30k_captions_without_flickr8k.txt.gz. Only digests of
their sentences are kept.
"""

import gzip
import hashlib
import json
import sys
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


def tokens(sentences: list[str]) -> list[str]:
    """The tokens of each sentence, as one line."""
    answers = PTBTokenizer().tokenize({n: [{"caption": text}] for n, text in enumerate(sentences)})
    return [answers[n][0] for n in range(len(sentences))]


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
    strings = tokens([text for string in STRINGS for text in (string, "and so on")])[::2]
    golden = {
        "flickr8k_thousands": [digest(flickr8k[n : n + 1000]) for n in range(0, len(flickr8k), 1000)],
        "flickr8k": digest(flickr8k),
        "flickr30k": digest(flickr30k),
        "strings": dict(zip(STRINGS, strings, strict=True)),
    }
    text = json.dumps(golden, indent=1, ensure_ascii=False) + "\n"
    Path(__file__).with_name("ptb_golden.json").write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
