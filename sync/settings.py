"""Turn environment variables, a `.env` file and flags into checked settings.

`.env` < environment < flags. A key that looks like ours and is not known is an error with the nearest name.
Secrets may come from a file: `JIRA_API_TOKEN_FILE` names one that holds what `JIRA_API_TOKEN` would.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any
from zoneinfo import ZoneInfo

from dotenv import dotenv_values
from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    SecretStr,
    ValidationError,
    ValidationInfo,
    field_validator,
    model_validator,
)
from rapidfuzz import fuzz, process

from connectors.finance.currencies import EXPONENTS
from sync.config import listening
from sync.config.addresses import AddressList
from sync.config.durations import Duration
from sync.config.endpoints import check_web_address
from sync.config.mistakes import sentence
from sync.config.zones import check_zone
from sync.errors import ConfigurationError
from sync.frame.log import LogForm, LogLevel
from sync.labels.pacing import QuietHours, parse_quiet_hours
from sync.money.conversion import FxType
from sync.service.cron import check_cron
from sync.waivers.asking import Kind

OURS = ("JIRA_", "TIELINE_", "FINANCE_", "OBJECTIVES_")
SECRETS = (
    "JIRA_API_TOKEN",
    "JIRA_PAT",
    "JIRA_PASSWORD",
    "TIELINE_DATABASE_URL",
    "TIELINE_LOGINS",
    "TIELINE_PING_URL",
    "JIRA_WEBHOOK_SECRET",
    "TIELINE_DIGEST_TO",
)


def share(value: Any) -> Any:
    """Read `20%` or `0.2` as a share."""
    if isinstance(value, str) and value.strip().endswith("%"):
        return float(value.strip().rstrip("%")) / 100
    return value


Share = Annotated[float, BeforeValidator(share), Field(gt=0, le=1)]


class Queue(StrEnum):
    """Where the sources that a night reads are shared out to workers, if they are."""

    NONE = "none"
    POSTGRESQL = "postgresql"


class Settings(BaseModel):
    """Everything `.env` can say; field by field the keys of config.example.env."""

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True, hide_input_in_errors=True)

    jira_url: str | None = Field(None, alias="JIRA_URL")
    jira_api_url: str | None = Field(None, alias="JIRA_API_URL")
    jira_email: str | None = Field(None, alias="JIRA_EMAIL")
    jira_api_token: SecretStr | None = Field(None, alias="JIRA_API_TOKEN")
    jira_pat: SecretStr | None = Field(None, alias="JIRA_PAT")
    jira_username: str | None = Field(None, alias="JIRA_USERNAME")
    jira_password: SecretStr | None = Field(None, alias="JIRA_PASSWORD")
    jira_webhook_secret: SecretStr | None = Field(None, alias="JIRA_WEBHOOK_SECRET")
    jira_jql: str = Field("issuetype = Epic", alias="JIRA_JQL")
    jira_objective_jql: str | None = Field(None, alias="JIRA_OBJECTIVE_JQL")
    jira_objective_field: str | None = Field(None, alias="JIRA_OBJECTIVE_FIELD")
    jira_cost_code_field: str | None = Field(None, alias="JIRA_COST_CODE_FIELD")
    jira_markers: str = Field("link, property", alias="JIRA_MARKERS")
    jira_ca_bundle: Path | None = Field(None, alias="JIRA_CA_BUNDLE")
    finance_path: Path | None = Field(None, alias="FINANCE_PATH")
    objectives_path: Path | None = Field(None, alias="OBJECTIVES_PATH")
    sources: Path | None = Field(None, alias="TIELINE_SOURCES")
    database_url: SecretStr = Field(SecretStr("sqlite:///tieline.db"), alias="TIELINE_DATABASE_URL")
    queue: Queue = Field(Queue.NONE, alias="TIELINE_QUEUE")
    worker_timeout: Duration = Field(timedelta(seconds=30), alias="TIELINE_WORKER_TIMEOUT")
    rules: Path | None = Field(None, alias="TIELINE_RULES")
    waivers: Path | None = Field(None, alias="TIELINE_WAIVERS")
    label_prefix: str = Field("align-", alias="TIELINE_LABEL_PREFIX", min_length=2, max_length=40)
    schedule: Annotated[str, AfterValidator(check_cron)] = Field("0 2 * * *", alias="TIELINE_SCHEDULE")
    timezone: Annotated[str, AfterValidator(check_zone)] = Field("UTC", alias="TIELINE_TIMEZONE")
    time_limit: Duration | None = Field(None, alias="TIELINE_TIME_LIMIT")
    currency: str = Field("USD", alias="TIELINE_CURRENCY")
    fx_rates: str | None = Field(None, alias="TIELINE_FX_RATES")
    fx_type: FxType = Field(FxType.AVERAGE, alias="TIELINE_FX_TYPE")
    fiscal_year_start: int = Field(1, alias="TIELINE_FISCAL_YEAR_START", ge=1, le=12)
    fiscal_year: int | None = Field(None, alias="TIELINE_FISCAL_YEAR", ge=1900, le=2999)
    max_changes: int = Field(500, alias="TIELINE_MAX_CHANGES", ge=1)
    max_share: Share = Field(0.2, alias="TIELINE_MAX_SHARE")
    max_removals: Share = Field(0.25, alias="TIELINE_MAX_REMOVALS")
    max_project_changes: int | None = Field(None, alias="TIELINE_MAX_PROJECT_CHANGES", ge=1)
    max_project_share: Share = Field(0.5, alias="TIELINE_MAX_PROJECT_SHARE")
    max_shift: Share = Field(0.1, alias="TIELINE_MAX_SHIFT")
    max_links_lost: Share = Field(0.5, alias="TIELINE_MAX_LINKS_LOST")
    nightly_quota: int | None = Field(None, alias="TIELINE_NIGHTLY_QUOTA", ge=1)
    quiet_hours: str | None = Field(None, alias="TIELINE_QUIET_HOURS")
    exempt_label: str | None = Field(None, alias="TIELINE_EXEMPT_LABEL")
    dispute_label: str | None = Field(None, alias="TIELINE_DISPUTE_LABEL")
    request_days: int = Field(14, alias="TIELINE_REQUEST_DAYS", ge=1)
    max_shrink: Share = Field(0.2, alias="TIELINE_MAX_SHRINK")
    max_markers: int = Field(5000, alias="TIELINE_MAX_MARKERS", ge=0)
    keep_files_days: int = Field(400, alias="TIELINE_KEEP_FILES_DAYS", ge=1)
    keep_history_days: int = Field(1100, alias="TIELINE_KEEP_HISTORY_DAYS", ge=31)
    tokens: Path = Field(Path("tieline-tokens"), alias="TIELINE_TOKENS")
    log: LogForm = Field(LogForm.AUTO, alias="TIELINE_LOG")
    log_level: LogLevel = Field(LogLevel.INFO, alias="TIELINE_LOG_LEVEL")
    metrics_file: Path | None = Field(None, alias="TIELINE_METRICS_FILE")
    ping_url: Annotated[SecretStr, AfterValidator(check_web_address)] | None = Field(
        None, alias="TIELINE_PING_URL"
    )
    digest_to: AddressList | None = Field(None, alias="TIELINE_DIGEST_TO")
    report_dir: Path = Field(Path("tieline-report"), alias="TIELINE_REPORT_DIR")
    listen: str | None = Field(None, alias="TIELINE_LISTEN")
    logins: SecretStr | None = Field(None, alias="TIELINE_LOGINS")
    proxy_header: str | None = Field(None, alias="TIELINE_PROXY_HEADER")
    proxy_addresses: str | None = Field(None, alias="TIELINE_PROXY_ADDRESSES", validate_default=True)
    public_url: str | None = Field(None, alias="TIELINE_PUBLIC_URL")

    @field_validator("label_prefix", "exempt_label", "dispute_label")
    @classmethod
    def no_space(cls, value: str | None) -> str | None:
        """Refuse what Jira would refuse in a label."""
        if value is not None and any(character.isspace() for character in value):
            raise ValueError("a label may not hold spaces")
        return value

    @field_validator("currency")
    @classmethod
    def known_currency(cls, value: str) -> str:
        """Refuse a currency whose minor units nobody knows."""
        if value not in EXPONENTS:
            raise ValueError(f"{value!r} is no ISO 4217 currency code; use one such as USD or EUR")
        return value

    @field_validator("listen")
    @classmethod
    def known_address(cls, value: str | None) -> str | None:
        """Refuse what is no address to listen on."""
        if value is not None:
            listening.read_address(value)
        return value

    @field_validator("logins")
    @classmethod
    def safe_logins(cls, value: SecretStr | None) -> SecretStr | None:
        """Refuse logins that cannot be told apart or could be guessed."""
        if value is not None:
            listening.read_logins(value.get_secret_value())
        return value

    @field_validator("proxy_addresses")
    @classmethod
    def known_proxy(cls, value: str | None, info: ValidationInfo) -> str | None:
        """Refuse a proxy that is named by half: anybody could send its header."""
        listening.read_proxy(info.data.get("proxy_header"), value)
        return value

    @field_validator("public_url")
    @classmethod
    def web_address(cls, value: str | None) -> str | None:
        """Refuse what people could not open; a path may be in it, nothing behind it."""
        return None if value is None else listening.read_public_url(value)

    @field_validator("quiet_hours")
    @classmethod
    def known_hours(cls, value: str | None) -> str | None:
        """Refuse what is no window of a day."""
        if value is not None:
            parse_quiet_hours(value)
        return value

    @property
    def quiet(self) -> QuietHours | None:
        """The hours in which nothing is written, in the service's zone."""
        return None if self.quiet_hours is None else parse_quiet_hours(self.quiet_hours)

    @model_validator(mode="after")
    def two_labels(self) -> Settings:
        """Refuse one label for two requests."""
        if len({name.casefold() for name in self.asking.values()}) < len(self.asking):
            raise ValueError("TIELINE_EXEMPT_LABEL and TIELINE_DISPUTE_LABEL: two labels are needed")
        return self

    @model_validator(mode="after")
    def shared_store(self) -> Settings:
        """Refuse a queue in a store that one machine has for itself."""
        url = self.database_url.get_secret_value()
        if self.queue is Queue.POSTGRESQL and not url.startswith("postgresql"):
            raise ValueError(
                "TIELINE_QUEUE=postgresql: workers on other machines need a store that all can reach, "
                "and TIELINE_DATABASE_URL names none on PostgreSQL. Name one, or set TIELINE_QUEUE=none"
            )
        return self

    @property
    def asking(self) -> dict[Kind, str]:
        """The labels by which people ask for something; they are theirs, also where they bear our prefix."""
        return {
            Kind.EXEMPT: self.exempt_label or f"{self.label_prefix}exempt",
            Kind.DISPUTE: self.dispute_label or f"{self.label_prefix}dispute",
        }

    @property
    def zone(self) -> ZoneInfo:
        """The zone in which nights and days are counted."""
        return ZoneInfo(self.timezone)


