/* SPDX-License-Identifier: Apache-2.0
 *
 * Numbers of RFC 8990, each with its section. */
#pragma once

/* §2.6 */
#define GRASP_LISTEN_PORT 7017
#define GRASP_DEF_TIMEOUT_MS 60000
#define GRASP_DEF_LOOPCT 6
#define GRASP_DEF_MAX_SIZE 2048
#define GRASP_ALL_NEIGHBORS_6 "ff02::13"
#define GRASP_ALL_NEIGHBORS_4 "224.0.0.119"

#define GRASP_MULTICAST_MAX 1232	      /* §2.5.3: 1280 - 40 IPv6 - 8 UDP */
#define GRASP_HOP_TIMEOUT_MS 100	      /* §2.5.4.3: per unit of loop count */
#define GRASP_RESPONSE_TTL_ZERO_MS 600000     /* §2.8.5: what ttl 0 means on receipt */
#define GRASP_SEEN_MS (2 * GRASP_DEF_TIMEOUT_MS) /* §2.5.6.2: relayed session ids remembered */

enum grasp_type { /* §2.8, §4 */
	M_NOOP = 0,
	M_DISCOVERY = 1,
	M_RESPONSE = 2,
	M_REQ_NEG = 3,
	M_REQ_SYN = 4,
	M_NEGOTIATE = 5,
	M_END = 6,
	M_WAIT = 7,
	M_SYNCH = 8,
	M_FLOOD = 9,
	M_INVALID = 99,
};

enum grasp_option { /* §2.9 */
	O_DIVERT = 100,
	O_ACCEPT = 101,
	O_DECLINE = 102,
	O_IPv6_LOCATOR = 103,
	O_IPv4_LOCATOR = 104,
	O_FQDN_LOCATOR = 105,
	O_URI_LOCATOR = 106,
};

enum grasp_flag { /* §2.10.2: masks of the bit numbers there */
	F_DISC = 1 << 0,
	F_NEG = 1 << 1,
	F_SYNCH = 1 << 2,
	F_NEG_DRY = 1 << 3,
};

enum grasp_proto { GRASP_TCP = 6, GRASP_UDP = 17 }; /* §2.9.5 */

/* Bounds of ours (security.md §8). */
#define GRASP_NAME_MAX 64
#define GRASP_UNICAST_MAX 65536	 /* after registration; GRASP_DEF_MAX_SIZE before */
#define GRASP_LOCATORS_MAX 16
#define GRASP_FLOOD_ITEMS_MAX 16
