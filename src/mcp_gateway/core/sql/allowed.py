"""What a read-only query may be made of: sqlglot's node types, its known functions, and plain functions per dialect by name.

These are allow-lists: what is not here is refused, so forgetting something costs a question, never a table. Nothing here
reads a file, the network, a setting or a system catalog, waits, locks, draws from a sequence, or runs a text as SQL.
"""

from collections.abc import Mapping
from typing import Final

from sqlglot import exp

_NODES: Final = """
Select Union Except Intersect SetOperation Subquery CTE With RecursiveWithSearch Values Tuple Paren From Join Lateral Table
TableAlias Alias Aliases Column Identifier Dot Star Where Group GroupingSets Cube Rollup Having Qualify Order Ordered Limit
Offset Fetch LimitOptions Distinct Window WindowSpec Filter WithinGroup IgnoreNulls RespectNulls HavingMax TableSample Pivot
PivotAlias PivotAny UnpivotColumns Literal Boolean Null National RawString ByteString UnicodeString HexString BitString
Introducer DataType DataTypeParam ColumnDef Var Interval IntervalSpan Kwarg PropertyEQ Lambda Comprehension Bracket Slice
EQ NEQ GT GTE LT LTE Is In Between Like ILike Glob SimilarTo Escape NullSafeEQ NullSafeNEQ Not Neg Add Sub Mul Div IntDiv Mod
DPipe BitwiseAnd BitwiseOr BitwiseXor BitwiseNot BitwiseLeftShift BitwiseRightShift Any All AtTimeZone FromTimeZone Overlaps
Adjacent Distance PositionalColumn JSON JSONPath JSONPathFilter JSONPathKey JSONPathRecursive JSONPathRoot JSONPathSelector
JSONPathSlice JSONPathSubscript JSONPathUnion JSONPathWildcard JSONKeyValue JSONValue JSONColumnDef JSONSchema JSONExtractQuote
FormatJson OnCondition When Collate CharacterSet WithFill Pseudocolumn Match ColumnPosition IndexTableHint TranslateCharacters
"""

