"""The public keys by which anyone can check what we signed: receipts and seals."""

from flask import Response, jsonify

from app.signing import ALGORITHM
from app.web import product
from app.web.public import bp


@bp.get("/proof-keys", provide_automatic_options=False)
def proof_keys() -> Response:
    """Serve the keys as JSON, oldest first; the one `in_use` signs today."""
    keys = product().proof_keys
    return jsonify(
        [
            {"key_id": each.key_id, "algorithm": ALGORITHM, "in_use": each.key_id == keys.key_id, "pem": each.pem}
            for each in keys.public_keys
        ]
    )


@bp.get("/proof-keys.pem", provide_automatic_options=False)
def proof_keys_pem() -> Response:
    """Serve the keys as PEM, oldest first, each under its id."""
    keys = product().proof_keys.public_keys
    return Response("".join(f"# {each.key_id}\n{each.pem}" for each in keys), content_type="application/x-pem-file")
