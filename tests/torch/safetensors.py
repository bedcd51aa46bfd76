"""A strict reader and a writer of the safetensors format, in nothing but the standard library and torch.

The reader takes no file that breaks a rule of the format, so that what carousel writes is checked by other code than its own.
"""
import json
import math
import struct

import torch

DTYPES = {"F64": torch.float64, "F32": torch.float32, "I64": torch.int64}
NAMES = {dtype: name for name, dtype in DTYPES.items()}
MAX_HEADER = 100_000_000


class BadFile(Exception):
    pass


def demand(condition, *what):
    if not condition:
        raise BadFile(" ".join(map(str, what)))


def unique(pairs):
    """A JSON object, without duplicate names."""
    made = dict(pairs)
    demand(len(made) == len(pairs), "duplicate names among", [name for name, _ in pairs])
    return made


def parse(data):
    """The tensors and the metadata of a file's bytes."""
    demand(len(data) >= 8, "a file of", len(data), "bytes")
    (size,) = struct.unpack_from("<Q", data)
    demand(size <= MAX_HEADER and 8 + size <= len(data), "a header of", size, "bytes in a file of", len(data))
    text = data[8 : 8 + size].decode("utf-8", errors="strict")
    demand(text.startswith("{"), "a header that begins with", repr(text[:1]))
    header = json.loads(text, object_pairs_hook=unique)
    metadata = header.pop("__metadata__", {})
    demand(all(isinstance(word, str) for word in metadata.values()), "metadata that is not words:", metadata)

    tensors, end = {}, 0
    body = memoryview(data)[8 + size :]
    for name, info in sorted(header.items(), key=lambda item: item[1]["data_offsets"]):
        demand(set(info) == {"dtype", "shape", "data_offsets"}, name, "has", sorted(info))
        dtype, shape, (begin, stop) = info["dtype"], info["shape"], info["data_offsets"]
        demand(dtype in DTYPES, name, "is", dtype)
        demand(all(type(extent) is int and extent >= 0 for extent in shape), name, "has shape", shape)
        demand(begin == end, name, "begins at", begin, "and the tensor before it ends at", end)
        end = stop
        count, width = math.prod(shape), torch.empty((), dtype=DTYPES[dtype]).element_size()
        demand(stop - begin == count * width and stop <= len(body), name, "has bytes", begin, "to", stop, "of", len(body))
        tensor = torch.empty(0, dtype=DTYPES[dtype])
        if count:
            tensor = torch.frombuffer(bytearray(body[begin:stop]), dtype=DTYPES[dtype])
        tensors[name] = tensor.reshape(shape)
    demand(end == len(body), "data of", len(body), "bytes, of which", end, "belong to tensors")
    return tensors, metadata


def read(path):
    with open(path, "rb") as file:
        return parse(file.read())


def format(tensors, metadata):
    """The bytes of a file."""
    header, body = ({"__metadata__": metadata} if metadata else {}), bytearray()
    for name, tensor in sorted(tensors.items()):
        data = bytes(tensor.detach().contiguous().reshape(-1).view(torch.uint8).numpy()) if tensor.numel() else b""
        header[name] = {"dtype": NAMES[tensor.dtype], "shape": list(tensor.shape), "data_offsets": [len(body), len(body) + len(data)]}
        body += data
    text = json.dumps(header).encode("utf-8")
    text += b" " * (-len(text) % 8)
    return struct.pack("<Q", len(text)) + text + bytes(body)


def write(path, tensors, metadata):
    with open(path, "wb") as file:
        file.write(format(tensors, metadata))
