"""What happens around the shop: holidays, events, weather, and what they do to a category."""

from dataclasses import dataclass
from datetime import date, timedelta

import holidays
import numpy as np

from pricelake.settings.simulation import SimulationSettings
from pricelake.simulator.draws import Array, Draws

COUNTRY = "DE"
EVENTS = ("street fair", "marathon", "football final", "open-air concert", "trade fair")
EVENT_RATE = 0.12
WEEKS_PER_YEAR = 365.25 / 7
USUAL_CELSIUS = 10.0


@dataclass(frozen=True)
class Surroundings:
    """Weeks of the history and of the future after it, by market.

    Attributes:
        first_week: Monday of week 0.
        holidays: public holidays by day; the same in all markets.
        events: event of each market and week, number in ``EVENTS`` or -1, shape ``(weeks, markets)``.
        celsius: temperature of each day, shape ``(weeks, 7, markets)``.
        rain: precipitation of each day in mm, shape ``(weeks, 7, markets)``.
    """

    first_week: date
    holidays: dict[date, str]
    events: Array
    celsius: Array
    rain: Array

    @property
    def weeks(self) -> int:
        """Weeks with surroundings, those after the history included."""
        return len(self.events)

    def monday(self, week: int) -> date:
        """First day of a week."""
        return self.first_week + timedelta(days=7 * week)

    def holiday_days(self) -> Array:
        """Public holidays in each week, shape ``(weeks,)``."""
        found = np.zeros(self.weeks)
        for day in self.holidays:
            week = (day - self.first_week).days // 7
            if 0 <= week < self.weeks:
                found[week] += 1
        return found


def draw_surroundings(settings: SimulationSettings, draws: Draws) -> Surroundings:
    """The calendar of a German shop, events of each market, and weather with seasons and spells."""
    weeks = settings.weeks + settings.future_weeks + 1
    years = range(settings.first_week.year, (settings.first_week + timedelta(days=7 * weeks)).year + 1)
    stream = draws.stream("events")
    happens = stream.random((weeks, settings.markets)) < EVENT_RATE
    events = np.where(happens, stream.integers(0, len(EVENTS), (weeks, settings.markets)), -1)
    day = np.arange(weeks * 7)[:, None] + settings.first_week.timetuple().tm_yday
    seasonal = USUAL_CELSIUS - 9.0 * np.cos(2.0 * np.pi * (day - 15) / 365.25)
    spells = autoregress(draws.normal("spells", (weeks * 7, settings.markets)), 0.85) * 3.0
    wet = draws.uniform("rain", (weeks * 7, settings.markets))
    rain = np.where(wet < 0.45, -6.0 * np.log1p(-np.minimum(wet / 0.45, 1.0) * 0.999), 0.0)
    shape = (weeks, 7, settings.markets)
    named = dict(holidays.country_holidays(COUNTRY, years=years).items())
    return Surroundings(
        settings.first_week, named, events, (seasonal + spells).round(1).reshape(shape), rain.round(1).reshape(shape)
    )


def readiness(surroundings: Surroundings, draws: Draws, category: int) -> Array:
    """What season, holidays, weather, events and trend add to a category's incidence, shape ``(weeks, markets)``."""
    stream = draws.stream("readiness", category)
    amplitude, phase = stream.gamma(2.0, 0.1), stream.random() * WEEKS_PER_YEAR
    holiday, warmth, event = stream.normal(0.12, 0.1), stream.normal(0.0, 0.12), stream.normal(0.15, 0.1)
    trend = stream.normal(0.0, 0.08)
    start = surroundings.first_week.timetuple().tm_yday / 7.0
    week = np.arange(surroundings.weeks)[:, None]
    season = amplitude * np.cos(2.0 * np.pi * (week + start - phase) / WEEKS_PER_YEAR)
    weather = warmth * (surroundings.celsius.mean(axis=1) - USUAL_CELSIUS) / 10.0
    days = surroundings.holiday_days()[:, None]
    return np.asarray(season + holiday * days + weather + event * (surroundings.events >= 0) + trend * week / 52.0)


def autoregress(innovations: Array, memory: float) -> Array:
    """A stationary first-order autoregression of variance 1 along the first axis, from standard normal innovations."""
    series = np.empty_like(innovations)
    series[0] = innovations[0]
    fresh = np.sqrt(1.0 - memory**2)
    for step in range(1, len(innovations)):
        series[step] = memory * series[step - 1] + fresh * innovations[step]
    return series
