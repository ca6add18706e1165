# SPDX-License-Identifier: Apache-2.0
#
# Answers ICMP echo requests (IPv4) after so many milliseconds, in place of the kernel: a long line.
# usage: late_echo.py MS, in a namespace with net.ipv4.icmp_echo_ignore_all=1; says "ready".
import heapq
import select
import socket
import sys
import time

delay = int(sys.argv[1]) / 1000
sock = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP)
due = []
print('ready', flush=True)
while True:
    wait = max(0, due[0][0] - time.monotonic()) if due else None
    if select.select([sock], [], [], wait)[0]:
        arrived = time.monotonic()
        packet, peer = sock.recvfrom(2048)
        packet = bytearray(packet[(packet[0] & 15) * 4:])
        if packet[0] != 8:
            continue
        # From request (8) to answer (0): the sum of words falls by 0x800, its complement grows.
        checksum = int.from_bytes(packet[2:4], 'big') + 0x800
        packet[0] = 0
        packet[2:4] = ((checksum & 0xffff) + (checksum >> 16)).to_bytes(2, 'big')
        heapq.heappush(due, (arrived + delay, bytes(packet), peer))
    while due and due[0][0] <= time.monotonic():
        _, packet, peer = heapq.heappop(due)
        sock.sendto(packet, peer)
