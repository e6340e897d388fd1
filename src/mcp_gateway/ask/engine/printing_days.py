"""The day of the week a moment falls on, in each dialect: its English name, or 1 for Monday to 7 for Sunday."""

from sqlglot import exp

_FROM_SUNDAY = ("Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday")


def weekday(operand: exp.Expr, dialect: str, *, named: bool) -> exp.Expr:
    """The tree; `operand` is used once."""
    if dialect == "sqlite":
        day = exp.Anonymous(this="STRFTIME", expressions=[exp.Literal.string("%w"), operand])
        return _name_of(day) if named else _from_monday(exp.Cast(this=day, to=exp.DataType.build("int")), 6)
    if named and dialect in {"postgres", "redshift"}:
        return exp.Anonymous(this="TO_CHAR", expressions=[operand, exp.Literal.string("FMDay")])
    if named:
        return exp.Anonymous(this="DAYNAME", expressions=[operand])
    if dialect == "mysql":
        return exp.Add(this=exp.Anonymous(this="WEEKDAY", expressions=[operand]), expression=exp.Literal.number(1))
    return exp.Extract(this=exp.Var(this="ISODOW"), expression=operand)


def _name_of(day: exp.Expr) -> exp.Expr:
    return exp.Case(
        this=day,
        ifs=[exp.If(this=exp.Literal.string(str(n)), true=exp.Literal.string(name)) for n, name in enumerate(_FROM_SUNDAY)],
    )


def _from_monday(day: exp.Expr, shift: int) -> exp.Expr:
    moved = exp.Paren(this=exp.Add(this=day, expression=exp.Literal.number(shift)))
    return exp.Add(this=exp.Mod(this=moved, expression=exp.Literal.number(7)), expression=exp.Literal.number(1))
