"""The settings of benefits."""

from pathlib import Path
from typing import Annotated, Self

from pydantic import Field, model_validator

from services.benefits.programmes import (
    activation_refusals,
    load_pack,
    pack_files,
    refuse_folder,
)
from services.runtime.settings import Settings


class LawSettings(Settings):
    """Where the law is found: by the service, and by officials who try it before."""

    packs: Path | None = Field(
        None, description="Folder of a ministry's own rule packs, besides the packaged ones"
    )


class BenefitsSettings(LawSettings):
    """What benefits can be told, besides what every service can."""

    programmes: tuple[str, ...] = Field(("VN-SA",), description="Rule packs in force")
    hold_working_days: Annotated[int, Field(ge=1, le=30)] = Field(
        5, description="How long a suspected duplicate may delay a new entitlement"
    )
    decision_working_days: Annotated[int, Field(ge=1, le=90)] = Field(
        10, description="Working days for a decision where the rule pack sets no deadline"
    )
    payer_name: str = Field("Social protection agency", description="The payer in bank files")
    payer_account: str = Field("HAMROH-AGENCY", description="The account that payments debit")
    bank_timeout_s: Annotated[float, Field(gt=0, le=300)] = Field(
        30.0, description="One call of the bank, from connecting to the last byte"
    )
    bank_poll_s: Annotated[float, Field(gt=0, le=3600)] = Field(
        0.5, description="Pause between questions to the bank when it had nothing to say"
    )
    bank_quiet_s: Annotated[float, Field(ge=0)] = Field(
        3.0, description="A cycle closes when all is answered and the bank was quiet so long"
    )
    cycle_payments: Annotated[int, Field(ge=1, le=1_000_000)] = Field(
        100_000, description="Payments in one cycle, at most; the month's next cycle has the rest"
    )
    file_payments: Annotated[int, Field(ge=1, le=50_000)] = Field(
        10_000, description="Payments in one file to the bank, at most"
    )
    contact_patience_s: Annotated[float, Field(ge=0)] = Field(
        3600.0, description="How long an ordered payment waits for its payee's sealed contact"
    )

    @model_validator(mode="after")
    def _pays_by_confirmed_law_alone(self) -> Self:
        """No process of benefits starts by senseless law, or for real by unconfirmed law."""
        if self.packs:
            refuse_folder(self.packs)
        known = pack_files(self.packs)
        for code in self.programmes:
            if code not in known:
                raise ValueError(f"HAMROH_PROGRAMMES: {code} is none of {', '.join(known)}")
            pack = load_pack(code, self.packs)
            refused = activation_refusals(pack, real_money=not self.rehearsal)
            if refused:
                raise ValueError(
                    f"HAMROH_PROGRAMMES: {code} may not move real money: {len(refused)} of its "
                    f"rules are unconfirmed, the first is {refused[0].place}. `hamroh pack check "
                    f"{code} --real-money` lists them. Confirm each by its source and say verified "
                    '= "yes" in a later version of it, or rehearse with HAMROH_REHEARSAL=true.'
                )
        return self
