"""Which queries make no value much larger than the values stored: the others may outgrow memory within one step of an engine.

An engine counts what it sorts, joins and groups, and looks between steps whether it is to stop. A function that makes a
gigabyte out of a row does so within a step, uncounted. This is an allow-list, so whatever is unknown counts as growing.
"""

from typing import Final

from sqlglot import exp

# Nodes that give back no more than they are given, or something small.
_CALM_FUNCTIONS: Final = """
And Or Xor Not Exists Case If Cast TryCast Try Convert Coalesce Nullif Nvl2 Greatest Least Typeof IsNan IsInf IsNullValue
EqualNull Count CountIf Sum Avg Min Max Median Mode AnyValue First Last FirstValue LastValue NthValue ArgMax ArgMin LogicalAnd
LogicalOr BoolxorAgg BitwiseAndAgg BitwiseOrAgg BitwiseXorAgg Stddev StddevPop StddevSamp Variance VariancePop CovarPop
CovarSamp Corr Skewness Kurtosis Quantile ApproxQuantile PercentileCont PercentileDisc ApproxDistinct Grouping GroupingId
RegrAvgx RegrAvgy RegrCount RegrIntercept RegrR2 RegrSlope RegrSxx RegrSxy RegrSyy
RowNumber Rank DenseRank PercentRank CumeDist Ntile Lag Lead WidthBucket
Abs Acos Acosh Asin Asinh Atan Atan2 Atanh Cbrt Ceil Cos Cosh Cot Coth Degrees Exp Factorial Floor Ln Log Pi Pow Radians Rand
Round Sign Sin Sinh Sqrt Tan Tanh Trunc IntDiv Getbit BitLength BitwiseCount
Ascii ByteLength Chr Contains EndsWith StartsWith Initcap Left Length Lower Upper Levenshtein RegexpCount RegexpExtract
RegexpFullMatch RegexpILike RegexpLike Reverse Right SplitPart StrPosition Substring Trim Unicode JarowinklerSimilarity MD5 SHA
SHA2 Uuid
AddMonths CurrentDate CurrentDatetime CurrentTime CurrentTimestamp Date DateAdd DateBin DateDiff DateFromParts DateStrToDate
DateSub DateToDateStr DateTrunc Datetime Day DayOfMonth DayOfWeek DayOfWeekIso DayOfYear Dayname Extract Hour LastDay Localtime
Localtimestamp MakeInterval Minute Month Monthname MonthsBetween Quarter Second StrToDate StrToTime StrToUnix Time TimeFromParts
TimestampFromParts TimeStrToTime TimeToStr TimeToUnix TimestampAdd TimestampDiff TimestampSub TimestampTrunc TsOrDsAdd TsOrDsDiff
TsOrDsToDate TsOrDsToTime TsOrDsToTimestamp UnixDate UnixMicros UnixMillis UnixSeconds UnixToTime Week WeekOfYear WeekStart Year
YearOfWeek YearOfWeekIso JSONExtract JSONExtractScalar JSONExists JSONType
"""
_CALM_NAMES: Final = """
now age make_date make_time make_timestamp date_part datepart mod power trunc truncate sum avg total
length strlen ord damerau_levenshtein jaccard jaro_similarity jaro_winkler_similarity hamming editdist3 prefix suffix
regexp_matches strip_accents lcase ucase starts_with ends_with even gcd lcm gamma lgamma nextafter isfinite isinf isnan
signbit xor log2 log10 ceiling fdiv fmod divide multiply add subtract fsum kahan_sum sumkahan favg geomean geometric_mean product
entropy kurtosis_pop mad sem quantile quantile_cont quantile_disc max_by min_by argmax argmin first last any_value arbitrary
count_star sum_no_overflow bool_and bool_or century decade era millennium epoch epoch_ms epoch_us epoch_ns isoyear yearweek
dayofweek dayofmonth dayofyear weekday microsecond millisecond nanosecond timezone julian last_day time_bucket to_seconds
to_minutes to_hours to_days to_weeks to_months to_quarters to_years to_timestamp strptime try_strptime strftime today
get_current_timestamp transaction_timestamp datesub datetrunc date_sub hash md5_number typeof if ifnull unicode ntile cume_dist
percent_rank nth_value trim ltrim rtrim chr ascii json_array_length json_extract json_extract_string json_valid json_type
generate_series range
"""
# Each gives at most the sum, or twice, of what it is given; a few of them in a row do no harm.
_JOINING: Final = (exp.DPipe, exp.Concat, exp.ConcatWs, exp.Hex, exp.ToBase64, exp.Tuple)
_MOST_JOINED: Final = 16
_GROWING_NODES: Final = (exp.Pivot, exp.Lambda, exp.Comprehension)
_MOST_COLUMNS: Final = 1_000
_MOST_STARS: Final = 8
_MOST_LITERAL: Final = 10_000
# As rows of a FROM they are harmless; as one value they are a list of any length.
_SERIES: Final = frozenset({"generate_series", "range"})

_CALM: Final = frozenset(getattr(exp, name) for name in _CALM_FUNCTIONS.split())
_NAMES: Final = frozenset(_CALM_NAMES.split())


def may_grow(query: exp.Query) -> bool:
    """Whether a value or a row of this checked query may become far larger than what is stored."""
    joined = stars = literal = 0
    recursive = False
    for node in query.walk():
        if isinstance(node, exp.Literal):
            literal += len(node.name)
        elif isinstance(node, exp.Star):
            stars += not isinstance(node.parent, exp.Count)
        elif isinstance(node, exp.With):
            recursive = recursive or bool(node.args.get("recursive"))
        elif isinstance(node, exp.Select):
            if len(node.expressions) > _MOST_COLUMNS:
                return True
        elif isinstance(node, _JOINING):
            joined += _operands(node)
        elif isinstance(node, _GROWING_NODES) or (isinstance(node, exp.Func) and not _is_calm(node)):
            return True
    return (recursive and joined > 0) or joined > _MOST_JOINED or stars > _MOST_STARS or literal > _MOST_LITERAL


def _is_calm(node: exp.Func) -> bool:
    if isinstance(node, exp.Anonymous):
        return node.name.lower() in _NAMES and (node.name.lower() not in _SERIES or _makes_rows(node))
    if isinstance(node, exp.Replace):
        sought, instead = node.expression, node.args.get("replacement")
        if not isinstance(sought, exp.Literal) or not isinstance(instead, exp.Literal):
            return False
        return len(instead.name) <= len(sought.name)
    if isinstance(node, (exp.GenerateSeries, exp.ExplodingGenerateSeries)):
        return _makes_rows(node)
    # With a count these give a list of that length.
    if isinstance(node, (exp.Min, exp.Max, exp.ArgMin, exp.ArgMax)) and (node.expressions or node.args.get("count")):
        return False
    return type(node) in _CALM


def _makes_rows(node: exp.Func) -> bool:
    return isinstance(node.parent, (exp.Table, exp.Lateral))


def _operands(node: exp.Expr) -> int:
    # A tuple is what stands behind IN, too; only one that is a value grows.
    if isinstance(node, exp.Tuple):
        return 0 if isinstance(node.parent, (exp.In, exp.Values)) else 1
    return max(len(node.expressions), 1)
