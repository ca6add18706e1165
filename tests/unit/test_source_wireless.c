/* SPDX-License-Identifier: Apache-2.0 */
#define source_wireless source_wireless_here
#include "metrics/source_wireless.c"
#include "tests/support/capture.h"
#include "tests/support/genl_peer.h"

static const struct source_env robot = { .proc = ROBOT "/proc", .sys = ROBOT "/sys" };

/* MET-04 */
static void
signal_noise_and_quality_of_a_radio_are_read(void **state)
{
	struct capture c;

	(void)state;
	assert_int_equal(capture_once(&c, &source_wireless, &robot), 0);
	assert_value(&c, "node_wireless_signal_dbm", "{device=\"wlan0\"}", -56);
	assert_value(&c, "node_wireless_noise_dbm", "{device=\"wlan0\"}", -92);
	assert_value(&c, "node_wireless_quality_ratio", "{device=\"wlan0\"}", 54. / 70);
	assert_value(&c, "node_wireless_missed_beacons_total", "{device=\"wlan0\"}", 3);
}

static void
a_radio_without_a_link_has_quality_zero_and_no_signal(void **state)
{
	struct capture c;

	(void)state;
	assert_int_equal(capture_once(&c, &source_wireless, &robot), 0);
	assert_value(&c, "node_wireless_quality_ratio", "{device=\"wlan1\"}", 0);
	assert_no_value(&c, "node_wireless_signal_dbm", "{device=\"wlan1\"}");
	assert_no_value(&c, "node_wireless_noise_dbm", "{device=\"wlan1\"}");
}

/* MET-03 */
static void
quality_is_never_above_one_and_garbage_removes_only_itself(void **state)
{
	struct capture c;

	(void)state;
	assert_int_equal(capture_once(&c, &source_wireless, &robot), 0);
	assert_value(&c, "node_wireless_quality_ratio", "{device=\"wlan2\"}", 1);
	assert_int_equal(capture_count(&c, "node_wireless_quality_ratio"), 3);
}

/* --- nl80211: a kernel whose answers wait in a socket ---------------------------------- */

#define WLAN "{device=\"wlan0\"}"

struct fake {
	void *inst;
	int kernel; /* the other end */
};

/* A source that has found the family over a socket pair. */
static void
open_fake(struct fake *f)
{
	static const struct source_env nowhere = { .proc = "/nonexistent" };
	struct wireless *w;
	int pair[2];

	assert_int_equal(source_wireless.open(&nowhere, &f->inst), 0);
	w = f->inst;
	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, pair), 0);
	f->kernel = pair[1];
	peer_send_family(f->kernel);
	assert_int_equal(genl_attach(&w->genl, pair[0], NL80211_GENL_NAME), 0);
}

static void
close_fake(struct fake *f)
{
	close(f->kernel);
	source_wireless.close(f->inst);
}

static void
send_interface(int fd, uint32_t seq, uint32_t type, const char *name)
{
	struct peer_message m = { 0 };

	peer_u32(&m, NL80211_ATTR_IFINDEX, 3);
	peer_attr(&m, NL80211_ATTR_IFNAME, name, strlen(name) + 1);
	peer_u32(&m, NL80211_ATTR_WIPHY, 0);
	peer_u32(&m, NL80211_ATTR_IFTYPE, type);
	peer_attr(&m, NL80211_ATTR_MAC, "\2\0\0\0\0\1", 6);
	peer_u32(&m, NL80211_ATTR_WIPHY_FREQ, 5180);
	peer_attr(&m, NL80211_ATTR_SSID, "a network", 9);
	peer_send(fd, PEER_FAMILY, seq, &m);
}

