"""Objectives from CSV and YAML: what is taken, what is refused, and that the real lists come out whole."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from pydantic import ValidationError
from ruamel.yaml import YAML

from connectors.base import Source
from connectors.errors import BadInput, IncompleteRead
from connectors.objectives import (
    LinksConfig,
    LinksSource,
    ObjectivesSource,
    ObjectivesSourceConfig,
    canonical,
)
from connectors.objectives.config import KNOWN_STATES
from connectors.pages import Page, Quarantined
from connectors.records import LinkClaim, Objective, ObjectiveState

HEADER = "id,title,parent,owner,status,starts,ends,url\n"
SAMPLE = Path(__file__).resolve().parents[3] / "sync" / "sandbox" / "sample"
DATA = Path(__file__).resolve().parents[3].parent / "shared" / "data" / "objectives"
needs_data = pytest.mark.skipif(
    not DATA.is_dir(), reason="the folder ../shared/data with real files is absent"
)


def source(path: Path, **changes: Any) -> Source:
    return ObjectivesSource(ObjectivesSourceConfig.model_validate(canonical(path).model_dump() | changes))


def declared(path: Path, columns: dict[str, str], **more: Any) -> Source:
    config = {"name": "goals", "path": path, "columns": columns} | more
    return ObjectivesSource(ObjectivesSourceConfig.model_validate(config))


def page_of(path: Path, text: str, **changes: Any) -> Page:
    path.write_text(text, encoding="utf-8", newline="")
    (page,) = source(path, **changes).pages()
    return page


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "objectives.csv"


@pytest.fixture
def document(tmp_path: Path) -> Path:
    return tmp_path / "objectives.yaml"


def test_a_full_row_becomes_an_objective(file: Path) -> None:
    page = page_of(
        file, HEADER + "\t042 ,Grow,7,Ada,In_Progress,2017-01-01,2017-12-31,https://goals.example/42\n"
    )
    assert page == Page(
        records=(
            Objective(
                id="042",
                title="Grow",
                state=ObjectiveState.ACTIVE,
                parent="7",
                owner="Ada",
                starts=date(2017, 1, 1),
                ends=date(2017, 12, 31),
                url="https://goals.example/42",
            ),
        )
    )


def test_id_and_title_are_enough_and_mean_an_active_objective(file: Path) -> None:
    assert page_of(file, "title,id\nGrow,1\n,2\n").records == (Objective("1", "Grow"), Objective("2", "2"))


@pytest.mark.parametrize(
    ("word", "state"),
    [
        ("Draft", ObjectiveState.DRAFT),
        ("not-started", ObjectiveState.DRAFT),
        ("On Track", ObjectiveState.ACTIVE),
        ("at_risk", ObjectiveState.ACTIVE),
        ("COMPLETE", ObjectiveState.CLOSED),
        ("Cancelled", ObjectiveState.CLOSED),
        ("", ObjectiveState.ACTIVE),
    ],
)
def test_common_status_words_are_understood(file: Path, word: str, state: ObjectiveState) -> None:
    assert page_of(file, f"id,title,status\n1,Grow,{word}\n").records == (Objective("1", "Grow", state),)


def test_declared_states_add_to_the_known_words_and_override_them(file: Path) -> None:
    page = page_of(
        file,
        "id,title,status\n1,a,Läuft\n2,b,blocked\n3,c,Done\n",
        states={"läuft": "active", "Blocked": "draft"},
    )
    assert [objective.state for objective in page.records if isinstance(objective, Objective)] == [
        ObjectiveState.ACTIVE,
        ObjectiveState.DRAFT,
        ObjectiveState.CLOSED,
    ]


def test_every_state_has_words_of_its_own_name() -> None:
    assert all(KNOWN_STATES[state.value] is state for state in ObjectiveState)


@pytest.mark.parametrize(
    ("row", "column", "reason"),
    [
        (" ,Grow,,,,,,", "id", "the cell is blank"),
        ("1,Grow,,,,31.12.2017,,", "starts", "'31.12.2017' is no date written like %Y-%m-%d"),
        ("1,Grow,,,,,2017-02-29,", "ends", "'2017-02-29' is no date written like %Y-%m-%d"),
        ("1,Grow,,,,2017-02-02,2017-02-01,", "ends", "it ends on 2017-02-01, before it starts on 2017-02-02"),
        (
            "1,Grow,,,activ,,,",
            "status",
            "'activ' is no known status; the nearest is 'active'; declare what it means",
        ),
        ("1,Grow,,,Grün,,,", "status", "'Grün' is no known status; declare what it means under `states`"),
        ("1,Grow,,,,,,javascript:alert(1)", "url", "is no web address that starts with https:// or http://"),
    ],
)
def test_a_row_that_cannot_be_used_is_quarantined_and_the_next_one_counts(
    file: Path, row: str, column: str, reason: str
) -> None:
    page = page_of(file, f"{HEADER}{row}\n9,Good,,,,,,\n")
    assert page.records == (Objective("9", "Good"),)
    (refused,) = page.quarantined
    assert (refused.file, refused.line, refused.column, refused.raw) == ("objectives.csv", 2, column, row)
    assert reason in refused.reason


def test_a_declared_date_format_is_used(file: Path) -> None:
    page = page_of(file, "id,title,ends\n1,Grow,30/09/2017\n", date_format="%d/%m/%Y")
    assert page.records == (Objective("1", "Grow", ends=date(2017, 9, 30)),)


def test_an_exact_repetition_is_counted_and_makes_no_second_objective(file: Path) -> None:
    page = page_of(file, "id,title,note\n1,Grow,x\n1,Grow,y\n2,Save,\n")
    assert page == Page(records=(Objective("1", "Grow"), Objective("2", "Save")), repeated=1)


def test_the_same_id_with_other_content_is_quarantined_naming_the_first(file: Path) -> None:
    page = page_of(file, "id,title\n1,Grow\n2,Save\n1,Shrink\n")
    assert page.records == (Objective("1", "Grow"), Objective("2", "Save"))
    assert page.quarantined == (
        Quarantined(
            "objectives.csv",
            4,
            "id",
            "id '1' stands on line 2 of objectives.csv already, with other content",
            "1,Shrink",
        ),
    )


def test_an_unknown_parent_is_kept_as_written(file: Path) -> None:
    assert page_of(file, "id,title,parent\n1,Grow,404\n").records == (Objective("1", "Grow", parent="404"),)


def test_a_missing_column_is_named_with_the_nearest_one(file: Path) -> None:
    file.write_text("objective_id,titel\n1,Grow\n")
    with pytest.raises(BadInput) as refused:
        list(declared(file, {"id": "objective_id", "title": "title"}).pages())
    (problem,) = refused.value.problems
    assert problem == (
        f"{file}: line 1: the header has no column 'title'; the nearest is 'titel'. "
        "Correct the mapping or the header."
    )


def test_a_misspelt_optional_column_is_told_and_not_ignored(file: Path) -> None:
    file.write_text("id,title,start,state\n1,Grow,2017-01-01,done\n")
    with pytest.raises(BadInput, match="no column 'starts'; the nearest is 'start'"):
        list(source(file).pages())


def test_yaml_values_are_the_text_that_stands_there(document: Path) -> None:
    page = page_of(
        document,
        "# goals\n- id: 005\n  title: no\n  ends: 2017-09-30\n  owner: ~\n"
        "- {id: '~', title: \"a: b\", parent: 0o17}\n",
    )
    assert page.records == (
        Objective("005", "no", ends=date(2017, 9, 30)),
        Objective("~", "a: b", parent="0o17"),
    )


def test_yaml_entries_may_stand_under_objectives(document: Path) -> None:
    assert page_of(document, "objectives:\n- {ID: 1, Title: Grow}\n").records == (Objective("1", "Grow"),)


def test_a_bad_yaml_entry_is_quarantined_with_its_line_and_text(document: Path) -> None:
    page = page_of(
        document,
        "- id: 1\n  title: Grow\n- id: 2\n  title: [a, b]\n- just text\n- id: 3\n  id: 4\n  title: x\n"
        "- title: no id\n",
    )
    assert page.records == (Objective("1", "Grow"),)
    assert [(row.line, row.column, row.reason) for row in page.quarantined] == [
        (4, "title", "the value is no single text"),
        (5, None, "the entry is no mapping of keys to values"),
        (7, "id", "the key is there twice"),
        (9, "id", "the cell is blank"),
    ]
    assert page.quarantined[0].raw == "id: 2\n  title: [a, b]"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("- id: [1\n- title: x\n", "line 2, column 8: this is no valid YAML"),
        ("goals: 1\n", "line 1: this is no list of objectives; write a list of entries"),
        ("objectives:\n", "there is no objective in it; write a list of entries"),
        ("# nothing\n", "there is no objective in it"),
        ("- {id: 1, titel: x}\n", "no entry has the key 'title'; the nearest is 'titel'"),
        ("- {id: 1, title: x, start: 2017-01-01}\n", "no entry has the key 'starts'; the nearest is 'start'"),
        ("- id: 1\n---\n- id: 2\n", "this is no valid YAML"),
        ("[" * 1000, "nested too deeply"),
        ("- \x07\n", "this is no valid YAML"),
    ],
)
def test_a_yaml_file_that_cannot_be_used_is_refused_naming_place_and_remedy(
    document: Path, text: str, message: str
) -> None:
    document.write_text(text)
    with pytest.raises(BadInput) as refused:
        list(source(document).pages())
    assert str(refused.value).startswith(f"{document}: ")
    assert message in str(refused.value)


def test_a_folder_may_mix_csv_and_yaml_and_tells_all_mistakes_at_once(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("id,title\n1,Grow\n")
    (tmp_path / "b.yml").write_text("- {id: 2, title: Save}\n- {id: 1, title: Grow}\n")
    assert list(source(tmp_path).pages()) == [
        Page(records=(Objective("1", "Grow"), Objective("2", "Save")), repeated=1)
    ]
    (tmp_path / "c.csv").write_text("id\n")
    (tmp_path / "d.yaml").write_text("x: 1\n")
    with pytest.raises(BadInput) as refused:
        list(source(tmp_path).pages())
    assert len(refused.value.problems) == 2


def test_many_objectives_come_in_pages_and_go_on_from_any_cursor(file: Path) -> None:
    rows = "".join(f"{number % 900},Goal {number % 900}\n" for number in range(1200))
    file.write_text("id,title\n" + rows)
    pages = list(source(file).pages())
    assert [len(page.records) + page.repeated for page in pages] == [500, 500, 200]
    assert sum(page.repeated for page in pages) == 300
    assert list(source(file).pages(pages[0].cursor)) == pages[1:]
    file.write_text("id,title\n1,Other\n")
    with pytest.raises(IncompleteRead, match="changed since the read was interrupted"):
        list(source(file).pages(pages[0].cursor))


@given(
    st.text(st.characters(exclude_categories=["Cs"]), max_size=200)
    | st.text("-:{}[]&*!|>'\"%@~?, \n\tidtle1#", max_size=60)
)
@example("[]")
def test_any_text_given_as_yaml_is_read_or_refused_as_bad_input(
    tmp_path_factory: pytest.TempPathFactory, text: str
) -> None:
    document = tmp_path_factory.getbasetemp() / "any.yaml"
    document.write_text(text, encoding="utf-8", newline="")
    pages, problem = [], ""
    try:
        pages = list(source(document).pages())
    except BadInput as refused:
        problem = str(refused)
    found = any(page.records or page.quarantined for page in pages)
    # An empty list says that there are no objectives; everything else holds some, or is refused.
    assert problem.startswith(f"{document}: ") or found or YAML(typ="safe").load(text) == []


def test_the_shipped_sample_holds_262_objectives_in_263_rows() -> None:
    config, _ = YAML(typ="safe", pure=True).load(SAMPLE / "sources.yaml")["objectives"]
    config["path"] = SAMPLE / "objectives.csv"
    (page,) = ObjectivesSource(ObjectivesSourceConfig.model_validate(config)).pages()
    assert (len(page.records), page.repeated, page.quarantined) == (262, 1, ())


@needs_data
def test_the_real_list_gives_the_same_objectives_as_the_sample() -> None:
    columns = {"id": "objective_id", "title": "objective_title"}
    real = declared(DATA / "us_itdb_fy2017_strategic_objectives_derived.csv", columns)
    assert list(real.pages()) == list(declared(SAMPLE / "objectives.csv", columns).pages())


@needs_data
def test_a_real_state_plan_is_read_beside_formulas_blank_rows_and_a_repeated_header() -> None:
    folder = DATA / "us_ncdpi_strategic_plan"
    pillars = declared(
        folder / "DIM_Pillars.csv", {"id": "PillarID", "title": "PillarName", "url": "PillarURL"}
    )
    areas = declared(
        folder / "DIM_FocusAreas.csv", {"id": "FocusAreaID", "title": "FocusAreaName", "parent": "PillarID"}
    )
    actions = declared(
        folder / "action-statuses.csv",
        {"id": "ActionID", "title": "ActionID", "status": "Status", "starts": "LaunchDate"},
    )
    top, below, deeds = (
        [record for page in found.pages() for record in page.records] for found in (pillars, areas, actions)
    )
    ids = {goal.id for goal in top if isinstance(goal, Objective)}
    assert len(ids) == 8
    assert {goal.parent for goal in below if isinstance(goal, Objective)} <= ids
    assert {goal.state for goal in deeds if isinstance(goal, Objective)} == set(ObjectiveState)


@needs_data
def test_the_goals_of_the_united_nations_are_read_with_their_targets_below() -> None:
    goals = declared(DATA / "un_sdg_goals.csv", {"id": "goal", "title": "description"})
    targets = declared(
        DATA / "un_sdg_targets.csv", {"id": "target", "title": "description", "parent": "goal"}
    )
    assert [len(page.records) for page in goals.pages()] == [17]
    assert [len(page.records) for page in targets.pages()] == [169]


def links(path: Path, text: str, **changes: Any) -> Page:
    path.write_text(text)
    (page,) = LinksSource(LinksConfig.model_validate({"path": path} | changes)).pages()
    return page


def test_a_mapping_file_ties_issues_to_objectives_with_evidence(tmp_path: Path) -> None:
    page = links(tmp_path / "links.csv", "issue,objective\nAGR-1, 005\nAGR-1,006\n,007\nAGR-1,005\n")
    assert page == Page(
        records=(
            LinkClaim("AGR-1", "005", "links.csv, line 2"),
            LinkClaim("AGR-1", "006", "links.csv, line 3"),
        ),
        quarantined=(Quarantined("links.csv", 4, "issue", "the cell is blank", ",007"),),
        repeated=1,
    )


def test_a_mapping_file_may_name_its_columns_otherwise(tmp_path: Path) -> None:
    page = links(
        tmp_path / "links.csv",
        "Epic;Goal\nAGR-1;5\n",
        delimiter=";",
        columns={"issue": "Epic", "objective": "Goal"},
    )
    assert page.records == (LinkClaim("AGR-1", "5", "links.csv, line 2"),)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"columns": {"id": "id"}}, "Field required"),
        ({"states": {"x": "open"}}, "Input should be 'draft', 'active' or 'closed'"),
        ({"date_format": "%d.%m."}, "must name year, month and day"),
        ({"delimiter": '"'}, "cannot separate columns"),
        ({"optional": ["x"]}, "optional column 'x' is not used by the mapping"),
        ({"paths": "x"}, "Extra inputs are not permitted"),
    ],
)
def test_a_mapping_that_cannot_work_is_refused(changes: dict[str, Any], message: str) -> None:
    config = {"name": "goals", "path": "x.csv", "columns": {"id": "id", "title": "title"}} | changes
    with pytest.raises(ValidationError) as refusal:
        ObjectivesSourceConfig.model_validate(config)
    assert message in str(refusal.value)


@pytest.mark.parametrize(
    ("written", "hundredths"),
    [("25%", 2500), ("25", 2500), ("2.5 %", 250), ("0.05%", 5), ("100%", 10_000), ("", None)],
)
def test_a_kind_and_a_target_share_are_read_exactly(file: Path, written: str, hundredths: int | None) -> None:
    page = page_of(file, f"id,title,kind,target_share\nO1,Grow,growth,{written}\n")
    (goal,) = page.records
    assert isinstance(goal, Objective)
    assert (goal.kind, goal.target_share) == ("growth", hundredths)


@pytest.mark.parametrize("written", ["a quarter", "-5%", "101%", "2.555%", "25%%"])
def test_a_target_share_that_is_none_is_refused_with_its_place(file: Path, written: str) -> None:
    (refused,) = page_of(file, f"id,title,target_share\nO1,Grow,{written}\n").quarantined
    assert refused.column == "target_share"
    assert "is no share of the whole, such as 25% or 2.5%" in refused.reason
