"""Times in force as the plain numbers that compiled code understands."""

from typing import Final

from b25.model.order import Tif

GTC: Final = int(Tif.GTC)
IOC: Final = int(Tif.IOC)
FOK: Final = int(Tif.FOK)
