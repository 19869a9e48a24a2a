"""The yardstick for matching: `python -m tests.load.yardstick [PEOPLE]`.

Splink on DuckDB is given what our own engine has already made of each form (folded names, one
phone format, today's place), the same blocks, the labels to learn from, and afterwards our veto;
it brings its own comparisons, its own weights and its own engine. With a number, both match a list
of about so many invented people.
"""

import os
import sys
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter
from typing import Any

import numpy as np
import pandas as pd
import splink.comparison_level_library as levels
import splink.comparison_library as comparisons
from splink import DuckDBAPI, Linker, SettingsCreator, block_on

from services.beneficiary.domain.matching.profile import profile
from services.beneficiary.domain.names import latin_key, sounds
from services.beneficiary.domain.names.equivalents import canonical
from services.cli.matching.people import PeopleFile, Problems
from services.cli.matching.run import Order, match, place_now, read_truth
from services.cli.matching.training import ENCODING, LabelledSet, labelled_sets
from tests.invented import write_set

LABELLED = Path(__file__).parents[1] / "data" / "people"
BLOCKS = (
    *(("number",), ("phone",), ("born", "given_sound"), ("born", "family_sound")),
    *(("born", "place"), ("given_sound", "family_sound", "place"), ("place", "house", "street")),
)
SEED = 1


def say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def rows(one: LabelledSet) -> Iterator[dict[str, Any]]:
    """Each form as our profile has it; empty means missing."""
    now = place_now(one.history, ENCODING)
    truth = read_truth(one.labels, one.hard, ENCODING)
    for person in PeopleFile(one.people, ENCODING, Problems()).people({}):
        known = profile(person, now)
        given, family = (_key(name, known.tradition) for name in (known.given, known.family))
        yield {
            "unique_id": person.record_id,
            "entity": truth.entities[person.record_id],
            "given": given,
            "given_sound": sounds(given, known.tradition)[0],
            "family": family,
            "family_sound": sounds(family, known.tradition)[0],
            "father": known.father,
            "sex": known.sex,
            "born": person.birth_date.isoformat() if person.birth_date else "",
            "number": known.number,
            "sound": known.number_sound,
            "phone": known.phone,
            "region": known.region,
            "place": known.place,
            "house": known.house,
            "street": known.street,
            "household": known.household,
        }


def _key(name: str, tradition: str) -> str:
    return canonical("".join(latin_key(word, tradition) for word in name.split()))


def settings() -> SettingsCreator:
    born = comparisons.CustomComparison(
        output_column_name="born",
        comparison_levels=[
            levels.NullLevel("born"),
            levels.ExactMatchLevel("born"),
            levels.CustomLevel(
                "born_l[1:4] = born_r[1:4] and born_l[6:7] = born_r[9:10] "
                "and born_l[9:10] = born_r[6:7]",
                label_for_charts="swapped",
            ),
            levels.LevenshteinLevel("born", 1),
            levels.CustomLevel("born_l[1:4] = born_r[1:4]", label_for_charts="year"),
            levels.ElseLevel(),
        ],
    )
    # Members of a household share phone, place and address at once: one comparison, not four.
    street = "jaro_winkler_similarity(street_l, street_r) > 0.9"
    address = f"place_l = place_r and house_l = house_r and {street}"
    home = comparisons.CustomComparison(
        output_column_name="home",
        comparison_levels=[
            levels.CustomLevel("place_l is null or place_r is null").configure(is_null_level=True),
            levels.CustomLevel(f"phone_l = phone_r and {address}", label_for_charts="both"),
            levels.CustomLevel("phone_l = phone_r", label_for_charts="phone"),
            levels.CustomLevel(address, label_for_charts="address"),
            levels.CustomLevel("place_l = place_r", label_for_charts="place"),
            levels.CustomLevel("region_l = region_r", label_for_charts="region"),
            levels.ElseLevel(),
        ],
    )
    return SettingsCreator(
        link_type="dedupe_only",
        blocking_rules_to_generate_predictions=[block_on(*block) for block in BLOCKS],
        comparisons=[
            comparisons.LevenshteinAtThresholds("given", [1, 2]),
            comparisons.LevenshteinAtThresholds("family", [1, 2]),
            comparisons.LevenshteinAtThresholds("father", [1, 2]),
            comparisons.ExactMatch("sex"),
            born,
            comparisons.LevenshteinAtThresholds("number", [1, 2]),
            home,
            comparisons.ExactMatch("household"),
        ],
        retain_intermediate_calculation_columns=False,
    )


