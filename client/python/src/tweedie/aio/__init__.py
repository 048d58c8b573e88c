"""The client for asyncio: the same tasks, operators, results and errors, awaited.

async with tweedie.aio.connect() as client:
    job = await client.dps(y, operator=tweedie.inpaint_box(8, 8, 16, 16))
    async for progress in job.progress(): ...
    result = await job.result()
"""

from __future__ import annotations

import grpc.aio

from tweedie import settings
from tweedie.aio.client import AsyncClient
from tweedie.aio.jobs import AsyncJob

__all__ = ["AsyncClient", "AsyncJob", "connect"]


def _make_client(found: settings.Settings) -> AsyncClient:
    """Belongs to the event loop that runs."""
    channel = found.open_channel(grpc.aio.secure_channel, grpc.aio.insecure_channel)
    return AsyncClient(channel, found.options, found.model)


connect = settings.connecting(settings.find_settings, _make_client)
