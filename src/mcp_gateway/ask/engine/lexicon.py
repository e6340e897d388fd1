"""The words that say what to do rather than what about: comparisons, counts, superlatives, order, grouping, negation.

Every table maps phrases (folded words, in order) to a meaning. `Phrases` finds the longest one at a position. Data only;
the rules of `grammar/` say what a phrase does.
"""

from collections.abc import Mapping, Sequence
from typing import Generic, TypeVar

from mcp_gateway.ask.engine.form import AggregateFunction, ComparisonOperator
from mcp_gateway.ask.engine.number_words import ONES, TENS
from mcp_gateway.ask.engine.text import Token

Meaning = TypeVar("Meaning")


class Phrases(Generic[Meaning]):
    """Phrases with a meaning each; the longest that stands at a position wins."""

    def __init__(self, meanings: Mapping[str, Meaning]) -> None:
        self._meanings: dict[str, Meaning] = {}
        self._longest: dict[str, int] = {}
        for phrase, meaning in meanings.items():
            self.add(phrase, meaning)

    def add(self, phrase: str, meaning: Meaning) -> None:
        """One more phrase; one known already keeps its meaning."""
        words = phrase.split()
        self._meanings.setdefault(" ".join(words), meaning)
        self._longest[words[0]] = max(self._longest.get(words[0], 0), len(words))

    def at(self, tokens: Sequence[Token], position: int) -> tuple[Meaning, int] | None:
        """The meaning of the longest phrase at `position`, and where it ends."""
        if position >= len(tokens):
            return None
        longest = self._longest.get(tokens[position].low)
        if longest is None:
            return None
        for end in range(min(position + longest, len(tokens)), position, -1):
            phrase = " ".join([token.low for token in tokens[position:end]])
            if phrase in self._meanings:
                return self._meanings[phrase], end
        return None


def _compared(phrases: str, operator: ComparisonOperator) -> dict[str, ComparisonOperator]:
    return _each(phrases, operator)


def _aggregated(phrases: str, function: AggregateFunction) -> dict[str, AggregateFunction]:
    return _each(phrases, function)


def _each(phrases: str, meaning: Meaning) -> dict[str, Meaning]:
    return {phrase.strip(): meaning for phrase in phrases.split(",")}


