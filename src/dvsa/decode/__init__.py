"""Pictures of strangers, decoded in worker processes with limits on memory and time.

from dvsa.decode import Decoder

with Decoder() as decoder:
    photo = decoder.read(Path("upload.jpg"))
"""

from dvsa.decode.decoder import Decoder, in_process
from dvsa.decode.limits import MAX_MEMORY, MAX_SECONDS, ReadPhoto, TookTooLongError

__all__ = ["MAX_MEMORY", "MAX_SECONDS", "Decoder", "ReadPhoto", "TookTooLongError", "in_process"]
