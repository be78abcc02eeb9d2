"""Expected values of the measures of texts, for texts.json and the folder wordnet beside this file.

sacreBLEU, chrF: from sacrebleu. ROUGE-L: from rouge-score. METEOR and stems: from nltk. The two dialects
of CodeXGLUE's BLEU: computed here from the descriptions of its evaluation, by counting every run of words
in every place, with fractions where fractions are enough. The WordNet is a small one of our own words in
the layout of the real one, so that synonyms are tested without its files.

    python make_texts.py        # needs sacrebleu, rouge-score and nltk
"""

import json
import math
import pathlib
import random
import re
import sys
import tempfile
from fractions import Fraction

import nltk
import sacrebleu
from nltk.corpus import WordNetCorpusReader
from nltk.stem.porter import PorterStemmer
from nltk.translate.meteor_score import single_meteor_score
from rouge_score.rouge_scorer import RougeScorer

HERE = pathlib.Path(__file__).parent

def runs(words, order):
    return [tuple(words[at:at + order]) for at in range(len(words) - order + 1)]


def shared(written, expected, order):
    """Of every different run the smaller of both counts."""
    ours, theirs = runs(written, order), runs(expected, order)
    return sum(min(ours.count(run), theirs.count(run)) for run in set(ours))


def bleu_of_all(pairs):
    """Translation and CONCODE: words by white space, one added to every order."""
    pairs = [(w.strip().split(), e.strip().split()) for w, e in pairs]
    product = Fraction(1)
    for order in range(1, 5):
        matches = sum(shared(w, e, order) for w, e in pairs)
        possible = sum(len(runs(w, order)) for w, _ in pairs)
        product *= Fraction(matches + 1, possible + 1)
    written, expected = sum(len(w) for w, _ in pairs), sum(len(e) for _, e in pairs)
    if written == 0:
        return 0.0
    short = 1.0 if written > expected else math.exp(1 - expected / written)
    return float(product) ** 0.25 * short


def small_words(text):
    """Code-to-text: small letters, words and signs apart, then the punctuation of mteval apart."""
    text = " ".join(re.findall(r"\w+|[^\s\w]", text.strip().lower()))
    return re.sub(r"([{-~\[-` -&(-+:-@/])", r" \1 ", " " + text + " ").split()


def bleu_of_one(written, expected):
    w, e = small_words(written), small_words(expected)
    least = sys.float_info.min
    total = 0.0
    for order in range(1, 5):
        add = 1 if order > 1 else 0
        total += math.log(shared(w, e, order) + add + least) - math.log(len(runs(w, order)) + add + least)
    return math.exp(total / 4 + min(0, 1 - (len(e) + 1) / (len(w) + 1)))


def alike(a, b):
    """Twice the longest common subsequence over both lengths, by the full table."""
    if not a and not b:
        return 1.0
    table = [[0] * (len(b) + 1) for _ in range(len(a) + 1)]
    for i, x in enumerate(a, 1):
        for j, y in enumerate(b, 1):
            table[i][j] = table[i - 1][j - 1] + 1 if x == y else max(table[i - 1][j], table[i][j - 1])
    return 2 * table[-1][-1] / (len(a) + len(b))


class NoWordNet:
    def synsets(self, word):
        return []


def meteor(pairs, wordnet):
    scores = [single_meteor_score(e.split(), w.split(), wordnet=wordnet) for w, e in pairs]
    return sum(scores) / len(scores)


def packages(pairs):
    written, expected = [w for w, _ in pairs], [[e for _, e in pairs]]
    rouge = lambda stem: [RougeScorer(["rougeL"], use_stemmer=stem).score(e, w)["rougeL"].fmeasure for w, e in pairs]
    return {
        "sacrebleu_13a": sacrebleu.corpus_bleu(written, expected).score / 100,
        "chrf": sacrebleu.corpus_chrf(written, expected).score / 100,
        "chrf++": sacrebleu.corpus_chrf(written, expected, word_order=2).score / 100,
        "rouge_l": sum(rouge(False)) / len(pairs),
        "rouge_l_stem": sum(rouge(True)) / len(pairs),
        "meteor_exact_stem": meteor(pairs, NoWordNet()),
    }


