"""Who works at the desk: coming in, showing who one is, one's own account, and the others."""

from app.web.admin.people import account, factors, members, proofs, signin  # noqa: F401 - views attach to the blueprint
