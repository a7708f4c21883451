/* SPDX-License-Identifier: BSD-3-Clause */
/* Printing for people, in lines of at most 110 columns, and JSON for programs. */
#ifndef MUIR_TEXT_PRINT_H
#define MUIR_TEXT_PRINT_H

#include <jansson.h>

#include "base/options.h"

enum { MUIR_PRINT_COLUMNS = 110 };

/* A line that starts with `first`, padded to `indent`, and goes on with text; what does not fit follows on
 * lines of its own, indented. Local; call on rank 0. */
void muir_print_wrapped(const char *first, int indent, const char *text);

/* Writes a document and drops it.
 * root  in   owned by the callee; NULL: there was no memory for it, or a text was not UTF-8
 * path  in   "-": standard output
 * Local; call on rank 0. MUIR_ERR_FILE, MUIR_ERR_MEM. */
muir_status muir_print_json(muir_ctx *ctx, json_t *root, const char *path);

/* The value of an option: a number, a boolean or a text; the caller's. Local. */
json_t *muir_option_json(const muir_section *section, const muir_option *option, const void *file);

#endif
