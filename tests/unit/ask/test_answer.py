"""From a question to its answer: the order of the steps, what the answer carries, sessions, limits, and who drafts."""

import asyncio
from dataclasses import replace

import pytest
from structlog.testing import capture_logs
from tests.unit.ask.world import Scripted, ToolOnly, World, sure

from mcp_gateway.ask.answer import AskLimits
from mcp_gateway.ask.errors import BadSession, EmptyQuestion, ModelNotConfigured, QuestionTimedOut, QuestionTooLong
from mcp_gateway.ask.model import Draft, DraftRequest, Question, Reading, Resolution, ResolvedEntity, Step, Turn, Usage
from mcp_gateway.core.errors import Internal, Json, SQLGenerationError, Unavailable
from mcp_gateway.core.identity import LOCAL_CALLER, Caller

pytestmark = pytest.mark.anyio

ORDER = ["gather", "resolve", "draft", "validate", "run", "recover", "answer"]
COUNT = "SELECT COUNT(*) AS sales FROM sales"
UNSURE = Draft(
    source="engine",
    readings=(Reading(sql=COUNT, description="The number of sales", confidence=0.3),),
    confident=False,
    unexplained=("frobnicated",),
    reason="I do not know the word frobnicated.",
)


class Broken:
    """A drafter that fails as told."""

    name = "broken"

    def __init__(self, error: Exception) -> None:
        self._error = error

    async def draft(self, request: DraftRequest) -> Draft:
        raise self._error


async def test_the_steps_come_in_order_and_each_says_what_it_got_gave_and_took(world: World) -> None:
    answer = await world.ask("How many sales?", {"How many sales?": COUNT})
    assert [step.name for step in answer.steps] == ORDER
    assert {step.name: step.status for step in answer.steps} == dict.fromkeys(ORDER, "ok") | {"recover": "skipped"}
    by_name = {step.name: step for step in answer.steps}
    assert by_name["draft"].output["sql"] == COUNT
    assert by_name["validate"].output["tables"] == ["sales"]
    assert by_name["run"].output["rows"] == 1


async def test_the_listener_hears_each_step_start_and_end(world: World) -> None:
    answer = await world.ask("How many sales?", {"How many sales?": COUNT})
    assert [step.name for step in world.steps] == [name for step in ORDER for name in (f"{step}:started", step)]
    assert tuple(step for step in world.steps if not step.name.endswith(":started")) == answer.steps


async def test_an_answer_carries_sql_rows_chart_and_words(world: World) -> None:
    abracadabra = ResolvedEntity(
        original_term="abracadabra", start=0, end=11, kind="entity", server="glossary", priority=1, label="Magic Wand Pro"
    )
    world.resolution = Resolution(entities=(abracadabra,))
    draft = sure("SELECT product_name, price FROM products ORDER BY price DESC LIMIT 2", description="products by price")
    answer = await world.ask("dear abracadabra", {"dear abracadabra": draft})
    assert answer.rows is not None
    assert answer.rows.rows == (("Tent", 1500), ("Magic Wand Pro", 120))
    assert answer.chart is not None
    assert (answer.chart.kind, answer.chart.x, answer.chart.ys) == ("bar", "product_name", ("price",))
    assert answer.explanation == "Products by price. “abracadabra” means Magic Wand Pro (glossary)."
    assert answer.servers_used == ("tables", "glossary")
    assert not answer.degraded


async def test_a_listing_is_limited_and_says_of_how_many(world: World) -> None:
    answer = await world.ask("SELECT sale_id FROM sales ORDER BY sale_id", max_rows=7)
    assert answer.sql == "SELECT sale_id FROM sales ORDER BY sale_id LIMIT 7"
    assert answer.rows is not None
    assert (len(answer.rows.rows), answer.rows.total_rows, answer.rows.truncated_by) == (7, 40, "rows")
    assert "Limited to 7 of 40 rows by the row limit." in answer.warnings


async def test_a_listing_that_just_fits_is_not_called_cut(world: World) -> None:
    answer = await world.ask("SELECT * FROM customers", max_rows=3)
    assert answer.rows is not None
    assert (answer.rows.total_rows, answer.rows.truncated_by) == (3, None)


async def test_a_limit_of_the_users_own_stays(world: World) -> None:
    answer = await world.ask("SELECT sale_id FROM sales LIMIT 2")
    assert answer.sql == "SELECT sale_id FROM sales LIMIT 2"


