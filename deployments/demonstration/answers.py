"""What an ordinary person would answer to each step; the ground for demonstration and tests."""

from collections.abc import Mapping
from datetime import date
from decimal import Decimal

from models.policy import load_rubric
from models.rules.stages import Stage

#: The provider and the assessor of the invented world that take part when nothing else is said.
PROVIDER = "示例云帆数字科技"
ASSESSOR = "示例公信评测中心"


def rating(level: int) -> dict[str, str]:
    """Return a 2024 rating that gives about that level: best answers, scenarios at `level`."""
    rubric = load_rubric("2024")
    answers = []
    for question in rubric.questions:
        if question.is_multiple:
            answers.append("".join(o.key for o in question.options if not o.exclusive))
        else:
            answers.append(max(question.options, key=lambda option: option.points).key)
    return {
        "edition": "2024年版",
        "answers": " ".join(answers),
        "scenarios": " ".join([str(level)] * len(rubric.scenarios)),
    }


def invoice(number: str, amount: Decimal, today: date) -> dict[str, object]:
    """Return one line of spending over `amount` yuan without tax."""
    return {
        "category": "软件",
        "contract_no": f"HT-{number}",
        "invoice_no": f"FP-{number}",
        "contract_sum": str(amount * 2),
        "invoice_sum": str(amount),
        "paid_sum": str(amount),
        "invoiced_on": today.isoformat(),
        "paid_on": today.isoformat(),
    }


def typical_answer(
    stage: Stage,
    step: str,
    *,
    enterprise: Mapping[str, str],
    case_no: str,
    today: date,
    spend: Decimal = Decimal("300000.00"),
    level: int = 2,
) -> dict[str, object]:
    """Return the form that carries the case on from `step`.

    `enterprise` holds credit_code, county and industry; `spend` is what the invoices amount to in
    yuan without tax, `level` what the rating after the change shall give.
    """
    day = today.isoformat()
    granted = min(spend * 40 / 100, Decimal(200000)).quantize(Decimal("0.01"))
    answers: dict[tuple[Stage, str], dict[str, object]] = {
        (Stage.APPLICATION, "submit"): {
            "outcome": "提交申报",
            **enterprise,
            "scale": "规上",
            "headcount": 186,
            "revenue": "82000000.00",
            "main_business": "零部件加工与装配",
            "needs": "打通订单、排产、质量与设备数据",
            "planned_spend": str(spend),
            "is_committed": True,
        },
        (Stage.APPLICATION, "county-review"): {
            "outcome": "推荐",
            "is_local_legal_person": True,
            "is_sme": True,
            "is_in_good_standing": True,
            "has_no_major_case": True,
            "has_no_double_funding": True,
            "opinion": "符合申报条件，同意推荐",
        },
        (Stage.APPLICATION, "city-review"): {"outcome": "拟入选", "opinion": "同意"},
        (Stage.DIAGNOSIS, "assign-provider"): {"provider": PROVIDER},
        (Stage.DIAGNOSIS, "diagnose"): {
            "report_name": "数字化转型诊断报告",
            "visited_on": day,
            "surveyors": "何平（示例云帆数字科技，组长）",
            "main_products": "机加工零部件",
            "process_flow": "下料、机加工、热处理、装配、检验",
            "equipment": "数控机床 24 台，其中联网 6 台",
            "software": "财务软件、CAD",
            "findings": "计划靠表格，质量数据未采集",
            "recommendations": "先上 MES 与设备联网，再接通 ERP",
            "estimate": str(spend),
            "baseline": {"edition": "2022年版", "total_score": "32.5"},
        },
        (Stage.DIAGNOSIS, "confirm"): {"outcome": "认可诊断"},
        (Stage.TRANSFORMATION, "contract"): {
            "provider": PROVIDER,
            "contract_no": f"HT-{case_no}",
            "signed_on": day,
            "amount": str(spend * 2),
            "products": "MES、设备联网网关、云服务一年",
            "price_detail": "软件 60%，网关 25%，云服务 15%",
        },
        (Stage.TRANSFORMATION, "implement"): {
            "outcome": "改造完成",
            "progress": 100,
            "note": "系统上线并稳定运行",
        },
        (Stage.TRANSFORMATION, "declare"): {"lines": [invoice(case_no, spend, today)]},
        (Stage.ACCEPTANCE, "dossier"): {
            "has_application": True,
            "has_commitment": True,
            "has_self_assessment": True,
            "has_spend_statement": True,
            "has_contract": True,
            "has_invoices": True,
            "has_summary": True,
            "has_proof_of_effect": True,
        },
        (Stage.ACCEPTANCE, "assign-assessor"): {"assessor": ASSESSOR},
        (Stage.ACCEPTANCE, "review"): {
            "outcome": "验收通过",
            "visited_on": day,
            "effect": "符合",
            "data_connection": "符合",
            "return_on_input": "基本符合",
            "management": "符合",
            "opinion": "现场核验属实，同意通过",
        },
        (Stage.GRADING, "assess"): {
            "assessment": rating(level)
            if today >= load_rubric("2024").in_use_from
            # Before the 2024 edition was in use, a rating rests on the score alone.
            else {"edition": "2022年版", "total_score": str(20 * level + 5)},
            "is_on_site": True,
            "assessed_on": day,
        },
        (Stage.GRADING, "confirm-level"): {"outcome": "确认等级"},
        (Stage.SUBSIDY, "propose"): {
            "outcome": "拟予补助",
            "rate_percent": "40",
            "amount": str(granted),
            "basis": "按认定支出的 40% 测算",
        },
        (Stage.SUBSIDY, "finance-approve"): {"outcome": "同意拨付"},
        (Stage.SUBSIDY, "pay"): {
            "voucher_no": f"PZ-{case_no}",
            "paid_on": day,
            "amount": str(granted),
        },
    }
    return answers[stage, step]
