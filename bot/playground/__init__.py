"""An embedded Discord on loopback, to which the unmodified bot connects by real HTTP and WebSocket."""

from bot.playground.pages import Example, Welcome
from bot.playground.person import Person, Reply
from bot.playground.server import Playground

__all__ = ["Example", "Person", "Playground", "Reply", "Welcome"]