def texts(pairs):
    expected = {
        "exact_match": sum(w.strip() == e.strip() for w, e in pairs) / len(pairs),
        "bleu_codexglue": bleu_of_all(pairs),
        "bleu_codexglue_smooth": sum(bleu_of_one(w, e) for w, e in pairs) / len(pairs),
        "edit_similarity": sum(alike(w.strip(), e.strip()) for w, e in pairs) / len(pairs),
        "exact_match_words": sum(w.split() == e.split() for w, e in pairs) / len(pairs),
        **packages(pairs),
    }
    return dict(written=[w for w, _ in pairs], expected_texts=[e for _, e in pairs], expected=expected)


def text_cases():
    draw = random.Random(13)
    some = [
        ("Returns the name of the file .", "Return the name of the file."),
        ("public int size ( ) { return this . size ; }", "public int size ( ) { return size ; }"),
        ("  same text \n", "same text"),
        ("the the the the", "the cat is on the mat"),
        ("", "nothing was written here"),
        ("something", ""),
        ("snake_case_name = 3.14 - x/2", "snake_case = 3.14-x / 2 ; it's"),
        ("GRÖSSE der Straße, 你好 мир", "größe der Strasse, 你好 Мир!"),
        ("int a;", "int a;"),
        ("costs 3,000.50 - or 4-5, e.g. 1.", "costs 3,000.5 - or 4 - 5 , e.g 1 ."),
        ("A & B &lt;tag&gt; &amp;amp; <skipped>x_y don't 'quote' [1] {2} ~`^", "A &amp; B <tag> &amp; x_y don't ' quote' [ 1 ] {2}"),
        ("line one-\nbroken\nline two", "line one broken line two"),
        ("(hi) -- ... , . ?! ¿qué? «x» e\u0301 ①", "( hi ) . . , ? ! ¿qué ? « x » é 1"),
        ("tab\tand\u00a0hard\u2003wide\x1cspaces", "tab and hard wide spaces"),
        ("running flies easily generalizations", "runs fly easy generalization of ponies"),
        ("a b c d", "d c b a"),
        ("x", "x"),
        ("", ""),
    ]
    vocabulary = "if ( x ) return y ; else z = foo_bar . get ( 1 ) + \"a\" <b> &quot;".split()
    longer = []
    for _ in range(12):
        expected = [draw.choice(vocabulary) for _ in range(draw.randint(1, 60))]
        written = [w if draw.random() < 0.8 else draw.choice(vocabulary) for w in expected if draw.random() < 0.95]
        longer.append((" ".join(written), " ".join(expected)))
    english = "the function returns returned returning value values of a list lists sorted quickly by keys key if empty, else . fetching obtains bigger (child)".split()
    prose = []
    for _ in range(30):
        expected = [draw.choice(english) for _ in range(draw.randint(1, 14))]
        written = [draw.choice(english) if draw.random() < 0.4 else w for w in expected]
        if draw.random() < 0.3:
            draw.shuffle(written)
        prose.append((" ".join(written), " ".join(expected)))
    return [
        texts(some), texts(longer), texts(prose), texts([("", "")]), texts([("a b c d e", "a b c d e")]),
        texts(some[4:5]), texts([("a b c", "x y z")]), texts([("one two", "one two")]),
    ] + [texts([pair]) for pair in some[5:16]]


# Part of speech: meanings, each a list of words; irregular forms.
MEANINGS = {
    "noun": [["function", "routine", "subroutine"], ["child", "kid", "young_person"], ["list", "listing"],
             ["value"], ["worth", "value"], ["man", "adult_male"], ["key", "Clef"], ["box", "container"], ["city", "town"]],
    "verb": [["return", "give_back", "yield"], ["get", "obtain", "fetch"], ["run", "execute"], ["sort", "order"],
             ["remove", "delete", "take_out"], ["create", "make"], ["list", "enumerate"]],
    "adj": [["quick", "fast"], ["big", "large(a)"], ["empty", "vacant"]],
    "adv": [["quickly", "rapidly", "fast"]],
}
IRREGULAR = {"noun": ["children child", "men man"], "verb": ["ran run", "got get", "made make"], "adj": ["bigger big"], "adv": []}
KINDS = {"noun": "n", "verb": "v", "adj": "a", "adv": "r"}


