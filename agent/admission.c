/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/admission.h"

#include <config.h> /* the build's, not ours */

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/crypto.h"
#include "base/crypto_aead.h"
#include "base/crypto_cert.h"
#include "protocol/join.h"

#define ANSWER_MS 15000 /* a signature may have to wait for its turn */
#define WHY_MAX	  160

struct admission {
	const struct admission_env *env;
	struct grasp_session *session; /* NULL: not asking */
	uint8_t command[16];
	bool has_command;
};

/* --- the request ---------------------------------------------------------------------------- */
/* The id changes with the next request; a repetition is one until there was an answer that counts. */
static void
choose_command(struct admission *a)
{
	if (!a->has_command)
		crypto_random(a->command, sizeof a->command);
	a->has_command = true;
}

static void
fill(const struct admission *a, const struct token *token, struct fog_join *ret)
{
	memcpy(ret->command, a->command, sizeof ret->command);
	snprintf(ret->version, sizeof ret->version, "%s", PACKAGE_VERSION);
	snprintf(ret->name, sizeof ret->name, "%s", a->env->identity->name);
	if (!token)
		return;
	ret->has_token = true;
	memcpy(ret->token_id, token->id, sizeof ret->token_id);
	memcpy(ret->token_secret, token->secret, sizeof ret->token_secret);
}

static int
encode(const struct admission *a, const struct token *token, struct buf *out)
{
	struct fog_join j = { .has_token = false };
	uint8_t memory[FOG_JOIN_DER_MAX];
	struct buf request;
	char id[FOG_ID_TEXT];
	int err;

	buf_init_fixed(&request, memory, sizeof memory);
	err = cert_request(
	    a->env->identity->key, fog_id_format(&a->env->identity->id, id), &request);
	if (err < 0)
		return err;
	fill(a, token, &j);
	j.request = buf_slice(&request);
	fog_join_encode(&j, out);
	secret_wipe(&j, sizeof j);
	return request.err ? request.err : out->err;
}

/* --- the answer ----------------------------------------------------------------------------- */
static void
end(struct admission *a, enum admission_outcome outcome, const char *why,
    const struct fog_grant *grant)
{
	if (outcome != ADMISSION_FAILED)
		a->has_command = false;
	a->env->ended(a->env->arg, outcome, why, grant);
}

/* The controller has proved to be one, so its clock counts; it has to, before a certificate is looked
 * at that was made by it just now. */
static int
take_grant(struct admission *a, const struct fog_grant *g, const char **why)
{
	if (memcmp(g->command, a->command, sizeof g->command) != 0) {
		*why = "it is the answer to another request";
		return -EPROTO;
	}
	a->env->time(a->env->arg, g->time_ms);
	return credential_install(
	    a->env->credential, g->certificate, g->ca, g->cas, g->trust_version, why);
}

static void
answered(void *arg, struct grasp_session *s, const struct grasp_objective *obj)
{
	struct admission *a = arg;
	const char *reason = "it cannot be read";
	char why[WHY_MAX];
	struct fog_grant g;

	a->session = NULL;
	int err = fog_grant_decode(obj->value, &g);
	if (err >= 0)
		err = take_grant(a, &g, &reason);
	if (err < 0) {
		snprintf(why, sizeof why, "the certificate is of no use: %s", reason);
		grasp_session_end(s, false, "policy: the certificate cannot be used");
		end(a, ADMISSION_FAILED, why, NULL);
		return;
	}
	grasp_session_end(s, true, NULL);
	end(a, ADMISSION_GRANTED, "", &g);
}

static void
waiting(void *arg, struct grasp_session *s, uint32_t ms)
{
	struct admission *a = arg;

	(void)s, (void)ms; /* the engine waits so much longer */
	a->env->waiting(a->env->arg);
}

static void
ended(void *arg, struct grasp_session *s, enum grasp_outcome outcome, struct slice reason)
{
	struct admission *a = arg;
	char why[WHY_MAX];

	(void)s;
	a->session = NULL;
	if (outcome == GRASP_DECLINED)
		snprintf(why, sizeof why, "%.*s",
		    (int)(reason.len < 120 ? reason.len : 120),
		    (const char *)reason.data);
	else
		snprintf(why, sizeof why, "%s",
		    outcome == GRASP_TIMEOUT	   ? "the request was not answered"
			: outcome == GRASP_REFUSED ? "nobody there admits nodes"
			: outcome == GRASP_ACCEPTED
			? "accepted, but no certificate was given"
			: outcome == GRASP_CLOSED ? "the connection was closed"
						  : "the answer does not fit");
	end(a, outcome == GRASP_DECLINED ? ADMISSION_DECLINED : ADMISSION_FAILED, why,
	    NULL);
}

/* --- asking --------------------------------------------------------------------------------- */
static int
send_value(struct admission *a, struct grasp_link *link, struct slice value)
{
	static const struct grasp_session_ops ops = {
		.negotiated = answered, .waiting = waiting, .ended = ended
	};
	char name[FOG_NAME_MAX + 1];
	struct grasp_objective o = {
		.name = slice_text(fog_objective_name(a->env->prefix, FOGJOIN, name)),
		.flags = F_DISC | F_NEG,
		.loop_count = FOG_LOOP_COUNT,
		.value = value,
	};

	return grasp_negotiate(link, &o, ANSWER_MS, &ops, a, &a->session);
}

int
admission_ask(struct admission *a, struct grasp_link *link, const struct token *token)
{
	struct buf value;

	if (a->session)
		return -EALREADY;
	choose_command(a);
	buf_init(&value, FOG_JOIN_MESSAGE_MAX);
	int err = encode(a, token, &value);
	if (err >= 0)
		err = send_value(a, link, buf_slice(&value));
	if (value.data)
		secret_wipe(value.data, value.pos);
	buf_done(&value);
	return err;
}

void
admission_cancel(struct admission *a)
{
	struct grasp_session *session = TAKE(a->session);

	if (session)
		grasp_session_cancel(session);
}

bool
admission_is_asking(const struct admission *a)
{
	return a->session != NULL;
}

int
admission_new(const struct admission_env *env, struct admission **ret)
{
	struct admission *a = calloc(1, sizeof *a);

	if (!a)
		return -ENOMEM;
	a->env = env;
	*ret = a;
	return 0;
}

void
admission_free(struct admission *a)
{
	if (!a)
		return;
	admission_cancel(a);
	free(a);
}
