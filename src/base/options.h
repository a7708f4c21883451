/* SPDX-License-Identifier: BSD-3-Clause */
/* Options declared once: a .def file of rows gives the struct, the defaults, the checks, the help, and what
 * is stored.
 *
 * A row reads
 *     OPTION(type, name, default, allowed, units, help)
 * type     INT (int64_t), AUTO (int64_t or `auto`, kept as 0), FLOAT (double), BOOL (bool), NAME (char[64]),
 *          TEXT (char[400]), CHOICE (int, index into allowed), DIMS (int[3], written 4x4x4)
 * default  as a user would write it; NULL means that the key must be given
 * allowed  "LOW..HIGH" for numbers; for CHOICE its words in pairs, (SCOPE_AUTO, "auto")(SCOPE_SYNC, "sync");
 *          "" otherwise
 * The section's .c file expands the rows with MUIR_OPTION_FIELD into a struct and MUIR_OPTION_ROW into a
 * table; MUIR_OPTION_ENUM makes an enum of each CHOICE: MUIR_SCOPE_AUTO, MUIR_SCOPE_SYNC, ... */
#ifndef MUIR_BASE_OPTIONS_H
#define MUIR_BASE_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/ctx.h"

enum { MUIR_NAME_SIZE = 64, MUIR_TEXT_SIZE = 400, MUIR_DIMS = 3 };

typedef enum muir_option_type {
    MUIR_OPTION_INT,
    MUIR_OPTION_AUTO,
    MUIR_OPTION_FLOAT,
    MUIR_OPTION_BOOL,
    MUIR_OPTION_NAME,
    MUIR_OPTION_TEXT,
    MUIR_OPTION_CHOICE,
    MUIR_OPTION_DIMS,
} muir_option_type;

#define MUIR_OPTION_FIELD_INT(name) int64_t name;
#define MUIR_OPTION_FIELD_AUTO(name) int64_t name;
#define MUIR_OPTION_FIELD_FLOAT(name) double name;
#define MUIR_OPTION_FIELD_BOOL(name) bool name;
#define MUIR_OPTION_FIELD_NAME(name) char name[MUIR_NAME_SIZE];
#define MUIR_OPTION_FIELD_TEXT(name) char name[MUIR_TEXT_SIZE];
#define MUIR_OPTION_FIELD_CHOICE(name) int name;
#define MUIR_OPTION_FIELD_DIMS(name) int name[MUIR_DIMS];

/* Of the pairs of a CHOICE: their constants as an enum, their words as "a|b" and as a list. The pairs stand
 * side by side without commas, so two macros call each other in turn until there is no further pair. */
#define MUIR_OPTION_ENDED_2(...) __VA_ARGS__##_END
#define MUIR_OPTION_ENDED(...) MUIR_OPTION_ENDED_2(__VA_ARGS__)
#define MUIR_OPTION_CONSTANT_A(constant, word) MUIR_##constant, MUIR_OPTION_CONSTANT_B
#define MUIR_OPTION_CONSTANT_B(constant, word) MUIR_##constant, MUIR_OPTION_CONSTANT_A
#define MUIR_OPTION_CONSTANT_A_END
#define MUIR_OPTION_CONSTANT_B_END
#define MUIR_OPTION_WORD_A(constant, word) "|" word MUIR_OPTION_WORD_B
#define MUIR_OPTION_WORD_B(constant, word) "|" word MUIR_OPTION_WORD_A
#define MUIR_OPTION_WORD_A_END
#define MUIR_OPTION_WORD_B_END
#define MUIR_OPTION_ITEM_A(constant, word) word, MUIR_OPTION_ITEM_B
#define MUIR_OPTION_ITEM_B(constant, word) word, MUIR_OPTION_ITEM_A
#define MUIR_OPTION_ITEM_A_END
#define MUIR_OPTION_ITEM_B_END

#define MUIR_OPTION_ENUM_INT(allowed)
#define MUIR_OPTION_ENUM_AUTO(allowed)
#define MUIR_OPTION_ENUM_FLOAT(allowed)
#define MUIR_OPTION_ENUM_BOOL(allowed)
#define MUIR_OPTION_ENUM_NAME(allowed)
#define MUIR_OPTION_ENUM_TEXT(allowed)
#define MUIR_OPTION_ENUM_CHOICE(pairs) enum { MUIR_OPTION_ENDED(MUIR_OPTION_CONSTANT_A pairs) };
#define MUIR_OPTION_ENUM_DIMS(allowed)

