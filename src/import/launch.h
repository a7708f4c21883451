/* SPDX-License-Identifier: BSD-3-Clause */
/* Launch lines and recipes of training frameworks: read into a scenario, and a scenario's layout written back
 * in their words, by one table. */
#ifndef MUIR_IMPORT_LAUNCH_H
#define MUIR_IMPORT_LAUNCH_H

#include "import/import.h"
#include "scenario/scenario.h"

typedef enum muir_launch_style {
    MUIR_LAUNCH_MEGATRON = 1 << 0,
    MUIR_LAUNCH_RECIPE = 1 << 1, /* Megatron-Bridge, NeMo, NeuronX Distributed */
    MUIR_LAUNCH_TITAN = 1 << 2,
    MUIR_LAUNCH_MAXTEXT = 1 << 3,
    MUIR_LAUNCH_SPEED = 1 << 4,
    MUIR_LAUNCH_ALL = (1 << 5) - 1,
} muir_launch_style;

/* The style of that name: "megatron", "torchtitan", which can be written. 0: unknown. Local. */
int muir_launch_find(const char *name);

/* A scenario's layout, batch, precision and, for Megatron-LM, model as that framework's arguments; what it
 * has no word for stands in a comment. `muir import` reads them back to the same keys.
 * style  in   MUIR_LAUNCH_MEGATRON: arguments after a torchrun line; MUIR_LAUNCH_TITAN: a TOML file
 * text   out  freed with free(); untouched on error
 * Local. MUIR_ERR_ARG (a style that is only read), MUIR_ERR_MEM. */
muir_status muir_launch_write(muir_ctx *ctx, int style, const muir_scenario *scenario, char **text);

/* Private to import/ from here on. */

typedef struct muir_launch_row {
    int styles;
    const char *word, *key, *values, *absent;
} muir_launch_row;
int muir_launch_row_count(void);
const muir_launch_row *muir_launch_row_at(int i);
bool muir_launch_is_ignored(int style, const char *name);

/* A word of a source and its value; "" for one that stands alone. */
typedef struct muir_pair {
    char name[160], value[200];
    bool is_used;
} muir_pair;

typedef struct muir_pairs {
    muir_pair *at; /* [n] */
    int n, room;
    int unset; /* variables that the file does not set */
} muir_pairs;

/* Adds a pair; names in small letters, _ as -. Local. MUIR_ERR_MEM; longer ones are cut. */
muir_status muir_pairs_add(muir_ctx *ctx, muir_pairs *pairs, const char *name, const char *value);
void muir_pairs_free(muir_pairs *pairs);

/* The last value of a word, or NULL; it counts as understood. Local. */
const char *muir_pairs_get(muir_pairs *pairs, const char *word);
long long muir_pairs_int(muir_pairs *pairs, const char *word, long long otherwise);

/* Arguments of a shell script, its variables filled in; leaves of a document.
 * source  in   its text, and in `given` variables that the user sets: NAME=value, NAME in capitals
 * Local. MUIR_ERR_MEM. */
muir_status muir_pairs_shell(muir_ctx *ctx, const muir_import_source *source, muir_pairs *pairs);
muir_status muir_pairs_document(muir_ctx *ctx, const json_t *document, muir_pairs *pairs);

/* What the table says of the pairs, then what a style says in its own way. Local. */
muir_status muir_launch_translate(muir_ctx *ctx, int style, muir_pairs *pairs, muir_import *found);
muir_status muir_launch_complete(muir_ctx *ctx, int style, const muir_import_source *source,
                                 muir_pairs *pairs, muir_import *found);
muir_status muir_launch_complete_maxtext(muir_ctx *ctx, const muir_import_source *source, muir_pairs *pairs,
                                         muir_import *found);
muir_status muir_launch_complete_titan(muir_ctx *ctx, const muir_import_source *source, muir_pairs *pairs,
                                       muir_import *found);
muir_status muir_launch_complete_speed(muir_ctx *ctx, muir_pairs *pairs, muir_import *found);

/* muir's name of a public model as a framework calls it ("llama3-8b"), or NULL. Local. */
const char *muir_launch_model(const char *name);

#endif
