"""The region's workers: every ward has somebody who is deployed there during the drive."""

from datetime import date, timedelta
from random import Random

from deploy.demo.people.places import draw_places
from deploy.demo.people.records import DRIVE_STARTS_ON, Place, Worker

WORKERS, GONE = 24, 2
# Vietnamese, Hmong, Tày, Nùng, Iu Mien (Dao).
LANGUAGES_OF_HA_GIANG = ("vi;hmn", "vi;hmn;tyz", "vi;tyz", "vi;ium", "vi;hmn;nut")
LANGUAGES_OF_TUYEN_QUANG = ("vi", "vi;tyz", "vi;ium", "vi;en")
TERMS_DAYS = (365, 730)


def workers(seed: int) -> list[Worker]:
    """Draw the workers; the last two ended before the drive began."""
    rng = Random(f"hamroh-demo-workers:{seed}")
    places = draw_places(rng)
    active = WORKERS - GONE
    beats = [
        places[at * len(places) // active : (at + 1) * len(places) // active]
        for at in range(active)
    ]
    beats += [rng.choice(beats) for _ in range(GONE)]
    return [
        draw_worker(rng, number, beat, gone=number > active)
        for number, beat in enumerate(beats, start=1)
    ]


def draw_worker(rng: Random, number: int, beat: list[Place], *, gone: bool) -> Worker:
    """Draw one worker's languages and term."""
    ha_giang = beat[0].birth_province == "002"
    first_day = date(2026, 1, 5) + timedelta(days=rng.randrange(200))
    last_day = first_day + timedelta(days=rng.choice(TERMS_DAYS))
    if gone:
        first_day -= timedelta(days=365)
        last_day = DRIVE_STARTS_ON - timedelta(days=rng.randint(1, 90))
    return Worker(
        record_id=f"TQ26-W{number:03}",
        communities=";".join(place.code for place in beat),
        languages=rng.choice(LANGUAGES_OF_HA_GIANG if ha_giang else LANGUAGES_OF_TUYEN_QUANG),
        first_day=first_day.isoformat(),
        last_day=last_day.isoformat(),
    )
