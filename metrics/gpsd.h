/* SPDX-License-Identifier: Apache-2.0
 *
 * What gpsd(8) says, line by line: its answer to ?POLL; (gpsd_json(5)). No sockets here. */
#pragma once
#include "base/slice.h"

#define GPSD_TIME_MAX 40

struct gpsd_fix {
	int mode;		  /* 0 not known, 1 none, 2 position, 3 height as well */
	char time[GPSD_TIME_MAX]; /* of the fix, as the receiver has it; "": none */
	/* degrees, meters, meters a second; NaN: not told */
	double latitude, longitude, altitude, speed, heading, climb, error;
	double satellites;
};

/* 1: the best fix there is, mode 0 if there is none; 0: another message; -EBADMSG: not JSON. */
int gpsd_parse(struct slice line, struct gpsd_fix *ret);
