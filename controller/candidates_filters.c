/* SPDX-License-Identifier: Apache-2.0
 *
 * Who may at all: permission, state, and what a node is and has free. A permission that comes with the
 * package of a function belongs here too. */
#include "controller/candidates_int.h"
#include <stdio.h>
#include <string.h>

/* --- permission --------------------------------------------------------------------------------- */

static bool
is_listed(const struct view *v, struct reason *why)
{
	if (v->f->any_candidate || conf_list_has(&v->f->candidate, v->node->name))
		return true;
	say(why, "it is not in the list of candidates");
	return false;
}

static bool
is_not_avoided(const struct view *v, struct reason *why)
{
	if (!conf_list_has(&v->f->avoid, v->node->name))
		return true;
	say(why, "the service avoids it");
	return false;
}

/* A function does not leave its domain by itself. */
static bool
is_of_domain(const struct view *v, struct reason *why)
{
	if (!v->host || !v->host->domain[0] || !strcmp(v->node->domain, v->host->domain))
		return true;
	say(why, "it is in the domain %s, the function in %s",
	    v->node->domain[0] ? v->node->domain : "without a name", v->host->domain);
	return false;
}

/* --- state -------------------------------------------------------------------------------------- */

static bool
is_not_host(const struct view *v, struct reason *why)
{
	if (strcmp(v->of->node, v->node->name))
		return true;
	say(why, "it is the node that has the function");
	return false;
}

static bool
is_alive(const struct view *v, struct reason *why)
{
	if (v->node->state == NODE_ALIVE)
		return true;
	say(why, "it is %s", node_state_name(v->node->state));
	return false;
}

/* Which of two machines would get it? (S-18) */
static bool
is_not_quarantined(const struct view *v, struct reason *why)
{
	if (!v->node->quarantined)
		return true;
	say(why, "another machine has its key");
	return false;
}

static const char *
find_tag(const struct caps *caps, const char *key)
{
	for (unsigned i = 0; i < caps->tags; i++)
		if (!strcmp(caps->tag[i].key, key))
			return caps->tag[i].value;
	return NULL;
}

static bool
has_flag(const struct view *v, const char *key)
{
	const char *tag = find_tag(v->node->caps, key);

	return tag && strcmp(tag, "no") != 0 && strcmp(tag, "false") != 0;
}

/* An operator empties a node by the tag "draining". */
static bool
is_not_draining(const struct view *v, struct reason *why)
{
	if (!has_flag(v, "draining"))
		return true;
	say(why, "it is draining");
	return false;
}

static bool
is_not_in_maintenance(const struct view *v, struct reason *why)
{
	if (!has_flag(v, "maintenance"))
		return true;
	say(why, "it is in maintenance");
	return false;
}

static bool
has_not_failed(const struct view *v, struct reason *why)
{
	int64_t ago = placement_failed_ago(v->of, v->node->name, v->q->now_ms);

	if (ago < 0)
		return true;
	say(why, "a migration to it failed %lld s ago", (long long)ago / 1000);
	return false;
}

/* --- what it has -------------------------------------------------------------------------------- */

static long long
mebibytes(int64_t bytes)
{
	return (long long)(bytes >> 20);
}

static bool
has_cpus(const struct view *v, struct reason *why)
{
	if (v->node->caps->cpus >= v->f->cpus)
		return true;
	say(why, "it has %u cores, %lld are needed", v->node->caps->cpus,
	    (long long)v->f->cpus);
	return false;
}

static bool
has_bytes(const char *what, uint64_t has, int64_t needed, struct reason *why)
{
	if (has >= (uint64_t)needed)
		return true;
	say(why, "it has %lld MiB of %s, %lld are needed", mebibytes((int64_t)has), what,
	    mebibytes(needed));
	return false;
}

static bool
has_total_memory(const struct view *v, struct reason *why)
{
	return has_bytes("memory", v->node->caps->memory_bytes, v->f->memory_bytes, why);
}

static bool
has_total_storage(const struct view *v, struct reason *why)
{
	return has_bytes(
	    "storage", v->node->caps->storage_bytes, v->f->storage_bytes, why);
}

static bool
is_one_of(const struct conf_list *wanted, const char *what, const char *value,
    struct reason *why)
{
	if (!wanted->len || conf_list_has(wanted, value))
		return true;
	say(why, "its %s is %s, needed is %s%s", what, *value ? value : "unknown",
	    wanted->item[0], wanted->len > 1 ? " or another" : "");
	return false;
}

static bool
has_virtualization(const struct view *v, struct reason *why)
{
	return is_one_of(
	    &v->f->virtualization, "virtualization", v->node->caps->virtualization, why);
}

static bool
has_energy(const struct view *v, struct reason *why)
{
	return is_one_of(
	    &v->f->energy, "energy source", caps_energy_name(v->node->caps->energy), why);
}

