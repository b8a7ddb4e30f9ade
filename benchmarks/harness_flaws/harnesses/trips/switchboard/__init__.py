"""A small agents framework: declare an agent, decorate its tools, run it."""

from switchboard.agent import Agent, Settings
from switchboard.guard import Guard, GuardTripped
from switchboard.memory import Memory
from switchboard.middleware import ErrorsAsResults, Middleware
from switchboard.runner import Runner
from switchboard.tool import Tool, ToolError, tool

__all__ = [
    "Agent",
    "ErrorsAsResults",
    "Guard",
    "GuardTripped",
    "Memory",
    "Middleware",
    "Runner",
    "Settings",
    "Tool",
    "ToolError",
    "tool",
]
