"""The words of the programme: stages, roles, how a case can end, how an answer can arrive."""

from models.rules.choice import Choice


class Stage(Choice):
    """The six stages between an application and the money (plan 三（一）)."""

    APPLICATION = "application", "申报"
    DIAGNOSIS = "diagnosis", "诊断"
    TRANSFORMATION = "transformation", "改造"
    ACCEPTANCE = "acceptance", "验收"
    GRADING = "grading", "评级"
    SUBSIDY = "subsidy", "补助"


class Role(Choice):
    """Who can be asked for something."""

    ENTERPRISE = "enterprise", "企业"
    PROVIDER = "provider", "服务商"
    ASSESSOR = "assessor", "第三方验收机构"
    COUNTY_BUREAU = "county-bureau", "县市区经信部门"
    CITY_BUREAU = "city-bureau", "市经信局"
    FINANCE_BUREAU = "finance-bureau", "市财政局"
    SYSTEM = "system", "系统"


class Recipient(Choice):
    """Who is told that a deadline comes near or has gone by: the party, then who is above."""

    PARTY = "party", "办理单位"
    COUNTY_BUREAU = "county-bureau", "县市区经信部门"
    CITY_BUREAU = "city-bureau", "市经信局"
    LEADING_GROUP = "leading-group", "领导小组"


class CaseStatus(Choice):
    """Whether a case is still on its way and, if not, how it ended."""

    ACTIVE = "active", "办理中"
    COMPLETED = "completed", "已办结（补助已拨付）"
    NO_SUBSIDY = "no-subsidy", "已办结（不予补助）"
    REJECTED = "rejected", "未入选"
    FAILED = "failed", "验收未通过"
    WITHDRAWN = "withdrawn", "已撤回"


class Channel(Choice):
    """The way by which an answer or a change reached the system."""

    PREFECT = "prefect", "Prefect 页面"
    COMMAND_LINE = "cli", "命令行"
    SYSTEM = "system", "系统"
    DEMONSTRATION = "demo", "演示数据"
    EXCEL = "excel", "Excel 表格"


#: Stages in the order in which a case passes them.
STAGE_ORDER = tuple(Stage)

#: Endings after which the enterprise may apply again: it has not had its project.
MAY_APPLY_AGAIN = frozenset({CaseStatus.REJECTED, CaseStatus.WITHDRAWN})
