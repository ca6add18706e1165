#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""A Modbus server of pymodbus, which is not ours: modbus_server.py tcp PORT | rtu.

It prints where it is, "port 40123" or "line /dev/pts/7", when it can be asked; port 0 is any. The serial line
is a pair of ptys with a wire between them."""
import asyncio
import os
import struct
import sys
import threading
import tty

from pymodbus.datastore import (ModbusSequentialDataBlock, ModbusServerContext,
                                ModbusSlaveContext)
from pymodbus.server import async_io


def words(fmt, value):
    data = struct.pack(">" + fmt, value)
    return list(struct.unpack(f">{len(data) // 2}H", data))


def swapped(regs):
    return [(r & 0xff) << 8 | r >> 8 for r in regs]


def block(regs, size=100):
    return ModbusSequentialDataBlock(0, regs + [0] * (size - len(regs)))


V = words("f", 230.1)
HOLDING = (V + V[::-1] + swapped(V) + swapped(V[::-1]) + words("h", -2) + words("i", -100000) +
           words("Q", 2**40) + words("d", 3.141592653589793) + words("q", -5)[::-1])
CONTEXT = ModbusServerContext(single=False, slaves={
    1: ModbusSlaveContext(zero_mode=True, hr=block(HOLDING), ir=block([1234, 65535]),
                          co=block([0, 0, 0, 1]), di=block([0, 0, 1])),
    2: ModbusSlaveContext(zero_mode=True, hr=block([]), ir=block([7]), co=block([]), di=block([])),
})


async def serve_tcp(port):
    server = async_io.ModbusTcpServer(CONTEXT, address=("127.0.0.1", port), allow_reuse_address=True)
    task = asyncio.ensure_future(server.serve_forever())
    while server.server is None or not server.server.sockets:
        await asyncio.sleep(0.01)
    print("port", server.server.sockets[0].getsockname()[1], flush=True)
    await task


def wire(a, b):
    while True:
        os.write(b, os.read(a, 4096))


async def serve_rtu():
    ends = [os.openpty() for _ in range(2)]
    for master, slave in ends:
        tty.setraw(slave)
        tty.setraw(master)
    for a, b in ((0, 1), (1, 0)):
        threading.Thread(target=wire, args=(ends[a][0], ends[b][0]), daemon=True).start()
    server = async_io.ModbusSerialServer(CONTEXT, port=os.ttyname(ends[0][1]), baudrate=19200)
    await server.start()
    print("line", os.ttyname(ends[1][1]), flush=True)
    await server.serve_forever()

asyncio.run(serve_rtu() if sys.argv[1] == "rtu" else serve_tcp(int(sys.argv[2])))
