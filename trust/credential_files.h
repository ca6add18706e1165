/* SPDX-License-Identifier: Apache-2.0
 *
 * The files of a credential: certificate.pem, trust.pem, trust.version, denied. dir NULL: there are
 * none, and writing does nothing. A file that is damaged is told to the log, by its name. */
#pragma once
#include "trust/anchors.h"

/* Made if needed, with those above it. -EPERM: others may write to it. */
int credential_files_prepare(const char *dir) MUST_CHECK;
void credential_files_remove(const char *dir);

/* How many there are, 0: no such file. -EBADMSG. */
int credential_files_load(const char *dir, struct cert *ret[TRUST_ANCHORS_MAX]) MUST_CHECK;
int credential_files_save(const char *dir, struct cert *const certs[], size_t len) MUST_CHECK;

/* CAs, their version, and denials; none if there are no files. -EBADMSG. */
int credential_files_load_anchors(const char *dir, struct anchors *a) MUST_CHECK;
int credential_files_save_cas(const char *dir, uint64_t version, struct cert *const ca[],
    size_t cas) MUST_CHECK;
int credential_files_save_denied(const char *dir, const struct anchors *a) MUST_CHECK;
