/* SPDX-License-Identifier: Apache-2.0 */
#include "metrics/nl80211.h"
#include "metrics/genl.h"
#include <linux/nl80211.h>
#include <math.h>
#include <string.h>

bool
nl80211_interface(struct slice attributes, struct nl80211_interface *ret)
{
	struct nl80211_interface i = { .frequency_hz = NAN };
	struct genl_attr a;
	uint32_t mhz;

	while (genl_next(&attributes, &a)) {
		if (a.type == NL80211_ATTR_IFNAME)
			(void)genl_text(&a, i.name, sizeof i.name);
		else if (a.type == NL80211_ATTR_IFINDEX)
			(void)genl_u32(&a, &i.ifindex);
		else if (a.type == NL80211_ATTR_IFTYPE)
			(void)genl_u32(&a, &i.type);
		else if (a.type == NL80211_ATTR_WIPHY_FREQ && genl_u32(&a, &mhz) &&
		    mhz > 0)
			i.frequency_hz = mhz * 1e6;
	}
	if (!i.name[0] || i.ifindex == 0)
		return false;
	*ret = i;
	return true;
}

/* In units of 100 kbit/s; the 16-bit one ends at 6.5 Gbit/s. */
static double
take_rate(struct slice attributes)
{
	struct genl_attr a;
	double bps = NAN;
	uint32_t wide;
	uint16_t narrow;

	while (genl_next(&attributes, &a)) {
		if (a.type == NL80211_RATE_INFO_BITRATE32 && genl_u32(&a, &wide) &&
		    wide > 0)
			return wide * 1e5;
		if (a.type == NL80211_RATE_INFO_BITRATE && genl_u16(&a, &narrow) &&
		    narrow > 0)
			bps = narrow * 1e5;
	}
	return bps;
}

/* Drivers put 0 where they do not know: no radio hears that well. */
static double
take_dbm(const struct genl_attr *a)
{
	uint8_t raw;
	int8_t dbm;

	if (!genl_u8(a, &raw))
		return NAN;
	dbm = (int8_t)raw;
	return dbm < 0 ? dbm : NAN;
}

static double
take_number(const struct genl_attr *a, double unit)
{
	uint32_t v;

	return genl_u32(a, &v) ? v * unit : NAN;
}

static bool
is_associated(const struct genl_attr *a)
{
	struct nl80211_sta_flag_update flags;
	const uint32_t bit = 1U << NL80211_STA_FLAG_ASSOCIATED;

	if (a->value.len != sizeof flags)
		return true;
	memcpy(&flags, a->value.data, sizeof flags);
	return !(flags.mask & bit) || flags.set & bit;
}

static void
take_info(struct slice attributes, struct nl80211_station *s)
{
	struct genl_attr a;

	while (genl_next(&attributes, &a))
		switch (a.type) {
		case NL80211_STA_INFO_SIGNAL:
			s->signal_dbm = take_dbm(&a);
			break;
		case NL80211_STA_INFO_SIGNAL_AVG:
			s->average_dbm = take_dbm(&a);
			break;
		case NL80211_STA_INFO_TX_BITRATE:
			s->transmit_bps = take_rate(a.value);
			break;
		case NL80211_STA_INFO_RX_BITRATE:
			s->receive_bps = take_rate(a.value);
			break;
		case NL80211_STA_INFO_BEACON_LOSS:
			s->beacon_loss = take_number(&a, 1);
			break;
		case NL80211_STA_INFO_TX_RETRIES:
			s->retries = take_number(&a, 1);
			break;
		case NL80211_STA_INFO_TX_FAILED:
			s->failed = take_number(&a, 1);
			break;
		case NL80211_STA_INFO_INACTIVE_TIME:
			s->inactive_s = take_number(&a, 1e-3);
			break;
		case NL80211_STA_INFO_CONNECTED_TIME:
			s->connected_s = take_number(&a, 1);
			break;
		case NL80211_STA_INFO_STA_FLAGS:
			s->associated = is_associated(&a);
			break;
		}
}

bool
nl80211_station(struct slice attributes, struct nl80211_station *ret)
{
	struct nl80211_station s = { NAN, NAN, NAN, NAN, NAN, NAN, NAN, NAN, NAN, true };
	bool found = false;
	struct genl_attr a;

	while (genl_next(&attributes, &a))
		if (a.type == NL80211_ATTR_STA_INFO) {
			take_info(a.value, &s);
			found = true;
		}
	if (found)
		*ret = s;
	return found;
}
