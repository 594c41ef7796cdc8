"""Rows of the roster workbook: one form per sheet, shared by the template and the checks."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Annotated, Any, ClassVar, get_args

from pydantic import (
    AfterValidator,
    Field,
    ValidationError,
    ValidationInfo,
    field_validator,
)
from pydantic_core import PydanticCustomError

from models.forms.application import Scale
from models.forms.base import Part, words_for
from models.forms.fields import Day, Line, OptionalYuan, Text
from models.policy import Programme
from models.policy.figures import Term
from models.rules.choice import Choice
from models.rules.credit_code import require_credit_code
from models.rules.enterprise_size import EnterpriseSize
from models.rules.errors import PilotError
from models.rules.mail import checked_address
from models.rules.phone import checked_phone
from models.rules.stages import Role


class YesNo(Choice):
    """A yes or a no, as a cell says it."""

    YES = "yes", "是"
    NO = "no", "否"


class _RoleChoice(Choice):
    """Roles that a sheet offers."""

    @property
    def role(self) -> Role:
        """The role itself."""
        return next(role for role in Role if role.value == self.value)


class RosterRole(_RoleChoice):
    """Whose contact somebody is."""

    ENTERPRISE = Role.ENTERPRISE.value, Role.ENTERPRISE.label
    PROVIDER = Role.PROVIDER.value, Role.PROVIDER.label
    ASSESSOR = Role.ASSESSOR.value, Role.ASSESSOR.label
    COUNTY_BUREAU = Role.COUNTY_BUREAU.value, Role.COUNTY_BUREAU.label
    CITY_BUREAU = Role.CITY_BUREAU.value, Role.CITY_BUREAU.label
    FINANCE_BUREAU = Role.FINANCE_BUREAU.value, Role.FINANCE_BUREAU.label


class BureauRole(_RoleChoice):
    """Which of the bureaus one is."""

    COUNTY_BUREAU = Role.COUNTY_BUREAU.value, Role.COUNTY_BUREAU.label
    CITY_BUREAU = Role.CITY_BUREAU.value, Role.CITY_BUREAU.label
    FINANCE_BUREAU = Role.FINANCE_BUREAU.value, Role.FINANCE_BUREAU.label


@dataclass(frozen=True, kw_only=True)
class RosterContext:
    """What the checks of a row need to know beside the row."""

    programme: Programme
    today: date


def _by(rule: Callable[[str], str]) -> AfterValidator:
    """Return a validator that passes on what `rule` returns, or says why it refuses."""

    def check(given: str) -> str:
        try:
            return rule(given)
        except PilotError as error:
            raise PydanticCustomError("refused", "{words}", {"words": str(error)}) from None

    return AfterValidator(check)


def _term(given: str, known: Sequence[Term]) -> str:
    for term in known:
        if given in (term.key, term.name):
            return term.name
    names = "、".join(term.name for term in known)
    raise PydanticCustomError(
        "term",
        "“{given}”不在试点范围内，应为下列之一：{names}",
        {"given": given, "names": names},
    )


def _context(info: ValidationInfo) -> RosterContext:
    assert isinstance(info.context, RosterContext)  # noqa: S101 -- read_row gives it
    return info.context


def _county(given: str, info: ValidationInfo) -> str:
    return _term(given, _context(info).programme.counties)


def _industry(given: str, info: ValidationInfo) -> str:
    return _term(given, _context(info).programme.industries)


def _past(given: date, info: ValidationInfo) -> date:
    if given > _context(info).today:
        raise PydanticCustomError("future", "不能晚于今天")
    return given


_CreditCode = Annotated[Line, _by(require_credit_code)]
_Email = Annotated[Line, _by(checked_address)]
_Phone = Annotated[Line, _by(checked_phone)]
_County = Annotated[Line, AfterValidator(_county)]
_Industry = Annotated[Line, AfterValidator(_industry)]
_PastDay = Annotated[Day, AfterValidator(_past)]
_People = Annotated[int, Field(ge=1, le=1_000_000)]

_CODE_NOTE = "18 位，照营业执照填写"


class RosterRow(Part):
    """A row of one sheet. A cell left empty says nothing: what is registered stays."""

    sheet: ClassVar[str]
    #: Field -> what the example row of the template shows.
    example: ClassVar[Mapping[str, object]]

    def facts(self) -> dict[str, Any]:
        """Return what the row states, by the names that the tables use."""
        stated = {
            name: getattr(self, name)
            for name in type(self).model_fields
            if getattr(self, name) is not None
        }
        return {name: _plain(value) for name, value in stated.items()}


class PartyRow(RosterRow):
    """A row that states a party."""

    name: Line
    credit_code: _CreditCode | None = None

    @property
    def party_role(self) -> Role:
        """The role of the party; every sheet but the bureaus' has one of its own."""
        raise NotImplementedError


