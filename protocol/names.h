/* SPDX-License-Identifier: Apache-2.0
 *
 * Objective names of draft-bernardos-anima-fog-monitoring and of ours, with the flags and loop
 * counts of DESIGN.md §4. A configured prefix ("example.org:") stands in front of all of them until
 * IANA has assigned them (F-06). */
#pragma once
#include "base/mem.h"
#include <stddef.h>

#define FOGDOMAIN	      "FOGDOMAIN" /* controller of a domain: flood, discovery */
#define FOGREG		      "FOGREG"	  /* register, renew */
#define FOGPLAN		      "FOGPLAN"	  /* monitoring plan */
#define FOGREPORT	      "FOGREPORT" /* telemetry and events */
#define FOGMETRIC	      "FOGMETRIC" /* query now */
#define FOGJOIN		      "FOGJOIN"	  /* become a member, renew */
#define FOGTRUST	      "FOGTRUST"  /* whom the domain trusts */
#define FOGNODERADIO	      "FOGNODERADIO" /* nodes with a property: radio technology */
#define FOGNODECONNECTIVITY   "FOGNODECONNECTIVITY"
#define FOGNODEVIRTUALIZATION "FOGNODEVIRTUALIZATION"
#define FOGNODEDOMAIN	      "FOGNODEDOMAIN"
#define FOGNODETYPE	      "FOGNODETYPE" /* ours, as are those below: protocol/property.h */
#define FOGNODEVENDOR	      "FOGNODEVENDOR"
#define FOGNODEENERGY	      "FOGNODEENERGY"
#define FOGNODEARCH	      "FOGNODEARCH"
#define FOGNODETAG	      "FOGNODETAG"

#define FOG_LOOP_COUNT	      6
#define FOG_NAME_MAX	      64
#define FOG_PREFIX_MAX	      40 /* leaves room for the longest name; what is longer is cut */

/* prefix + name into dst; returns dst. prefix may be NULL. */
char *
fog_objective_name(const char *prefix, const char *name, char dst[FOG_NAME_MAX + 1]);

struct fog_id {
	unsigned char bytes[16];
};
#define FOG_ID_TEXT 33
char *fog_id_format(
    const struct fog_id *id, char dst[FOG_ID_TEXT]); /* 32 lower-case hex digits */
