"""A glossary kept in a spreadsheet says the same as one in YAML."""

from pathlib import Path

import pytest

from mcp_gateway.glossary.errors import BadGlossaryFile
from mcp_gateway.glossary.load import parse_glossary

YAML = """
entities: [{kind: product, label: Wand, table: products, column: id, value: 123, aliases: [abracadabra, the wand]}]
terms: [{aliases: [active], table: customers, condition: {default: customers.active, sqlite: customers.active = 1}}]
metrics: [{name: revenue, aliases: [revenue, sales], table: sales, expression: "SUM(sales.amount)", unit: EUR}]
periods: [{aliases: [today], start: CURRENT_DATE, end: CURRENT_DATE + INTERVAL '1' DAY}]
"""
HEADER = "section,aliases,kind,label,table,column,value,name,expression,condition,condition:sqlite,start,end,unit"
CSV = f"""{HEADER}
entity,abracadabra|the wand,product,Wand,products,id,123,,,,,,,
term,active,,,customers,,,,,customers.active,customers.active = 1,,,
metric,revenue|sales,,,sales,,,revenue,SUM(sales.amount),,,,,EUR
period,today,,,,,,,,,,CURRENT_DATE,CURRENT_DATE + INTERVAL '1' DAY,
"""


@pytest.mark.parametrize("separator", [",", ";", "\t"])
def test_csv_and_yaml_give_the_same_words(separator: str) -> None:
    from_csv = parse_glossary(Path("words.csv"), CSV.replace(",", separator).encode("utf-8-sig"))
    assert from_csv.vocabulary == parse_glossary(Path("words.yaml"), YAML.encode()).vocabulary


def test_digits_stay_text_when_the_line_says_so() -> None:
    content = b"section,table,column,value,value_type,aliases\nentity,t,zip,12345,text,downtown\nentity,t,n,12345,,many\n"
    assert [entity.value for entity in parse_glossary(Path("w.csv"), content).vocabulary.entities] == ["12345", 12345]


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ("", "w.csv, line 1: there is no header line"),
        ("section,tabel\n", "w.csv, line 1, tabel: unknown column"),
        ("section,alias:duckdb\n", "w.csv, line 1, alias:duckdb: unknown column"),
        ("section,table,table\n", "w.csv, line 1: a column stands here twice"),
        ("table,aliases\n", "w.csv, line 1, section: the column is missing"),
        ("section,table\nthing,t\n", "w.csv, line 2, section: says none of the four kinds"),
        ("section,table\n\nterm,t,more\n", "w.csv, line 3: 3 cells under 2 columns"),
        ('section,table\nterm,"t\n', "w.csv, line 2: not valid CSV: unexpected end of data"),
        ('section,aliases,table\nterm,"a\n\n\n",\nterm,b,\n', "w.csv, line 2, terms[0].table: is missing"),
    ],
)
def test_faults_name_the_line_of_the_file(content: str, expected: str) -> None:
    with pytest.raises(BadGlossaryFile) as caught:
        parse_glossary(Path("w.csv"), content.encode())
    assert caught.value.message.startswith(expected)


def test_faults_in_later_lines_count_the_lines_inside_quotes() -> None:
    content = 'section,aliases,table,description\nterm,a,t,"two\nlines"\nterm,b,,\n'
    with pytest.raises(BadGlossaryFile, match=r"w\.csv, line 4, terms\[1\]\.table: is missing"):
        parse_glossary(Path("w.csv"), content.encode())
