/* SPDX-License-Identifier: BSD-3-Clause */
/* Studies as JSON and CSV, and the words that these and the printed table share. */
#ifndef MUIR_CMD_STUDY_WRITE_H
#define MUIR_CMD_STUDY_WRITE_H

#include "base/units.h"
#include "study/study.h"

/* Labels of a case's values, with commas between. Local. */
void muir_study_label(const muir_study *study, const muir_study_case *c, char *text, size_t size);

/* "8/1/16/128 z1": tp, cp, pp, dp, stage of ZeRO. Local. */
muir_text32 muir_study_layout(const muir_study_case *c);

/* On rank 0; path: - for standard output. Local. MUIR_ERR_FILE, MUIR_ERR_MEM. */
muir_status muir_study_write_json(muir_ctx *ctx, const char *name, const muir_study *study,
                                  const muir_study_result *result, const char *path);
muir_status muir_study_write_csv(muir_ctx *ctx, const muir_study *study, const muir_study_result *result,
                                 const char *path);

#endif