async def test_an_unsure_draft_is_not_run_but_offered(world: World) -> None:
    answer = await world.ask("How many frobnicated sales?", {"How many frobnicated sales?": UNSURE})
    assert answer.rows is None
    assert not answer.confident
    assert answer.readings == UNSURE.readings
    assert answer.unexplained == ("frobnicated",)
    assert answer.explanation.count("frobnicated") == 1
    assert {step.name: step.status for step in answer.steps}["run"] == "skipped"


async def test_missing_servers_are_told(world: World) -> None:
    world.missing = ("glossary",)
    world.resolution = Resolution(missing_servers=("units",))
    answer = await world.ask("How many sales?", {"How many sales?": COUNT})
    assert answer.degraded
    assert answer.missing_servers == ("glossary", "units")
    assert "Answered without glossary, units, which did not answer." in answer.warnings


async def test_a_follow_up_gets_the_earlier_turns_with_their_forms(world: World) -> None:
    form: Json = {"table": "sales"}
    first = replace(sure(COUNT), readings=(Reading(sql=COUNT, description="", confidence=0.9, form=form),))
    engine = Scripted({"How many sales?": first, "and by month?": COUNT})
    ask = world.pipeline(engine)
    answer = await ask(LOCAL_CALLER, Question(text="How many sales?"))
    assert answer.session_id == "new-session"
    await ask(LOCAL_CALLER, Question(text="and by month?", session_id=answer.session_id))
    assert engine.asked[1].history == (Turn(question="How many sales?", sql=COUNT, form=form),)


async def test_another_callers_session_is_as_good_as_none(world: World) -> None:
    engine = Scripted({"How many sales?": COUNT})
    ask = world.pipeline(engine)
    await ask(LOCAL_CALLER, Question(text="How many sales?", session_id="s1"))
    await ask(Caller(tenant="local", subject="eve"), Question(text="How many sales?", session_id="s1"))
    assert engine.asked[1].history == ()


async def test_only_answered_questions_are_remembered(world: World) -> None:
    await world.ask("How many frobnicated sales?", {"How many frobnicated sales?": UNSURE}, session_id="s1")
    with pytest.raises(Exception, match="no column"):
        await world.ask("SELECT zzz FROM sales", session_id="s1")
    assert world.conversations is not None
    assert await world.conversations.read_turns(LOCAL_CALLER, "s1") == ()


@pytest.mark.parametrize("session_id", ["", "a b", "x" * 129, "../etc", "drop;table", "ünïcode"])
async def test_a_bad_session_id_is_refused(world: World, session_id: str) -> None:
    with pytest.raises(BadSession):
        await world.ask("How many sales?", session_id=session_id)


async def test_a_question_over_the_limits_is_refused_before_anything_is_done(world: World) -> None:
    with pytest.raises(QuestionTooLong):
        await world.ask("how many " * 2_000)
    with pytest.raises(EmptyQuestion):
        await world.ask(" \n ")
    assert world.steps == []


async def test_sql_may_be_longer_than_a_question(world: World) -> None:
    ids = ", ".join(str(number) for number in range(2_000))
    question = Question(text=f"SELECT COUNT(*) FROM sales WHERE sale_id IN ({ids})")
    answer = await world.pipeline(Scripted({})).run_sql(LOCAL_CALLER, question)
    assert answer.rows is not None
    assert answer.rows.rows == ((40,),)


async def test_a_question_that_takes_too_long_ends_with_the_step_it_was_in(world: World) -> None:
    class Slow(Scripted):
        async def draft(self, request: DraftRequest) -> Draft:
            await asyncio.Event().wait()
            raise AssertionError(request)

    world.limits = AskLimits(question_timeout_seconds=0.05)
    with pytest.raises(QuestionTimedOut) as caught:
        await world.pipeline(Slow({}))(LOCAL_CALLER, Question(text="How many sales?"))
    assert caught.value.data["step"] == "draft"


async def test_cancelling_a_question_reaches_the_query(world: World) -> None:
    running, ended = asyncio.Event(), asyncio.Event()

    class Hanging(ToolOnly):
        async def call_tool(self, name: str, arguments: object) -> dict[str, Json]:
            running.set()
            try:
                await asyncio.Event().wait()
            finally:
                ended.set()
            raise AssertionError(name)

    world.database = Hanging(lambda *_: {})
    task = asyncio.create_task(world.ask(COUNT))
    await asyncio.wait_for(running.wait(), timeout=60)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert ended.is_set()


