/* SPDX-License-Identifier: BSD-3-Clause */
/* JSON documents, a key and its value per call: each call says the type, and a value that is not a number is
 * noted with its place instead of voiding the document. */
#ifndef MUIR_TEXT_JSON_H
#define MUIR_TEXT_JSON_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/ctx.h"

enum { MUIR_JSON_PLACE = 128 };

/* What went wrong in a document so far. */
typedef struct muir_json_notes {
    int not_numbers;             /* values that are NaN or infinite and should not be; null in the document */
    char first[MUIR_JSON_PLACE]; /* the first of them: "fleet.mfu" */
    bool is_out_of_memory;
} muir_json_notes;

/* An object or a list within a document. */
typedef struct muir_json {
    json_t *value; /* the document's; of the root, the caller's until muir_json_end */
    muir_json_notes *notes;
    char place[MUIR_JSON_PLACE]; /* "fleet.", "" of the root */
} muir_json;

/* A new document, an object or a list. notes is borrowed until muir_json_end. Local. */
muir_json muir_json_begin(muir_json_notes *notes);
muir_json muir_json_begin_list(muir_json_notes *notes);

/* Values of an object. Local. */
void muir_json_real(muir_json *object, const char *key, double value);  /* a number; NaN is noted */
void muir_json_maybe(muir_json *object, const char *key, double value); /* null where it is NaN or infinite */
void muir_json_count(muir_json *object, const char *key, int64_t value);
void muir_json_text(muir_json *object, const char *key, const char *value); /* null where it is NULL */
void muir_json_is(muir_json *object, const char *key, bool value);
void muir_json_null(muir_json *object, const char *key);

/* An object or a list in an object, and an object in a list. Local. */
muir_json muir_json_object(muir_json *object, const char *key);
muir_json muir_json_list(muir_json *object, const char *key);
muir_json muir_json_item(muir_json *list);

/* Frees a document without writing it; also one that muir_json_end has freed, and one of zeros. Local. */
void muir_json_drop(muir_json *root);

/* Writes the document and frees it.
 * path  in   "-": standard output
 * Local. MUIR_ERR_CHECK, after writing, where a value was not a number; MUIR_ERR_FILE, MUIR_ERR_MEM. */
muir_status muir_json_end(muir_ctx *ctx, muir_json *root, const char *path);

#endif
