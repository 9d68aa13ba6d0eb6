"""Periods and public holidays without a session."""

from datetime import UTC, date, datetime

import pytest

from pricelake.errors import SettingsError
from pricelake.features.calendar import public_holidays
from pricelake.features.periods import Periods


@pytest.mark.parametrize("day", [date(2024, 3, 4), date(2024, 3, 7), date(2024, 3, 10)])
def test_the_open_week_contains_the_as_of_date(day: date) -> None:
    periods = Periods("week", day, "UTC", 10)
    assert periods.open_start == date(2024, 3, 4)
    assert periods.first_start == date(2023, 6, 26)


def test_the_open_day_is_the_as_of_date() -> None:
    assert Periods("day", date(2024, 3, 7), "UTC", 10).open_start == date(2024, 3, 7)


@pytest.mark.parametrize(
    ("day", "zone", "moment"),
    [
        (date(2024, 1, 1), "America/New_York", datetime(2024, 1, 1, 5, tzinfo=UTC)),
        (date(2024, 7, 1), "America/New_York", datetime(2024, 7, 1, 4, tzinfo=UTC)),
        (date(2024, 7, 1), "Asia/Kolkata", datetime(2024, 6, 30, 18, 30, tzinfo=UTC)),
    ],
)
def test_midnight_follows_summer_time(day: date, zone: str, moment: datetime) -> None:
    assert Periods("week", day, zone, 10).midnight(day) == moment


def test_public_holidays_are_those_between_the_days() -> None:
    assert public_holidays("DE", None, date(2023, 12, 26), date(2024, 5, 1)) == [
        date(2023, 12, 26),
        date(2024, 1, 1),
        date(2024, 3, 29),
        date(2024, 4, 1),
        date(2024, 5, 1),
    ]


def test_subdivisions_have_their_own() -> None:
    assert public_holidays("DE", "BY", date(2024, 1, 2), date(2024, 1, 31)) == [date(2024, 1, 6)]


def test_no_country_no_holidays() -> None:
    assert public_holidays(None, None, date(2024, 1, 1), date(2024, 12, 31)) == []


def test_unknown_country_names_the_shop_file() -> None:
    with pytest.raises(SettingsError) as caught:
        public_holidays("XX", None, date(2024, 1, 1), date(2024, 12, 31))
    assert str(caught.value) == (
        "No public holidays are known for country 'XX' (Country XX not available). "
        "Correct `country` and `subdivision` in the shop file, or leave both out to go without holidays."
    )


@pytest.mark.parametrize(
    ("since", "first"),
    [
        (date(2024, 1, 1), date(2024, 1, 1)),
        (date(2024, 1, 2), date(2024, 1, 8)),
        (date(2024, 1, 7), date(2024, 1, 8)),
        (date(2024, 1, 8), date(2024, 1, 8)),
        (date(2001, 1, 1), date(2023, 6, 26)),
    ],
)
def test_reading_starts_with_the_first_whole_period_of_the_sales(since: date, first: date) -> None:
    assert Periods("week", date(2024, 3, 4), "UTC", 10, since).first_start == first
