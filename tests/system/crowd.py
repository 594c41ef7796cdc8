"""Enterprises without end, for what one of them would not show."""

from itertools import count

from models.operations.audit import Deed
from models.rules.credit_code import check_digit
from models.rules.stages import Channel, Role
from models.tables.party import Contact, Party
from tasks.answering import start_case
from tasks.database import transaction
from tests.system.instance import Instance

_DEED = Deed(
    party="示例市经信局",
    actor="周明",
    identity="测试",
    channel=Channel.SYSTEM,
    action="立案",
    clause="三（一）1",
)
#: No two are alike, whoever asks for them.
_numbers = count(1)


def new_cases(instance: Instance, wanted: int) -> list[str]:
    """Open so many cases for enterprises invented here; return their numbers."""
    return [_new_case(instance, next(_numbers)) for _ in range(wanted)]


def _new_case(instance: Instance, number: int) -> str:
    code = f"91420281MA0BUR{number:03}"
    enterprise = Party(
        role=Role.ENTERPRISE,
        name=f"并发企业{number:03}",
        credit_code=code + check_digit(code),
        county="大冶市",
        industry="高端装备",
    )
    with transaction(instance.engine) as session:
        session.add(enterprise)
        session.flush()
        assert enterprise.id is not None
        session.add(
            Contact(
                party_id=enterprise.id,
                name=f"联系人{number:03}",
                email=f"burst{number:03}@example.com",
                phone=f"13900000{number:03}",
                is_primary=True,
            )
        )
    return start_case(1, enterprise, _DEED, on=instance.engine).case_no
