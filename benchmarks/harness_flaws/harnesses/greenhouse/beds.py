"""The beds, their sensors and their valves."""

#: code: (crop, area in cm², moisture in %, temperature in °C)
BEDS = {
    "T-2": ("tomatoes", 24_000, 31, 22.5),
    "F-1": ("ferns", 18_000, 55, 19.0),
    "H-3": ("herbs", 9_000, 42, 21.0),
    "O-1": ("orchids", 6_500, 60, 24.5),
    "C-4": ("chillies", 12_000, 38, 25.0),
    "S-2": ("strawberries", 30_000, 47, 20.5),
}
WANTED = {"tomatoes": 60, "ferns": 75, "herbs": 50, "orchids": 65, "chillies": 55, "strawberries": 65}
#: Millilitres that raise the moisture of one square metre by one percent.
ML_PER_M2_PERCENT = 90.0
CM2_PER_M2 = 10_000
ML_PER_L = 1000


class BedError(Exception):
    """What was asked of a bed cannot be done."""


def bed(code):
    if code not in BEDS:
        known = ", ".join(f"{each} ({BEDS[each][0]})" for each in BEDS)
        raise BedError(f"there is no bed {code}; there are {known}")
    return BEDS[code]


def read_sensor(code):
    crop, _, moisture, temperature = bed(code)
    return {"bed": code, "crop": crop, "moisture_percent": moisture, "temperature_c": temperature}


def water_needed(code):
    """How many litres bring the bed to what its crop wants."""
    crop, area_cm2, moisture, _ = bed(code)
    missing = max(WANTED[crop] - moisture, 0)
    millilitres = area_cm2 / CM2_PER_M2 * missing * ML_PER_M2_PERCENT
    return {"bed": code, "litres": round(millilitres / ML_PER_L, 2)}


def give_water(code, litres):
    bed(code)
    if not 0 < litres <= 20:
        raise BedError(f"{litres} litres are not between 0 and 20")
    return {"bed": code, "given_litres": litres, "valve": "closed again"}


BED = {"type": "string", "description": "A bed's code, such as T-2."}


def _tool(name, description, **properties):
    parameters = {"type": "object", "properties": properties, "required": list(properties)}
    return {"type": "function", "function": {"name": name, "description": description, "parameters": parameters}}


TOOLS = [
    _tool("read_sensor", "Moisture and temperature of a bed.", code=BED),
    _tool("water_needed", "How many litres a bed needs now.", code=BED),
    _tool("give_water", "Open the valve of a bed.", code=BED, litres={"type": "number"}),
]
RUN = {"read_sensor": read_sensor, "water_needed": water_needed, "give_water": give_water}
