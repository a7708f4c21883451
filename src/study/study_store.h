/* SPDX-License-Identifier: BSD-3-Clause */
/* The file of a study: a cube whose dimensions are the study's axes and the draws, saved whenever a case is
 * done. */
#ifndef MUIR_STUDY_STUDY_STORE_H
#define MUIR_STUDY_STUDY_STORE_H

#include "study/study.h"

typedef struct muir_study_store muir_study_store;

/* Takes over the request's claim. Cases that an older file holds are filled on rank 0 and marked as done on
 * all ranks.
 * out  out  untouched on error
 * Collective over ctx->comm. MUIR_ERR_ARG if the file is of another study. */
muir_status muir_study_store_create(muir_ctx *ctx, const muir_study_request *request,
                                    muir_study_result *result, muir_study_store **out);
void muir_study_store_destroy(muir_study_store **store); /* accepts NULL, leaves NULL */

/* Saves what is done. A store of NULL saves nothing. Collective over ctx->comm. MUIR_ERR_FILE. */
muir_status muir_study_store_save(muir_ctx *ctx, muir_study_store *store, const muir_study_result *result);

#endif
