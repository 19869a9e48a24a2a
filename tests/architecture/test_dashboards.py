"""Dashboards and alerts: they parse, name what is there, and lead to what mends it."""

import ast
import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
import yaml

from contracts.catalogue import EVENTS, SERVICES
from services.runtime.telemetry import METRICS
from tests.architecture.tree import ROOT, files, modules
from tests.prometheus import names_in, translated

FOLDER = ROOT / "deploy" / "grafana"
DASHBOARDS = sorted((FOLDER / "dashboards").glob("*.json"))
ALERTS = yaml.safe_load((FOLDER / "provisioning/alerting/alerts.yaml").read_text())
RULES = [rule for group in ALERTS["groups"] for rule in group["rules"]]
RUNBOOK = (ROOT / "docs" / "runbook.md").read_text()
TRANSLATED = {
    name
    for service in SERVICES
    for noun, metric in METRICS.items()
    for name in translated(f"hamroh.{service}.{noun}", metric.kind)
}


def expressions() -> Iterator[tuple[str, str]]:
    """(where, PromQL) of every panel and every rule."""
    for path in DASHBOARDS:
        for panel in json.loads(path.read_text())["panels"]:
            for target in panel["targets"]:
                yield panel["title"], target["expr"]
    for rule in RULES:
        yield rule["title"], rule["data"][0]["model"]["expr"]


EXPRESSIONS = list(expressions())


@pytest.mark.parametrize(("where", "expression"), EXPRESSIONS)
def test_an_expression_names_metrics_of_the_table_and_no_other(where: str, expression: str) -> None:
    names = names_in(expression)
    assert names, where
    for name in names:
        assert any(re.fullmatch(name, known) for known in TRANSLATED), name


@pytest.mark.parametrize(("where", "expression"), EXPRESSIONS)
def test_an_expression_asks_for_types_that_are_published(where: str, expression: str) -> None:
    for asked in re.findall(r'\btype=~?"([^"]+)"', expression):
        assert any(re.fullmatch(asked, event.name) for event in EVENTS), where


def test_every_metric_of_the_table_is_shown_or_watched() -> None:
    names = {name for _, expression in EXPRESSIONS for name in names_in(expression)}
    unseen = {
        noun
        for noun, metric in METRICS.items()
        if not any(
            re.fullmatch(name, known)
            for name in names
            for known in translated(f"hamroh.benefits.{noun}", metric.kind)
        )
    }
    assert unseen == set()


def recorded() -> Iterator[str]:
    """The names that code records figures under, where they are written out."""
    for path in modules("services"):
        for node in ast.walk(ast.parse((ROOT / path).read_text())):
            match node:
                case ast.Call(
                    func=ast.Attribute(attr="record"), args=[ast.Constant(value=str(name)), *_]
                ):
                    yield name


def test_nothing_is_measured_under_a_name_that_is_not_in_the_table() -> None:
    assert set(recorded()) <= set(METRICS)
    makers = [
        str(path)
        for path in modules("services")
        if re.search(r"\b(create_(counter|gauge|histogram)|get_meter)\b", (ROOT / path).read_text())
    ]
    assert makers == ["services/runtime/telemetry.py"]


def sections() -> dict[str, str]:
    """Anchor → text of the runbook's sections."""
    parts = re.split(r"^## (.+)$", RUNBOOK, flags=re.MULTILINE)[1:]
    return {
        title.lower().replace(" ", "-"): text
        for title, text in zip(parts[::2], parts[1::2], strict=True)
    }


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule["uid"])
def test_an_alert_says_what_is_wrong_and_what_mends_it(rule: dict[str, Any]) -> None:
    notes = rule["annotations"]
    assert notes["summary"].endswith(".")
    page, _, anchor = notes["runbook_url"].partition("#")
    assert page == "docs/runbook.md"
    assert "1." in sections()[anchor]


def test_every_section_of_the_runbook_belongs_to_an_alert_and_its_links_lead_somewhere() -> None:
    linked = {rule["annotations"]["runbook_url"].partition("#")[2] for rule in RULES}
    assert linked == set(sections())
    anchors = set(re.findall(r"\]\(#([a-z-]+)\)", RUNBOOK))
    assert anchors <= set(sections())
    for page in re.findall(r"\]\(([a-z./-]+)\)", RUNBOOK):
        assert (ROOT / "docs" / page).exists(), page


def test_panels_and_rules_ask_the_provisioned_datasource() -> None:
    given = yaml.safe_load(
        (FOLDER / "provisioning/datasources/grafana-datasources.yaml").read_text()
    )
    uids = {source["uid"] for source in given["datasources"]}
    for path in DASHBOARDS:
        for panel in json.loads(path.read_text())["panels"]:
            assert panel["datasource"]["uid"] in uids
    assert {query["datasourceUid"] for rule in RULES for query in rule["data"]} <= {
        *uids,
        "__expr__",
    }


def test_every_pipeline_of_the_collector_is_made_of_what_it_defines() -> None:
    collector = yaml.safe_load((ROOT / "deploy/otel/collector.yaml").read_text())
    for pipeline in collector["service"]["pipelines"].values():
        for kind, names in pipeline.items():
            assert set(names) <= set(collector[kind])


def test_names_of_dashboards_are_unique() -> None:
    assert len({rule["uid"] for rule in RULES}) == len(RULES)
    documents = [json.loads(path.read_text()) for path in DASHBOARDS]
    assert len({document["uid"] for document in documents}) == len(documents) > 0
    for document in documents:
        ids = [panel["id"] for panel in document["panels"]]
        assert len(set(ids)) == len(ids)
    assert {str(path.relative_to(ROOT)) for path in DASHBOARDS} <= {str(path) for path in files()}
