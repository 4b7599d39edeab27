"""Git LFS uploads with the basic transfer: batch, PUT, verify (git-lfs specification, "Batch API")."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING, Any

from .accounts import contributor
from .wire import HubError, Request, Response, Route

if TYPE_CHECKING:
    from .server import HubServer


def batch(hub: HubServer, request: Request, type: str, id: str) -> Response:
    """Hand out an upload address for every object that is not here yet."""
    repo, _ = contributor(hub, request, type or "model", id)
    payload = request.json()
    if payload.get("operation") != "upload":
        raise HubError(501, f"LFS operation {payload.get('operation')} is not served by this test Hub")
    objects = []
    for announced in payload["objects"]:
        sha256, size = announced["oid"], announced["size"]
        answer: dict[str, Any] = {"oid": sha256, "size": size, "authenticated": True}
        if not repo.blobs.has_lfs(sha256):
            # Like a pre-signed storage address: whoever holds it may upload exactly this object, without a token.
            upload_id = secrets.token_urlsafe(16)
            hub.pending_uploads[upload_id] = (sha256, size)
            verify = f"{hub.url}{repo.url_path}.git/info/lfs/objects/verify"
            answer["actions"] = {
                "upload": {"href": f"{hub.storage_url}/lfs-upload/{upload_id}", "header": {}},
                "verify": {"href": verify, "header": {}},
            }
        objects.append(answer)
    return Response.json({"transfer": "basic", "objects": objects})


def upload(hub: HubServer, request: Request, upload_id: str) -> Response:
    if upload_id not in hub.pending_uploads:
        raise HubError(403, "Unknown upload address")
    sha256, size = hub.pending_uploads[upload_id]
    if not hub.store.blobs.add_lfs(request.body, sha256, size):
        raise HubError(400, f"The upload is not the announced {size} bytes with SHA-256 {sha256}")
    return Response()


def verify(hub: HubServer, request: Request, type: str, id: str) -> Response:
    repo, _ = contributor(hub, request, type or "model", id)
    payload = request.json()
    if not repo.blobs.has_lfs(payload["oid"]) or repo.blobs.lfs_blob(payload["oid"]).size != payload["size"]:
        raise HubError(404, f"Object {payload['oid']} of {payload['size']} bytes was not uploaded")
    return Response.json({})


_OBJECTS = r"/(?:(?P<type>dataset|space)s/)?(?P<id>[^/]+/[^/]+)\.git/info/lfs/objects"

ROUTES: list[Route] = [
    ("POST", _OBJECTS + "/batch", batch),
    ("POST", _OBJECTS + "/verify", verify),
    ("PUT", r"/lfs-upload/(?P<upload_id>[^/]+)", upload),
]
