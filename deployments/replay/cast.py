"""Who takes part: the demonstration's bureaus, and as many invented bodies as are wanted."""

from collections.abc import Mapping, Sequence
from typing import Any

from deployments.demonstration.loading import invented_parties
from deployments.replay.behaviour import behaviour, chance
from models.policy import Programme
from models.rules.credit_code import check_digit
from models.rules.stages import Role

#: Mail to an address that begins so is refused for good: nobody reads it any more.
DEAD = "gone-"

_BUREAUS = frozenset({Role.CITY_BUREAU, Role.COUNTY_BUREAU, Role.FINANCE_BUREAU})
_SURNAMES = "赵钱孙李周吴郑王冯陈褚卫蒋沈韩杨朱秦尤许何吕施张孔曹严华金魏陶姜"
_GIVEN = ("晓岚", "志远", "文博", "思齐", "雨桐", "建国", "海涛", "静怡", "明哲", "丽华", "一鸣")
#: County -> the code of its place of registration (GB/T 2260); the city's own where none stands.
_PLACES = {
    "大冶市": "420281",
    "阳新县": "420222",
    "下陆区": "420204",
    "西塞山区": "420203",
    "黄石港区": "420202",
}
_CITY = "420200"

Entry = tuple[Role, Mapping[str, Any]]


def cast(programme: Programme, enterprises: int, seed: int) -> Sequence[Entry]:
    """Return everybody: bureaus of all counties, providers and assessors enough, enterprises."""
    pool = behaviour().pool
    bureaus = [entry for entry in invented_parties() if entry[0] in _BUREAUS]
    seated = {told["county"] for _, told in bureaus if "county" in told}
    missing = [term.name for term in programme.counties if term.name not in seated]
    return [
        *bureaus,
        *((Role.COUNTY_BUREAU, _bureau(seed, county)) for county in missing),
        *(
            (Role.PROVIDER, _provider(seed, number))
            for number in range(1, _enough(enterprises, pool.enterprises_per_provider) + 1)
        ),
        *(
            (Role.ASSESSOR, _assessor(seed, number))
            for number in range(1, _enough(enterprises, pool.enterprises_per_assessor) + 1)
        ),
        *(
            (Role.ENTERPRISE, _enterprise(programme, seed, number))
            for number in range(1, enterprises + 1)
        ),
    ]


def _enough(enterprises: int, each: int) -> int:
    """Return how many bodies are needed; never fewer than two, for one may be asked to go."""
    return max(2, -(-enterprises // each))


def _bureau(seed: int, county: str) -> dict[str, Any]:
    return {
        "name": f"示例{county.split('·')[0]}经信局",
        "county": county,
        "contacts": _people(seed, county, 1),
    }


def _provider(seed: int, number: int) -> dict[str, Any]:
    name = f"示例数字服务商{number:02}"
    return {
        "name": name,
        "code": f"91{_CITY}MA1P{number:05}",
        "is_admitted": True,
        # Twice as many as they would have if the cases fell evenly.
        "capacity": 2 * behaviour().pool.enterprises_per_provider,
        **_with_addresses(seed, name, f"provider{number}", 2),
    }


def _assessor(seed: int, number: int) -> dict[str, Any]:
    name = f"示例评测机构{number:02}"
    return {
        "name": name,
        "code": f"91{_CITY}MA1A{number:05}",
        **_with_addresses(seed, name, f"assessor{number}", 1),
    }


def _enterprise(programme: Programme, seed: int, number: int) -> dict[str, Any]:
    name = f"示例企业{number:04}"
    dice = chance(seed, name)
    county = dice.choice(programme.counties).name
    stem = f"91{_PLACES.get(county, _CITY)}MA1E{number:05}"
    check_digit(stem)  # a stem that is none is a mistake of ours, found here
    return {
        "name": name,
        "code": stem,
        "county": county,
        "industry": dice.choice(programme.industries).name,
        **_with_addresses(seed, name, f"enterprise{number}", 2),
    }


def _with_addresses(seed: int, name: str, mailbox: str, people: int) -> dict[str, Any]:
    addresses = [f"{mailbox}-{place}@example.com" for place in range(1, people + 1)]
    if chance(seed, name, "address").randrange(100) < behaviour().contacts.dead:
        addresses[0] = DEAD + addresses[0]
    return {"contacts": _people(seed, name, people), "emails": addresses}


def _people(seed: int, name: str, count: int) -> list[str]:
    dice = chance(seed, name, "people")
    surnames = dice.sample(_SURNAMES, count)
    return [surname + dice.choice(_GIVEN) for surname in surnames]
