/* SPDX-License-Identifier: BSD-3-Clause */
/* Reading and writing of tuning tables. */
#include "scenario/tuning_table.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/text.h"
#include "scenario/yaml.h"

enum { PATH_SIZE = 1100 };

#define OPTION MUIR_OPTION_ROW
#define MUIR_OPTION_OWNER muir_tuning_row
static const muir_option options[] = {
#include "scenario/tuning.def"
};
#undef MUIR_OPTION_OWNER
#undef OPTION
enum { N_OPTIONS = sizeof options / sizeof options[0] };

static const muir_section sections[] = {MUIR_SECTION("", 0, options)};
const muir_schema muir_tuning_schema = MUIR_SCHEMA("tuning", NULL, sections, muir_tuning_row);

muir_status muir_tuning_table_add(muir_ctx *ctx, muir_tuning_table *table, const muir_tuning_row *row)
{
    if (table->n == table->room) {
        const int room = table->room ? 2 * table->room : 64;
        muir_tuning_row *rows = realloc(table->rows, (size_t)room * sizeof *rows);
        if (!rows) return muir_fail(ctx, MUIR_ERR_MEM, "no memory for %d rows of a tuning table", room);
        table->rows = rows;
        table->room = room;
    }
    table->rows[table->n++] = *row;
    return MUIR_OK;
}

void muir_tuning_table_free(muir_tuning_table *table)
{
    free(table->rows);
    *table = (muir_tuning_table){NULL, 0, 0};
}

/* Reading. */

static muir_status read_row(muir_ctx *ctx, const char *path, const muir_yaml_tree *tree,
                            const muir_yaml_node *node, muir_tuning_row *row)
{
    muir_status st = MUIR_OK;
    muir_loader loader;
    if (node->kind != MUIR_YAML_MAPPING)
        return muir_fail(ctx, MUIR_ERR_ARG, "%s:%d: a row must hold keys, such as {op: all_reduce, ...}",
                         path, node->line);
    MUIR_TRY(muir_yaml_begin(ctx, &muir_tuning_schema, path, row, &loader));
    row->line = node->line;
    MUIR_TRY(muir_yaml_apply(ctx, &loader, tree, node));
    snprintf(loader.path, sizeof loader.path, "%s:%d", path, node->line);
    MUIR_TRY(muir_yaml_finish(ctx, &loader));
done:
    return st;
}

static muir_status read_rows(muir_ctx *ctx, const char *path, const muir_yaml_tree *tree,
                             muir_tuning_table *table)
{
    muir_status st = MUIR_OK;
    const muir_yaml_node *rows = muir_yaml_tree_child(tree, &tree->nodes[0], "rows");
    if (!rows || rows->kind != MUIR_YAML_SEQUENCE)
        return muir_fail(ctx, MUIR_ERR_ARG, "%s: not a tuning table, which starts with `rows:`", path);
    for (int i = tree->nodes[0].first; i >= 0; i = tree->nodes[i].next)
        if (&tree->nodes[i] != rows)
            return muir_fail(ctx, MUIR_ERR_ARG, "%s:%d: '%s' where a tuning table holds one key, `rows`",
                             path, tree->nodes[i].line, muir_quote(tree->nodes[i].key).s);
    for (int i = rows->first; i >= 0; i = tree->nodes[i].next) {
        muir_tuning_row row;
        MUIR_TRY(read_row(ctx, path, tree, &tree->nodes[i], &row));
        MUIR_TRY(muir_tuning_table_add(ctx, table, &row));
    }
done:
    return st;
}

muir_status muir_tuning_table_load(muir_ctx *ctx, const char *path, muir_tuning_table *table)
{
    muir_status st = MUIR_OK;
    muir_yaml_tree tree = {NULL, 0, 0};
    if (access(path, F_OK) != 0 && errno == ENOENT) return MUIR_OK;
    MUIR_TRY(muir_yaml_tree_read(ctx, path, &tree));
    MUIR_TRY(read_rows(ctx, path, &tree, table));
done:
    muir_yaml_tree_free(&tree);
    return st;
}

/* Writing. */

static void print_row(FILE *out, const muir_tuning_row *row)
{
    char text[MUIR_TEXT_SIZE];
    for (int i = 0; i < N_OPTIONS; i++) {
        muir_option_get(&sections[0], &options[i], row, text, sizeof text);
        const char *quote = strpbrk(text, " ,:{}[]'\"#&*!|>%@`") || !text[0] ? "'" : "";
        fprintf(out, "%s%s: %s", i ? ", " : "- {", options[i].name, quote);
        for (const char *c = text; *c; c++) fprintf(out, *c == '\'' ? "''" : "%c", *c);
        fprintf(out, "%s", quote);
    }
    fprintf(out, "}\n");
}

muir_status muir_tuning_table_save(muir_ctx *ctx, const char *path, const muir_tuning_table *table)
{
    char other[PATH_SIZE];
    snprintf(other, sizeof other, "%s.%ld", path, (long)getpid());
    FILE *out = fopen(other, "w");
    if (!out) return muir_fail(ctx, MUIR_ERR_FILE, "%s: cannot be written: %s", other, strerror(errno));
    fprintf(out,
            "# Which collective algorithm was the fastest where, measured by muir (muir help tuning lists "
            "the keys).\n# Rows may be deleted: what is missing is measured again.\nrows:\n");
    for (int i = 0; i < table->n; i++) print_row(out, &table->rows[i]);
    const bool is_written = fflush(out) == 0 && fsync(fileno(out)) == 0;
    if (fclose(out) != 0 || !is_written || rename(other, path) != 0) {
        const int cause = errno;
        unlink(other);
        return muir_fail(ctx, MUIR_ERR_FILE, "%s: cannot be written: %s", path, strerror(cause));
    }
    return MUIR_OK;
}
