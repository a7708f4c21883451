/* SPDX-License-Identifier: BSD-3-Clause */
/* The description as it is being filled. Private to describe.c and describe_facts.c. */
#ifndef MUIR_RUN_DESCRIBE_STATE_H
#define MUIR_RUN_DESCRIBE_STATE_H

#include "run/describe.h"
#include "run/launch.h"

struct muir_describe {
    muir_description description;
    /* They grow as they are filled; description points to them. */
    muir_dimension *dimensions;
    muir_constant *constants;
    muir_attribute *attributes;
    size_t room_dimensions, room_constants, room_attributes;
    bool is_out_of_memory; /* one of them could not grow: the description is not whole */
    muir_table tables[MUIR_TABLE_COUNT];
    muir_column columns[MUIR_COLUMN_COUNT];
    int index[MUIR_TABLE_COUNT]; /* of a table in `tables`, -1: not in this file */
    char *resolved, *identity;   /* texts of the scenario */
    char *keys;                  /* storage of attribute keys and values */
    char low[24], high[24];      /* of the step time's interval */
    double *frequency_hz;        /* of the power spectrum */
    const char **names;          /* [numbers of all enumerations], in the order of muir_enumerations */
    size_t n_columns;
    muir_launch *launch;
};

/* What the numbers of /events mean. */
typedef struct muir_enumeration {
    const char *dimension, *name, *long_name;
    int n;
    const char *(*name_of)(int number);
} muir_enumeration;
enum { MUIR_ENUMERATIONS = 4 };
extern const muir_enumeration muir_enumerations[MUIR_ENUMERATIONS];

/* Adds a dimension of a group; one that grows comes with its table. Local. */
void muir_describe_dimension(muir_describe *d, const char *group, const char *name, size_t size,
                             const char *long_name, muir_provenance provenance);

/* Adds a constant. Local. */
void muir_describe_constant(muir_describe *d, const muir_constant *constant);

/* Adds a table with all its columns, and the dimension of its rows.
 * batch  in  rows between two flushes at most
 * Local. */
void muir_describe_add_table(muir_describe *d, muir_record_table table, size_t batch);

/* Adds everything that is written once. Tables and dimensions are there. Local. MUIR_ERR_MEM. */
muir_status muir_describe_facts(muir_ctx *ctx, muir_describe *d, const muir_scenario *scenario);

#endif