COMPARATORS: Phrases[ComparisonOperator] = Phrases(
    _compared(
        "more than,greater than,larger than,higher than,bigger than,over,above,exceeding,exceeds,exceed,beyond,in excess of,>,"
        "exceeded,bigger,after,later than,longer than,strictly more than,strictly greater than,more expensive than,"
        "surpassing,surpasses,strictly above,newer than,older than,heavier than,taller than",
        ">",
    )
    | _compared(
        "at least,no less than,not less than,no fewer than,a minimum of,minimum of,>=,greater than or equal to,since,"
        "more than or equal to,no lower than,starting from,no earlier than,on or after,after or in,in or after,not before,"
        "not lower than,not smaller than,from at least,higher than or equal to,equal or more than,equal to or more than,"
        "later than or in,after or on,equal to or greater than,larger than or equal to",
        ">=",
    )
    | _compared(
        "less than,fewer than,lower than,smaller than,below,under,<,shorter than,before,prior to,earlier than,cheaper than,"
        "strictly less than,up until,lighter than,younger than,ahead of,worse than",
        "<",
    )
    | _compared(
        "at most,no more than,not more than,up to,a maximum of,maximum of,<=,less than or equal to,no greater than,"
        "no higher than,on or before,before or in,in or before,not after,no later than,not exceeding,earlier than or in,"
        "not larger than,not greater than,fewer than or equal to,equal or less than,equal to or less than,as of",
        "<=",
    )
    | _compared("equal to,equals,equal,exactly,=,precisely", "=")
    | _compared("not equal to,different from,other than,!=,<>,not exactly", "!=")
)
AFTER_NUMBER: Phrases[ComparisonOperator] = Phrases(
    _compared(
        "or more,or above,or higher,or greater,or older,or over,or later,or after,or longer,or larger,and above,and over,"
        "and up,or newer,or bigger,or better,and higher,and more",
        ">=",
    )
    | _compared(
        "or less,or below,or lower,or fewer,or under,or younger,or earlier,or before,or shorter,or smaller,and below,or older",
        "<=",
    )
)
AGGREGATES: Phrases[AggregateFunction] = Phrases(
    _aggregated("average,mean,avg,averaged,average of,average value of,mean of,averages", "avg")
    | _aggregated("total,sum,sum of,total sum of,total of,combined,overall,cumulative,in total,summed", "sum")
    | _aggregated("maximum,max,highest,largest,biggest,greatest,longest,latest,most,maximal,oldest,top", "max")
    | _aggregated("minimum,min,lowest,smallest,least,shortest,earliest,minimal,cheapest,youngest", "min")
)
COUNTS: Phrases[bool] = Phrases(
    _each(
        "how many,number of,the number of,count of,the count of,count,count the number of,count how many,total number of,"
        "total count of,the total number of,a count of,a total count of,numbers of,amount of,the amount of,quantity of,"
        "number,how many times,total numbers of,the quantity of,counts of,the counts of,tally",
        True,
    )
)
# Superlatives: True is the largest first. They want a number or a date; an adjective brings its own.
SUPERLATIVES: Phrases[bool] = Phrases(
    _each("most,highest,largest,biggest,greatest,maximum,max,top,maximal,best,utmost,peak", True)
    | _each("least,lowest,smallest,fewest,minimum,min,minimal,bottom,worst", False)
)
COMMON: Phrases[bool] = Phrases(
    _each(
        "most common,most popular,most frequent,most frequently,most commonly,most often,most frequently used,most used,"
        "most prevalent,most commonly used,most typical,mostly,most widely used,most numerous,"
        "most popularly used,dominant,most mentioned",
        True,
    )
    | _each("least common,least popular,least frequent,rarest,least frequently,least commonly used,least used,least often", False)
)
# Adjectives that speak of a column by what it measures: superlative, comparative -> (words of the column, largest first).
# A word with "-" before it names a column for which the order is the other way round.
_ADJECTIVES: tuple[tuple[str, str, str, bool], ...] = (
    ("oldest", "older", "age -birth -born -dob -founded -found -built -opened -open -year -date -opening -established", True),
    ("youngest", "younger", "age -birth -born -dob", False),
    ("tallest", "taller", "height stories", True),
    ("longest", "longer", "length duration time distance hours minutes milliseconds", True),
    ("shortest", "shorter", "length duration height time distance", False),
    ("heaviest", "heavier", "weight", True),
    ("lightest", "lighter", "weight", False),
    ("most expensive", "more expensive", "price cost charge fee amount rate", True),
    ("priciest", "pricier", "price cost charge fee amount", True),
    ("costliest", "costlier", "price cost charge fee amount", True),
    ("cheapest", "cheaper", "price cost charge fee amount rate", False),
    ("least expensive", "less expensive", "price cost charge fee amount", False),
    ("fastest", "faster", "speed horsepower -time -duration", True),
    ("slowest", "slower", "speed -time -duration", False),
    ("earliest", "earlier", "date year time start", False),
    ("first", "", "date year time start", False),
    ("latest", "later", "date year time start", True),
    ("most recent", "more recent", "date year time start", True),
    ("most recently", "more recently", "date year time start", True),
    ("newest", "newer", "date year time start", True),
    ("last", "", "date year time", True),
    ("richest", "richer", "worth money income salary wealth", True),
    ("poorest", "poorer", "worth money income salary", False),
    ("farthest", "farther", "distance", True),
    ("nearest", "nearer", "distance", False),
    ("closest", "closer", "distance", False),
    ("most populous", "more populous", "population", True),
    ("most populated", "more populated", "population", True),
    ("largest", "larger", "size area capacity population square amount total", True),
    ("biggest", "bigger", "size area capacity population amount total", True),
    ("smallest", "smaller", "size area capacity population", False),
    ("best", "better", "rating score rank grade", True),
    ("worst", "worse", "rating score grade", False),
    ("highest paid", "higher paid", "salary wage pay", True),
    ("best paid", "better paid", "salary wage pay", True),
    ("lowest paid", "lower paid", "salary wage pay", False),
    ("most powerful", "more powerful", "horsepower power", True),
    ("strongest", "stronger", "strength power", True),
    ("hottest", "hotter", "temperature", True),
    ("coldest", "colder", "temperature", False),
    ("widest", "wider", "width", True),
    ("deepest", "deeper", "depth", True),
    ("highest rated", "", "rating score", True),
    ("top rated", "", "rating score", True),
    ("lowest rated", "", "rating score", False),
    ("best rated", "", "rating score", True),
    ("most profitable", "more profitable", "profit earning", True),
    ("most valuable", "more valuable", "value price worth", True),
)
SUPERLATIVE_ADJECTIVES: Phrases[tuple[str, bool]] = Phrases({first: (words, up) for first, _, words, up in _ADJECTIVES})
COMPARATIVE_ADJECTIVES: Phrases[tuple[str, bool]] = Phrases(
    {f"{second} than": (words, up) for _, second, words, up in _ADJECTIVES if second}
)
HOW_MEASURE: Phrases[str] = Phrases(
    {
        "how old": "age birth", "how tall": "height", "how long": "length duration time", "how heavy": "weight",
        "how much": "price cost amount salary money total fee charge balance", "how far": "distance", "how fast": "speed",
        "how large": "size area capacity population", "how big": "size area capacity population", "how high": "height elevation",
        "when": "date time year day start", "where": "location address city place country state", "how expensive": "price cost",
    }
)  # fmt: skip
TOP_SELLING: Phrases[bool] = Phrases(_each("best selling,top selling,best - selling,top - selling,bestselling", True))
BY: Phrases[bool] = Phrases(
    _each(
        "by,in terms of,based on,according to,ranked by,with respect to,measured by,as measured by,ordered by,"
        "with the highest,with the most,with the largest",
        True,
    )
)
EACH: Phrases[bool] = Phrases(
    _each(
        "for all different,for all distinct,across different,for each,for every,per,each,every,in each,in every,of each,"
        "by each,at each,on each,within each,across each,"
        "grouped by,group by,from each,to each,for each of the,for different,of every,from every,"
        "for each different,for each distinct,under each,for any,broken down by,split by,corresponding to each,for various,"
        "of different,in different,each of the,with each,grouped according to,belonging to each,categorized by,per each",
        True,
    )
)
ORDERED: Phrases[bool | None] = Phrases(
    _each(
        "sorted by,ordered by,order by,sort by,in order of,in the order of,ranked by,rank by,ordered according to,order of,"
        "sorted according to,ordered in terms of,arranged by,sorted in order of,sorted in,ordered in,sort them by,"
        "sort the list by,sort the result,sort the results,order the result,order the results,sort results,order results,"
        "order them by,order the results by,sort the results by,ordering by,sorting by,arrange by,listed by,sort,sorted,ordered,"
        "sorted on,ordered on,in order,sort results by,order results by,sorted from,ordered from,ordering them by,sort it by",
        None,
    )
    | _each(
        "in ascending order of,in ascending order by,in ascending order,in increasing order of,in increasing order,ascending,asc,"
        "in the ascending order of,in an ascending order,in ascending alphabetical order,in ascending order based on,"
        "in alphabetical order of,in alphabetical order by,in alphabetical order,alphabetically,alphabetical order,"
        "in lexicographic order,in lexicographical order,lexicographically,ascending order of,ascending order,"
        "in chronological order,chronologically,from lowest to highest,from low to high,from smallest to largest,"
        "from the lowest to the highest,from least to most,from short to long,from shortest to longest,from earliest to latest,"
        "ascendingly,by ascending,in ascending,alphabetical order of,alphabetic order,in alphabetic order,in ascending order for,"
        "from the smallest to the largest,by ascending order of,in alphabetical ascending order,from oldest to newest,"
        "in order from lowest to highest,starting from the lowest,increasing order of,increasing order,from early to late",
        False,
    )
    | _each(
        "in descending order of,in descending order by,in descending order,in decreasing order of,in decreasing order,descending,"
        "desc,in reverse alphabetical order,in reverse order,in reverse lexicographic order,in reverse lexicographical order,"
        "from highest to lowest,from high to low,from largest to smallest,from the highest to the lowest,from most to least,"
        "from longest to shortest,from latest to earliest,descending order of,descending order,in the descending order of,"
        "by descending,in descending,in descending alphabetical order,in reversed alphabetical order,from newest to oldest,"
        "in a descending order,reverse alphabetical order,in descending order based on,highest first,largest first,"
        "from most recent to least recent,from the most recent,from best to worst,in reversed order,decreasing order of,"
        "in reverse alphabetical order of,in reverse alphabetical order by,from the largest to the smallest,most recent first,"
        "in order from highest to lowest,starting from the highest,in descending order for,descendingly,decreasing order,"
        "latest first,newest first,biggest first,from late to early",
        True,
    )
)
_UP, _DOWN = (
    "ascending increasing alphabetical alphabetic lexicographic lexicographical chronological",
    "descending decreasing reverse reversed",
)
for _direction, _adjectives in ((False, _UP), (True, _DOWN)):
    for _adjective in _adjectives.split():
        for _second in ("", " alphabetical", " lexicographic", " lexicographical", " ascending"):
            for _opening in ("in ", "in the ", "in an ", "in a ", "by ", "the ", ""):
                for _closing in (
                    " order of",
                    " order by",
                    " order",
                    " order for",
                    " order based on",
                    " order according to",
                    " order on",
                    " of",
                    "",
                ):
                    if _closing or _opening in {"in ", "by "}:
                        ORDERED.add(f"{_opening}{_adjective}{_second}{_closing}", _direction)
