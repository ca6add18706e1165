/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/property.h"

#include <errno.h>
#include <string.h>

#define PROPERTIES 4

static const char *const names[PROPERTIES] = { FOGNODERADIO, FOGNODECONNECTIVITY,
	FOGNODEVIRTUALIZATION, FOGNODEDOMAIN };

struct property {
	struct properties *owner;
	const char *name;
	struct grasp_registration *registration;
};

struct properties {
	const struct agent_config *cfg;
	const struct caps *caps;
	struct property one[PROPERTIES];
};

/* --- words ---------------------------------------------------------------------------------- */
static void
add_word(const char *word, const char *ret[PROPERTY_WORDS_MAX], size_t *len)
{
	if (!word[0] || *len == PROPERTY_WORDS_MAX)
		return;
	for (size_t i = 0; i < *len; i++)
		if (!strcmp(ret[i], word))
			return;
	ret[(*len)++] = word;
}

static void
add_layers(
    const struct caps_interface *i, const char *ret[PROPERTY_WORDS_MAX], size_t *len)
{
	if (i->l2_len)
		add_word("layer2", ret, len);
	for (unsigned n = 0; n < i->addrs; n++)
		add_word(i->addr[n].len == 4 ? "ipv4" : "ipv6", ret, len);
}

size_t
property_words(const char *property, const struct agent_config *cfg,
    const struct caps *caps, const char *ret[PROPERTY_WORDS_MAX])
{
	size_t len = 0;

	if (!strcmp(property, FOGNODEDOMAIN))
		add_word(cfg->domain, ret, &len);
	else if (!strcmp(property, FOGNODEVIRTUALIZATION))
		add_word(caps->virtualization, ret, &len);
	for (unsigned i = 0; i < caps->interfaces; i++) {
		const struct caps_interface *interface = &caps->interface[i];

		if (!strcmp(property, FOGNODERADIO)) {
			add_word(interface->radio, ret, &len);
		} else if (!strcmp(property, FOGNODECONNECTIVITY) && interface->up) {
			add_layers(interface, ret, &len);
			add_word(caps_kind_name(interface->kind), ret, &len);
		}
	}
	return len;
}

static bool
is_word(struct slice text, const char *const *word, size_t words)
{
	for (size_t i = 0; i < words; i++)
		if (slice_is(text, word[i]))
			return true;
	return false;
}

static bool
match_any(struct cbor_reader *r, const char *const *word, size_t words)
{
	bool matches = false;

	rd_enter_array(r);
	while (rd_more(r))
		matches |= is_word(rd_text(r), word, words);
	rd_leave(r);
	return matches;
}

bool
property_matches(struct slice asked, const char *const *word, size_t words)
{
	struct cbor_reader r;
	bool matches = words > 0;

	if (!asked.len)
		return matches;
	rd_init(&r, asked, 64);
	switch ((int)rd_peek(&r)) {
	case RD_NULL:
		rd_null(&r);
		break;
	case RD_ARRAY:
		matches = match_any(&r, word, words);
		break;
	default:
		matches = is_word(rd_text(&r), word, words);
	}
	return rd_done(&r) == 0 && matches;
}

/* --- GRASP ---------------------------------------------------------------------------------- */
static void
put_words(const char *const *word, size_t words, struct buf *out)
{
	if (words > 1)
		wr_array(out, words);
	for (size_t i = 0; i < words; i++)
		wr_text(out, word[i]);
}

static bool
discovered(void *arg, const struct grasp_peer *from, const struct grasp_objective *asked,
    struct buf *ret_value)
{
	const struct property *p = arg;
	const char *word[PROPERTY_WORDS_MAX];
	size_t words = property_words(p->name, p->owner->cfg, p->owner->caps, word);

	(void)from;
	if (!property_matches(asked->value, word, words))
		return false;
	put_words(word, words, ret_value);
	return true;
}

/* A peer may confirm what a response without a value left open. */
static void
synchronize(void *arg, struct grasp_session *s, const struct grasp_objective *asked)
{
	const struct property *p = arg;
	const char *word[PROPERTY_WORDS_MAX];
	size_t words = property_words(p->name, p->owner->cfg, p->owner->caps, word);
	uint8_t memory[GRASP_DEF_MAX_SIZE - 128];
	struct buf value;

	(void)asked;
	buf_init_fixed(&value, memory, sizeof memory);
	if (words)
		put_words(word, words, &value);
	else
		wr_null(&value);
	if (value.err || grasp_session_synch(s, buf_slice(&value)) < 0)
		grasp_session_end(s, false, NULL);
}

int
properties_new(struct grasp_node *node, const struct agent_config *cfg,
    const struct caps *caps, struct properties **ret)
{
	static const struct grasp_support support = { .discovered = discovered,
		.synchronize = synchronize };
	CLEANUP(properties_free) struct properties *p = calloc(1, sizeof *p);
	char name[FOG_NAME_MAX + 1];

	if (!p)
		return -ENOMEM;
	p->cfg = cfg;
	p->caps = caps;
	for (size_t i = 0; i < PROPERTIES; i++) {
		struct property *one = &p->one[i];

		one->owner = p;
		one->name = names[i];
		int err = grasp_register(node,
		    fog_objective_name(cfg->grasp.objective_prefix, names[i], name),
		    F_DISC | F_SYNCH, &support, one, &one->registration);
		if (err < 0)
			return err;
	}
	*ret = TAKE(p);
	return 0;
}

void
properties_free(struct properties *p)
{
	if (!p)
		return;
	for (size_t i = 0; i < PROPERTIES; i++)
		grasp_deregister(p->one[i].registration);
	free(p);
}
