"""How long things are kept."""

from dataclasses import dataclass

from app.settings.environment import Environment


@dataclass(frozen=True)
class Retention:
    """How long things are kept; the privacy page prints these same values.

    `variant_days`: the letters made for readers' choices. `questions_per_day`: letters a day that ask readers whether
    they stay.
    """

    confirm_hours: int = 72
    data_link_minutes: int = 60
    pending_days: int = 14
    proof_years: int = 3
    inactive_years: int = 3
    log_months: int = 6
    left_days: int = 30
    stay_days: int = 30
    variant_days: int = 35
    questions_per_day: int = 1_000
    import_days: int = 30

    @classmethod
    def read(cls, env: Environment) -> "Retention":
        """Read how long things are kept."""
        confirm_hours = env.whole("CONFIRM_HOURS", cls.confirm_hours, 1, 168)
        pending_days = env.whole("PENDING_DAYS", cls.pending_days, 1, 30)
        if pending_days * 24 < confirm_hours:
            env.problems.append("PENDING_DAYS must not end before CONFIRM_HOURS: the link's promised life")
        return cls(
            confirm_hours=confirm_hours,
            data_link_minutes=env.whole("DATA_LINK_MINUTES", cls.data_link_minutes, 15, 1440),
            pending_days=pending_days,
            proof_years=env.whole("PROOF_YEARS", cls.proof_years, 1, 5),
            inactive_years=env.whole("INACTIVE_YEARS", cls.inactive_years, 1, 3),
            log_months=env.whole("LOG_MONTHS", cls.log_months, 1, 12),
            left_days=env.whole("LEFT_DAYS", cls.left_days, 1, 90),
            stay_days=env.whole("STAY_DAYS", cls.stay_days, 7, 90),
            import_days=env.whole("IMPORT_DAYS", cls.import_days, 1, 90),
            # Copies are tried once more within a week, and readers come back to a letter.
            variant_days=env.whole("VARIANT_DAYS", cls.variant_days, 14, 365),
            questions_per_day=env.whole("QUESTIONS_PER_DAY", cls.questions_per_day, 1, 1_000_000),
        )
