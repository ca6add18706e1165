#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
#
# sink.py PORT: takes connections, reads once from each, closes it; at most 512 at a time. What the
# same siege costs everybody on the machine when it goes to another door.
import select
import socket
import sys

door = socket.socket(socket.AF_INET6)
door.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
door.bind(("::", int(sys.argv[1])))
door.listen(4096)
door.setblocking(False)
poll = select.epoll()
poll.register(door.fileno(), select.EPOLLIN)
guests = {}


def leave(fd):
    poll.unregister(fd)
    guests.pop(fd).close()


def take():
    try:
        guest, _ = door.accept()
    except BlockingIOError:
        return
    guest.setblocking(False)
    guests[guest.fileno()] = guest
    poll.register(guest.fileno(), select.EPOLLIN)
    if len(guests) > 512:
        leave(next(iter(guests)))


while True:
    for fd, _ in poll.poll():
        if fd == door.fileno():
            take()
        elif fd in guests:
            try:
                guests[fd].recv(4096)
            except OSError:
                pass
            leave(fd)
