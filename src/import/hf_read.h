/* SPDX-License-Identifier: BSD-3-Clause */
/* Reading a configuration of Hugging Face: its words, in one place. Private to import/. */
#ifndef MUIR_IMPORT_HF_READ_H
#define MUIR_IMPORT_HF_READ_H

#include "import/hf.h"

enum { HF_MOST_USED = 160 };

typedef struct hf_reader {
    json_t *config; /* borrowed: the language model's part */
    const hf_kind *kind;
    hf_sizes sizes;
    const char *used[HF_MOST_USED]; /* words that something was read from */
    int n_used;
} hf_reader;

/* Sets sizes from config and kind, and checks them. Local. MUIR_ERR_ARG: what is missing, or not modelled. */
muir_status muir_hf_read_sizes(muir_ctx *ctx, hf_reader *r);

/* Whether muir has read the word, or it means nothing to muir. Local. */
bool muir_hf_is_known(const hf_reader *r, const char *word);

/* The configuration's word for a size of hf_sizes, or NULL where it was derived. Local. */
const char *muir_hf_word(const hf_reader *r, const char *size);

#endif
