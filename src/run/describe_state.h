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
    int index[MUIR_TABLE_COUNT];         /* of a table in `tables`, -1: not in this file */
    char *resolved, *identity;           /* texts of the scenario */
    char *keys;                          /* storage of attribute keys and values */
    int64_t *whole;                      /* [lines of keys] values of attributes that are whole numbers */
    double *real;                        /* [lines of keys] and of those that are others */
    double *frequency_hz;                /* of the power spectrum */
    struct muir_describe_memory *memory; /* of the stages; describe_memory.c's */
    struct muir_numbers *numbers;        /* what numbers in columns mean */
    int64_t seed, ranks;
    double interval_low, interval_high; /* of the step time, as factors */
    size_t n_columns;
    muir_launch *launch;
};

/* Adds a dimension of a group; one that grows comes with its table. Local. */
void muir_describe_dimension(muir_describe *d, const char *group, const char *name, size_t size,
                             const char *long_name, muir_provenance provenance);
void muir_describe_add_dimension(muir_describe *d, const muir_dimension *dimension);

/* Adds a constant, an attribute. Local. */
void muir_describe_constant(muir_describe *d, const muir_constant *constant);
void muir_describe_attribute(muir_describe *d, const muir_attribute *attribute);

/* Adds a table with all its columns, and the dimension of its rows.
 * batch  in  rows between two flushes at most
 * Local. */
void muir_describe_add_table(muir_describe *d, muir_record_table table, size_t batch);

/* Adds what numbers in columns mean: as flag_values and flag_meanings of the columns, and as the tables of
 * /names. Tables are there. Local. MUIR_ERR_MEM. */
muir_status muir_describe_numbers(muir_ctx *ctx, muir_describe *d);
void muir_describe_numbers_destroy(struct muir_numbers **numbers); /* accepts NULL, leaves NULL */

/* Adds the scenario's texts. Local. */
void muir_describe_texts(muir_describe *d, const muir_scenario *scenario);

/* Adds everything that is written once. Tables and dimensions are there. Local. MUIR_ERR_MEM. */
muir_status muir_describe_facts(muir_ctx *ctx, muir_describe *d, const muir_scenario *scenario);

#endif
