"""Texts as words: where they stand, what they are without case and accents, and which of them say little."""

import re
import unicodedata
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

import snowballstemmer

# A run of letters and digits; of the scripts written without spaces each character is a word.
_WORD: Final = re.compile(r"[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]|[^\W_\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]+")
# Letters that decomposition leaves whole.
_LETTERS: Final = str.maketrans({"ß": "ss", "ø": "o", "đ": "d", "ł": "l", "æ": "ae", "œ": "oe", "ı": "i", "ð": "d", "þ": "th"})

# Words that are hardly ever meant as a value when they stand alone.
STOP_WORDS: Final = frozenset(
    """
    a an and any are as at all am be been being both but by can could did do does down each either every for from had has have he
    her hers him his how i if in into is it its just let like may me might more most much must my no nor not of off on one only
    or other our out over own per please shall she should so some such than that the their them then there these they this those
    to too under up upon us very was we were what when where which while who whom whose why will with would you your
    s t d ll m re ve und oder der die das den dem des ein eine le la les de du des et un une el los las y en
    """.split()
)
# Words of questions and reports: spelled right as they are, so no typing errors for a name.
COMMON_WORDS: Final = STOP_WORDS | frozenset(
    """
    about above across after again ago along already also although always among amount amounts answer anyone anything apart
    april around ascending ask august average averages away back based because become before began begin behind below beside
    besides best better between bigger biggest born bottom bought bring brought buy called came cannot case category change
    changed city close come common compare compared contain containing contains cost costs count country counts current
    currently customer customers daily data database date dates day days december decrease descending describe detail
    details difference different display distinct done during earlier earliest early eight eighty either eleven else end
    ended equal even ever every everyone everything exactly except exist exists expensive february fewer fewest fifth fifty
    find first five follow following former forty found four fourth from full gave general get getting give given gives goes
    going gone good great greater greatest group grouped grow growth half happen have having held hence here high higher
    highest hour hours hundred identify include included includes including increase information instead interest into item
    items january july june keep kept kind know known large larger largest last late later latest least leave left less
    letter level life line list listed lists little live lived lives long longer longest look lower lowest made main make
    makes many march match maximum may mean means meant median meet member middle million minimum minute minutes month
    monthly months move much multiple name named names near need neither never newest next nine none nothing november number
    numbers occur october often older oldest once open opposed order ordered orders originally others otherwise overall paid
    pair part particular past people percent percentage person place placed please point popular possible present previous
    price prices produce provide quarter quarterly question quite range rank rate rather really reason recent recently
    record records region relate related report respective respectively result results return returned revenue right same
    saw second seconds see seem select sell sells sent separate september seven share short shorter shortest show shown
    shows side since single six sixth sixty size small smaller smallest sold someone something sort sorted spend spent stand
    start started starting state states still stop stored sum summary table take taken tell ten than thank that their them
    then therefore thing things third thirty thousand three through time times today together told tomorrow took top total
    totals toward town trend twelve twenty twice type types unique unit units until upper used using usual value values
    various view want wanted week weekly weeks well went were what whether which whole whose wide with within without word
    words work worked works worst worth year yearly years yesterday young younger youngest zero
    """.split()
)

_stemmer = snowballstemmer.stemmer("english")


@dataclass(frozen=True, slots=True)
class Word:
    """text[start:end], and the same folded."""

    start: int
    end: int
    folded: str


def fold(text: str) -> str:
    """Lower case without accents."""
    if text.isascii():
        return text.lower()
    decomposed = unicodedata.normalize("NFKD", text.casefold())
    return "".join(letter for letter in decomposed if not unicodedata.combining(letter)).translate(_LETTERS)


def fold_words(text: str) -> list[str]:
    """The folded words of a text, in order."""
    return _WORD.findall(fold(text))


def find_words(text: str) -> list[Word]:
    """The words of a text with their places."""
    return [Word(found.start(), found.end(), fold(found.group())) for found in _WORD.finditer(text)]


@lru_cache(maxsize=20_000)
def stem(word: str) -> str:
    """The English stem; words of digits, and short ones, stay as they are."""
    if len(word) < 4 or not word.isalpha():
        return word
    stemmed: str = _stemmer.stemWord(word)
    return stemmed
