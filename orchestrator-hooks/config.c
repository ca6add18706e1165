/* SPDX-License-Identifier: Apache-2.0
 *
 * An instance's configuration reaches every plug-in as JSON, whoever wrote it. Ours read it with the
 * tables of base/conf.h: the JSON that the host writes is YAML as well. */
#include "orchestrator-hooks/builtin.h"
#include <errno.h>
#include <stdio.h>
#include <string.h>

int
hook_config_load(const struct conf_option *table, size_t len, const char *json, void *ret,
    char *err, size_t err_len)
{
	CLEANUP(yaml_doc_free) struct yaml_doc *doc = NULL;
	struct complaints c;
	int rc;

	complaints_init(&c);
	rc = yaml_parse(slice_text(json), "json", &c, &doc);
	if (!rc)
		rc = conf_load(table, len, yaml_root(doc), &c, ret);
	if (rc < 0 && c.text.pos) {
		const char *text = buf_text(&c.text), *place = strstr(text, ": ");

		if (place) /* where it stood in the JSON helps nobody */
			text = place + 2;
		snprintf(err, err_len, "%.*s", (int)strcspn(text, "\n"), text);
	}
	complaints_done(&c);
	return rc == -EBADMSG ? -EINVAL : rc;
}
