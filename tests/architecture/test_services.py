"""What a service says of itself is what its worker does and what the catalogue allows."""

import ast
import re
from importlib import import_module

import pytest

from contracts.catalogue import (
    CLAIM_OWNERS,
    EVENTS,
    REGIONAL,
    SERVICES,
    TOPICS,
    claims_pattern,
)
from services.runtime.routes import Subscription
from tests.architecture.tree import ROOT, modules

every_service = pytest.mark.parametrize("service", SERVICES)
TO_ALL = {topic.name for topic in TOPICS if set(SERVICES) <= set(topic.readers)}
"""Topics that every service may read: who does not need them leaves them."""


def said(service: str) -> dict[str, set[str]]:
    """The lists after `owns:`, `consumes:` and `publishes:` in a service's docstring."""
    source = (ROOT / "services" / service / "__init__.py").read_text()
    text = re.sub(r"\n[ \t]+", " ", ast.get_docstring(ast.parse(source), clean=False) or "")
    lists = dict(re.findall(r"^(owns|consumes|publishes): *(.*)$", text, re.MULTILINE))
    return {name: {part.strip() for part in row.split(",")} for name, row in lists.items()}


def subscriptions(service: str) -> tuple[Subscription, ...]:
    module = import_module(f"services.{service}.worker")
    found: tuple[Subscription, ...] = module.worker.subscriptions
    return found


def consumed(service: str) -> set[str]:
    """The topics of a worker's table, those of the regions as the catalogue writes them."""
    own = {subscription.topic for subscription in subscriptions(service)}
    return {
        REGIONAL.format(owner=service) if topic == claims_pattern(service) else topic
        for topic in own
    }


def readable(service: str) -> set[str]:
    """The topics that the catalogue lets a service read."""
    topics = {topic.name for topic in TOPICS if service in topic.readers}
    return topics | ({REGIONAL.format(owner=service)} if service in CLAIM_OWNERS else set())


@every_service
def test_a_service_says_what_it_owns_consumes_and_publishes(service: str) -> None:
    assert set(said(service)) == {"owns", "consumes", "publishes"}


@every_service
def test_what_a_service_says_it_consumes_is_its_workers_table(service: str) -> None:
    assert said(service)["consumes"] == consumed(service)


@every_service
def test_a_worker_reads_what_the_catalogue_lets_it_read_and_nothing_lies_unread(
    service: str,
) -> None:
    assert consumed(service) - readable(service) == set()
    assert readable(service) - consumed(service) - TO_ALL == set()


@every_service
def test_what_a_service_says_it_publishes_is_what_the_catalogue_gives_it(service: str) -> None:
    own = {event.name for event in EVENTS if event.topic.startswith(f"{service}.")}
    assert said(service)["publishes"] == own


@every_service
def test_a_service_has_one_group_for_claims_and_one_for_facts(service: str) -> None:
    for subscription in subscriptions(service):
        name = "regional" if subscription.is_pattern else "facts"
        assert subscription.group == f"{service}.{name}"


@every_service
def test_a_handler_takes_only_types_that_travel_on_its_topic(service: str) -> None:
    regional = {claims_pattern(owner): REGIONAL.format(owner=owner) for owner in CLAIM_OWNERS}
    for subscription in subscriptions(service):
        topic = regional.get(subscription.topic, subscription.topic)
        there = {event.payload for event in EVENTS if event.topic == topic}
        assert subscription.handlers.keys() <= there
        assert all(handler.__name__.startswith("on_") for handler in subscription.handlers.values())


@every_service
def test_who_keeps_what_a_compacted_topic_says_forgets_it_with_its_key(service: str) -> None:
    compacted = {topic.name for topic in TOPICS if topic.compacted}
    forgetting = {one.topic for one in subscriptions(service) if one.forget is not None}
    assert forgetting == {one.topic for one in subscriptions(service)} & compacted


@every_service
def test_what_a_service_publishes_is_decided_somewhere_in_it(service: str) -> None:
    written = "\n".join((ROOT / path).read_text() for path in modules(f"services/{service}"))
    own = [event for event in EVENTS if event.topic.startswith(f"{service}.")]
    unused = [event.name for event in own if f"{event.payload.__name__}(" not in written]
    assert unused == []