class EnterpriseRow(PartyRow):
    """An enterprise."""

    sheet = "企业"
    example = {
        "name": "示例精密制造有限公司",
        "credit_code": "91420281MA4EXAMP7Q",
        "county": "大冶市",
        "industry": "高端装备",
        "is_above_scale": Scale.ABOVE,
        "size": EnterpriseSize.SMALL,
        "ownership": "民营",
        "founded_on": date(2012, 5, 18),
        "address": "湖北省大冶市示例路 1 号",
        "main_business": "精密零部件加工",
        "headcount": 186,
        "headcount_before": 172,
        "revenue": Decimal("86000000.00"),
    }

    name: Line = Field(title="企业名称", description="照营业执照填写全称")
    credit_code: _CreditCode = Field(title="统一社会信用代码", description=_CODE_NOTE)
    county: _County = Field(title="所属县市区", description="从下拉列表选择")
    industry: _Industry = Field(title="所属行业", description="从下拉列表选择")
    is_above_scale: Scale | None = Field(None, title="规上/规下", description="从下拉列表选择")
    size: EnterpriseSize | None = Field(None, title="企业规模", description="从下拉列表选择")
    ownership: Line | None = Field(None, title="企业性质", description="例如 民营、国有、外资")
    founded_on: _PastDay | None = Field(None, title="成立日期", description="例如 2012-05-18")
    address: Line | None = Field(None, title="注册地址", description="照营业执照填写")
    main_business: Text | None = Field(None, title="主营业务", description="一两句话")
    headcount: _People | None = Field(None, title="从业人数", description="上年末人数，整数")
    headcount_before: _People | None = Field(
        None, title="前一年从业人数", description="再前一年末人数，整数"
    )
    revenue: OptionalYuan = Field(
        None, title="上年度营业收入（元）", description="以元为单位，最多两位小数"
    )

    @property
    def party_role(self) -> Role:
        """An enterprise."""
        return Role.ENTERPRISE

    @field_validator("revenue")
    @classmethod
    def _is_small_or_medium(cls, revenue: Decimal | None, info: ValidationInfo) -> Decimal | None:
        headcount = info.data.get("headcount")
        eligibility = _context(info).programme.eligibility
        if headcount is None or revenue is None:
            return revenue  # either alone may be below its limit
        if not eligibility.is_small_or_medium(headcount, revenue):
            raise PydanticCustomError(
                "too_large",
                "从业人数 {headcount} 人、营业收入 {revenue} 元均超过中小企业划型标准"
                "（{staff} 人、{limit} 元以下，满足其一即可；{verified}）",
                {
                    "headcount": headcount,
                    "revenue": f"{revenue:,}",
                    "staff": eligibility.staff_below,
                    "limit": f"{eligibility.revenue_below:,}",
                    "verified": "已核" if eligibility.verified else "待核",
                    "mend": "核对两项数字（营业收入以元为单位）；确非中小企业的请删去这一行",
                },
            )
        return revenue


class ProviderRow(PartyRow):
    """A provider, in the pool or not."""

    sheet = "服务商"
    example = {
        "name": "示例数字科技有限公司",
        "credit_code": "91420200MA4EXAMP8H",
        "is_admitted": YesNo.YES,
        "capacity": 20,
        "address": "湖北省黄石市示例路 2 号",
    }

    name: Line = Field(title="服务商名称", description="照营业执照填写全称")
    credit_code: _CreditCode | None = Field(None, title="统一社会信用代码", description=_CODE_NOTE)
    is_admitted: YesNo | None = Field(
        None, title="在资源池内", description="是 或 否；新登记时不填即为否"
    )
    capacity: Annotated[int, Field(ge=1, le=10_000)] | None = Field(
        None, title="承接上限（家）", description="同时在办企业数，整数；不填即不限"
    )
    address: Line | None = Field(None, title="地址", description="")

    @property
    def party_role(self) -> Role:
        """A provider."""
        return Role.PROVIDER


class AssessorRow(PartyRow):
    """A third party that accepts and rates."""

    sheet = "第三方机构"
    example = {
        "name": "示例评测中心",
        "credit_code": "91420200MA4EXAMP9L",
        "address": "湖北省黄石市示例路 3 号",
    }

    name: Line = Field(title="机构名称", description="照营业执照填写全称")
    credit_code: _CreditCode | None = Field(None, title="统一社会信用代码", description=_CODE_NOTE)
    address: Line | None = Field(None, title="地址", description="")

    @property
    def party_role(self) -> Role:
        """A third party."""
        return Role.ASSESSOR


