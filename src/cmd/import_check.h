/* SPDX-License-Identifier: BSD-3-Clause */
/* An import from its notes to files that muir has tried to load. */
#ifndef MUIR_CMD_IMPORT_CHECK_H
#define MUIR_CMD_IMPORT_CHECK_H

#include "import/import.h"

typedef struct muir_import_file {
    char path[1024];
    char *text;
} muir_import_file;

typedef struct muir_import_job {
    const muir_importer *importer;
    muir_import_source source;
    muir_import found;
    const char *output; /* -o; NULL: files are only shown */
    muir_import_file files[MUIR_IMPORT_FILES];
    int n_files;
    bool is_kept;                    /* the files stay where `path` says */
    double muir_weights;             /* of a model, as muir runs it; 0: unknown */
    char trouble[MUIR_MESSAGE_SIZE]; /* why muir does not load the files yet; "": it does */
} muir_import_job;

/* What the user gives as key=value: `fleet` and `model` before the source is read; every key after it, as the
 * last word. Local. MUIR_ERR_ARG, MUIR_ERR_MEM. */
muir_status muir_import_take_given(muir_ctx *ctx, muir_import_job *job, const char *const *overrides, int n);
muir_status muir_import_put_given(muir_ctx *ctx, muir_import_job *job, const char *const *overrides, int n);

/* Makes the files, in their places or in a folder that is removed again, and loads them as a run would.
 * Local. MUIR_ERR_ARG (a place that cannot be written to), MUIR_ERR_FILE, MUIR_ERR_MEM. */
muir_status muir_import_finish(muir_ctx *ctx, muir_import_job *job);

void muir_import_job_free(muir_import_job *job);

#endif
