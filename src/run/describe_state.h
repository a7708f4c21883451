/* SPDX-License-Identifier: BSD-3-Clause */
/* The description as it is being filled. Private to describe.c and describe_facts.c. */
#ifndef MUIR_RUN_DESCRIBE_STATE_H
#define MUIR_RUN_DESCRIBE_STATE_H

#include "run/describe.h"
#include "run/launch.h"

enum {
    MOST_ATTRIBUTES = 512,
    MOST_CONSTANTS = 128,
    MOST_DIMENSIONS = 40,
    MOST_NAMES = 32,
    MOST_COLUMNS = 256
};

struct muir_describe {
    muir_description description;
    muir_dimension dimensions[MOST_DIMENSIONS];
    muir_table tables[MUIR_TABLE_COUNT];
    muir_column columns[MOST_COLUMNS];
    muir_constant constants[MOST_CONSTANTS];
    muir_attribute attributes[MOST_ATTRIBUTES];
    int index[MUIR_TABLE_COUNT]; /* of a table in `tables`, -1: not in this file */
    char *resolved, *identity;   /* texts of the scenario */
    char *keys;                  /* storage of attribute keys and values */
    double *frequency_hz;        /* of the power spectrum */
    size_t n_columns;
    muir_launch *launch;
    const char *names[4][MOST_NAMES]; /* of the numbers in /events */
};

/* What the numbers of /events mean. */
typedef struct muir_enumeration {
    const char *dimension, *name, *long_name;
    int n;
    const char *(*name_of)(int number);
} muir_enumeration;
enum { MUIR_ENUMERATIONS = 4 };
extern const muir_enumeration muir_enumerations[MUIR_ENUMERATIONS];

/* Adds a dimension of a group. size: 0 where it grows. Local. */
void muir_describe_dimension(muir_describe *d, const char *group, const char *name, size_t size,
                             const char *long_name, muir_provenance provenance);

/* Adds a table with all its columns.
 * row     in  dimension that counts rows
 * across  in  dimension of wide columns, or NULL
 * Local. */
void muir_describe_add_table(muir_describe *d, muir_record_table table, const char *row, const char *across,
                             bool is_gathered, size_t batch);

/* Adds everything that is written once. Tables and dimensions are there. Local. MUIR_ERR_MEM. */
muir_status muir_describe_facts(muir_ctx *ctx, muir_describe *d, const muir_scenario *scenario);

#endif
