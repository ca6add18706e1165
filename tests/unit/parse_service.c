/* SPDX-License-Identifier: Apache-2.0
 *
 * Is the standard input a service description? Exit status 0: yes; 1: no, and stderr says why. */
#include "controller/service.h"
#include <stdio.h>

int
main(void)
{
	static char text[1 << 20];
	size_t len = fread(text, 1, sizeof text, stdin);
	CLEANUP(service_free) struct service *s = NULL;
	struct complaints c;
	int err;

	complaints_init(&c);
	err = service_parse((struct slice){ (const uint8_t *)text, len }, "-", &c, &s);
	if (err < 0)
		fputs(buf_text(&c.text), stderr);
	complaints_done(&c);
	return err < 0;
}