def predicted(table: pd.DataFrame) -> tuple[pd.DataFrame, float, float]:
    """Pairs with their probability; seconds to train, seconds to predict."""
    started = perf_counter()
    api = DuckDBAPI()
    linker = Linker(api.register(table), settings(), log_level="ERROR")
    linker.training.estimate_u_using_random_sampling(max_pairs=1e6, seed=SEED)
    linker.training.estimate_probability_two_random_records_match(
        [block_on("number"), block_on("phone", "born")], recall=0.7
    )
    linker.training.estimate_m_from_label_column("entity")
    trained = perf_counter()
    found: Any = linker.inference.predict(threshold_match_probability=0.01)
    pairs = found.as_pandas_dataframe()
    return pairs, trained - started, perf_counter() - trained


def measure(table: pd.DataFrame, pairs: pd.DataFrame) -> tuple[float, float]:
    """F1 at 0.9, and at the threshold that is best for this very list."""
    facts = table.set_index("unique_id")
    one, other = facts.loc[pairs["unique_id_l"]], facts.loc[pairs["unique_id_r"]]
    differ = one["number"].to_numpy() != other["number"].to_numpy()
    veto = one["sound"].to_numpy() & other["sound"].to_numpy() & differ
    true = (one["entity"].to_numpy() == other["entity"].to_numpy())[~veto]
    scores = pairs["match_probability"].to_numpy()[~veto]
    sizes = table.groupby("entity").size()
    actual = int((sizes * (sizes - 1) // 2).sum())
    order = np.argsort(-scores, kind="stable")
    f1 = 2 * np.cumsum(true[order]) / (np.arange(1, len(order) + 1) + actual)
    at = int((scores >= 0.9).sum()) - 1
    return float(f1[at]), float(f1.max())


def compare(one: LabelledSet) -> None:
    ours = match(Order([one.people], ENCODING, one.history))
    truth = read_truth(one.labels, one.hard, ENCODING)
    found = ours.same()
    right = sum(truth.entities[a] == truth.entities[b] for a, b in found)
    table = pd.DataFrame(rows(one)).replace("", None)
    sizes = table.groupby("entity").size()
    actual = int((sizes * (sizes - 1) // 2).sum())
    pairs, training_s, seconds = predicted(table)
    fixed, best = measure(table, pairs)
    say(
        f"| {one.name} | {len(table):,} | {2 * right / (len(found) + actual):.4f} | "
        f"{ours.seconds:.1f} | {fixed:.4f} | {best:.4f} | {training_s:.1f} | {seconds:.1f} |"
    )


def main() -> None:
    load = ", ".join(f"{one:.1f}" for one in os.getloadavg())
    say(f"{os.cpu_count()} cores, load {load}\n")
    say("| set | records | F1 | s with reading | Splink's F1 at 0.9 | at best | s to train | s |")
    say("| --- | --- | --- | --- | --- | --- | --- | --- |")
    for one in labelled_sets(LABELLED):
        compare(one)
    if len(sys.argv) > 1:
        with TemporaryDirectory() as folder:
            write_set(Path(folder), "mixed", "yardstick", int(sys.argv[1]), 100)
            compare(labelled_sets(Path(folder))[0])


if __name__ == "__main__":
    main()