class BureauRow(PartyRow):
    """A bureau of the city or of a county."""

    sheet = "主管部门"
    example = {"role": BureauRole.COUNTY_BUREAU, "name": "示例市经济和信息化局", "county": "大冶市"}

    role: BureauRole = Field(title="部门类别", description="从下拉列表选择")
    name: Line = Field(title="部门名称", description="全称")
    county: _County | None = Field(
        None, title="所属县市区", description="县市区经信部门必填", validate_default=True
    )
    address: Line | None = Field(None, title="地址", description="")
    credit_code: _CreditCode | None = Field(
        None, title="统一社会信用代码", description="18 位，可不填"
    )

    @property
    def party_role(self) -> Role:
        """The bureau's role."""
        return self.role.role

    @field_validator("county")
    @classmethod
    def _county_bureaus_have_one(cls, county: str | None, info: ValidationInfo) -> str | None:
        is_of_a_county = info.data.get("role") is BureauRole.COUNTY_BUREAU
        if is_of_a_county and county is None:
            raise PydanticCustomError("county_missing", "县市区经信部门必须填写")
        if county is not None and "role" in info.data and not is_of_a_county:
            raise PydanticCustomError("county_extra", "只有县市区经信部门填写，市级部门请留空")
        return county

    def facts(self) -> dict[str, Any]:
        """Return what the row states; the role is the party's own."""
        return {name: value for name, value in super().facts().items() if name != "role"}


class ContactRow(RosterRow):
    """A person of a party."""

    sheet = "联系人"
    example = {
        "role": RosterRole.ENTERPRISE,
        "party": "示例精密制造有限公司",
        "name": "示例联系人",
        "email": "contact@example.com",
        "phone": "13900000000",
        "is_primary": YesNo.YES,
    }

    role: RosterRole = Field(title="单位类别", description="从下拉列表选择")
    party: Line = Field(title="单位名称", description="与前面各表或已登记的名称一致")
    name: Line = Field(title="姓名", description="办理时的经办人")
    email: _Email = Field(title="电子邮箱", description="填写完整的邮箱地址，通知发到这里")
    phone: _Phone | None = Field(
        None, title="电话", description="11 位手机号，或带区号的座机，例如 0714-6350000"
    )
    is_primary: YesNo | None = Field(
        None, title="是否第一联系人", description="每个单位一人；都不填时为先列出的一位"
    )

    @property
    def party_role(self) -> Role:
        """The role of the party that the person belongs to."""
        return self.role.role


#: In the order in which they stand in the workbook, and are read.
SHEETS: tuple[type[RosterRow], ...] = (
    EnterpriseRow,
    ProviderRow,
    AssessorRow,
    BureauRow,
    ContactRow,
)


@dataclass(frozen=True, kw_only=True)
class RosterColumn:
    """A column of a sheet, as the template shows it."""

    field: str
    title: str
    note: str
    is_required: bool
    #: What the drop-down offers; empty where anything may be typed.
    choices: tuple[str, ...]
    example: object


def columns_of(sheet: type[RosterRow], programme: Programme) -> tuple[RosterColumn, ...]:
    """Return the columns of a sheet, in their order."""
    offered = {
        "county": tuple(term.name for term in programme.counties),
        "industry": tuple(term.name for term in programme.industries),
    }
    return tuple(
        RosterColumn(
            field=name,
            title=field.title or name,
            note=field.description or "",
            is_required=field.is_required(),
            choices=offered.get(name) or _labels(field.annotation),
            example=_shown(sheet.example.get(name)),
        )
        for name, field in sorted(
            sheet.model_fields.items(),
            key=lambda each: each[0] != "role",  # what kind of party it is comes first
        )
    )


def title_of(sheet: type[RosterRow], field: str) -> str:
    """Return what the sheet calls a field."""
    return sheet.model_fields[field].title or field


@dataclass(frozen=True)
class CellProblem:
    """What is wrong with one cell: its field, what, and how to mend it."""

    field: str
    what: str
    mend: str


def read_row(
    sheet: type[RosterRow], given: Mapping[str, object], context: RosterContext
) -> RosterRow | list[CellProblem]:
    """Return the row filled with `given` (field -> cell, without the empty), or what is wrong."""
    try:
        return sheet.model_validate(given, context=context)
    except ValidationError as error:
        found: dict[str, CellProblem] = {}
        for detail in error.errors(include_url=False, include_input=False):
            field = str(detail["loc"][0])
            note = sheet.model_fields[field].description or "请改正后重新导入"
            mend = str(detail.get("ctx", {}).get("mend", note))
            found.setdefault(field, CellProblem(field, words_for(detail), mend))
        return list(found.values())


def _labels(annotation: Any) -> tuple[str, ...]:
    for kind in (annotation, *get_args(annotation)):
        if isinstance(kind, type) and issubclass(kind, Choice):
            return tuple(member.label for member in kind)
    return ()


def _shown(value: object) -> object:
    return value.label if isinstance(value, Choice) else value


def _plain(value: Any) -> Any:
    """Return a cell's value as the tables keep it."""
    if isinstance(value, YesNo):
        return value is YesNo.YES
    if isinstance(value, Scale):
        return value is Scale.ABOVE
    return value
