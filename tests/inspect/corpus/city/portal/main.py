"""The citizens' portal: FastAPI. It asks the other services over HTTP."""

import httpx
from fastapi import FastAPI

import settings
from headrace import flow
from headrace.clients import httpx_hooks

app = FastAPI()
permit = flow("permit")
http = httpx.AsyncClient(event_hooks=httpx_hooks(hosts=["127.0.0.1"]))


@app.post("/permits")
@permit.entrypoint
async def apply(plate: str) -> dict[str, str]:
    response = await http.post(f"{settings.PARKING}/zones/{plate}/spots", json={"plate": plate})
    response.raise_for_status()
    debts = await call("GET", f"{settings.TOLLS}/debts/{plate}")
    if debts:
        await call("DELETE", f"{settings.PARKING}/zones/{plate}/spots")
    async with httpx.AsyncClient(base_url=settings.TOLLS) as tolls:
        await tolls.put("/accounts/" + plate, json={})
    await http.post(f"{settings.POLICE}/stolen/{plate}")
    await http.get(settings.PARKING + "/unknown/path")
    return {"plate": plate}


async def call(method: str, url: str, **options):
    response = await http.request(method, url, **options)
    return response.json()


@app.post("/permits/{plate}/print")
@permit.step(after="open_account")
async def print_permit(plate: str) -> None: ...


@app.post("/stolen/{plate}")
@permit.step(after="open_account")
async def stolen(plate: str) -> None:
    """The police has an address of this form; this one here is ours, and nobody asks it."""
