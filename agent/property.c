/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/property.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "grasp/scope.h"
#include "protocol/domain.h"

struct property {
	struct properties *owner;
	enum fog_property kind;
	struct grasp_registration *registration;
};

struct properties {
	struct properties_env env;
	struct property one[FOG_PROPERTIES];
};

/* --- words ---------------------------------------------------------------------------------- */
static void
add_word(const char *word, struct property_words *ret)
{
	if (!word[0] || ret->len == FOG_WORDS_MAX)
		return;
	for (size_t i = 0; i < ret->len; i++)
		if (!strcmp(ret->word[i], word))
			return;
	ret->word[ret->len++] = word;
}

static void
add_layers(const struct caps_interface *i, struct property_words *ret)
{
	if (i->l2_len)
		add_word("layer2", ret);
	for (unsigned n = 0; n < i->addrs; n++)
		add_word(i->addr[n].len == 4 ? "ipv4" : "ipv6", ret);
}

static void
add_connectivity(const struct caps *caps, struct property_words *ret)
{
	for (unsigned i = 0; i < caps->interfaces; i++)
		if (caps->interface[i].up) {
			add_layers(&caps->interface[i], ret);
			add_word(caps_kind_name(caps->interface[i].kind), ret);
		}
}

static void
add_tags(const struct caps *caps, struct property_words *ret)
{
	for (unsigned i = 0; i < caps->tags; i++) {
		snprintf(ret->tag[i], sizeof ret->tag[i], "%s=%s", caps->tag[i].key,
		    caps->tag[i].value);
		add_word(ret->tag[i], ret);
	}
}

void
property_words(enum fog_property property, const char *domain, const struct caps *caps,
    struct property_words *ret)
{
	ret->len = 0;
	switch (property) {
	case FOG_RADIO:
		for (unsigned i = 0; i < caps->interfaces; i++)
			add_word(caps->interface[i].radio, ret);
		break;
	case FOG_CONNECTIVITY:
		add_connectivity(caps, ret);
		break;
	case FOG_VIRTUALIZATION:
		add_word(caps->virtualization, ret);
		break;
	case FOG_DOMAIN:
		add_word(domain, ret);
		break;
	case FOG_TYPE:
		add_word(caps->type, ret);
		break;
	case FOG_VENDOR:
		add_word(caps->vendor, ret);
		break;
	case FOG_ENERGY:
		if (caps->energy != CAPS_ENERGY_UNKNOWN)
			add_word(caps_energy_name(caps->energy), ret);
		break;
	case FOG_ARCH:
		add_word(caps->arch, ret);
		break;
	case FOG_TAG:
		add_tags(caps, ret);
		break;
	case FOG_PROPERTIES:
		break;
	}
}

bool
property_answer(struct slice asked, const char *attributes,
    const struct property_words *ours, struct fog_words *ret)
{
	struct fog_words wanted;

	*ret = (struct fog_words){ 0 };
	if (fog_words_decode(asked, &wanted) < 0 ||
	    !grasp_scope_matches(wanted.scope, attributes)) /* SC-10 */
		return false;
	for (size_t i = 0; i < ours->len; i++)
		if (fog_words_want(&wanted, slice_text(ours->word[i])))
			ret->word[ret->words++] = slice_text(ours->word[i]);
	return ret->words > 0;
}

/* Somebody asks under the name of this property for his controller (F-05). */
static bool
is_for_controllers(const struct property *p, struct slice asked)
{
	struct fog_domain d;

	return p->kind == FOG_DOMAIN && fog_domain_decode(asked, &d) == 0 &&
	    d.role == FOG_AGENT;
}

/* --- GRASP ---------------------------------------------------------------------------------- */
static bool
discovered(void *arg, const struct grasp_peer *from, const struct grasp_objective *asked,
    struct buf *ret_value)
{
	const struct property *p = arg;
	const struct properties_env *env = &p->owner->env;
	struct property_words ours;
	struct fog_words answer;

	(void)from;
	property_words(p->kind, env->domain, env->caps, &ours);
	if (is_for_controllers(p, asked->value) ||
	    !property_answer(asked->value, env->attributes, &ours, &answer))
		return false;
	fog_words_encode(&answer, ret_value);
	return true;
}

/* A peer may confirm what a response without a value left open. */
static void
synchronize(void *arg, struct grasp_session *s, const struct grasp_objective *asked)
{
	const struct property *p = arg;
	uint8_t memory[GRASP_DEF_MAX_SIZE - 128];
	struct property_words ours;
	struct fog_words all;
	struct buf value;

	(void)asked;
	property_words(p->kind, p->owner->env.domain, p->owner->env.caps, &ours);
	(void)property_answer((struct slice){ 0 }, "", &ours, &all);
	buf_init_fixed(&value, memory, sizeof memory);
	fog_words_encode(&all, &value);
	if (value.err || grasp_session_synch(s, buf_slice(&value)) < 0)
		grasp_session_end(s, false, NULL);
}

/* Many nodes may have a property: whoever relays the question passes it on all the same. */
static int
offer(struct property *p, struct grasp_node *node, const char *prefix)
{
	static const struct grasp_support support = { .discovered = discovered,
		.synchronize = synchronize,
		.assist = GRASP_ASSIST_OFF,
		.shared = true };
	char name[FOG_NAME_MAX + 1];

	fog_objective_name(prefix, fog_property_names[p->kind].objective, name);
	return grasp_register(
	    node, name, F_DISC | F_SYNCH, &support, p, &p->registration);
}

int
properties_new(
    struct grasp_node *node, const struct properties_env *env, struct properties **ret)
{
	CLEANUP(properties_free) struct properties *p = calloc(1, sizeof *p);
	int err = 0;

	if (!p)
		return -ENOMEM;
	p->env = *env;
	for (enum fog_property k = 0; k < FOG_PROPERTIES && err == 0; k++) {
		p->one[k].owner = p;
		p->one[k].kind = k;
		err = offer(&p->one[k], node, env->prefix);
	}
	if (err < 0)
		return err;
	*ret = TAKE(p);
	return 0;
}

void
properties_free(struct properties *p)
{
	if (!p)
		return;
	for (size_t i = 0; i < FOG_PROPERTIES; i++)
		grasp_deregister(p->one[i].registration);
	free(p);
}