KEYS = {str(field.alias): name for name, field in Settings.model_fields.items()}


def load_settings(
    environ: Mapping[str, str], dotenv: Path | None = None, flags: Mapping[str, Any] | None = None
) -> Settings:
    """Read the settings, or raise one `ConfigurationError` that lists every mistake."""
    from_file = read_dotenv(dotenv)
    problems = [
        *unknown_keys(from_file, f"{dotenv}"),
        *unknown_keys(
            {key: value for key, value in environ.items() if key.startswith("TIELINE_")}, "environment"
        ),
    ]
    given: dict[str, Any] = {}
    for values in (from_file, environ):
        given |= {key: values[key] for key in KEYS if values.get(key)}
        given |= secrets_from_files(values, problems)
    given |= {key: value for key, value in (flags or {}).items() if value is not None}
    try:
        settings = Settings.model_validate(given)
    except ValidationError as error:
        problems += [
            ": ".join([*map(str, detail["loc"][:1]), sentence(detail["msg"])]) for detail in error.errors()
        ]
    if problems:
        raise ConfigurationError(*problems)
    return settings


def variables(environ: Mapping[str, str], dotenv: Path | None = None) -> dict[str, str]:
    """Give what `${NAME}` in a sources file may name."""
    known: dict[str, str] = {}
    for values in (read_dotenv(dotenv), environ):
        known |= {**values, **secrets_from_files(values, [])}
    return known