/* As mac80211 tells of the access point that it is associated with. */
static void
send_station(int fd, uint32_t seq, uint32_t associated)
{
	const struct nl80211_sta_flag_update flags = {
		.mask = 1U << NL80211_STA_FLAG_ASSOCIATED | 1U << NL80211_STA_FLAG_WME,
		.set = associated << NL80211_STA_FLAG_ASSOCIATED,
	};
	struct peer_message m = { 0 };
	size_t info, rate;

	peer_u32(&m, NL80211_ATTR_IFINDEX, 3);
	peer_attr(&m, NL80211_ATTR_MAC, "\2\0\0\0\0\2", 6);
	info = peer_nest(&m, NL80211_ATTR_STA_INFO);
	peer_u32(&m, NL80211_STA_INFO_INACTIVE_TIME, 1250);
	peer_u32(&m, NL80211_STA_INFO_CONNECTED_TIME, 86400);
	peer_u32(&m, NL80211_STA_INFO_BEACON_LOSS, 2);
	peer_u32(&m, NL80211_STA_INFO_TX_RETRIES, 4711);
	peer_u32(&m, NL80211_STA_INFO_TX_FAILED, 12);
	peer_u8(&m, NL80211_STA_INFO_SIGNAL, (uint8_t)-58);
	peer_u8(&m, NL80211_STA_INFO_SIGNAL_AVG, (uint8_t)-61);
	rate = peer_nest(&m, NL80211_STA_INFO_TX_BITRATE);
	peer_u16(&m, NL80211_RATE_INFO_BITRATE, 8667);
	peer_u32(&m, NL80211_RATE_INFO_BITRATE32, 8667);
	peer_u8(&m, NL80211_RATE_INFO_VHT_MCS, 9);
	peer_end(&m, rate);
	rate = peer_nest(&m, NL80211_STA_INFO_RX_BITRATE);
	peer_u16(&m, NL80211_RATE_INFO_BITRATE, 6500);
	peer_end(&m, rate);
	peer_attr(&m, NL80211_STA_INFO_STA_FLAGS, &flags, sizeof flags);
	peer_end(&m, info);
	peer_send(fd, PEER_FAMILY, seq, &m);
}

static void
nl80211_tells_of_signal_rates_and_association_MET_04(void **state)
{
	struct capture c;
	struct fake f;

	(void)state;
	open_fake(&f);
	send_interface(f.kernel, 2, NL80211_IFTYPE_STATION, "wlan0");
	peer_finish(f.kernel, NLMSG_DONE, 2, 0);
	send_station(f.kernel, 3, 1);
	peer_finish(f.kernel, NLMSG_DONE, 3, 0);
	assert_int_equal(capture_sample(&c, &source_wireless, f.inst, 0), 0);
	assert_value(&c, "node_wireless_signal_dbm", WLAN, -58);
	assert_value(&c, "node_wireless_signal_average_dbm", WLAN, -61);
	assert_value(&c, "node_wireless_quality_ratio", WLAN, 52. / 70);
	assert_value(&c, "node_wireless_transmit_bits_per_second", WLAN, 866.7e6);
	assert_value(&c, "node_wireless_receive_bits_per_second", WLAN, 650e6);
	assert_value(&c, "node_wireless_beacon_loss_total", WLAN, 2);
	assert_value(&c, "node_wireless_transmit_retries_total", WLAN, 4711);
	assert_value(&c, "node_wireless_transmit_failed_total", WLAN, 12);
	assert_value(&c, "node_wireless_inactive_seconds", WLAN, 1.25);
	assert_value(&c, "node_wireless_connected_seconds", WLAN, 86400);
	assert_value(&c, "node_wireless_frequency_hertz", WLAN, 5.18e9);
	assert_value(&c, "node_wireless_associated", WLAN, 1);
	assert_int_equal(c.len, 12); /* and no address, no name of a network */
	close_fake(&f);
}

static void
an_interface_that_is_not_associated_tells_that_and_no_signal_MET_04(void **state)
{
	struct capture c;
	struct fake f;

	(void)state;
	open_fake(&f);
	for (uint32_t seq = 2; seq < 6; seq += 2) {
		send_interface(f.kernel, seq, NL80211_IFTYPE_STATION, "wlan0");
		peer_finish(f.kernel, NLMSG_DONE, seq, 0);
		if (seq == 4) /* authenticated only */
			send_station(f.kernel, seq + 1, 0);
		peer_finish(f.kernel, NLMSG_DONE, seq + 1, 0);
		assert_int_equal(capture_sample(&c, &source_wireless, f.inst, 0), 0);
		assert_value(&c, "node_wireless_associated", WLAN, 0);
		assert_no_value(&c, "node_wireless_signal_dbm", WLAN);
		assert_int_equal(c.len, 2);
	}
	close_fake(&f);
}

static void
an_access_point_tells_how_many_stations_it_has(void **state)
{
	struct capture c;
	struct fake f;

	(void)state;
	open_fake(&f);
	send_interface(f.kernel, 2, NL80211_IFTYPE_AP, "wlan0");
	peer_finish(f.kernel, NLMSG_DONE, 2, 0);
	send_station(f.kernel, 3, 1);
	send_station(f.kernel, 3, 1);
	peer_finish(f.kernel, NLMSG_DONE, 3, 0);
	assert_int_equal(capture_sample(&c, &source_wireless, f.inst, 0), 0);
	assert_value(&c, "node_wireless_stations", WLAN, 2);
	assert_int_equal(c.len, 2);
	close_fake(&f);
}

