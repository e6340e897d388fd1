"""Errors of putting faults in on purpose."""

from mcp_gateway.core.errors import Forbidden, Unavailable, Unprocessable


class FaultTargetRefused(Forbidden):
    """Faults are put into this machine's own services only."""

    code = "FAULT_TARGET_REFUSED"
    hint = "If it is yours and nobody depends on it, say so: --allow-remote and its host."


class FaultNotHere(Unprocessable):
    """This fault cannot be had outside the benchmark."""

    code = "FAULT_NOT_HERE"
    hint = "From a checkout: python -m bench.faults --only and its code."


class FaultNotUndone(Unavailable):
    """A fault could not be taken back."""

    code = "FAULT_NOT_UNDONE"
    hint = "Take it back by hand; the message says how."


class FaultsNotInstalled(Unprocessable):
    """Faults are no part of this installation."""

    code = "FAULTS_NOT_INSTALLED"
    hint = "Where they are wanted: pip install 'mcp-gateway[faults]'."