_FUNCTIONS: Final = """
And Or Xor Not Exists Case If Cast TryCast Try Convert Coalesce Nullif Nvl2 Greatest Least Collate Typeof IsNan IsInf
IsNullValue EqualNull DecodeCase Booland Boolor Boolnot ToNumber ToChar ToDouble Nanvl NumberToStr

Count CountIf Sum Avg Min Max Median Mode AnyValue First Last FirstValue LastValue NthValue ArgMax ArgMin ArrayAgg
ArrayConcatAgg ArrayUniqueAgg ArrayUnionAgg GroupConcat LogicalAnd LogicalOr BoolxorAgg BitwiseAndAgg BitwiseOrAgg
BitwiseXorAgg Stddev StddevPop StddevSamp Variance VariancePop CovarPop CovarSamp Corr Skewness Kurtosis Quantile
ApproxQuantile ApproxQuantiles PercentileCont PercentileDisc ApproxDistinct ApproxTopK ApproxTopSum Hll ObjectAgg JSONArrayAgg
JSONObjectAgg JSONBObjectAgg Grouping GroupingId RegrAvgx RegrAvgy RegrCount RegrIntercept RegrR2 RegrSlope RegrSxx RegrSxy
RegrSyy RegrValx RegrValy

RowNumber Rank DenseRank PercentRank CumeDist Ntile Lag Lead WidthBucket

Abs Acos Acosh Asin Asinh Atan Atan2 Atanh Cbrt Ceil Cos Cosh Cot Coth Degrees Exp Factorial Floor Ln Log Pi Pow Radians Rand
Rint Round Sign Sin Sinh Sqrt Tan Tanh Trunc Negative SafeDivide SafeAdd SafeSubtract SafeMultiply SafeNegate BitwiseCount
Getbit BitLength IntDiv

Ascii ByteLength Chr Concat ConcatWs Contains EndsWith StartsWith Initcap Left Length Lower Upper Levenshtein Overlay Pad
Normalize RegexpCount RegexpExtract RegexpExtractAll RegexpFullMatch RegexpILike RegexpInstr RegexpLike RegexpReplace
RegexpSplit RegexpSubstr Repeat Replace Reverse Right RtrimmedLength Soundex Space Split SplitPart SplitToTable StrPosition
String StringToArray Strtok StrtokToArray Stuff Substring SubstringIndex Translate Trim Unicode Format Elt JarowinklerSimilarity
Base64Encode Base64DecodeBinary Base64DecodeString ToBase64 FromBase64 Encode Decode Hex LowerHex Unhex MD5 MD5Digest SHA SHA2
SHA1Digest SHA2Digest Uuid Search MatchAgainst

AddMonths ConvertTimezone CurrentDate CurrentDatetime CurrentTime CurrentTimestamp CurrentTimestampLTZ CurrentTimezone Date
DateAdd DateBin DateDiff DateFromParts DateFromUnixDate DateStrToDate DateSub DateToDateStr DateToDi DateTrunc Datetime
DatetimeAdd DatetimeDiff DatetimeSub DatetimeTrunc Day DayOfMonth DayOfWeek DayOfWeekIso DayOfYear Dayname DiToDate Extract
FromISO8601Date FromISO8601Timestamp GenerateDateArray GenerateTimestampArray Hour JustifyDays JustifyHours JustifyInterval
LastDay Localtime Localtimestamp MakeInterval Minute Month Monthname MonthsBetween NextDay ParseDatetime ParseTime PreviousDay
Quarter Second StrToDate StrToTime StrToUnix Systimestamp Time TimeAdd TimeDiff TimeFromParts TimeSlice TimeStrToDate
TimeStrToTime TimeStrToUnix TimeSub TimeToStr TimeToTimeStr TimeToUnix TimeTrunc Timestamp TimestampAdd TimestampDiff
TimestampFromParts TimestampLtzFromParts TimestampSub TimestampTrunc TimestampTzFromParts ToDays TsOrDiToDi TsOrDsAdd
TsOrDsDiff TsOrDsToDate TsOrDsToDateStr TsOrDsToDatetime TsOrDsToTime TsOrDsToTimestamp UnixDate UnixMicros UnixMillis
UnixSeconds UnixToStr UnixToTime UnixToTimeStr UtcDate UtcTime UtcTimestamp Week WeekOfYear WeekStart Year YearOfWeek
YearOfWeekIso

Array ArrayAll ArrayAny ArrayAppend ArrayCompact ArrayConcat ArrayContainedBy ArrayContains ArrayContainsAll ArrayDistinct
ArrayExcept ArrayFilter ArrayFirst ArrayInsert ArrayIntersect ArrayLast ArrayMax ArrayMin ArrayOverlaps ArrayPosition
ArrayPrepend ArrayRemove ArrayRemoveAt ArrayReverse ArraySize ArraySlice ArraySort ArraySum ArrayToString ArraysZip Columns
CosineDistance DotProduct EuclideanDistance Explode Posexplode ExplodingGenerateSeries Flatten GenerateSeries Inline List Map
MapCat MapContainsKey MapFromEntries MapKeys MapSize Reduce Struct StructExtract ToArray ToMap Transform Unnest VarMap

JSONArray JSONArrayAppend JSONArrayContains JSONArrayInsert JSONBContains JSONBContainsAllTopKeys JSONBContainsAnyTopKeys
JSONBContainsTopKey JSONBDeleteAtPath JSONBExists JSONBExtract JSONBExtractScalar JSONBPathExists JSONBool JSONCast JSONExists
JSONExtract JSONExtractArray JSONExtractScalar JSONFormat JSONKeys JSONObject JSONRemove JSONSet JSONStripNulls JSONTable JSONType
JSONValueArray ParseJSON StripNullValue CheckJson LaxBool LaxFloat64 LaxInt64 LaxString
"""

# Functions sqlglot has no node for, allowed in every dialect.
_NAMES_EVERYWHERE: Final = """
now age make_date make_time make_timestamp date_part datepart row mod power trunc truncate sum avg total
"""

