"""Small cells are hidden, and nothing that is shown gives them away by subtraction."""

from hypothesis import given
from hypothesis import strategies as st

from services.insights.domain import (
    THRESHOLD,
    TOTAL,
    Place,
    hidden_cells,
    publish,
    tells_few,
    with_totals,
)

EXAMPLE = {
    ("A", "F"): 14,
    ("A", "M"): 2,
    ("B", "F"): 10,
    ("B", "M"): 9,
    ("C", "F"): 11,
    ("C", "M"): 8,
}


def shown(counts: dict[Place, int]) -> dict[Place, int | None]:
    return {(cell.row, cell.column): cell.count for cell in publish(counts)}


def lines(table: dict[Place, int]) -> list[list[Place]]:
    rows = {row for row, _ in table}
    columns = {column for _, column in table}
    across = [[(row, column) for column in columns] for row in rows]
    down = [[(row, column) for row in rows] for column in columns]
    return across + down


def test_the_worked_example_hides_four_cells_and_shows_every_total() -> None:
    # given three centres of which A served two men
    # when the table is published
    cells = shown(EXAMPLE)

    # then A's men are hidden, A's women with them, and C's cells so that no column tells
    hidden = {place for place, count in cells.items() if count is None}
    assert hidden == {("A", "M"), ("A", "F"), ("C", "M"), ("C", "F")}
    assert cells[TOTAL, "F"] == 35
    assert cells[TOTAL, "M"] == 19
    assert cells[TOTAL, TOTAL] == 54
    assert cells["A", TOTAL] == 16


def test_zero_is_shown_and_one_to_four_are_not() -> None:
    cells = shown({("A", "F"): 0, ("A", "M"): 7, ("B", "F"): 9, ("B", "M"): 6})
    assert cells["A", "F"] == 0
    assert None not in cells.values()


def test_a_small_total_is_hidden_like_any_small_count() -> None:
    cells = shown({("A", "F"): 1, ("A", "M"): 2, ("B", "F"): 30, ("B", "M"): 40})
    assert cells["A", TOTAL] is None


def test_a_table_without_people_is_all_zeros() -> None:
    assert set(shown({("A", "F"): 0}).values()) == {0}
    assert shown({}) == {(TOTAL, TOTAL): 0}


def test_a_publication_that_differs_by_few_from_the_former_tells_of_them() -> None:
    former: dict[Place, int | None] = {("A", "F"): 14, ("A", "M"): None, ("B", "F"): 9}
    assert tells_few(former, {**former, ("A", "F"): 15})
    assert tells_few(former, {**former, ("B", "F"): 5})
    assert not tells_few(former, {**former, ("A", "F"): 19, ("A", "M"): 30})
    assert not tells_few(former, {**former, ("B", "F"): None, ("C", "F"): 6})
    assert not tells_few({}, former)


tables = st.dictionaries(
    st.tuples(st.sampled_from("ABCDE"), st.sampled_from(["F", "M", "X"])),
    st.integers(0, 40),
    max_size=15,
)


@given(tables)
def test_no_line_hides_a_single_cell_that_its_others_would_tell(counts: dict[Place, int]) -> None:
    # given any table with its totals
    table = with_totals(counts)

    # when cells are hidden
    hidden = hidden_cells(table)

    # then every small count is among them
    assert all(place in hidden for place, n in table.items() if 0 < n < THRESHOLD)
    # and a line with one hidden cell has no other cell above zero that could be hidden
    for line in lines(table):
        alone = [place for place in line if place in hidden]
        others = [table[place] for place in line if place not in hidden]
        assert len(alone) != 1 or not any(others)


@given(tables)
def test_what_is_shown_is_true(counts: dict[Place, int]) -> None:
    table = with_totals(counts)
    assert all(count in (None, table[place]) for place, count in shown(counts).items())
