"""Levels: every scheme's names and numbers land where a person expects them."""

import logging

import pytest

from desktop_logs.core import levels


@pytest.mark.parametrize(
    ("scheme", "lowest_first"),
    [
        ("winston npm", "silly debug verbose http info warn error"),
        ("winston syslog", "debug info notice warning error crit alert emerg"),
        ("python", "debug info warning error critical"),
        ("pino", "trace debug info warn error fatal"),
    ],
)
def test_each_scheme_keeps_the_order_of_its_names(scheme: str, lowest_first: str) -> None:
    severities = [levels.severity_of_name(name) for name in lowest_first.split()]
    assert None not in severities
    assert severities == sorted(severities)  # type: ignore[type-var]
    assert len(set(severities)) == len(severities), scheme


def test_names_are_known_in_any_case_and_with_space_around() -> None:
    assert levels.severity_of_name(" WARNING ") == levels.severity_of_name("warn") == levels.WARN


def test_an_unknown_name_has_no_severity() -> None:
    assert levels.severity_of_name("llama") is None


@pytest.mark.parametrize(
    ("number", "band"),
    [(10, "trace"), (20, "debug"), (30, "info"), (35, "info"), (40, "warn"), (50, "error"), (60, "fatal")],
)  # fmt: skip
def test_pinos_numbers(number: int, band: str) -> None:
    assert levels.BANDS[levels.band_of(levels.severity_of_pino(number))] == band


@pytest.mark.parametrize("name", ["DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"])
def test_pythons_numbers_are_where_its_names_are(name: str) -> None:
    assert levels.severity_of_python(getattr(logging, name)) == levels.severity_of_name(name)


def test_a_python_number_without_a_name_stands_between_its_neighbours() -> None:
    between = levels.severity_of_name(logging.getLevelName(25))
    assert between is not None
    assert levels.INFO < between < levels.WARN


@pytest.mark.parametrize(
    ("name", "v1"),
    [
        ("silly", "debug"),
        ("http", "debug"),
        ("info", "info"),
        ("notice", "info"),
        ("warning", "warn"),
        ("emerg", "error"),
    ],
)
def test_a_version_1_viewer_gets_one_of_four(name: str, v1: str) -> None:
    severity = levels.severity_of_name(name)
    assert severity is not None
    assert levels.v1_level(severity) == v1


def test_every_severity_has_a_band_and_a_name() -> None:
    assert [levels.band_of(severity) for severity in range(1, 25)] == sorted(list(range(6)) * 4)
    assert all(levels.severity_of_name(levels.name_of(severity)) is not None for severity in range(1, 25))


def test_a_threshold_that_is_no_level_is_refused_with_the_choice() -> None:
    with pytest.raises(ValueError, match="'loud' is not a level. Use one of trace, debug, info"):
        levels.parse_threshold("loud")