_NAMES: Final[Mapping[str, str]] = {
    "sqlite": """
        date time datetime julianday unixepoch strftime timediff total printf format quote likely unlikely likelihood instr
        random hex unhex sign nullif soundex json json_array json_array_length json_object json_quote json_type json_valid
        json_insert json_replace json_set json_remove json_patch json_group_array json_group_object json_error_position
        zeroblob randomblob percentile median octet_length acos asin atan sinh cosh tanh pi degrees radians
        log2 log10 ceiling unicode char bm25 highlight snippet match glob like regexp iif concat concat_ws string_agg
        """,
    "duckdb": """
        age histogram histogram_exact list_aggregate list_aggr list_sum list_avg list_min list_max list_count list_first list_last
        list_median list_mode list_stddev_samp list_stddev_pop list_var_samp list_var_pop list_any_value list_bool_and
        list_bool_or list_concat list_cat list_contains list_has list_distinct list_unique list_element list_extract list_filter
        list_grade_up list_has_all list_has_any list_intersect list_indexof list_position list_prepend list_append list_pack
        list_reduce list_resize list_reverse list_reverse_sort list_select list_slice list_sort list_transform list_value
        list_where list_zip list_string_agg list_histogram array_length array_value array_extract array_cosine_distance
        array_inner_product array_distance flatten len length strlen bin ord damerau_levenshtein jaccard jaro_similarity
        jaro_winkler_similarity hamming mismatches editdist3 prefix suffix string_split string_split_regex
        str_split str_split_regex
        regexp_split_to_array regexp_escape regexp_matches strip_accents nfc_normalize lcase ucase left_grapheme right_grapheme
        length_grapheme substring_grapheme starts_with ends_with array_to_string format printf formatreadablesize
        formatreadabledecimalsize format_bytes url_encode url_decode to_base bar even gcd lcm gamma lgamma nextafter isfinite
        isinf isnan signbit xor log2 log10 ceiling fdiv fmod divide multiply add subtract fsum kahan_sum sumkahan
        favg geomean geometric_mean product entropy kurtosis_pop mad sem approx_quantile reservoir_quantile quantile quantile_cont
        quantile_disc arg_max_null arg_min_null argmax argmin max_by min_by first last any_value arbitrary bitstring_agg
        weighted_avg wavg approx_top_k list_cosine_similarity count_star sum_no_overflow bool_and bool_or string_agg listagg
        century decade era millennium epoch epoch_ms epoch_us epoch_ns isoyear yearweek dayofweek dayofmonth dayofyear weekday
        microsecond millisecond nanosecond timezone timezone_hour timezone_minute julian last_day time_bucket to_seconds
        to_minutes to_hours to_days to_weeks to_months to_quarters to_years to_decades to_centuries to_millennia to_milliseconds
        to_microseconds to_timestamp make_timestamp make_timestamptz make_timestamp_ms make_timestamp_ns make_interval
        try_strptime strptime strftime today get_current_timestamp get_current_time transaction_timestamp datesub datetrunc
        date_sub datepart current_localtimestamp current_localtime generate_series range map map_concat map_entries
        map_extract map_extract_value map_from_entries map_keys map_values map_contains map_contains_value map_contains_entry
        element_at cardinality struct_pack struct_insert struct_extract struct_update struct_concat row union_value union_tag
        union_extract enum_code enum_first enum_last enum_range json json_array json_array_length json_contains json_exists
        json_extract json_extract_string json_extract_path json_extract_path_text json_group_array json_group_object
        json_group_structure json_keys json_merge_patch json_object json_quote json_structure json_transform
        json_transform_strict json_type json_valid json_value from_json from_json_strict to_json row_to_json array_to_json
        bit_count bit_position get_bit bitstring hash md5_number sha1 sha256 uuid gen_random_uuid uuidv4 uuidv7 typeof
        constant_or_null can_cast_implicitly if ifnull alias greatest_common_divisor least_common_multiple unicode
        nth_value ntile cume_dist percent_rank fill unpivot_list trim ltrim rtrim chr ascii equi_width_bins
        """,
    "postgres": """
        age clock_timestamp statement_timestamp transaction_timestamp timeofday make_date make_time make_timestamp
        make_timestamptz isfinite to_date to_timestamp date_bin date_add date_subtract timezone regexp_match regexp_matches
        regexp_split_to_array regexp_split_to_table regexp_like regexp_count regexp_instr regexp_substr string_to_array
        string_to_table array_to_string quote_ident quote_literal quote_nullable to_hex to_ascii convert_from convert_to
        octet_length char_length character_length btrim casefold unaccent similarity word_similarity strict_word_similarity
        num_nonnulls num_nulls row array_length array_lower array_upper array_ndims array_dims array_position array_positions
        array_replace array_fill array_shuffle array_sample array_sort array_reverse cardinality trim_array unnest
        generate_subscripts
        json_build_array json_build_object jsonb_build_array jsonb_build_object json_object jsonb_object json_agg jsonb_agg
        json_object_agg jsonb_object_agg jsonb_agg_strict json_agg_strict to_json to_jsonb row_to_json array_to_json
        json_array_length jsonb_array_length json_typeof jsonb_typeof json_extract_path json_extract_path_text jsonb_extract_path
        jsonb_extract_path_text json_each json_each_text jsonb_each jsonb_each_text json_object_keys jsonb_object_keys
        json_array_elements json_array_elements_text jsonb_array_elements jsonb_array_elements_text jsonb_pretty jsonb_set
        jsonb_insert jsonb_strip_nulls json_strip_nulls jsonb_path_query jsonb_path_query_array jsonb_path_query_first
        jsonb_path_exists jsonb_path_match jsonb_to_record jsonb_to_recordset json_to_record json_to_recordset hstore_to_json
        akeys avals skeys svals each lower_inc upper_inc lower_inf upper_inf isempty range_merge range_agg int4range int8range
        numrange tsrange tstzrange daterange every regr_count regr_r2 stddev_pop bit_and bit_or bit_xor any_value
        rank dense_rank percent_rank cume_dist ntile nth_value cbrt ceiling div factorial gcd lcm erf erfc gamma min_scale scale
        trim_scale log10 random_normal acosd asind atand cosd cotd sind tand to_tsvector to_tsquery plainto_tsquery
        phraseto_tsquery websearch_to_tsquery ts_rank ts_rank_cd ts_headline numnode setweight tsvector_to_array
        pg_typeof pg_size_pretty gen_random_uuid uuidv4 uuidv7 uuid_extract_timestamp sha224 sha256 sha384 sha512 get_byte get_bit
        bit_count crc32 host family network masklen netmask broadcast abbrev text st_x st_y st_distance st_within st_contains
        st_intersects st_area st_length st_astext point line box circle polygon area center diameter height width
        """,
    "mysql": """
        now sysdate curtime addtime subtime addtime maketime makedate period_add period_diff sec_to_time time_to_sec from_days
        to_days to_seconds microsecond yearweek weekday weekofyear dayofmonth dayofyear hour minute second time_format get_format
        unix_timestamp utc_date utc_time timestamp timediff field find_in_set make_set export_set insert mid locate position
        strcmp oct ord bin conv char_length character_length octet_length quote interval any_value row std bit_and bit_or
        bit_xor bit_count variance json json_array json_arrayagg json_object json_objectagg json_array_append
        json_array_insert json_contains json_contains_path json_depth json_extract json_insert json_keys json_length
        json_merge_patch json_merge_preserve json_overlaps json_pretty json_quote json_remove json_replace json_search json_set
        json_type json_unquote json_valid json_value json_compact json_detailed json_exists json_query regexp_instr
        regexp_like regexp_replace regexp_substr crc32 sha1 sha md5 uuid inet_aton inet_ntoa is_uuid degrees radians
        log2 log10 ceiling pow truncate cot isnull nvl nvl2 lcase ucase weight_string to_base64 from_base64
        """,
}  # fmt: skip