static bool
has_type(const struct view *v, struct reason *why)
{
	return is_one_of(&v->f->type, "type", v->node->caps->type, why);
}

static bool
has_radio(const struct view *v, struct reason *why)
{
	const struct caps *caps = v->node->caps;

	for (unsigned i = 0; i < caps->interfaces; i++)
		if (caps->interface[i].up &&
		    conf_list_has(&v->f->radio, caps->interface[i].radio))
			return true;
	if (!v->f->radio.len)
		return true;
	say(why, "it has no interface up with radio %s%s", v->f->radio.item[0],
	    v->f->radio.len > 1 ? " or another needed one" : "");
	return false;
}

static bool
has_devices(const struct view *v, struct reason *why)
{
	for (size_t i = 0; i < v->f->device.len; i++) {
		if (caps_has_device(v->node->caps, v->f->device.item[i]))
			continue;
		say(why, "it has no device %s", v->f->device.item[i]);
		return false;
	}
	return true;
}

static bool
has_tags(const struct view *v, struct reason *why)
{
	for (size_t i = 0; i < v->f->tag.len; i++) {
		const char *value = find_tag(v->node->caps, v->f->tag.key[i]);

		if (value && !strcmp(value, v->f->tag.value[i]))
			continue;
		say(why, "its tag %s is %s, needed is %s", v->f->tag.key[i],
		    value ? value : "not set", v->f->tag.value[i]);
		return false;
	}
	return true;
}

/* --- what is free of it: of too little in all, the others tell ----------------------------------- */

static bool
has_free_cpus(const struct view *v, struct reason *why)
{
	int64_t all = v->node->caps->cpus, taken = v->load.cpus, needed = v->f->cpus;

	if (!needed || needed > all || taken + needed <= all)
		return true;
	say(why, "other functions take %lld of its %lld cores, %lld are needed",
	    (long long)taken, (long long)all, (long long)needed);
	return false;
}

static bool
has_free_bytes(
    const char *what, uint64_t has, int64_t taken, int64_t needed, struct reason *why)
{
	int64_t all = (int64_t)has;

	if (!needed || needed > all || taken + needed <= all)
		return true;
	say(why, "other functions take %lld of its %lld MiB of %s, %lld are needed",
	    mebibytes(taken), mebibytes(all), what, mebibytes(needed));
	return false;
}

static bool
has_free_memory(const struct view *v, struct reason *why)
{
	return has_free_bytes("memory", v->node->caps->memory_bytes, v->load.memory_bytes,
	    v->f->memory_bytes, why);
}

static bool
has_free_storage(const struct view *v, struct reason *why)
{
	return has_free_bytes("storage", v->node->caps->storage_bytes,
	    v->load.storage_bytes, v->f->storage_bytes, why);
}

const struct candidate_filter candidate_filters[] = {
	{ "host", "not the node that has the function", FILTER_NOW, is_not_host },
	{ "state", "alive, not only perhaps", FILTER_NOW, is_alive },
	{ "quarantine", "one machine has its key", FILTER_NOW, is_not_quarantined },
	{ "draining", "not tagged draining", FILTER_NOW, is_not_draining },
	{ "maintenance", "not tagged maintenance", FILTER_NOW, is_not_in_maintenance },
	{ "domain", "of the domain that the function is in", FILTER_NOW, is_of_domain },
	{ "free cores", "cores beside what other functions take", FILTER_NOW,
	    has_free_cpus },
	{ "free memory", "memory beside what other functions take", FILTER_NOW,
	    has_free_memory },
	{ "free storage", "storage beside what other functions take", FILTER_NOW,
	    has_free_storage },
	{ "failed", "no migration to it failed a short time ago", FILTER_NOW,
	    has_not_failed },
	{ "candidates", "in the list of candidates", FILTER_LASTING, is_listed },
	{ "avoid", "not in the list of those to avoid", FILTER_LASTING, is_not_avoided },
	{ "cores", "as many cores as needed", FILTER_LASTING, has_cpus },
	{ "memory", "as much memory as needed", FILTER_LASTING, has_total_memory },
	{ "storage", "as much storage as needed", FILTER_LASTING, has_total_storage },
	{ "virtualization", "a virtualization that will do", FILTER_LASTING,
	    has_virtualization },
	{ "energy", "an energy source that will do", FILTER_LASTING, has_energy },
	{ "type", "a type that will do", FILTER_LASTING, has_type },
	{ "radio", "an interface up with a radio that will do", FILTER_LASTING,
	    has_radio },
	{ "devices", "all devices that are needed", FILTER_LASTING, has_devices },
	{ "tags", "all tags that are needed", FILTER_LASTING, has_tags },
	{ .name = NULL },
};
