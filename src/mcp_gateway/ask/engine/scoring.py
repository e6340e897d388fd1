"""Every number that judges readings, in one place. Set by hand, tried on databases apart from those tuned on.

A word explained earns its weight times the strength of what explains it; a word left over costs.
Roughly, 1.0 is one content word.
"""

# --- words
WEIGHT_CONTENT = 1.0
WEIGHT_NUMBER = 1.1
WEIGHT_QUOTED = 1.3
WEIGHT_PROPER = 1.1  # capital letter inside a sentence
WEIGHT_VERB = 0.45  # a word in -ed or -ing that names nothing
WEIGHT_SOFT = 0.12
COST_SKIP = 0.9  # times the weight of the word left over
COST_SKIP_CUE = 0.8  # a cue (superlative, negation, comparison) left over
COST_DENIAL = 1.6  # "not" left over
BUSINESS_WORD = 0.5  # a metric or condition the glossary knows
GAIN_CUE = 0.55  # a cue used

# --- links
TRUST_EXACT = 1.0
MISSING_HEAD = 0.62  # the last word of the name is not in the question
MISSING_SUFFIX = 0.85  # only a "name", "code" or "title" at the end is missing
LABEL_AS_NAME = 0.7
VERB_TRUST = 0.7  # words trusted less than this are verbs that speak of a thing
EVENT_BY_VERB = 0.82  # "borrowed" for loans that point at borrowers
DOER_BY_VERB = 0.6  # "borrowed" for borrowers
MISSING_ID = 0.3
MISSING_MEASURE = 0.5  # "max_salary" when nothing said maximum
TABLE_ALIAS = 0.7  # what a key elsewhere calls the rows of a table
MIN_STRENGTH = 0.22
MAX_CHOICES = 12

# --- grammar
BARE_COLUMN_IN_WHERE = 0.5  # a column named among conditions with nothing said about it, taken as wanted
PREDICATE = 0.45  # a column with something said about it
AFTER_PREPOSITION = 0.4  # a column after "by" or "for" is rarely wanted
LONG_NAME = 0.25  # each further word of a name found whole
LIKE_A_TABLE = 0.3  # a column whose words name another table in full
CONTEXT_COLUMN = 0.35  # the same, taken as part of what is said and not shown
EXACT_TABLE = 0.15  # a table named in full is rather that table than a column called alike
FAR_AGGREGATE = 0.3
HAPPENED = 0.8  # a stored value before a time, where a date column is called like it

# --- binding
SAME_TABLE = 0.28  # a column of a table that the question names
OWNER = 0.35  # "name of the singer", "singer's name"
NEAR_ENTITY = 0.1
DISTANCE = 0.12  # each join away from the named tables
JOIN = 0.16  # each join of the final query
DISCONNECTED = 3.0
SHOWS_NOBODY = 0.6  # "who" answered with no person
LISTED = 0.15  # "name and address": columns of one table
SAID_TWICE = 0.4  # two columns asked for taken as one
COUNTS_ITSELF = 1.5  # rows counted within groups of one row each
MEETING = 3.0  # two tables joined only over something both point at, in joins
DETOUR = 0.8  # how much longer the way around may be, on each side

# --- search
BEAM_WIDTH = 14
BINDINGS = 4
SKETCHES = 8

# --- confidence (see confidence.py)
THRESHOLD = 0.5
MUST_BE_USED = 0.8  # words of this weight may not be left over
CONFIDENCE_BASE = -2.5
CONFIDENCE_LEAD = 1.5
CONFIDENCE_LOOSE = 0.65
CONFIDENCE_MEAN = 1.55
CONFIDENCE_GAIN = 1.7
CONFIDENCE_JOINS = 0.3
CONFIDENCE_PARTS = 0.09
CONFIDENCE_WORDS = 0.08
CONFIDENCE_BUSINESS = 0.4
PASSED_OVER = 1.2  # a column named without effect counts as so much of a word left over
WORTH_OFFERING = 0.03  # a reading less likely is not offered beside the best
# A question that leans on the one before is either understood whole or not at all.
FOLLOW_UP_CONFIDENCE = 0.9
HINTED_CONFIDENCE = 0.45  # a question that only hints at the one before
GUESS = 0.4  # most that a reading is worth which leaves out how the question was put
