/* SPDX-License-Identifier: Apache-2.0
 *
 * What the program that samples tells of itself: it fills the source "agent", which knows the names. */
#pragma once

enum self_value {
	SELF_LAG,	    /* seconds, the worst since it was told last */
	SELF_READS,	    /* of sources, so far */
	SELF_SAMPLES,	    /* values kept, so far */
	SELF_SERIES,	    /* now */
	SELF_HISTORY_BYTES, /* now */
	SELF_SENT_BYTES,    /* to each destination, so far */
	SELF_REPORT_QUEUE,  /* results that wait for each destination, now */
	SELF_REPORT_BYTES,  /* to each destination, so far */
	SELF_ITEM_BYTES,    /* for each plan item of a destination, so far */
	SELF_VALUES,
};

/* destination and item: "" where there is none. */
typedef void self_put_f(void *to, enum self_value what, const char *destination,
    const char *item, double value);

/* Called by the thread that runs the sampler. */
struct source_self {
	void (*tell)(void *arg, self_put_f *put, void *to);
	void *arg;
};