NOT_DENIALS: Phrases[bool] = Phrases(_each("not only,no matter,not just", True))
NEGATIONS: Phrases[bool] = Phrases(
    _each("not,no,without,never,except,excluding,neither,nor,except for,lacking,other than,do not,does not,did not,cannot,"
          "besides,"
          "is not,are not,was not,were not,have not,has not,had not,not any,not been,have never,has never,had never,none of,"
          "apart from,are no,is no,does no,do no,have no,has no,had no,exclude,not have any,any of", True)
)  # fmt: skip
DISTINCT: Phrases[bool] = Phrases(
    _each("distinct,different,unique,the different,the distinct,all different,all distinct,various,distinctive,differing,"
          "without duplicates,without repetition", True)
)  # fmt: skip
LIKE: Phrases[str] = Phrases(
    _each(
        "contains,contain,containing,contained,that contains,include,includes,including,has the letter,have the letter,"
        "has the word,have the word,has the substring,have the substring,with the letter,with the word,with the substring,"
        "contains the word,contains the letter,containing the word,containing the letter,contains the substring,"
        "contain the word,contain the letter,contain the substring,containing the substring,contains the phrase,"
        "containing the phrase,includes the word,include the word,including the word,with the string,contains the string,"
        "contain the string,containing the string,contain the phrase,that includes,has,have,like,with substring,have a,has a,"
        "contains the text,contain the text,containing the text,contains letter,has substring,have substring",
        "contains",
    )
    | _each(
        "starts with,start with,starting with,begins with,begin with,beginning with,started with,starts with the letter,"
        "start with the letter,starting with the letter,begins with the letter,begin with the letter,beginning with the letter,"
        "starts with letter,start with letter,starting with letter,starting with the,prefixed with,has the prefix,"
        "have the prefix,"
        "have prefix,with prefix,with the prefix,start with the prefix,starts with the prefix,beginning with letter,"
        "starting in,has a prefix of",
        "starts",
    )
    | _each(
        "ends with,end with,ending with,ends in,ending in,end in,ended with,ends with the letter,end with the letter,"
        "ending with the letter,ending with letter,have the suffix,has the suffix,end with letter,with the suffix",
        "ends",
    )
)
_NUMBER_WORDS: Mapping[str, int] = {**ONES, **TENS, "hundred": 100, "once": 1, "twice": 2, "thrice": 3}


