"""What every section of config.toml has in common: unknown keys are mistakes, values do not change."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationInfo, field_validator


class Section(BaseModel):
    """One table of the file."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    @field_validator("*", mode="before")
    @classmethod
    def _lists_from_the_environment(cls, value: Any, info: ValidationInfo) -> Any:
        """A list in an environment variable is written with commas."""
        field = cls.model_fields.get(info.field_name or "")
        if isinstance(value, str) and field is not None and "tuple" in str(field.annotation):
            return tuple(part.strip() for part in value.split(",") if part.strip())
        return value
