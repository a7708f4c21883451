/* SPDX-License-Identifier: BSD-3-Clause */
/* Small text files, read whole. */
#ifndef MUIR_BASE_TEXT_H
#define MUIR_BASE_TEXT_H

#include <stddef.h>

#include "base/ctx.h"

/* Reads a whole file of at most 16 MiB.
 * text    out  zero-terminated, freed with free(); untouched on error
 * length  out  without the terminating zero [byte]; untouched on error
 * Local. MUIR_ERR_ARG (missing, a folder, too large), MUIR_ERR_MEM. */
muir_status muir_text_read(muir_ctx *ctx, const char *path, char **text, size_t *length);

/* A text for a message: at most some 60 characters of it, without line ends and other control characters; a
 * longer one ends in "... (10,485,760 characters)". Local. */
typedef struct muir_quoted {
    char s[120];
} muir_quoted;
muir_quoted muir_quote(const char *text);

/* Of the n names, the one closest to name (edit distance), or NULL where none is close. Local. */
const char *muir_closest(const char *name, const char *const *names, int n);

#endif
