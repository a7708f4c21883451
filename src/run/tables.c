/* SPDX-License-Identifier: BSD-3-Clause */
/* The rows of tables.def and columns.def. */
#include "run/tables.h"

#include "run/table_rows.h"

#define TABLE(id, type, group, row, across, is_gathered, coordinates, steps, provenance, long_name)          \
    typedef type row_of_##id;
#include "run/tables.def"
#undef TABLE

/* Type of a member's values in the file, and whether the member only points to them: a member of another type
 * does not compile. */
#define MEMBER(table, member) (((const row_of_##table *)0)->member)
#define TYPE_OF(value)                                                                                       \
    _Generic((value), double: MUIR_F64, const double *: MUIR_F64, float: MUIR_F32, const float *: MUIR_F32,  \
             int64_t: MUIR_I64, int32_t: MUIR_I32)
#define IS_LENT(value)                                                                                       \
    _Generic(&(value), const double *const * : true, const float *const * : true, default : false)

static const muir_table_shape shapes[MUIR_TABLE_COUNT] = {
#define TABLE(id, type, group, row, across, is_gathered, coordinates, steps, provenance, long_name)          \
    {group,       {row, "1", long_name, MUIR_##provenance},                                                  \
     across,      is_gathered,                                                                               \
     coordinates, MUIR_STEPS_##steps,                                                                        \
     sizeof(type)},
#include "run/tables.def"
#undef TABLE
};

static const muir_column_row columns[MUIR_COLUMN_COUNT] = {
#define COLUMN(table, name, member, is_wide, units, provenance, long_name)                                   \
    {MUIR_TABLE_##table,                                                                                     \
     offsetof(row_of_##table, member),                                                                       \
     IS_LENT(MEMBER(table, member)),                                                                         \
     {{#name, units, long_name, MUIR_##provenance}, TYPE_OF(MEMBER(table, member)), is_wide}},
#include "run/columns.def"
#undef COLUMN
};

const muir_table_shape *muir_table_shape_of(muir_record_table table)
{
    return &shapes[table];
}

const muir_column_row *muir_columns_of(muir_record_table table, size_t *n)
{
    size_t first = 0, end = 0;
    while (first < MUIR_COLUMN_COUNT && columns[first].table != table) first++;
    for (end = first; end < MUIR_COLUMN_COUNT && columns[end].table == table;) end++;
    *n = end - first;
    return &columns[first];
}

const muir_column_row *muir_column_of(muir_record_column column)
{
    return &columns[column];
}

size_t muir_column_index(muir_record_column column)
{
    size_t n = 0;
    return (size_t)(&columns[column] - muir_columns_of(columns[column].table, &n));
}

const void *muir_column_values(const muir_column_row *column, const void *row)
{
    const char *member = (const char *)row + column->offset;
    return column->is_lent ? *(const void *const *)(const void *)member : member;
}

size_t muir_table_batch_rows(size_t width, size_t value_bytes)
{
    const size_t rows = ((size_t)1 << 20) / (width * value_bytes);
    return rows < 16 ? 16 : rows > 1024 ? 1024 : rows;
}

int64_t muir_table_every(muir_record_table table, const muir_scenario *scenario)
{
    switch (shapes[table].steps) {
    case MUIR_STEPS_NONE: return 0;
    case MUIR_STEPS_EACH: return 1;
    case MUIR_STEPS_SERVER_EVERY: return scenario->telemetry.server_every;
    case MUIR_STEPS_HOST_EVERY: return scenario->host.every;
    }
    return 0;
}
