/* SPDX-License-Identifier: BSD-3-Clause */
/* Tables and columns of the telemetry: what a slip of one row would break. */
#include "run/tables.h"

#include <stdio.h>
#include <string.h>

#include "check.h"
#include "run/table_rows.h"

static void every_column_belongs_to_the_table_that_lists_it(void)
{
    size_t sum = 0;
    for (muir_record_table t = 0; t < MUIR_TABLE_COUNT; t++) {
        size_t n = 0;
        const muir_column_row *columns = muir_columns_of(t, &n);
        CU_ASSERT(n > 0);
        for (size_t i = 0; i < n; i++) CU_ASSERT_EQUAL(columns[i].table, t);
        sum += n;
    }
    CU_ASSERT_EQUAL(sum, MUIR_COLUMN_COUNT); /* the rows of a table stand together */
    CU_ASSERT_EQUAL(muir_column_index(MUIR_COLUMN_FLEET_step_time_s), 0);
    CU_ASSERT_EQUAL(muir_column_index(MUIR_COLUMN_EVENTS_kind), 0);
    CU_ASSERT_EQUAL(muir_column_index(MUIR_COLUMN_EVENTS_start_s), 2);
}

static size_t bytes_of(const muir_column_row *column)
{
    if (column->is_lent) return sizeof(void *);
    return column->column.type == MUIR_F64 || column->column.type == MUIR_I64 ? 8 : 4;
}

static void no_two_columns_store_the_same_member(void)
{
    for (muir_record_table t = 0; t < MUIR_TABLE_COUNT; t++) {
        size_t n = 0;
        const muir_column_row *columns = muir_columns_of(t, &n);
        for (size_t i = 0; i < n; i++) {
            CU_ASSERT(columns[i].offset + bytes_of(&columns[i]) <= muir_table_shape_of(t)->row_bytes);
            for (size_t k = 0; k < i; k++) {
                const bool is_same = columns[i].offset == columns[k].offset ||
                                     strcmp(columns[i].column.label.name, columns[k].column.label.name) == 0;
                if (is_same)
                    fprintf(stderr, "%s and %s\n", columns[i].column.label.name,
                            columns[k].column.label.name);
                CU_ASSERT_FALSE(is_same);
            }
        }
    }
}

static void wide_columns_have_a_second_dimension(void)
{
    for (muir_record_table t = 0; t < MUIR_TABLE_COUNT; t++) {
        size_t n = 0, wide = 0;
        const muir_table_shape *shape = muir_table_shape_of(t);
        const muir_column_row *columns = muir_columns_of(t, &n);
        for (size_t i = 0; i < n; i++) {
            wide += columns[i].column.is_wide;
            CU_ASSERT(!columns[i].is_lent || columns[i].column.is_wide);
        }
        CU_ASSERT_EQUAL(wide > 0, shape->across != NULL);
        CU_ASSERT(!shape->is_gathered || shape->across);
    }
}

/* The end of a name says the unit. Ramps and bands are named after the time and the frequencies that they are
 * taken over. */
static void names_end_in_their_unit(void)
{
    static const struct {
        const char *tail, *units;
    } tails[] = {{"_flop_per_s", "FLOP/s"},
                 {"tokens_per_s", "token/s"},
                 {"_s", "s"},
                 {"_w", "W"},
                 {"_j", "J"},
                 {"_hz", "Hz"},
                 {"_usd", "USD"},
                 {"_c", "degC"},
                 {"_bytes", "byte"},
                 {"_flop", "FLOP"}};
    for (muir_record_table t = 0; t < MUIR_TABLE_COUNT; t++) {
        size_t n = 0;
        const muir_column_row *columns = muir_columns_of(t, &n);
        for (size_t i = 0; i < n; i++) {
            const muir_label *label = &columns[i].column.label;
            if (strncmp(label->name, "ramp_", 5) == 0 || strncmp(label->name, "band_", 5) == 0) continue;
            for (size_t k = 0; k < sizeof tails / sizeof tails[0]; k++) {
                const size_t length = strlen(label->name), tail = strlen(tails[k].tail);
                if (length < tail || strcmp(label->name + length - tail, tails[k].tail) != 0) continue;
                if (strcmp(label->units, tails[k].units) != 0)
                    fprintf(stderr, "%s: %s\n", label->name, label->units);
                CU_ASSERT_STRING_EQUAL(label->units, tails[k].units);
                break;
            }
        }
    }
}

