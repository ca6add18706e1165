// SPDX-License-Identifier: Apache-2.0
//
// Whatever comes out of a netlink socket: attributes stay within the answer, and what is made of them is
// a number or none. The input is one datagram; the kernel hangs up behind it.
#include "metrics/genl.h"
#include "metrics/nl80211.h"
#include <assert.h>
#include <linux/genetlink.h>
#include <linux/netlink.h>
#include <math.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
look(void *arg, struct slice attributes)
{
	struct nl80211_interface interface;
	struct nl80211_station station;

	(void)arg;
	if (nl80211_interface(attributes, &interface))
		assert(interface.ifindex != 0 && strlen(interface.name) > 0 &&
		    strlen(interface.name) < sizeof interface.name &&
		    !(interface.frequency_hz <= 0));
	if (nl80211_station(attributes, &station))
		assert(!(station.signal_dbm >= 0) && !(station.average_dbm < -128) &&
		    !(station.transmit_bps <= 0) && !(station.inactive_s < 0) &&
		    !isinf(station.receive_bps));
}

static void
say_family(int fd)
{
	struct {
		struct nlmsghdr nl;
		struct genlmsghdr genl;
		struct nlattr attr;
		uint16_t family, pad;
	} answer = { .nl = { .nlmsg_len = sizeof answer,
			 .nlmsg_type = GENL_ID_CTRL,
			 .nlmsg_seq = 1 },
		.attr = { NLA_HDRLEN + 2, CTRL_ATTR_FAMILY_ID },
		.family = 0x1c };

	assert(send(fd, &answer, sizeof answer, 0) == sizeof answer);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct genl g;
	int pair[2];

	look(NULL, (struct slice){ data, size });
	assert(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, pair) == 0);
	say_family(pair[1]);
	assert(genl_attach(&g, pair[0], "nl80211") == 0);
	if (size > 0 && size <= GENL_ANSWER_MAX)
		assert(send(pair[1], data, size, 0) == (ssize_t)size);
	assert(shutdown(pair[1], SHUT_WR) == 0);
	assert(genl_dump(&g, 5, 3, 1, look, NULL) <= 0);
	genl_close(&g);
	close(pair[1]);
	return 0;
}
