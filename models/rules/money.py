"""Yuan and fen: `Decimal` throughout, one rounding per figure, downwards."""

from decimal import ROUND_DOWN, Decimal
from typing import Final

_FEN: Final = Decimal("0.01")


def to_fen(amount: Decimal) -> Decimal:
    """Return `amount` in yuan with two decimals; what is less than a fen is dropped."""
    return amount.quantize(_FEN, rounding=ROUND_DOWN)


def yuan_text(amount: Decimal) -> str:
    """Return `amount` as people read it: `120,000.00 元`.

    An amount that is no whole number of fen is a `ValueError`: printing must not round.
    """
    if to_fen(amount) != amount:
        raise ValueError(f"{amount} yuan is not a whole number of fen")
    return f"{amount:,.2f} 元"