# Functions that may stand in FROM: they make rows out of their arguments alone.
_TABLE_NODES: Final = "GenerateSeries ExplodingGenerateSeries Unnest Explode Posexplode JSONTable"
_TABLE_NAMES: Final = """
json_each json_tree generate_series range unnest json_each_text jsonb_each jsonb_each_text json_object_keys jsonb_object_keys
json_array_elements json_array_elements_text jsonb_array_elements jsonb_array_elements_text jsonb_to_recordset
json_to_recordset jsonb_path_query regexp_split_to_table regexp_matches string_to_table generate_subscripts each skeys svals
"""


def _classes(names: str) -> frozenset[type[exp.Expr]]:
    return frozenset(getattr(exp, name) for name in names.split())


ALLOWED_NODES: Final = _classes(_NODES) | _classes(_FUNCTIONS)
TABLE_NODES: Final = _classes(_TABLE_NODES)
TABLE_FUNCTION_NAMES: Final = frozenset(_TABLE_NAMES.split())
_EVERYWHERE: Final = frozenset(_NAMES_EVERYWHERE.split())
_BY_DIALECT: Final = {dialect: frozenset(names.split()) | _EVERYWHERE for dialect, names in _NAMES.items()}


def allowed_function_names(dialect: str) -> frozenset[str]:
    """Functions allowed by name, lower case; a dialect without a list of its own gets the few that mean the same everywhere."""
    return _BY_DIALECT.get(dialect, _EVERYWHERE)