#define MUIR_OPTION_ALLOWED_INT(allowed) allowed, NULL
#define MUIR_OPTION_ALLOWED_AUTO(allowed) allowed, NULL
#define MUIR_OPTION_ALLOWED_FLOAT(allowed) allowed, NULL
#define MUIR_OPTION_ALLOWED_BOOL(allowed) allowed, NULL
#define MUIR_OPTION_ALLOWED_NAME(allowed) allowed, NULL
#define MUIR_OPTION_ALLOWED_TEXT(allowed) allowed, NULL
#define MUIR_OPTION_ALLOWED_CHOICE(pairs)                                                                    \
    &(MUIR_OPTION_ENDED(MUIR_OPTION_WORD_A pairs))[1], (const char *const[])                                 \
    {                                                                                                        \
        MUIR_OPTION_ENDED(MUIR_OPTION_ITEM_A pairs) NULL                                                     \
    }
#define MUIR_OPTION_ALLOWED_DIMS(allowed) allowed, NULL

/* Expansions of a row; MUIR_OPTION_ROW needs `#define MUIR_OPTION_OWNER the_struct` where it is used. */
#define MUIR_OPTION_FIELD(type, name, initial, allowed, units, help) MUIR_OPTION_FIELD_##type(name)
#define MUIR_OPTION_ROW(type, name, initial, allowed, units, help)                                           \
    {#name,                                                                                                  \
     MUIR_OPTION_##type,                                                                                     \
     offsetof(MUIR_OPTION_OWNER, name),                                                                      \
     initial,                                                                                                \
     MUIR_OPTION_ALLOWED_##type(allowed),                                                                    \
     units,                                                                                                  \
     help},
#define MUIR_OPTION_ENUM(type, name, initial, allowed, units, help) MUIR_OPTION_ENUM_##type(allowed)

typedef struct muir_option {
    const char *name;
    muir_option_type type;
    size_t offset; /* in the section's struct [byte] */
    const char *initial;
    const char *allowed;      /* "LOW..HIGH", "a|b|c" for CHOICE */
    const char *const *words; /* of CHOICE, by value; NULL ends them. NULL for the others */
    const char *units;
    const char *help;
} muir_option;

/* A section: the mapping `name: {...}` of a file, or its top level when name is "". */
typedef struct muir_section {
    const char *name;
    size_t offset; /* of the section's struct in the file's struct [byte] */
    const muir_option *options;
    int n_options;
} muir_section;

/* A kind of file: chip, fleet, model, scenario. */
typedef struct muir_schema {
    const char *kind; /* also the folder in data/, plural */
    const char *folder;
    const muir_section *sections;
    int n_sections;
    size_t size; /* of the file's struct [byte] */
} muir_schema;

#define MUIR_SECTION(name, offset, options)                                                                  \
    {                                                                                                        \
        name, offset, options, (int)(sizeof(options) / sizeof(options)[0])                                   \
    }
#define MUIR_SCHEMA(kind, folder, sections, type)                                                            \
    {                                                                                                        \
        kind, folder, sections, (int)(sizeof(sections) / sizeof(sections)[0]), sizeof(type)                  \
    }

/* Sets every option of a schema to its default; those without one are zeroed.
 * file  out  the file's struct
 * Local. MUIR_ERR_ARG if a default is not allowed. */
muir_status muir_schema_defaults(muir_ctx *ctx, const muir_schema *schema, void *file);

/* Reads text into one option.
 * where    in   "data/x.yaml:7", starts the message
 * section  in   of the option; borrowed for the call
 * text     in   as a user would write it
 * file     out  the file's struct; untouched on error
 * Local. MUIR_ERR_ARG with place, key, value and what is allowed. */
muir_status muir_option_set(muir_ctx *ctx, const char *where, const muir_section *section,
                            const muir_option *option, const char *text, void *file);

/* The option's value as a user would write it.
 * file  in   the file's struct
 * text  out  [size], cut to fit
 * Local. */
void muir_option_get(const muir_section *section, const muir_option *option, const void *file, char *text,
                     size_t size);

/* Copies one option's value from a file's struct to another of the same schema. Local. */
void muir_option_copy(const muir_section *section, const muir_option *option, const void *from, void *to);

/* The option named by `path` ("tp" in section "parallel": "parallel.tp"), or NULL.
 * section  out  where it was found
 * Local. */
const muir_option *muir_schema_find(const muir_schema *schema, const char *path,
                                    const muir_section **section);

/* The word of a CHOICE's value, as a user would write it: ("reaction.scope", MUIR_SCOPE_SYNC) is "sync".
 * Local. */
const char *muir_schema_word(const muir_schema *schema, const char *path, int choice);

/* "section.name", or "name" at the top level.
 * text  out  [size], cut to fit
 * Local. */
void muir_option_path(const muir_section *section, const muir_option *option, char *text, size_t size);

#endif
