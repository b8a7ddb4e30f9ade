"""The travel assistant, declared."""

from switchboard import Agent, ErrorsAsResults, Settings
from switchboard.guard import CARD_NUMBERS
from switchboard.middleware import Whitespace
from trips.tools import book_seat, find_trains, remember

INSTRUCTIONS = """\
You are the travel assistant of the Upland railways. Today is 1 December 2026.
Find trains with find_trains before you speak of them. Say times and prices as the tool gives them.
When a traveller says where they live, remember it under the name "home". When you do not know where home is, ask.
Book only what the traveller asks for, and tell them when a booking fails.
"""

ASSISTANT = Agent(
    name="travel-assistant",
    instructions=INSTRUCTIONS,
    tools=[find_trains, book_seat, remember],
    middleware=[ErrorsAsResults(), Whitespace()],
    guards=[CARD_NUMBERS],
    settings=Settings(temperature=0.1, max_tokens=600),
)