def read_dotenv(path: Path | None) -> dict[str, str]:
    """Read a `.env` file; a missing one is empty, one named on the command line is checked there."""
    if path is None or not path.is_file():
        return {}
    try:
        values = dotenv_values(path, interpolate=False, encoding="utf-8-sig")
    except UnicodeDecodeError:
        raise ConfigurationError(f"{path}: not UTF-8 text. Save it as UTF-8.") from None
    except OSError as error:
        raise ConfigurationError(f"{path}: cannot be read: {error.strerror}.") from None
    return {key: value for key, value in values.items() if value is not None}


def unknown_keys(values: Mapping[str, str], place: str) -> list[str]:
    """Name each key that looks like ours and is not, with the nearest one that is."""
    known = [*KEYS, *(f"{key}_FILE" for key in SECRETS)]
    return [
        f"{place}: {key} is not a setting; "
        f"did you mean {process.extractOne(key, known, scorer=fuzz.ratio)[0]}?"
        for key in values
        if key.startswith(OURS) and key not in known
    ]


def secrets_from_files(values: Mapping[str, str], problems: list[str]) -> dict[str, str]:
    """Read the secrets that are given as the path of a file."""
    found = {}
    for key in SECRETS:
        path = values.get(f"{key}_FILE")
        if not path:
            continue
        try:
            found[key] = Path(path).read_text(encoding="utf-8").strip()
        except OSError as error:
            problems.append(
                f"{key}_FILE: cannot read {path}: {error.strerror}. Name a file that can be read."
            )
        except UnicodeDecodeError:
            problems.append(f"{key}_FILE: {path} is not UTF-8 text. Name a file that holds the secret alone.")
    return found
