/* SPDX-License-Identifier: BSD-3-Clause */
/* Reading and writing of tuning tables; libyaml's document tells on which line a row stands. */
#include "scenario/tuning_table.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <yaml.h>

#include "base/text.h"

enum { PATH_SIZE = 1100, WHERE_SIZE = 1200 };

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

static const char *text_of(const yaml_node_t *node)
{
    return node && node->type == YAML_SCALAR_NODE ? (const char *)node->data.scalar.value : NULL;
}

static int find_option(const char *name)
{
    for (int i = 0; i < N_OPTIONS; i++)
        if (strcmp(options[i].name, name) == 0) return i;
    return -1;
}

static muir_status fail_key(muir_ctx *ctx, const char *where, const char *key)
{
    const char *names[N_OPTIONS];
    for (int i = 0; i < N_OPTIONS; i++) names[i] = options[i].name;
    const char *meant = muir_closest(key, names, N_OPTIONS);
    return muir_fail(ctx, MUIR_ERR_ARG, "%s: unknown key '%s'%s%s%s (muir help tuning lists the keys)", where,
                     key, meant ? ", did you mean '" : "", meant ? meant : "", meant ? "'?" : "");
}

static muir_status read_row(muir_ctx *ctx, const char *path, yaml_document_t *document,
                            const yaml_node_t *node, muir_tuning_row *row)
{
    char where[WHERE_SIZE];
    bool is_given[N_OPTIONS] = {false};
    snprintf(where, sizeof where, "%s:%zu", path, node->start_mark.line + 1);
    if (node->type != YAML_MAPPING_NODE)
        return muir_fail(ctx, MUIR_ERR_ARG, "%s: a row must hold keys, such as {op: all_reduce, ...}", where);
    muir_status st = muir_schema_defaults(ctx, &muir_tuning_schema, row);
    row->line = (int64_t)node->start_mark.line + 1;
    for (const yaml_node_pair_t *pair = node->data.mapping.pairs.start;
         st == MUIR_OK && pair < node->data.mapping.pairs.top; pair++) {
        const char *key = text_of(yaml_document_get_node(document, pair->key));
        const char *value = text_of(yaml_document_get_node(document, pair->value));
        const int i = key ? find_option(key) : -1;
        if (i < 0) return fail_key(ctx, where, key ? key : "");
        if (!value) return muir_fail(ctx, MUIR_ERR_ARG, "%s: '%s' must be a single value", where, key);
        is_given[i] = true;
        st = muir_option_set(ctx, where, &sections[0], &options[i], value, row);
    }
    for (int i = 0; i < N_OPTIONS && st == MUIR_OK; i++)
        if (!options[i].initial && !is_given[i])
            st = muir_fail(ctx, MUIR_ERR_ARG, "%s: key '%s' is missing: %s", where, options[i].name,
                           options[i].help);
    return st;
}

static const yaml_node_t *rows_of(yaml_document_t *document)
{
    const yaml_node_t *root = yaml_document_get_root_node(document);
    if (!root || root->type != YAML_MAPPING_NODE) return NULL;
    for (const yaml_node_pair_t *pair = root->data.mapping.pairs.start; pair < root->data.mapping.pairs.top;
         pair++) {
        const char *key = text_of(yaml_document_get_node(document, pair->key));
        const yaml_node_t *value = yaml_document_get_node(document, pair->value);
        if (key && strcmp(key, "rows") == 0 && value->type == YAML_SEQUENCE_NODE) return value;
    }
    return NULL;
}

static muir_status read_rows(muir_ctx *ctx, const char *path, yaml_document_t *document,
                             muir_tuning_table *table)
{
    muir_status st = MUIR_OK;
    const yaml_node_t *rows = rows_of(document);
    if (!rows) return muir_fail(ctx, MUIR_ERR_ARG, "%s: no tuning table, which starts with `rows:`", path);
    for (const yaml_node_item_t *item = rows->data.sequence.items.start; item < rows->data.sequence.items.top;
         item++) {
        muir_tuning_row row;
        MUIR_TRY(read_row(ctx, path, document, yaml_document_get_node(document, *item), &row));
        MUIR_TRY(muir_tuning_table_add(ctx, table, &row));
    }
done:
    return st;
}

muir_status muir_tuning_table_load(muir_ctx *ctx, const char *path, muir_tuning_table *table)
{
    muir_status st = MUIR_OK;
    char *text = NULL;
    size_t length = 0;
    yaml_parser_t parser;
    yaml_document_t document;
    if (access(path, F_OK) != 0 && errno == ENOENT) return MUIR_OK;
    st = muir_text_read(ctx, path, &text, &length);
    if (st != MUIR_OK) return st;
    if (!yaml_parser_initialize(&parser)) {
        free(text);
        return muir_fail(ctx, MUIR_ERR_MEM, "no memory to read %s", path);
    }
    yaml_parser_set_input_string(&parser, (const unsigned char *)text, length);
    if (yaml_parser_load(&parser, &document)) {
        st = read_rows(ctx, path, &document, table);
        yaml_document_delete(&document);
    } else {
        st = muir_fail(ctx, MUIR_ERR_ARG, "%s:%zu: not YAML: %s", path, parser.problem_mark.line + 1,
                       parser.problem);
    }
    yaml_parser_delete(&parser);
    free(text);
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