def small_wordnet(folder):
    """Every meaning lies at the offset that the index names, as in the real files."""
    folder.mkdir(exist_ok=True)
    for part, meanings in MEANINGS.items():
        kind, data, index = KINDS[part], "  1 A small WordNet of our own, for tests.\n", {}
        for words in meanings:
            offset = len(data)
            for word in words:
                index.setdefault(word.split("(")[0].lower(), []).append(offset)
            listed = " ".join(f"{word} {number:x}" for number, word in enumerate(words))
            data += f"{offset:08d} 03 {kind} {len(words):02x} {listed} 000 | meaning\n"
        lines = ["  1 A small WordNet of our own, for tests.\n"]
        for word, offsets in sorted(index.items()):
            count = len(offsets)
            lines.append(f"{word} {kind} {count} 0 {count} 0 " + " ".join(f"{at:08d}" for at in offsets) + "  \n")
        (folder / f"data.{part}").write_text(data)
        (folder / f"index.{part}").write_text("".join(lines))
        (folder / f"{part}.exc").write_text("".join(line + "\n" for line in IRREGULAR[part]))


class Alone(WordNetCorpusReader):
    """Without nltk's map from its own WordNet, which is not needed for synonyms."""

    def map_wn(self, version="wordnet"):
        return None


def synonym_cases():
    folder = HERE / "wordnet"
    small_wordnet(folder)
    with tempfile.TemporaryDirectory() as place:
        place = pathlib.Path(place)
        for file in folder.iterdir():
            (place / file.name).write_text(file.read_text())
        nltk.data.path.append(str(place))
        (place / "lexnames").write_text("".join(f"{n:02d}\tname.{n}\t1\n" for n in range(45)))
        (place / "index.sense").write_text("")
        (place / "cntlist.rev").write_text("")
        reader = Alone(str(place), None)
        words = [w.split("(")[0] for part in MEANINGS.values() for words in part for w in words if "_" not in w]
        words += "children kids men cities boxes ran running made runs lists listed bigger towns the a of unknown Clef clef".split()
        draw = random.Random(15)
        pairs = [("the routine yields", "the function returns"), ("two kids ran", "two children executed"), ("big towns", "large cities"), ("", "x")]
        for _ in range(40):
            expected = [draw.choice(words) for _ in range(draw.randint(1, 9))]
            near = lambda word: [w.split("(")[0] for part in MEANINGS.values() for words in part if word in words for w in words if "_" not in w]
            written = [draw.choice(near(w) + words[-20:]) if draw.random() < 0.3 else draw.choice(near(w) or [w]) for w in expected]
            pairs.append((" ".join(written), " ".join(expected)))
        each = [single_meteor_score(e.split(), w.split(), wordnet=reader) for w, e in pairs]
        without = [single_meteor_score(e.split(), w.split(), wordnet=NoWordNet()) for w, e in pairs]
    assert sum(a != b for a, b in zip(each, without)) > 10
    return [dict(pairs=pairs, scores=each)]


def stem_cases():
    """Words made of many starts and endings, and some that rules treat on their own."""
    draw = random.Random(16)
    starts = "gener hop fall fil siz tr happ enjo sk d l t agr f feed plast motor sing conflat troubl relat condit hesit digit conform radic vil analog oper feud decis hope call formal sens tripl electr good reviv allow infer gyroscop adjust def irrit replac adopt homolog commun activ angular effect bowdl prob c control r theo archaeo geo y yy sy eyed ayy 日本 é".split()
    ends = "s es ies sses ss ed ing eed ied ated bled ized ying y ational tional enci anci izer bli abli alli entli eli ousli ization ation ator alism iveness fulness ousness aliti iviti biliti fulli logi icate ative alize iciti ical ful ness al ance ence er ic able ible ant ement ment ent sion tion ou ism ate iti ous ive ize e ee ll lle le w x wing".split()
    words = "sky skies dying lying tying news innings outing cannings howe proceed exceed succeed die dies died ties tied spied fly flies a is be it ab yes by ally illy gally alli balli".split()
    words += [draw.choice(starts) + draw.choice(ends) for _ in range(900)]
    words += [draw.choice(starts) + draw.choice(ends) + draw.choice(ends) for _ in range(300)]
    stemmer = PorterStemmer()
    return [[word, stemmer.stem(word)] for word in sorted(set(words))]


def main():
    cases = dict(texts=text_cases(), synonyms=synonym_cases(), stems=stem_cases())
    out = json.dumps(cases, ensure_ascii=False, separators=(",", ":"))
    (HERE / "texts.json").write_text(out.replace('{"written"', '\n{"written"').replace('"stems"', '\n"stems"') + "\n")


if __name__ == "__main__":
    main()