def number_word(word: str) -> int | None:
    """The number a word stands for."""
    return _NUMBER_WORDS.get(word)


_ORDINALS: Mapping[str, int] = {
    word: place
    for place, words in enumerate(("second 2nd", "third 3rd", "fourth 4th", "fifth 5th", "sixth 6th"), start=2)
    for word in words.split()
}


def ordinal_word(word: str) -> int | None:
    """The place a word stands for, from the second on."""
    return _ORDINALS.get(word)


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


# Carry no meaning of their own here.
FILLERS = _words(
    """a an the of for in on at by to from and or is are was were be been being do does did have has had having there their its
    his either
    her them they it he she this that these those who whom whose which what where when how with as all any some please can could
    you me we i us our your my would will if then than also both each just only so such here list show find give return
    tell display get name report provide select present identify retrieve fetch along together well ones one's own about into per
    among within between out up too each 's let know want see need like ; : , . ? ! ( ) - / \" ' & * am more"""
)
# Say something, but rarely something a query must show: left over, they cost a little.
SOFT = _words(
    """information info details detail data record records database listed list currently current recorded available exist
    exists existing
    registered corresponding respective respectively associated related belonging belong belongs kind kinds entry entries value
    values item result results given following whole entire total overall separately including appear appears occurring occurred
    found shown stored contain particular specific certain people person someone come comes came live lives lived living located
    work works working worked use uses used using make makes made making take takes took taken taking play plays played playing
    own owns owned offer offers offered offering held hold holds holding called named name titled number numbers many much
    describe
    compute calculate determine ordered sorted return count times time year years day month date old been least once different
    various type types produced produce produces built run runs ran running serve serves served teach teaches taught work study
    studying studied enrolled attend attended participate participated participating received receive have got went go goes going
    based according across part parts side say says said think sale sold buy bought purchase purchased belonged assigned happen
    happened happening involved involve affected shared share shares ones first last together every everyone anyone full
    visit visited treat treated being earn earns earning spend spent cost costs paid pay pays higher lower exactly
    something anything yet new still sell sells carry carries stock  altogether because kept keep keeps placed
    place us single bring brings brought handle handled conducted performed located situated ever wrote written write directed
    direct published publish made released release"""
)
IRREGULAR_VERBS = _words(
    """built made held taught won bought sold paid spent written wrote driven drove flown flew taken took given gave run ran
    sung sang
    drew drawn chose chosen grew grown led met sent shown saw seen began begun born got beat lost found kept left told worn
    owned"""
)
ASK_WORDS = _words(
    """what which show list find give return tell display get report provide select present identify retrieve fetch who whom
    count describe compute calculate determine name rank"""
)
# Words that must not be dropped silently.
PER: Phrases[bool] = Phrases({"per": True})
CUES: tuple[Phrases[bool] | Phrases[ComparisonOperator] | Phrases[AggregateFunction] | Phrases[tuple[str, bool]], ...] = (
    NEGATIONS, COMPARATORS, SUPERLATIVES, SUPERLATIVE_ADJECTIVES, COMMON, AGGREGATES, PER,
)  # fmt: skip