/* An interface that goes between the two questions; then one whose driver has no such list. */
static void
an_interface_that_has_gone_ends_alone_MET_03(void **state)
{
	struct capture c;
	struct fake f;

	(void)state;
	open_fake(&f);
	send_interface(f.kernel, 2, NL80211_IFTYPE_STATION, "wlan0");
	send_interface(f.kernel, 2, NL80211_IFTYPE_STATION, "wlan1");
	peer_finish(f.kernel, NLMSG_DONE, 2, 0);
	peer_finish(f.kernel, NLMSG_ERROR, 3, -ENODEV);
	send_station(f.kernel, 4, 1);
	peer_finish(f.kernel, NLMSG_DONE, 4, 0);
	assert_int_equal(capture_sample(&c, &source_wireless, f.inst, 0), 0);
	assert_value(&c, "node_wireless_associated", WLAN, 0);
	assert_value(&c, "node_wireless_signal_dbm", "{device=\"wlan1\"}", -58);
	close_fake(&f);
}

/* A name that is too long, an attribute longer than the message, a signal of 0, a station without an
 * end, an answer to another question; then no answer at all. */
static void
a_kernel_that_talks_nonsense_is_given_up_until_later(void **state)
{
	static const uint8_t cut[] = { 40, 0, 0, 0, PEER_FAMILY, 0 };
	struct peer_message m = { 0 };
	struct capture c;
	struct fake f;
	size_t info;

	(void)state;
	open_fake(&f);
	send_interface(f.kernel, 2, NL80211_IFTYPE_STATION, "a_name_that_is_too_long");
	send_interface(f.kernel, 9, NL80211_IFTYPE_STATION, "other");
	send_interface(f.kernel, 2, NL80211_IFTYPE_STATION, "wlan0");
	peer_finish(f.kernel, NLMSG_DONE, 2, 0);
	info = peer_nest(&m, NL80211_ATTR_STA_INFO);
	peer_u8(&m, NL80211_STA_INFO_SIGNAL, 0);
	peer_u16(&m, NL80211_STA_INFO_TX_RETRIES, 7);
	peer_attr(&m, NL80211_STA_INFO_BEACON_LOSS, "\1\0\0\0", 4);
	m.data[m.len - 8] = 200;
	peer_end(&m, info);
	peer_send(f.kernel, PEER_FAMILY, 3, &m);
	peer_finish(f.kernel, NLMSG_DONE, 3, 0);
	assert_int_equal(capture_sample(&c, &source_wireless, f.inst, 0), 0);
	assert_value(&c, "node_wireless_associated", WLAN, 1);
	assert_int_equal(c.len, 2); /* with the frequency */
	assert_int_equal(send(f.kernel, cut, sizeof cut, 0), sizeof cut);
	assert_int_equal(capture_sample(&c, &source_wireless, f.inst, 1000), -ENOENT);
	assert_int_equal(c.len, 0);
	assert_int_equal(((struct wireless *)f.inst)->genl.fd, -1);
	close_fake(&f);
}

static void
a_machine_without_nl80211_has_nothing_open_and_is_not_asked_again_soon(void **state)
{
	static const struct source_env machine = { .proc = "/proc" };
	struct genl g;
	struct capture c;
	struct wireless *w;
	void *inst;
	int pair[2];

	(void)state;
	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, pair), 0);
	peer_finish(pair[1], NLMSG_ERROR, 1, -ENOENT);
	assert_int_equal(genl_attach(&g, pair[0], NL80211_GENL_NAME), -ENOENT);
	assert_int_equal(g.fd, -1);
	close(pair[1]);
	assert_int_equal(source_wireless.open(&machine, &inst), 0);
	w = inst;
	(void)capture_sample(&c, &source_wireless, inst, 5000);
	assert_true(w->netlink);
	assert_true(w->genl.fd >= 0 || w->retry_ms == 5000 + RETRY_MS);
	source_wireless.close(inst);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(signal_noise_and_quality_of_a_radio_are_read),
		TEST(a_radio_without_a_link_has_quality_zero_and_no_signal),
		TEST(quality_is_never_above_one_and_garbage_removes_only_itself),
		TEST(nl80211_tells_of_signal_rates_and_association_MET_04),
		TEST(an_interface_that_is_not_associated_tells_that_and_no_signal_MET_04),
		TEST(an_access_point_tells_how_many_stations_it_has),
		TEST(an_interface_that_has_gone_ends_alone_MET_03),
		TEST(a_kernel_that_talks_nonsense_is_given_up_until_later),
		TEST(
		    a_machine_without_nl80211_has_nothing_open_and_is_not_asked_again_soon),
	};

	return RUN_TESTS(tests, NULL, NULL);
}
