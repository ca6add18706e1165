/* SPDX-License-Identifier: Apache-2.0
 *
 * announce: tells the link that an address lives here now, by an unsolicited neighbour
 * advertisement with the override flag (RFC 4861 §7.2.6).
 *
 *	announce INTERFACE ADDRESS */
#include <arpa/inet.h>
#include <net/if.h>
#include <netinet/icmp6.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

struct advert {
	struct nd_neighbor_advert na;
	struct nd_opt_hdr option;
	unsigned char mac[6];
} __attribute__((packed));

int
main(int argc, char **argv)
{
	struct sockaddr_in6 all = { .sin6_family = AF_INET6 };
	struct advert a = { .na.nd_na_type = ND_NEIGHBOR_ADVERT,
		.na.nd_na_flags_reserved = ND_NA_FLAG_OVERRIDE,
		.option = { ND_OPT_TARGET_LINKADDR, 1 } };
	struct ifreq ifr = { 0 };
	int hops = 255, index, fd;

	if (argc != 3 || inet_pton(AF_INET6, argv[2], &a.na.nd_na_target) != 1) {
		fputs("usage: announce INTERFACE ADDRESS\n", stderr);
		return 2;
	}
	fd = socket(AF_INET6, SOCK_RAW, IPPROTO_ICMPV6);
	snprintf(ifr.ifr_name, sizeof ifr.ifr_name, "%s", argv[1]);
	index = (int)if_nametoindex(argv[1]);
	if (fd < 0 || !index || ioctl(fd, SIOCGIFHWADDR, &ifr)) {
		perror("announce");
		return 1;
	}
	memcpy(a.mac, ifr.ifr_hwaddr.sa_data, 6);
	inet_pton(AF_INET6, "ff02::1", &all.sin6_addr);
	all.sin6_scope_id = (uint32_t)index;
	if (setsockopt(fd, IPPROTO_IPV6, IPV6_MULTICAST_HOPS, &hops, sizeof hops) ||
	    setsockopt(fd, IPPROTO_IPV6, IPV6_MULTICAST_IF, &index, sizeof index) ||
	    sendto(fd, &a, sizeof a, 0, (struct sockaddr *)&all, sizeof all) !=
		sizeof a) {
		perror("announce");
		return 1;
	}
	close(fd);
	return 0;
}