async def test_the_model_is_asked_only_when_the_engine_is_unsure(world: World) -> None:
    usage = Usage(model="test", input_tokens=10, output_tokens=5, requests=1, cost_usd=0.001)
    model = Scripted(
        {"sure": sure(COUNT, source="model"), "unsure": replace(sure(COUNT, source="model"), usage=usage)}, name="model"
    )
    ask = world.pipeline(Scripted({"sure": COUNT, "unsure": UNSURE}), model)
    assert (await ask(LOCAL_CALLER, Question(text="sure"))).source == "engine"
    assert model.asked == []
    second = await ask(LOCAL_CALLER, Question(text="unsure"))
    assert (second.source, second.usage) == ("model", usage)
    assert {step.name: step for step in second.steps}["draft"].output["cost_usd"] == 0.001


async def test_a_drafter_can_be_forced(world: World) -> None:
    model = Scripted({"q": sure(COUNT, source="model")}, name="model")
    ask = world.pipeline(Scripted({"q": UNSURE}), model)
    assert (await ask(LOCAL_CALLER, Question(text="q", engine="engine"))).rows is None
    assert (await ask(LOCAL_CALLER, Question(text="q", engine="model"))).source == "model"
    with pytest.raises(ModelNotConfigured):
        await world.pipeline(Scripted({}))(LOCAL_CALLER, Question(text="q", engine="model"))


async def test_a_failing_model_leaves_the_engines_readings(world: World) -> None:
    ask = world.pipeline(Scripted({"q": UNSURE}), Broken(SQLGenerationError("The model is down.")))
    answer = await ask(LOCAL_CALLER, Question(text="q"))
    assert answer.readings == UNSURE.readings
    assert "The model is down." in answer.reason


async def test_a_models_sql_meets_the_same_check(world: World) -> None:
    model = Scripted({"q": sure("DELETE FROM sales", source="model")}, name="model")
    ask = world.pipeline(Scripted({"q": UNSURE}), model)
    with pytest.raises(Exception, match="not allowed"):
        await ask(LOCAL_CALLER, Question(text="q"))


async def test_a_fault_of_ours_is_logged_and_told_without_its_details(world: World) -> None:
    ask = world.pipeline(Broken(ZeroDivisionError("secret detail")))
    with capture_logs() as logs, pytest.raises(Internal) as caught:
        await ask(LOCAL_CALLER, Question(text="q", correlation_id="c-1"))
    assert "secret detail" not in str(caught.value.to_dict())
    assert [(entry["event"], entry["correlation_id"]) for entry in logs if entry["log_level"] == "error"] == [
        ("question_failed", "c-1")
    ]


async def test_a_listener_that_fails_does_not_pass_for_a_fault_of_the_question(world: World) -> None:
    async def gone(step: Step) -> None:
        raise asyncio.CancelledError(step.name)

    with pytest.raises(asyncio.CancelledError):
        await world.pipeline(Scripted({"q": COUNT}))(LOCAL_CALLER, Question(text="q"), gone)


async def test_an_unknown_or_expired_session_starts_anew_under_its_id(world: World) -> None:
    engine = Scripted({"How many sales?": COUNT})
    ask = world.pipeline(engine)
    await ask(LOCAL_CALLER, Question(text="How many sales?", session_id="mine"))
    world.clock.advance(601)
    answer = await ask(LOCAL_CALLER, Question(text="How many sales?", session_id="mine"))
    assert answer.session_id == "mine"
    assert engine.asked[1].history == ()


async def test_an_answer_is_not_lost_because_it_cannot_be_remembered(world: World) -> None:
    class Full:
        async def read_turns(self, caller: Caller, session_id: str) -> tuple[Turn, ...]:
            raise Unavailable(f"{caller.subject} {session_id}")

        async def append_turn(self, caller: Caller, session_id: str, turn: Turn) -> None:
            raise Unavailable(f"{caller.subject} {session_id} {turn.question}")

    world.conversations = Full()
    with capture_logs() as logs:
        answer = await world.ask("How many sales?", {"How many sales?": COUNT}, session_id="s1")
    assert answer.rows is not None
    assert [entry["event"] for entry in logs if entry["log_level"] == "warning"] == [
        "conversation_unread",
        "conversation_unsaved",
    ]
    assert any("earlier questions" in warning for warning in answer.warnings)


async def test_a_question_of_hundreds_of_words_is_not_worked_through(world: World) -> None:
    endless = "revenue by month by " * 50
    answer = await world.pipeline(Broken(AssertionError("the engine was asked")))(LOCAL_CALLER, Question(text=endless))
    assert answer.rows is None
    assert not answer.confident
    assert "150 words" in answer.reason


async def test_a_language_model_may_still_be_asked_a_long_question(world: World) -> None:
    endless = ("how many sales are there, please, " * 40).strip()
    answer = await world.pipeline(Broken(AssertionError("the engine was asked")), Scripted({endless: COUNT}, "model"))(
        LOCAL_CALLER, Question(text=endless)
    )
    assert answer.sql == COUNT
