/* SPDX-License-Identifier: Apache-2.0
 *
 * What nl80211 tells of radios: its attributes into structs and nothing else, so that recorded and
 * hostile messages can be given to it. Addresses and network names are not looked at: they would say
 * where somebody is. */
#pragma once
#include "base/slice.h"
#include <stdbool.h>
#include <stdint.h>

struct nl80211_interface {
	char name[16];
	uint32_t ifindex, type; /* enum nl80211_iftype */
	double frequency_hz;	/* NaN: not tuned */
};

/* The other end of a link; NaN: the driver does not say. */
struct nl80211_station {
	double signal_dbm, average_dbm;
	double transmit_bps, receive_bps; /* bits */
	double beacon_loss, retries, failed, inactive_s, connected_s;
	bool associated; /* also if the driver does not say */
};

/* false: not an interface with a name and a number. */
bool nl80211_interface(struct slice attributes, struct nl80211_interface *ret);
/* false: no information about a station. */
bool nl80211_station(struct slice attributes, struct nl80211_station *ret);
