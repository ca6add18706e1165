/* SPDX-License-Identifier: Apache-2.0
 *
 * The return codes of RFC 8991, with their names there and a sentence each. */
#include "grasp/api.h"

#include "base/mem.h"

static const struct {
	const char *name, *sentence;
} codes[] = {
	[GRASP_API_OK] = { "ok", "done" },
	[GRASP_API_DECLINED] = { "declined", "the peer has declined" },
	[GRASP_API_NO_REPLY] = { "noReply", "no reply yet, a callback will tell" },
	[GRASP_API_UNSPEC] = { "unspec",
	    "not possible: no memory, or an argument that cannot be used" },
	[GRASP_API_ASA_FULL] = { "ASAfull", "no more ASAs can be registered" },
	[GRASP_API_DUP_ASA] = { "dupASA", "an ASA of this name is registered already" },
	[GRASP_API_NO_ASA] = { "noASA", "this is not the handle of a registered ASA" },
	[GRASP_API_NOT_YOUR_ASA] = { "notYourASA",
	    "the handle belongs to an ASA of another name" },
	[GRASP_API_NOT_BOTH] = { "notBoth",
	    "an objective is for negotiation or for synchronization, not for both" },
	[GRASP_API_NOT_DRY] = { "notDry",
	    "a dry run is not possible with this objective or session" },
	[GRASP_API_NOT_OVERLAP] = { "notOverlap",
	    "several ASAs cannot register one objective" },
	[GRASP_API_OBJ_FULL] = { "objFull", "no more objectives can be registered" },
	[GRASP_API_OBJ_REG] = { "objReg", "the objective is registered already" },
	[GRASP_API_NOT_YOUR_OBJ] = { "notYourObj",
	    "another ASA has registered the objective" },
	[GRASP_API_NOT_OBJ] = { "notObj", "there is no such objective here" },
	[GRASP_API_NOT_NEG] = { "notNeg", "the objective is not for negotiation" },
	[GRASP_API_NO_SECURITY] = { "noSecurity",
	    "this node is not in a secure network and holds no sessions" },
	[GRASP_API_NO_DISC_REPLY] = { "noDiscReply",
	    "nobody has answered the discovery" },
	[GRASP_API_SOCK_ERR_NEG_RQ] = { "sockErrNegRq",
	    "the request to negotiate could not be sent" },
	[GRASP_API_NO_SESSION] = { "noSession",
	    "this is not the handle of a session of the ASA" },
	[GRASP_API_NO_SOCKET] = { "noSocket", "there is no connection to the peer" },
	[GRASP_API_LOOP_EXHAUSTED] = { "loopExhausted",
	    "the loop count allows no further step" },
	[GRASP_API_SOCK_ERR_NEG_STEP] = { "sockErrNegStep",
	    "the negotiation step could not be sent" },
	[GRASP_API_NO_PEER] = { "noPeer", "nobody listens for the negotiation there" },
	[GRASP_API_CBOR_FAIL] = { "CBORfail",
	    "these bytes are not CBOR as it should be" },
	[GRASP_API_INVALID_NEG] = { "invalidNeg",
	    "the peer's step does not fit the negotiation" },
	[GRASP_API_INVALID_END] = { "invalidEnd",
	    "the end does not fit the negotiation" },
	[GRASP_API_NO_NEG_REPLY] = { "noNegReply",
	    "the negotiation got no answer in time" },
	[GRASP_API_NO_VALID_STEP] = { "noValidStep", "no such step is possible now" },
	[GRASP_API_SOCK_ERR_WAIT] = { "sockErrWait",
	    "the peer could not be asked to wait" },
	[GRASP_API_SOCK_ERR_END] = { "sockErrEnd", "the peer could not be told the end" },
	[GRASP_API_ID_CLASH] = { "IDclash", "the session id of the request is in use" },
	[GRASP_API_NOT_SYNCH] = { "notSynch",
	    "the objective is not for synchronization" },
	[GRASP_API_NOT_FLOOD_DISC] = { "notFloodDisc",
	    "the objective was not flooded and nobody has answered the discovery" },
	[GRASP_API_SOCK_ERR_SYN_RQ] = { "sockErrSynRq",
	    "the request to synchronize could not be sent" },
	[GRASP_API_NO_LISTENER] = { "noListener",
	    "nobody listens for the synchronization there" },
	[GRASP_API_NO_SYNCH_REPLY] = { "noSynchReply",
	    "the synchronization got no answer in time" },
	[GRASP_API_NO_VALID_SYNCH] = { "noValidSynch",
	    "the peer's answer does not fit the synchronization" },
	[GRASP_API_INVALID_LOC] = { "invalidLoc",
	    "nothing can be sent to such a locator" },
};

static bool
is_known(enum grasp_code code)
{
	return (size_t)code < ARRAY_LEN(codes);
}

const char *
grasp_code_name(enum grasp_code code)
{
	return is_known(code) ? codes[code].name : "?";
}

const char *
grasp_code_strerror(enum grasp_code code)
{
	return is_known(code) ? codes[code].sentence
			      : "a return code that RFC 8991 does not have";
}
