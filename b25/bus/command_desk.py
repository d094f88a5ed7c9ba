"""Commands that come over the bus take the very way of those at a session's control socket, each once.

A command names who asks and why, and until when it is meant: one that comes too late, as after an outage, is refused, not done.
"""

from __future__ import annotations

import asyncio
import time
import uuid
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from typing import Any, Final

from b25.bus.bodies import CommandRequest, CommandResult
from b25.bus.link import Link
from b25.bus.message import Message
from b25.bus.publisher import Publisher
from b25.bus.subscriber import Subscriber, Subscription
from b25.model.errors import B25Error, Misuse, Retry

VALID_S: Final = 30.0
KNOWN_MAX: Final = 10_000
Handle = Callable[[dict[str, Any]], Awaitable[dict[str, Any]]]


class CommandDesk:
    """Takes the commands of one session.

    Parameters
    ----------
    session : str
    handle : async callable
        Does what a request asks for, and answers; one that was not done says ``"ok": False``, or raises B25Error.
    publisher : Publisher
        Of the session; takes the results.
    """

    def __init__(self, session: str, handle: Handle, publisher: Publisher, *, clock_ns: Callable[[], int] = time.time_ns) -> None:
        self.session, self.handle, self.clock_ns = session, handle, clock_ns
        self.results = publisher.channel("command_results.{session}", session=session)
        self._done: OrderedDict[str, CommandResult] = OrderedDict()

    def read(self, subscriber: Subscriber) -> Subscription:
        """Begin to take commands."""
        return subscriber.read("commands.{session}", self.take, durable=f"session-{self.session}", session=self.session)

    async def take(self, _: str, message: Message) -> None:
        """Do one command, or tell again what it led to."""
        body: CommandRequest = message.body
        result = self._done.get(body.command_id)
        if result is None:
            result = await self._do(body)
            self._done[body.command_id] = result
            if len(self._done) > KNOWN_MAX:
                self._done.popitem(last=False)
        self.results.offer(result, self.clock_ns(), correlation_id=body.command_id, message_id=f"result/{body.command_id}")

    async def _do(self, body: CommandRequest) -> CommandResult:
        late_s = (self.clock_ns() - body.valid_until_ns) / 1e9
        if late_s > 0:
            answer: dict[str, Any] = {
                "what": f"the command came {late_s:.1f} s too late and was not done", "remedy": "ask again if it is still meant",
            }  # fmt: skip
            return self._result(body, answer, is_done=False)
        if not body.by or not body.reason:
            answer = {"what": "the command does not say who asks, and why", "remedy": "give by and reason"}
            return self._result(body, answer, is_done=False)
        try:
            answer = await self.handle({**body.request, "id": body.command_id, "by": body.by, "reason": body.reason})
            return self._result(body, answer, is_done=bool(answer.get("ok", True)))
        except B25Error as fault:
            return self._result(body, {"what": fault.what, "remedy": fault.remedy}, is_done=False)
        except Exception as fault:
            what = f"the command failed: {type(fault).__name__}: {fault}"
            return self._result(body, {"what": what, "remedy": "see the session's log"}, is_done=False)

    def _result(self, body: CommandRequest, answer: dict[str, Any], *, is_done: bool) -> CommandResult:
        return CommandResult(command_id=body.command_id, session=self.session, is_done=is_done, answer=answer)


async def send_command(
    link: Link,
    session: str,
    request: dict[str, Any],
    *,
    by: str,
    reason: str,
    component: str = "operator",
    within_s: float = 10.0,
    command_id: str = "",
) -> CommandResult:
    """Ask something of a session and wait for its answer. One that is asked again by its id is not done again, and told again.

    Raises
    ------
    Retry
        When the bus did not take it, or no answer came in time. It is not known then whether it was done.
    Misuse
        When no one is named, or no reason given.
    """
    if not by or not reason:
        raise Misuse("a command needs a name and a reason", remedy="give --by NAME --reason TEXT")
    is_new = not command_id
    command_id = command_id or uuid.uuid4().hex
    publisher, subscriber = Publisher(component, by), Subscriber(link, component)
    channel = publisher.channel("commands.{session}", session=session)
    answered: asyncio.Future[CommandResult] = asyncio.get_running_loop().create_future()

    async def on_result(_: str, message: Message) -> None:
        if message.body.command_id == command_id and not answered.done():
            answered.set_result(message.body)

    results = subscriber.read("command_results.{session}", on_result, new_only=is_new, session=session)
    try:
        async with asyncio.timeout(within_s):
            await results.started.wait()
            now_ns = time.time_ns()
            body = CommandRequest(
                command_id=command_id, by=by, reason=reason, valid_until_ns=now_ns + int(within_s * 1e9), request=request
            )
            channel.offer(body, now_ns, correlation_id=command_id, message_id=f"command/{command_id}")
            while publisher.waiting:
                await publisher.send(link)
            return await answered
    except TimeoutError:
        raise Retry(
            f"{session} has not answered within {within_s:g} s", remedy="look whether it runs: b25 session list; then ask again"
        ) from None
    finally:
        await subscriber.close()
