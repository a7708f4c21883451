/* SPDX-License-Identifier: BSD-3-Clause */
/* What people have already, read into muir's files: a configuration, a launch line, a log, a table.
 *
 * An importer is one file and one row of importers.def. It reads its source and notes, key by key, what it
 * takes, what it derives, what it assumes and what it does not understand; the notes are the report, and
 * those with a key become the file. */
#ifndef MUIR_IMPORT_IMPORT_H
#define MUIR_IMPORT_IMPORT_H

#include <jansson.h>

#include "base/ctx.h"

enum { MUIR_IMPORT_KEY = 64, MUIR_IMPORT_VALUE = 420, MUIR_IMPORT_WHY = 240, MUIR_IMPORT_FILES = 2 };

/* Where a line of the report comes from: constant, and how the report says it. */
#define MUIR_NOTE_LIST(X)                                                                                    \
    X(MUIR_NOTE_TAKEN, "taken")                                                                              \
    X(MUIR_NOTE_DERIVED, "derived")                                                                          \
    X(MUIR_NOTE_ASSUMED, "assumed")                                                                          \
    X(MUIR_NOTE_UNKNOWN, "not understood")                                                                   \
    X(MUIR_NOTE_FOUND, "found")
#define MUIR_NOTE_ENUM(id, text) id,
typedef enum muir_note_kind { MUIR_NOTE_LIST(MUIR_NOTE_ENUM) MUIR_NOTE_KINDS } muir_note_kind;

/* A line of the report. */
typedef struct muir_note {
    muir_note_kind kind;
    char key[MUIR_IMPORT_KEY];     /* "model.hidden"; "" where the line is about no key of muir's */
    char value[MUIR_IMPORT_VALUE]; /* as a user would write it; "" without a key */
    char why[MUIR_IMPORT_WHY];     /* which word of the source, or which formula */
} muir_note;

/* What an importer reads. */
typedef struct muir_import_source {
    const char *path; /* the file */
    char *text;       /* zero-terminated; NULL for importers that read a document */
    size_t length;
    json_t *document;  /* of a JSON, TOML, YAML or Python file, as JSON; NULL for importers that read text */
    const char *fleet; /* a name in data/fleets that the user gave, or NULL */
    const char *model; /* a name in data/models that the user gave, or NULL */
    const char *const *given; /* [n_given] all that the user gave as key=value */
    int n_given;
    const char *others; /* another file that belongs to it, or NULL */
} muir_import_source;

/* What an importer found. */
typedef struct muir_import {
    muir_note *notes; /* [n] */
    int n, room;
    char *text;     /* a file that is not made of keys (rows of a table); NULL: the notes are the file */
    double weights; /* of a model, every tensor counted; 0: unknown */
} muir_import;

/* TEXT: the file's bytes, at most 16 MiB; DOCUMENT: JSON, TOML, YAML or Python as JSON; FILE: the importer
 * opens it, however large. */
typedef enum muir_import_form { MUIR_IMPORT_TEXT, MUIR_IMPORT_DOCUMENT, MUIR_IMPORT_FILE } muir_import_form;

typedef struct muir_importer {
    const char *name;
    const char *reads;  /* what it reads, for the list */
    const char *writes; /* "model", "scenario", "fleet", "rows", "steps" */
    muir_import_form form;
    /* Adds notes. Local. MUIR_ERR_ARG with one sentence where the source is wrong or not modelled. */
    muir_status (*read)(muir_ctx *ctx, const muir_import_source *source, muir_import *found);
} muir_importer;

int muir_importer_count(void);
const muir_importer *muir_importer_at(int i);
const muir_importer *muir_importer_find(const char *name); /* NULL if unknown */
const char *muir_note_kind_text(muir_note_kind kind);

/* Opens a source: reads the text, or the document, through Python where it is not JSON.
 * source  in/out  `path`, `fleet`, `model` and `others` are given; the rest is set; free it with
 *                 muir_import_close, also on error
 * Local. MUIR_ERR_ARG, MUIR_ERR_MEM. */
muir_status muir_import_open(muir_ctx *ctx, const muir_importer *importer, muir_import_source *source);
void muir_import_close(muir_import_source *source);

/* Adds a line. `why` is a printf format. Local. MUIR_ERR_MEM, MUIR_ERR_ARG (a value that does not fit). */
muir_status muir_import_note(muir_ctx *ctx, muir_import *found, muir_note_kind kind, const char *key,
                             const char *value, const char *why, ...) __attribute__((format(printf, 6, 7)));

/* The same with a whole number, and with any other, as few digits as give it back. Local. */
muir_status muir_import_note_int(muir_ctx *ctx, muir_import *found, muir_note_kind kind, const char *key,
                                 long long value, const char *why);
muir_status muir_import_note_real(muir_ctx *ctx, muir_import *found, muir_note_kind kind, const char *key,
                                  double value, const char *why);

/* Whether a key=value sets a variable of a script, NAME in capitals, instead of a key. Local. */
bool muir_import_is_variable(const char *given);

/* What the user gives for a key as key=value, or NULL. Local. */
const char *muir_import_given(const muir_import_source *source, const char *key);

/* The value noted for a key, or NULL. Local. */
const char *muir_import_value(const muir_import *found, const char *key);

/* The keys below a prefix ("model." or "") as a YAML file, sections as mappings, the reasons as comments.
 * Keys that start with `but` are left out; NULL: none.
 * text  out  freed with free(); untouched on error
 * Local. MUIR_ERR_MEM. */
muir_status muir_import_yaml(muir_ctx *ctx, const muir_import *found, const char *prefix, const char *but,
                             char **text);
void muir_import_free(muir_import *found);

#endif
