"""What stands above every card's example, so that it is a whole module: the kit's own idiom of routes."""

from typing import Final

PREAMBLE: Final = """\
import asyncio
import hashlib
import hmac
import time
from typing import Annotated, Any, Protocol

import httpx
import structlog
from fastapi import APIRouter, BackgroundTasks, Depends, FastAPI, Header, HTTPException, Query, Request
from fastapi.middleware.cors import CORSMiddleware
from pydantic import BaseModel
from redis.asyncio import Redis as RedisClient
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from mcp_gateway.core.errors import NotFound
from mcp_gateway.core.identity import Caller
from mcp_gateway.kit import Cache, CircuitBreaker, EnterpriseRateLimiter, MemorySharedLevel, Retry
from mcp_gateway.kit.fastapi import Call, Guard, GuardedRoute, health_router

router = APIRouter(prefix="/v1", route_class=GuardedRoute)
log = structlog.get_logger(__name__)
cache = Cache("items", MemorySharedLevel())
breaker = CircuitBreaker("warehouse")
retry = Retry("orders")
BY_ID = text("SELECT name FROM items WHERE tenant = :tenant AND id = :id")
SECRET = b"shared with the payment provider"


class Item(BaseModel):
    name: str


class Login(BaseModel):
    user: str
    password: str


class Event(BaseModel):
    id: str


class ItemStore(Protocol):
    async def read(self, item: str, *, tenant: str) -> Item: ...
    async def list(self, tenant: str, *, limit: int) -> list[Item]: ...


async def item_store(request: Request) -> ItemStore:
    return request.app.state.items


async def http_client(request: Request) -> httpx.AsyncClient:
    return request.app.state.client


async def redis_client(request: Request) -> RedisClient:
    return request.app.state.redis


async def database(request: Request) -> AsyncSession:
    return request.app.state.database


async def current_caller(request: Request) -> Caller:
    return request.state.caller


async def limited(request: Request, caller: Annotated[Caller, Depends(current_caller)]) -> None:
    limiter: EnterpriseRateLimiter = request.app.state.limiter
    await limiter.check_or_raise(caller, "items")


Items = Annotated[ItemStore, Depends(item_store)]
Client = Annotated[httpx.AsyncClient, Depends(http_client)]
Redis = Annotated[RedisClient, Depends(redis_client)]
Session = Annotated[AsyncSession, Depends(database)]
Creating = Annotated[Call, Depends(Guard("orders.create", idempotency="required", deadline_seconds=2))]
CurrentCaller = Annotated[Caller, Depends(current_caller)]


"""
