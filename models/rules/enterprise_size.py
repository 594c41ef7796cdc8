"""The sizes of small and medium enterprises (中小企业划型标准); a large one takes no part."""

from models.rules.choice import Choice


class EnterpriseSize(Choice):
    """How large an enterprise is said to be."""

    MEDIUM = "medium", "中型"
    SMALL = "small", "小型"
    MICRO = "micro", "微型"
