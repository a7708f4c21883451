/* SPDX-License-Identifier: BSD-3-Clause */
/* One file of any kind, read by itself: for `muir show`. */
#ifndef MUIR_SCENARIO_DATA_FILE_H
#define MUIR_SCENARIO_DATA_FILE_H

#include "scenario/inputs.h"

typedef struct muir_data_file {
    const muir_input *input;
    char path[1024];
    void *file;     /* the struct of its schema, defaults filled in */
    bool *is_given; /* [options of the schema, in order]: the file says it */
} muir_data_file;

/* The kinds of which the data folder has a file of that name.
 * kinds  out  [muir_input_count()]
 * Returns how many. Local. */
int muir_input_kinds_of(muir_ctx *ctx, const char *name, const muir_input **kinds);

/* Reads a file of a kind, by name or path.
 * out  out  free it with muir_data_file_destroy; untouched on error
 * Local. MUIR_ERR_ARG, MUIR_ERR_MEM. */
muir_status muir_data_file_create(muir_ctx *ctx, const muir_input *input, const char *name,
                                   muir_data_file **out);
void muir_data_file_destroy(muir_data_file **file); /* accepts NULL, leaves NULL */

#endif