/* Columns as they are written: the last word of the member, or of its index. */
static const struct {
    muir_record_table table;
    const char *name, *member;
} written[] = {
#define COLUMN(table, name, member, ...) {MUIR_TABLE_##table, #name, #member},
#include "run/columns.def"
#undef COLUMN
};
enum { WRITTEN = sizeof written / sizeof written[0] };

/* "row.tally.gemm_s" is gemm_s;
 * "band_share[MUIR_POWER_band_1_hz]" is band_1_hz, and a plain index is none. */
static void word_of(const char *member, char word[64])
{
    const char *index = strchr(member, '['), *dot = strrchr(member, '.'), *start = dot ? dot + 1 : member;
    const bool is_part = index && strncmp(index, "[MUIR_PART_", 11) == 0;
    word[0] = '\0';
    if (index && strncmp(index, "[MUIR_", 6) != 0) return;
    if (index) start = is_part ? index + 11 : index + 12; /* 12: [MUIR_POWER_ */
    snprintf(word, 64, "%.*s%s", (int)strcspn(start, "]"), start, is_part ? "_s" : "");
}

static bool ends_in_word(const char *name, const char *word)
{
    const size_t n = strlen(name), w = strlen(word);
    return strcmp(name, word) == 0 || (n > w && name[n - w - 1] == '_' && strcmp(name + n - w, word) == 0);
}

/* Two rows that had changed their members would store each other's numbers without a warning. */
static void a_member_is_stored_by_the_column_of_its_name(void)
{
    for (int i = 0; i < WRITTEN; i++) {
        char word[64];
        bool is_name = false;
        word_of(written[i].member, word);
        for (int k = 0; k < WRITTEN && word[0]; k++)
            is_name =
                is_name || (written[k].table == written[i].table && ends_in_word(written[k].name, word));
        const bool is_right = !is_name || ends_in_word(written[i].name, word);
        if (!is_right) fprintf(stderr, "column %s stores %s\n", written[i].name, written[i].member);
        CU_ASSERT(is_right);
    }
}

static void every_part_of_a_step_is_a_column(void)
{
    size_t n = 0, found = 0;
    muir_fleet_row row = {.step_s = 1.0};
    const muir_column_row *columns = muir_columns_of(MUIR_TABLE_FLEET, &n);
    for (int p = 0; p < MUIR_PART_COUNT; p++) {
        char name[32];
        row.part_s[p] = 100.0 + p;
        snprintf(name, sizeof name, "%s_s", muir_part_name((muir_part)p));
        for (size_t i = 0; i < n; i++) {
            if (strcmp(columns[i].column.label.name, name) != 0) continue;
            double value = 0.0;
            memcpy(&value, muir_column_values(&columns[i], &row), sizeof value);
            CU_ASSERT_EQUAL(value, 100.0 + p);
            found++;
        }
    }
    CU_ASSERT_EQUAL(found, MUIR_PART_COUNT);
}

static void values_are_found_in_the_row_or_where_it_points(void)
{
    const float slowdown[] = {1.0F, 1.5F};
    const muir_server_row server = {slowdown};
    muir_collectives_row collectives = {.calls = {0.0}};
    size_t n = 0;
    CU_ASSERT_PTR_EQUAL(muir_column_values(muir_columns_of(MUIR_TABLE_SERVER, &n), &server), slowdown);
    const muir_column_row *columns = muir_columns_of(MUIR_TABLE_COLLECTIVES, &n);
    CU_ASSERT_PTR_EQUAL(muir_column_values(&columns[0], &collectives), collectives.calls);
    CU_ASSERT_PTR_EQUAL(muir_column_values(&columns[n - 1], &collectives), collectives.best_s);
}

int main(int argc, char **argv)
{
    CU_TestInfo tests[] = {
        {"every column belongs to the table that lists it", every_column_belongs_to_the_table_that_lists_it},
        {"no two columns store the same member", no_two_columns_store_the_same_member},
        {"wide columns have a second dimension", wide_columns_have_a_second_dimension},
        {"names end in their unit", names_end_in_their_unit},
        {"a member is stored by the column of its name", a_member_is_stored_by_the_column_of_its_name},
        {"every part of a step is a column", every_part_of_a_step_is_a_column},
        {"values are found in the row or where it points", values_are_found_in_the_row_or_where_it_points},
        CU_TEST_INFO_NULL,
    };
    return muir_test_main(argc, argv, "tables", tests);
}
