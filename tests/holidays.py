"""A year that the library does not know yet, as an office would enter it."""

#: Invented: the notice for 2027 is not out.
YEAR_2027 = """
year = 2027
source = "虚构的通知，仅供测试"
days_off = [
    2027-01-01, 2027-02-05, 2027-02-08, 2027-02-09, 2027-02-10, 2027-02-11, 2027-04-05,
    2027-05-01, 2027-05-03, 2027-06-09, 2027-09-15, 2027-10-01, 2027-10-04, 2027-10-05,
]
make_up_days = [2027-01-31, 2027-09-26]
"""
