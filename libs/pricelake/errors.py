"""The error hierarchy: every message says what, which value, why it matters and what to do."""


class PriceLakeError(Exception):
    """Base of every error that PriceLake raises on purpose; the command line prints its text alone."""


class SettingsError(PriceLakeError):
    """Settings, shop or rule files that cannot be used; carries all problems at once."""


class MachineError(PriceLakeError):
    """The machine lacks something: Java, jars, Horovod, write access."""


class SourceError(PriceLakeError):
    """A source cannot be read or does not fit its mapping (missing file, column, server)."""


class ContractError(PriceLakeError):
    """A frame does not fit the contract of its table, or a market of one's own that of a market."""


class QualityError(PriceLakeError):
    """Data broke a limit that stops the run (share of quarantined rows, lost rows)."""


class TrainingError(PriceLakeError):
    """Training did not finish or did not see every row; the model is not used."""


class PricingError(PriceLakeError):
    """A price cannot be computed or would break a hard rule."""
