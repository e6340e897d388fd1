"""A dialect sqlglot does not have: the MySQL that MariaDB understands too."""

from typing import ClassVar

from sqlglot import exp
from sqlglot.dialects.mysql import MySQL
from sqlglot.generators.mysql import MySQLGenerator


class _Generator(MySQLGenerator):
    def regexplike_sql(self, expression: exp.RegexpLike) -> str:
        """The operator, which both have; the function, which MySQL 8 alone has, when there are flags."""
        if expression.args.get("flag"):
            return self.func("REGEXP_LIKE", expression.this, expression.expression, expression.args["flag"])
        return self.binary(expression, "REGEXP")

    def jsonextractscalar_sql(self, expression: exp.JSONExtractScalar) -> str:
        """In place of ->>, which MariaDB has not."""
        return self.func("JSON_UNQUOTE", self.func("JSON_EXTRACT", expression.this, expression.expression))


class MySqlAndMariaDb(MySQL):
    """For printing only; reading is MySQL's."""

    class Generator(_Generator):
        TRANSFORMS: ClassVar = {
            kind: function
            for kind, function in MySQLGenerator.TRANSFORMS.items()
            if kind not in (exp.RegexpLike, exp.JSONExtractScalar)
        }
