"""Words that stand for a stored value without being it: "French" for France, "female" for F. Matched against sample values."""

from collections.abc import Iterator, Sequence

from mcp_gateway.ask.engine.schema_index import PreparedColumn, SchemaIndex
from mcp_gateway.ask.engine.sketch import ValueChoice, ValueMention
from mcp_gateway.ask.engine.text import Token

_STRENGTH = 0.85
_DEMONYMS = """french=france|british=united kingdom,uk,britain,great britain,england|english=england,english|
american=usa,united states,us,u.s.,united states of america,america|german=germany|italian=italy|spanish=spain|
japanese=japan|chinese=china|indian=india|dutch=netherlands,holland|russian=russia|canadian=canada|
australian=australia|brazilian=brazil|mexican=mexico|swedish=sweden|norwegian=norway|danish=denmark|finnish=finland|
polish=poland|portuguese=portugal|greek=greece|turkish=turkey|irish=ireland|scottish=scotland|welsh=wales|
swiss=switzerland|austrian=austria|belgian=belgium|korean=south korea,korea|egyptian=egypt|argentine=argentina|
argentinian=argentina|chilean=chile|colombian=colombia|peruvian=peru|cuban=cuba|israeli=israel|iranian=iran|iraqi=iraq|
thai=thailand|vietnamese=vietnam|indonesian=indonesia|malaysian=malaysia|filipino=philippines|pakistani=pakistan|
bangladeshi=bangladesh|ukrainian=ukraine|czech=czech republic,czechia|hungarian=hungary|romanian=romania|
bulgarian=bulgaria|croatian=croatia|serbian=serbia|kenyan=kenya|nigerian=nigeria|moroccan=morocco|
south african=south africa|european=europe|asian=asia|african=africa|bangla=bangla"""
_SEXES = {
    "female": ("f", "female", "woman", "w"), "females": ("f", "female"), "male": ("m", "male", "man"), "males": ("m", "male"),
    "woman": ("f", "female"), "women": ("f", "female"), "man": ("m", "male"), "men": ("m", "male"), "girl": ("f", "female"),
    "girls": ("f", "female"), "boy": ("m", "male"), "boys": ("m", "male"),
}  # fmt: skip
_STATES = """california=ca, texas=tx, florida=fl, new york=ny, pennsylvania=pa, nevada=nv, arizona=az, illinois=il, ohio=oh,
georgia=ga, michigan=mi, washington=wa, massachusetts=ma, north carolina=nc, new jersey=nj, virginia=va,
colorado=co, oregon=or, wisconsin=wi"""


def _read_states() -> dict[str, tuple[str, ...]]:
    pairs = (entry.strip().split("=") for entry in _STATES.replace("\n", " ").split(","))
    return {name: (code,) for name, code in pairs}


def _read_demonyms() -> dict[str, tuple[str, ...]]:
    pairs = (entry.split("=") for entry in _DEMONYMS.replace("\n", "").split("|"))
    return {said: tuple(meant.split(",")) for said, meant in pairs}


_STANDS_FOR = {**_read_demonyms(), **_SEXES, **_read_states()}


def implied_values(tokens: Sequence[Token], schema: SchemaIndex) -> Iterator[ValueMention]:
    """Stored values that words of the question stand for."""
    for start in range(len(tokens)):
        for end in (start + 2, start + 1):
            meant = _STANDS_FOR.get(" ".join(token.low for token in tokens[start:end])) if end <= len(tokens) else None
            if meant is None:
                continue
            choices = tuple(choice for column in schema.columns.values() if (choice := _stored(column, meant)) is not None)
            if choices:
                yield ValueMention(start, end, tokens[start].text, choices[:6])


def _stored(column: PreparedColumn, meant: tuple[str, ...]) -> ValueChoice | None:
    if not column.is_text:
        return None
    if any(len(word) == 1 for word in meant) and (column.column.distinct_count or 3) > 4:
        return None
    for sample in column.column.samples:
        if str(sample).strip().lower() in meant:
            return ValueChoice(column.ref, sample, _STRENGTH)
    return None
